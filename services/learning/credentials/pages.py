"""The page on which anybody verifies a credential, the holder's own, and the certificate on paper."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import segno
from starlette.responses import Response

from services.learning.credentials.badges import drawing, page_of
from services.learning.credentials.queries import Held
from services.learning.credentials.rules import Standing
from shared import typesetting
from shared.runtime.pages import Pages, day
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEMPLATE = Path(__file__).with_name("templates") / "certificate.typ"

TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "valid": "Valido",
        "expired": "Scaduto",
        "revoked": "Revocato",
        "says_valid": "Questo attestato è autentico e valido.",
        "says_expired": "Questo attestato è autentico, ma non vale più: è scaduto {day}.",
        "says_revoked": "Questo attestato non vale: chi l'ha rilasciato l'ha revocato {day}.",
        "issuer": "Rilasciato da",
        "issued_on": "Rilasciato",
        "expires_on": "Valido fino a",
        "no_end": "Non scade",
        "holder": "A chi",
        "hidden": "Il nome di chi lo ha ricevuto non è mostrato: lo decide chi lo porta.",
        "criteria": "Come si ottiene",
        "take": "Scarica",
        "certificate": "Attestato in PDF",
        "signed": "Attestato firmato (Open Badges 3.0, JWT)",
        "badge": "Distintivo con dentro l'attestato (SVG)",
        "machine": "Verificarlo con un programma",
        "machine_how": "L'attestato firmato è una credenziale verificabile secondo Open Badges 3.0: un JWT con firma "
        "ES256. Si controllano la firma, con una delle chiavi pubbliche, la scadenza e la lista di revoca, che è "
        "firmata a sua volta.",
        "keys": "Chiavi pubbliche (JWKS)",
        "status": "Lista di revoca",
        "ask": "Chiedi il collegamento giusto a chi te l'ha dato.",
        "who": "Questo attestato è di {person}.",
        "earned": "Hai ottenuto un attestato",
        "name": "Il tuo nome",
        "name_shown": "Il tuo nome è mostrato sulla pagina pubblica e nell'attestato firmato.",
        "name_hidden": "Il tuo nome non è mostrato sulla pagina pubblica.",
        "name_why": "Mostrarlo serve a chi deve sapere che l'attestato è tuo, per esempio perché metti l'indirizzo "
        "della pagina nel tuo curriculum. Puoi cambiare idea quando vuoi; chi ha scaricato l'attestato firmato lo "
        "conserva com'era.",
        "show": "Mostra il mio nome",
        "hide": "Non mostrare il mio nome",
        "saved": "La scelta è registrata.",
        "public": "La pagina pubblica",
        "public_why": "Chi ha questo indirizzo può verificare l'attestato:",
        "own_certificate": "Il tuo attestato in PDF, con il nome",
    },
    "en": {
        "valid": "Valid",
        "expired": "Expired",
        "revoked": "Revoked",
        "says_valid": "This credential is authentic and valid.",
        "says_expired": "This credential is authentic, but holds no more: it expired on {day}.",
        "says_revoked": "This credential does not hold: its issuer revoked it on {day}.",
        "issuer": "Issued by",
        "issued_on": "Issued on",
        "expires_on": "Valid until",
        "no_end": "It does not expire",
        "holder": "To whom",
        "hidden": "The name of whoever received it is not shown: its bearer decides.",
        "criteria": "How it is earned",
        "take": "Download",
        "certificate": "Certificate (PDF)",
        "signed": "Signed credential (Open Badges 3.0, JWT)",
        "badge": "Badge with the credential in it (SVG)",
        "machine": "Verifying it by a program",
        "machine_how": "The signed credential is a verifiable credential as Open Badges 3.0 has it: a JWT signed with "
        "ES256. To be checked are the signature, with one of the public keys, the expiry, and the list of revocations, "
        "which is signed too.",
        "keys": "Public keys (JWKS)",
        "status": "List of revocations",
        "ask": "Ask whoever gave you the link for the right one.",
        "who": "This credential is of {person}.",
        "earned": "You earned a credential",
        "name": "Your name",
        "name_shown": "Your name is shown on the public page and in the signed credential.",
        "name_hidden": "Your name is not shown on the public page.",
        "name_why": "Showing it helps those who need to know that the credential is yours, for instance because you "
        "put the page's address in your curriculum. You can change your mind at any time; who downloaded the signed "
        "credential keeps it as it was.",
        "show": "Show my name",
        "hide": "Do not show my name",
        "saved": "Your choice is recorded.",
        "public": "The public page",
        "public_why": "Whoever has this address can verify the credential:",
        "own_certificate": "Your certificate (PDF), with your name",
    },
}
PAPER: dict[str, dict[str, Any]] = {
    "it": {
        "title": "Attestato",
        "to": "Si attesta che",
        "whoever": "chi presenta questo documento",
        "has": "ha ottenuto",
        "criteria": "Come si ottiene",
        "issued": "Rilasciato da {network} {day}.",
        "until": "Valido fino a {day}.",
        "no_end": "Non scade.",
        "verify": "Questo foglio da solo non prova nulla: se l'attestato è autentico e vale ancora, lo dice la "
        "pagina a cui porta il codice.",
        "code": "Codice che porta alla pagina di verifica",
        "expired": "Scaduto {day}.",
        "revoked": "Revocato {day}.",
        "page": ["Pagina", "di"],
        "badge": "Distintivo: {title}",
    },
    "en": {
        "title": "Certificate",
        "to": "This is to certify that",
        "whoever": "the bearer of this document",
        "has": "has earned",
        "criteria": "How it is earned",
        "issued": "Issued by {network} on {day}.",
        "until": "Valid until {day}.",
        "no_end": "It does not expire.",
        "verify": "This sheet proves nothing by itself: whether the certificate is authentic and still holds is said "
        "by the page to which the code leads.",
        "code": "Code that leads to the page of verification",
        "expired": "Expired on {day}.",
        "revoked": "Revoked on {day}.",
        "page": ["Page", "of"],
        "badge": "Badge: {title}",
    },
}
TAGS = {Standing.VALID: "good", Standing.EXPIRED: "late", Standing.REVOKED: "late"}


def verified(language: str, found: Mapping[str, Any], network: Any) -> Response:
    texts = TEXTS[language]
    return PAGES.page(
        language,
        found["title"],
        "verify.html",
        network=network,
        found=found,
        public=True,
        drawn=drawn(found, network),
        says=says(found, language),
        tag=TAGS[found["standing"]],
        texts=texts,
    )


def drawn(found: Mapping[str, Any], network: Any) -> str:
    return drawing(found["title"], network.name)


def says(found: Mapping[str, Any], language: str) -> str:
    on = found["revoked_on"] if found["standing"] is Standing.REVOKED else found["expires_on"]
    return TEXTS[language][f"says_{found['standing']}"].format(day=day(on, language) if on else "")


def own(
    language: str,
    held: Held,
    found: Mapping[str, Any],
    network: Any,
    token: str,
    root: str,
    *,
    saved: bool,
) -> Response:
    """What the holder's link shows. It does nothing: the button posts to the same address."""
    texts = TEXTS[language]
    return PAGES.page(
        language,
        found["title"],
        "own.html",
        network=network,
        found=found,
        public=False,
        who=texts["who"].format(person=held.person) if held.person else "",
        named=held.credential.named,
        can_name=bool(held.person),
        drawn=drawn(found, network),
        says=says(found, language),
        tag=TAGS[found["standing"]],
        page=page_of(root, held.credential.code),
        token=token,
        saved=saved,
        texts=texts,
    )


