"""The sheet on which those who come sign: landscape, a line for each, by the body that they represent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_time

from shared.access.actor import ROME

TEMPLATE = Path(__file__).with_name("templates") / "sheet.typ"
LANGUAGES = ("it", "en")


@dataclass(frozen=True)
class Signer:
    """Somebody who is invited, or was a guest. `mode` is what was recorded of them so far."""

    name: str
    organisation: str | None
    mode: str | None = None
    stood_for_by: str | None = None


TEXTS: dict[str, dict[str, Any]] = {
    "it": {
        "title": "Foglio delle firme",
        "when": "{day}, ore {hour}",
        "head": ["N.", "Ente rappresentato", "Nome", "Firma"],
        "remote": "a distanza",
        "excused": "giustificato",
        "proxy": "per delega a {holder}",
        "page": ["Pagina", "di"],
        "held": "Chi firma è presente alla riunione per l'ente indicato.",
    },
    "en": {
        "title": "Signature sheet",
        "when": "{day}, {hour}",
        "head": ["No.", "Body represented", "Name", "Signature"],
        "remote": "remotely",
        "excused": "excused",
        "proxy": "by proxy to {holder}",
        "page": ["Page", "of"],
        "held": "Who signs is at the meeting for the body named.",
    },
}


def sheet(
    *,
    language: str,
    network: str,
    body: str | None,
    title: str,
    starts_at: datetime,
    place: str | None,
    signers: Sequence[Signer],
    blank: int,
) -> dict[str, Any]:
    """What the template asks: `rows` of number, body, name and what stands in the space of the signature, in the order
    of bodies and names, then `blank` ones that only have a number."""
    language = language if language in LANGUAGES else LANGUAGES[0]
    say, local = TEXTS[language], starts_at.astimezone(ROME)
    rows = [
        [str(number), one.organisation or "–", one.name or "–", _instead(one, say)]
        for number, one in enumerate(sorted(signers, key=_order), 1)
    ]
    rows += [[str(len(rows) + number), "", "", ""] for number in range(1, blank + 1)]
    when = say["when"].format(
        day=format_date(local.date(), "EEEE d MMMM y", locale=language),
        hour=format_time(local, "HH:mm", locale=language),
    )
    return {
        "language": language,
        "title": say["title"],
        "author": network,
        "date": local.date().isoformat(),
        "above": " – ".join(part for part in (body, network) if part),
        "meeting": title,
        "when": ", ".join(part for part in (when, place) if part),
        "held": say["held"],
        "head": say["head"],
        "page_words": say["page"],
        "rows": rows,
    }


def _order(one: Signer) -> tuple[bool, str, str]:
    """Those who represent nobody come last."""
    return (one.organisation is None, (one.organisation or "").casefold(), one.name.casefold())


def _instead(one: Signer, say: dict[str, Any]) -> str:
    """What stands where they would sign: of who is known not to."""
    if one.stood_for_by:
        return str(say["proxy"].format(holder=one.stood_for_by))
    return str(say.get(one.mode, "")) if one.mode in ("remote", "excused") else ""
