"""The text of minutes, composed from what is kept: the same material gives the same document, word for word.

A document is sections of lines and items, in the network's language; the page, the plain text and the JSON are three
views of it. What did not happen is said too: a reader must be able to tell "nothing" from "forgotten".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from babel.dates import format_date, format_time

from shared.access.actor import ROME
from shared.runtime.italian import with_article

LANGUAGES = ("it", "en")
LISTED = 500
"""As many absent ones are named: of an assembly of thousands the minutes say how many, the list of attendance who."""


@dataclass(frozen=True)
class Attendee:
    """`organisation` None: for nobody but themselves. `stood_for_by` is the name of who holds their proxy. `mode` None:
    nothing was recorded, which is said as absent."""

    name: str
    organisation: str | None
    mode: str | None
    guest: bool = False
    stood_for_by: str | None = None


@dataclass(frozen=True)
class Figures:
    call: int
    entitled: int
    present: int
    by_proxy: int
    needed: int

    @property
    def reached(self) -> bool:
        return self.present + self.by_proxy >= self.needed


@dataclass(frozen=True)
class Voted:
    question: str
    in_favour: int
    against: int
    abstained: int
    entitled: int
    outcome: str


@dataclass(frozen=True)
class Decided:
    title: str
    kind: tuple[str, str]
    owner: str | None
    due: date | None


@dataclass(frozen=True)
class Material:
    language: str
    network: str
    body: str | None
    title: str
    founding: bool
    starts_at: datetime
    mode: str
    place: str | None
    agenda: Sequence[str]
    attendees: Sequence[Attendee]
    figures: Figures
    ballots: Sequence[Voted]
    decisions: Sequence[Decided]


TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Verbale della riunione {of_day}",
        "meeting": "Riunione",
        "met": "Il giorno {day}, alle ore {hour}, si è riunito «{body}», {call}, {mode}.",
        "met_network": "Il giorno {day}, alle ore {hour}, si è riunita la rete «{network}», {mode}.",
        "subject": "Oggetto: {title}.",
        "founding": "La riunione è stata convocata per costituire «{body}».",
        "call_1": "in prima convocazione",
        "call_2": "in seconda convocazione",
        "in_person": "in presenza",
        "remote": "a distanza",
        "hybrid": "in presenza e a distanza",
        "at": "{mode} ({place})",
        "agenda": "Ordine del giorno",
        "no_agenda": "Nessun ordine del giorno.",
        "attendance": "Presenze",
        "present": "Presenti",
        "remote_there": "Presenti a distanza",
        "excused": "Assenti giustificati",
        "absent": "Assenti",
        "guests": "Invitati senza diritto di voto",
        "nobody": "nessuno",
        "for": "{name} per {organisation}",
        "proxy": "{name}, per delega a {holder}",
        "quorum": "Numero legale",
        "counted": "Aventi diritto: {entitled}. Presenti: {present}, per delega: {by_proxy}. Necessari: {needed}.",
        "reached": "Il numero legale è raggiunto e la riunione è valida.",
        "not_reached": "Il numero legale non è raggiunto (mancano {missing}): nessuna decisione è stata adottata.",
        "ballots": "Votazioni",
        "no_ballots": "Nessuna votazione.",
        "voted": "«{question}»: favorevoli {in_favour}, contrari {against}, astenuti {abstained}, su {entitled} aventi "
        "diritto. {outcome}",
        "carried": "Approvata.",
        "rejected": "Respinta.",
        "no_quorum": "Non valida: manca il numero legale.",
        "decisions": "Decisioni",
        "proposals": "Proposte non adottate",
        "no_decisions": "Nessuna decisione.",
        "decided": "{title} ({kind})",
        "owed": "{title} ({kind}), a cura di {owner} entro {due}",
        "notes": "Annotazioni",
    },
    "en": {
        "title": "Minutes of the meeting {of_day}",
        "meeting": "Meeting",
        "met": "On {day}, at {hour}, “{body}” met {call}, {mode}.",
        "met_network": "On {day}, at {hour}, the network “{network}” met {mode}.",
        "subject": "Subject: {title}.",
        "founding": "The meeting was called in order to constitute “{body}”.",
        "call_1": "on first call",
        "call_2": "on second call",
        "in_person": "in person",
        "remote": "remotely",
        "hybrid": "in person and remotely",
        "at": "{mode} ({place})",
        "agenda": "Agenda",
        "no_agenda": "No agenda.",
        "attendance": "Attendance",
        "present": "Present",
        "remote_there": "Present remotely",
        "excused": "Excused",
        "absent": "Absent",
        "guests": "Guests without a vote",
        "nobody": "nobody",
        "for": "{name} for {organisation}",
        "proxy": "{name}, by proxy to {holder}",
        "quorum": "Quorum",
        "counted": "Entitled: {entitled}. Present: {present}, by proxy: {by_proxy}. Needed: {needed}.",
        "reached": "The quorum is reached and the meeting is valid.",
        "not_reached": "The quorum is not reached ({missing} missing): no decision was adopted.",
        "ballots": "Ballots",
        "no_ballots": "No ballot.",
        "voted": "“{question}”: {in_favour} in favour, {against} against, {abstained} abstained, {entitled} entitled. "
        "{outcome}",
        "carried": "Carried.",
        "rejected": "Rejected.",
        "no_quorum": "Not valid: there was no quorum.",
        "decisions": "Decisions",
        "proposals": "Proposals not adopted",
        "no_decisions": "No decision.",
        "decided": "{title} ({kind})",
        "owed": "{title} ({kind}), by {owner} {due}",
        "notes": "Notes",
    },
}


def compose(material: Material, notes: str) -> dict[str, Any]:
    """`{"language", "title", "subtitle", "sections": [{"code", "heading", "lines", "items"}]}`."""
    language = material.language if material.language in LANGUAGES else LANGUAGES[0]
    say = TEXTS[language]
    sections = [
        _section("meeting", say["meeting"], _meeting(material, say, language)),
        _section("agenda", say["agenda"], [] if material.agenda else [say["no_agenda"]], material.agenda),
        _section("attendance", say["attendance"], (), _attendance(material.attendees, say)),
        _section("quorum", say["quorum"], _quorum(material.figures, say)),
        _section("ballots", say["ballots"], [] if material.ballots else [say["no_ballots"]], _ballots(material, say)),
        _decisions(material, say, language),
    ]
    if notes.strip():
        sections.append(_section("notes", say["notes"], notes.strip().splitlines()))
    return {
        "language": language,
        "title": say["title"].format(of_day=with_article(OF[language], _day(material.starts_at, language))),
        "subtitle": " – ".join(name for name in (material.body, material.network) if name),
        "sections": sections,
    }


def plain(document: Mapping[str, Any], number: str | None = None) -> str:
    """The document as text: for a mail, an archive, or reading aloud."""
    title = document["title"] + (f" (n. {number})" if number else "")
    parts = [title, document["subtitle"]]
    for section in document["sections"]:
        items = [f"{place}. {item}" for place, item in enumerate(section["items"], 1)]
        parts.append("\n".join([section["heading"].upper(), *section["lines"], *items]))
    return "\n\n".join(parts) + "\n"


def _section(code: str, heading: str, lines: Sequence[str] = (), items: Sequence[str] = ()) -> dict[str, Any]:
    return {"code": code, "heading": heading, "lines": list(lines), "items": list(items)}


def _meeting(material: Material, say: Mapping[str, str], language: str) -> list[str]:
    mode = say[material.mode]
    if material.place:
        mode = say["at"].format(mode=mode, place=material.place)
    met = say["met" if material.body else "met_network"].format(
        day=_day(material.starts_at, language),
        hour=format_time(material.starts_at.astimezone(ROME), "HH:mm", locale=language),
        body=material.body,
        network=material.network,
        call=say[f"call_{material.figures.call}"],
        mode=mode,
    )
    founding = [say["founding"].format(body=material.body)] if material.founding and material.body else []
    return [met, say["subject"].format(title=material.title), *founding]


def _attendance(attendees: Sequence[Attendee], say: Mapping[str, str]) -> list[str]:
    """One item for each group, the empty ones too."""
    members = [one for one in attendees if not one.guest]
    away = [one for one in members if one.mode not in ("present", "remote")]
    groups = {
        "present": [one for one in members if one.mode == "present"],
        "remote_there": [one for one in members if one.mode == "remote"],
        "excused": [one for one in away if one.mode == "excused"],
        "absent": [one for one in away if one.mode != "excused"],
        "guests": [one for one in attendees if one.guest],
    }
    listed = []
    for code, group in groups.items():
        if code == "absent" and len(group) > LISTED:
            listed.append(f"{say[code]} ({len(group)})")
        elif group or code in ("present", "absent"):
            names = "; ".join(sorted(_named(one, say) for one in group)) or say["nobody"]
            listed.append(f"{say[code]} ({len(group)}): {names}")
    return listed


def _named(one: Attendee, say: Mapping[str, str]) -> str:
    name = one.name or "–"  # erased before the minutes were written
    if one.organisation:
        name = say["for"].format(name=name, organisation=one.organisation)
    return say["proxy"].format(name=name, holder=one.stood_for_by) if one.stood_for_by else name


def _quorum(figures: Figures, say: Mapping[str, str]) -> list[str]:
    counted = say["counted"].format(
        entitled=figures.entitled, present=figures.present, by_proxy=figures.by_proxy, needed=figures.needed
    )
    missing = figures.needed - figures.present - figures.by_proxy
    return [counted, say["reached"] if figures.reached else say["not_reached"].format(missing=missing)]


def _ballots(material: Material, say: Mapping[str, str]) -> list[str]:
    return [
        say["voted"].format(
            question=ballot.question,
            in_favour=ballot.in_favour,
            against=ballot.against,
            abstained=ballot.abstained,
            entitled=ballot.entitled,
            outcome=say[ballot.outcome],
        )
        for ballot in material.ballots
    ]


def _decisions(material: Material, say: Mapping[str, str], language: str) -> dict[str, Any]:
    items = []
    for decision in material.decisions:
        kind = decision.kind[LANGUAGES.index(language)].lower()
        if decision.owner is None or decision.due is None:
            items.append(say["decided"].format(title=decision.title, kind=kind))
        else:
            due = with_article(BY[language], _day(decision.due, language))
            items.append(say["owed"].format(title=decision.title, kind=kind, owner=decision.owner, due=due))
    heading = say["decisions" if material.figures.reached or not items else "proposals"]
    return _section("decisions", heading, [] if items else [say["no_decisions"]], items)


OF, BY = {"it": "del", "en": "of"}, {"it": "il", "en": "until"}


def _day(value: date | datetime, language: str) -> str:
    on = value.astimezone(ROME).date() if isinstance(value, datetime) else value
    return format_date(on, "d MMMM y", locale=language)