def gone(language: str, problem: Problem) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["ask"])


def certificate(language: str, held: Held, network: Any, root: str, on: date, named: bool) -> bytes:
    """The PDF of a certificate as it stands on that day; with the holder's name only when that is said. Takes a tenth
    of a second: call it in a thread."""
    return typesetting.pdf(TEMPLATE, paper(language, held, network, root, on, named), on)


def paper(language: str, held: Held, network: Any, root: str, on: date, named: bool) -> dict[str, Any]:
    """What the template asks."""
    texts, one, what = PAPER[language], held.credential, held.achievement
    page = page_of(root, one.code)
    standing = one.standing(on)
    until = texts["until"].format(day=day(one.expires_on, language)) if one.expires_on else texts["no_end"]
    if standing is not Standing.VALID:
        ended = one.revoked_on if standing is Standing.REVOKED else one.expires_on
        until = texts[standing].format(day=day(ended, language)) if ended else until
    return {
        "language": language,
        "title": texts["title"],
        "author": network.name,
        "date": on.isoformat(),
        "page_words": texts["page"],
        "to": texts["to"],
        "who": held.person if named and held.person else texts["whoever"],
        "has": texts["has"],
        "what": what.title,
        "description": what.description,
        "criteria_heading": texts["criteria"],
        "criteria": what.criteria,
        "issued": texts["issued"].format(network=network.name, day=day(one.issued_on, language)),
        "until": until,
        "over": standing is not Standing.VALID,
        "verify": texts["verify"],
        "page": page,
        "code": code(page),
        "code_alt": texts["code"],
        "badge": drawing(what.title, network.name),
        "badge_alt": texts["badge"].format(title=what.title),
    }


def code(address: str) -> str:
    """A QR code as SVG."""
    made = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        made, kind="svg", scale=8, border=4, light="#fff", xmldecl=False, svgns=True
    )
    return made.getvalue().decode()
