"""The pact on paper, in Italian or English: what `templates/pact.typ` prints."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from babel.dates import format_date

from services.registry.commitments.rules import State as CommitmentState
from services.registry.pacts.commands import Clear
from services.registry.pacts.queries import Shown
from services.registry.pacts.rules import SIDES, Kept, Kind, Obligation, Side, State, StepOutcome
from shared import territories
from shared.runtime.italian import with_article

TEMPLATE = Path(__file__).with_name("templates") / "pact.typ"
LANGUAGES = ("it", "en")

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Patto generativo {code}", "Generative pact {code}"),
    "between": ("Le parti", "The parties"),
    "promoter": ("Promuove il patto", "Promoted by"),
    "beneficiary": ("Beneficiario", "Beneficiary"),
    "contact": ("Recapito", "Contact"),
    "maker": ("Community maker", "Community maker"),
    "nobody": ("da nominare", "to be named"),
    "territory": ("Territorio", "Territory"),
    "state": ("Stato", "State"),
    "term": ("Durata", "Term"),
    "renewals": ("Rinnovi", "Renewals"),
    "obligations": ("Gli impegni", "The obligations"),
    "number": ("N.", "No."),
    "side": ("Chi", "Who"),
    "what": ("Che cosa", "What"),
    "by": ("Entro il", "By"),
    "outcome": ("Esito", "Outcome"),
    "steps": ("I passi verso l'autonomia", "The steps to autonomy"),
    "no_obligations": ("Nessun impegno.", "No obligations."),
    "no_steps": ("Nessun passo.", "No steps."),
    "not_concrete": ("da definire", "to be agreed"),
    "missing": (
        "Perché il patto sia completo manca un impegno concreto di: {who}.",
        "For the pact to be complete a concrete commitment is missing from: {who}.",
    ),
    "notes": ("Note", "Notes"),
    "ending": ("Conclusione", "Ending"),
    "signatures": ("Firme", "Signatures"),
    "sign_place": ("Luogo e data", "Place and day"),
    "hidden": (
        "Questa copia non contiene il nome della persona né i testi del patto.",
        "This copy holds neither the person's name nor the texts of the pact.",
    ),
    "secret": (
        "Documento riservato: contiene dati personali. Custodirlo e non inoltrarlo.",
        "Confidential: it holds personal data. Keep it safe and do not pass it on.",
    ),
    "printed": ("Stampato {on}", "Printed on {on}"),
    "page": ("Pagina", "Page"),
    "of": ("di", "of"),
}
STATES = {
    State.DRAFT: ("bozza", "draft"),
    State.COMPLETE: ("completo, da firmare", "complete, to be signed"),
    State.SIGNED: ("firmato", "signed"),
    State.ENDED: ("concluso", "ended"),
    State.BROKEN_OFF: ("interrotto", "broken off"),
}
KINDS = {Kind.PERSON: ("persona", "person"), Kind.HOUSEHOLD: ("nucleo familiare", "household")}
OUTCOMES: Mapping[Any, tuple[str, str]] = {
    Kept.KEPT: ("mantenuto", "kept"),
    Kept.PARTLY_KEPT: ("mantenuto in parte", "kept in part"),
    Kept.NOT_KEPT: ("non mantenuto", "not kept"),
    StepOutcome.REACHED: ("raggiunto", "reached"),
    StepOutcome.PARTLY_REACHED: ("raggiunto in parte", "reached in part"),
    StepOutcome.NOT_REACHED: ("non raggiunto", "not reached"),
    StepOutcome.DROPPED: ("non più necessario", "not needed any more"),
    CommitmentState.FULFILLED: ("assolto", "fulfilled"),
    CommitmentState.LATE: ("in ritardo", "late"),
    CommitmentState.WAIVED: ("non più dovuto", "owed no more"),
}


def data(shown: Shown, network: str, clear: Clear | None, language: str, on: date) -> dict[str, Any]:
    """What the template prints; without `clear`, nothing of what is written about the person."""
    which = LANGUAGES.index(language)
    said = {name: both[which] for name, both in WORDS.items()}
    pact = shown.pact
    promoter = pact.body_id or pact.organisation_id
    assert promoter is not None
    person = clear.beneficiary if clear else {}
    missing = ", ".join(SIDES[side][which] for side in Side if side in _missing(shown))
    printed = with_article("il", _day(on, language)) if language == "it" else _day(on, language)
    return {
        "language": language,
        "words": {
            **said,
            "title": said["title"].format(code=pact.code),
            "missing": said["missing"].format(who=missing) if missing else "",
            "printed": said["printed"].format(on=printed),
        },
        "date": on.isoformat(),
        "code": pact.code,
        "network": network,
        "promoter": shown.names.get(promoter, ""),
        "maker": shown.names.get(pact.maker_id, "") if pact.maker_id else said["nobody"],
        "territory": _territory(pact.territory),
        "state": STATES[pact.state][which],
        "term": _term(shown, language),
        "renewals": pact.renewals,
        "clear": clear is not None,
        "beneficiary": person.get("name") or f"{KINDS[pact.kind][which]} ({pact.code})",
        "contact": person.get("contact"),
        "notes": person.get("notes"),
        "ending": (clear.ending if clear else None) or None,
        "obligations": [_obligation(one, shown, clear, language, said) for one in shown.obligations],
        "steps": [
            {
                "number": step.number,
                "what": (clear.steps[step.number][0] if clear else None) or "–",
                "note": clear.steps[step.number][1] if clear else None,
                "by": _day(step.due, language),
                "outcome": OUTCOMES[step.outcome][which] if step.outcome else "–",
            }
            for step in shown.steps
        ],
        "signers": _signers(shown, clear) if clear else [],
    }


def _missing(shown: Shown) -> set[Side]:
    if shown.pact.state is not State.DRAFT:
        return set()
    return set(Side) - {one.side for one in shown.obligations if one.concrete}


def _obligation(
    one: Obligation, shown: Shown, clear: Clear | None, language: str, said: Mapping[str, str]
) -> dict[str, Any]:
    which = LANGUAGES.index(language)
    owed = shown.owed.get(one.id)
    came = one.outcome or (owed.state if owed else None)
    return {
        "number": one.number,
        "side": SIDES[one.side][which],
        "holder": shown.names.get(one.owner, "") if one.owner else None,
        "what": (clear.obligations[one.number] if clear else None) or ("–" if one.sealed else said["not_concrete"]),
        "by": _day(one.due, language) if one.due else said["not_concrete"],
        "outcome": OUTCOMES[came][which] if came in OUTCOMES else "–",
    }


def _signers(shown: Shown, clear: Clear) -> list[str]:
    """Who signs: the promoter, each holder once, and the beneficiary."""
    pact = shown.pact
    promoter = pact.body_id or pact.organisation_id
    holders = (one.owner for one in shown.obligations if one.owner)
    names = [shown.names.get(id_, "") for id_ in dict.fromkeys([promoter, *holders]) if id_]
    return [*names, clear.beneficiary.get("name") or pact.code]


def _term(shown: Shown, language: str) -> str:
    pact = shown.pact
    if pact.since is None or pact.until is None:
        return "–"
    last = date.fromordinal(pact.until.toordinal() - 1)
    return f"{_day(pact.since, language)} – {_day(last, language)}"


def _day(on: date, language: str) -> str:
    return format_date(on, "long", locale=language)


def _territory(code: str) -> str:
    italy = territories.load()
    found = italy.municipality(code) or italy.province(code) or italy.region(code)
    return found.name if found else code
