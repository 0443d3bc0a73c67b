"""The text of minutes, composed from what is kept: the same material gives the same document, word for word.

A document is sections of lines, items and a table, in the network's language; the page, the plain text, the PDF and the
JSON are four views of it. What did not happen is said too: a reader must be able to tell "nothing" from "forgotten".
What the writer adds to a section, or writes instead of it, stays theirs when the rest is composed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from babel.dates import format_date, format_time
from babel.numbers import format_decimal

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
    organisation_id: UUID | None = None


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
class Best:
    """Of one field of a grid, the need and the resource that were scored highest: `mean` of `n` scores."""

    field: str
    need: str
    resource: str
    mean: float
    n: int


@dataclass(frozen=True)
class Voted:
    """A ballot that was closed: a motion with its three figures, a choice with the votes of each option, or a grid with
    the best of each field. `cast` papers of `entitled`; `cohorts` are names with papers cast and entitled."""

    question: str
    in_favour: int
    against: int
    abstained: int
    entitled: int
    outcome: str
    kind: str = "motion"
    secret: bool = False
    weighted: bool = False
    cast: int = 0
    options: Sequence[tuple[str, int]] = ()
    winners: Sequence[str] = ()
    cohorts: Sequence[tuple[str, int, int]] = ()
    best: Sequence[Best] = ()


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
        "represented": "Presenze per ente rappresentato",
        "body_column": "Ente",
        "present_column": "Presenti",
        "proxy_column": "Per delega",
        "excused_column": "Giustificati",
        "absent_column": "Assenti",
        "further": "Altri enti senza presenti: {count}.",
        "quorum": "Numero legale",
        "counted": "Aventi diritto: {entitled}. Presenti: {present}, per delega: {by_proxy}. Necessari: {needed}.",
        "reached": "Il numero legale è raggiunto e la riunione è valida.",
        "not_reached": "Il numero legale non è raggiunto (mancano {missing}): nessuna decisione è stata adottata.",
        "ballots": "Votazioni",
        "no_ballots": "Nessuna votazione.",
        "voted": "«{question}»: favorevoli {in_favour}, contrari {against}, astenuti {abstained}, su {entitled} aventi "
        "diritto. {outcome}",
        "choice": "«{question}»: {options}; hanno votato {cast} su {entitled} aventi diritto. {outcome}",
        "grid": "«{question}»: valutazioni di {cast} su {entitled} aventi diritto{cohorts}. {outcome}",
        "option": "{title} {votes}",
        "cohort": "{title} {cast} su {entitled}",
        "best": "Per «{field}» il valore più alto è {need} con {resource} (media {mean} su {n}).",
        "secret": "Voto segreto.",
        "weighted": "I voti sono pesati.",
        "chosen": "Scelto: {winners}.",
        "tied": "Parità.",
        "scored": "Scrutinio concluso.",
        "cancelled": "«{question}»: votazione annullata.",
        "carried": "Approvata.",
        "rejected": "Respinta.",
        "no_quorum": "Non valida: manca il numero legale.",
        "decisions": "Decisioni",
        "proposals": "Proposte non adottate",
        "no_decisions": "Nessuna decisione.",
        "decided": "{title} ({kind})",
        "owed": "{title} ({kind}), a cura di {owner} entro {due}",
        "notes": "Annotazioni",
        "approved_coordination": "Verbale n. {number}, approvato {day} da chi coordina.",
        "approved_attendees": "Verbale n. {number}, approvato {day} dai presenti: d'accordo {approved} su {asked}, "
        "obiezioni {objected}, necessari {needed}.",
        "approved_silence": "Verbale n. {number}, approvato {day} dai presenti: d'accordo {approved} su {asked}, "
        "obiezioni {objected}; chi non ha risposto entro il termine ha acconsentito.",
        "approved_next_meeting": "Verbale n. {number}, approvato {day} con il voto di una riunione successiva.",
        "objected": "Obiezioni: {objected} su {asked} presenti. Le approvazioni necessarie ({needed}) non si possono "
        "più raggiungere.",
        "late": "Entro il termine hanno approvato {approved} presenti su {asked}: ne servivano {needed}.",
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
        "represented": "Attendance by body represented",
        "body_column": "Body",
        "present_column": "Present",
        "proxy_column": "By proxy",
        "excused_column": "Excused",
        "absent_column": "Absent",
        "further": "Other bodies with nobody there: {count}.",
        "quorum": "Quorum",
        "counted": "Entitled: {entitled}. Present: {present}, by proxy: {by_proxy}. Needed: {needed}.",
        "reached": "The quorum is reached and the meeting is valid.",
        "not_reached": "The quorum is not reached ({missing} missing): no decision was adopted.",
        "ballots": "Ballots",
        "no_ballots": "No ballot.",
        "voted": "“{question}”: {in_favour} in favour, {against} against, {abstained} abstained, {entitled} entitled. "
        "{outcome}",
        "choice": "“{question}”: {options}; {cast} of {entitled} entitled voted. {outcome}",
        "grid": "“{question}”: scores of {cast} of {entitled} entitled{cohorts}. {outcome}",
        "option": "{title} {votes}",
        "cohort": "{title} {cast} of {entitled}",
        "best": "For “{field}” the highest is {need} with {resource} (mean {mean} of {n}).",
        "secret": "Secret ballot.",
        "weighted": "Votes are weighted.",
        "chosen": "Chosen: {winners}.",
        "tied": "A tie.",
        "scored": "The scores are counted.",
        "cancelled": "“{question}”: ballot cancelled.",
        "carried": "Carried.",
        "rejected": "Rejected.",
        "no_quorum": "Not valid: there was no quorum.",
        "decisions": "Decisions",
        "proposals": "Proposals not adopted",
        "no_decisions": "No decision.",
        "decided": "{title} ({kind})",
        "owed": "{title} ({kind}), by {owner} {due}",
        "notes": "Notes",
        "approved_coordination": "Minutes no. {number}, approved {day} by those who coordinate.",
        "approved_attendees": "Minutes no. {number}, approved {day} by those who were there: {approved} of {asked} "
        "agreed, {objected} objected, {needed} needed.",
        "approved_silence": "Minutes no. {number}, approved {day} by those who were there: {approved} of {asked} "
        "agreed, {objected} objected; who did not answer in time has consented.",
        "approved_next_meeting": "Minutes no. {number}, approved {day} by the vote of a later meeting.",
        "objected": "Objections: {objected} of {asked} who were there. The approvals needed ({needed}) can no longer "
        "be reached.",
        "late": "In time {approved} of {asked} who were there approved: {needed} were needed.",
    },
}


def compose(material: Material, notes: str, edits: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`{"language", "title", "subtitle", "sections": [{"code", "heading", "lines", "items", …}]}`; `edits` by section:
    `{"text", "instead", "ground"}`, see `edited`."""
    language = material.language if material.language in LANGUAGES else LANGUAGES[0]
    say = TEXTS[language]
    sections = [
        _section("meeting", say["meeting"], _meeting(material, say, language)),
        _section("agenda", say["agenda"], [] if material.agenda else [say["no_agenda"]], material.agenda),
        _attendance_section(material.attendees, say),
        _section("quorum", say["quorum"], _quorum(material.figures, say)),
        _ballots(material, say, language),
        _decisions(material, say, language),
    ]
    sections = [edited(section, (edits or {}).get(section["code"])) for section in sections]
    if notes.strip():
        sections.append(_section("notes", say["notes"], notes.strip().splitlines()))
    return {
        "language": language,
        "title": say["title"].format(of_day=with_article(OF[language], _day(material.starts_at, language))),
        "subtitle": " – ".join(name for name in (material.body, material.network) if name),
        "sections": sections,
    }


def ground(section: Mapping[str, Any]) -> str:
    """What was composed of a section, as a short mark: when it changes, what was written instead may be out of date."""
    return sha256("\n".join([*section["lines"], "", *section["items"]]).encode()).hexdigest()[:16]


def grounds(document: Mapping[str, Any]) -> dict[str, str]:
    """The mark of each section as it was composed, by its code."""
    return {section["code"]: section.get("ground") or ground(section) for section in document["sections"]}


def edited(section: dict[str, Any], edit: Mapping[str, Any] | None) -> dict[str, Any]:
    """The section with what its writer added, or wrote instead of what is composed. `outdated`: what it was written
    instead of has changed since."""
    if edit is None:
        return section
    written = edit["text"].strip().splitlines()
    if not edit["instead"]:
        return {**section, "added": written}
    mark = ground(section)
    return {
        **section,
        "lines": written,
        "items": [],
        "instead": True,
        "ground": mark,
        "outdated": mark != edit["ground"],
    }


def plain(document: Mapping[str, Any], number: str | None = None) -> str:
    """The document as text: for a mail, an archive, or reading aloud."""
    title = document["title"] + (f" (n. {number})" if number else "")
    parts = [title, document["subtitle"]]
    for section in document["sections"]:
        items = [f"{place}. {item}" for place, item in enumerate(section["items"], 1)]
        table = section.get("table") or {"headings": [], "rows": []}
        rows = ["; ".join(row) for row in [table["headings"], *table["rows"]] if row]
        parts.append(
            "\n".join([section["heading"].upper(), *section["lines"], *items, *rows, *(section.get("added") or [])])
        )
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True)
class Tally:
    """How those who were asked have answered."""

    asked: int = 0
    needed: int = 0
    approved: int = 0
    objected: int = 0


def approval(
    language: str, kind: str, number: str, on: date, tally: Tally, *, silence: bool, enough: bool | None = None
) -> str:
    """By whom the minutes were approved, in a sentence."""
    say = TEXTS[language]
    by_answers = tally.approved >= tally.needed if enough is None else enough
    code = "approved_silence" if kind == "attendees" and silence and not by_answers else f"approved_{kind}"
    return say[code].format(
        number=number,
        day=with_article(BY_DAY[language], _day(on, language)),
        approved=tally.approved,
        asked=tally.asked,
        objected=tally.objected,
        needed=tally.needed,
    )


def returned(language: str, tally: Tally) -> str:
    """Why the answers of those who were there send the minutes back."""
    code = "objected" if tally.asked - tally.objected < tally.needed else "late"
    return TEXTS[language][code].format(
        objected=tally.objected, asked=tally.asked, needed=tally.needed, approved=tally.approved
    )


def printed(document: Mapping[str, Any], network: str, approved: str, on: date) -> dict[str, Any]:
    """What the template of the PDF asks: the same words as the page."""
    language = document["language"]
    return {
        "language": language,
        "title": document["title"],
        "subtitle": document["subtitle"],
        "author": network,
        "date": on.isoformat(),
        "approved": approved,
        "page_words": PAGE_WORDS[language],
        "sections": [
            {
                "heading": section["heading"],
                "lines": section["lines"],
                "items": section["items"],
                "numbered": section["code"] != "attendance",
                "table": section.get("table"),
                "added": section.get("added") or [],
            }
            for section in document["sections"]
        ],
    }


PAGE_WORDS = {"it": ["Pagina", "di"], "en": ["Page", "of"]}


def _section(
    code: str, heading: str, lines: Sequence[str] = (), items: Sequence[str] = (), table: dict[str, Any] | None = None
) -> dict[str, Any]:
    made = {"code": code, "heading": heading, "lines": list(lines), "items": list(items)}
    return made if table is None else {**made, "table": table}


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


def _attendance_section(attendees: Sequence[Attendee], say: Mapping[str, str]) -> dict[str, Any]:
    """Who was there by name, and how many for each body represented."""
    rows, left_out = _represented(attendees)
    table = {
        "caption": say["represented"],
        "headings": [say[f"{column}_column"] for column in ("body", "present", "proxy", "excused", "absent")],
        "rows": rows,
    }
    lines = [say["further"].format(count=left_out)] if left_out else []
    return _section("attendance", say["attendance"], lines, _attendance(attendees, say), table if rows else None)


def _represented(attendees: Sequence[Attendee]) -> tuple[list[list[str]], int]:
    """A row for each body: its name, how many of its people were there, by proxy, excused and absent. Of more than
    LISTED only those with somebody there, or stood for; how many are left out. Two bodies of one name are two."""
    counted: dict[tuple[str, str], list[int]] = {}
    for one in attendees:
        if one.organisation and not one.guest:
            counted.setdefault((one.organisation, str(one.organisation_id)), [0, 0, 0, 0])[_column(one)] += 1
    shown = {of: row for of, row in counted.items() if len(counted) <= LISTED or row[0] or row[1]}
    return [[of[0], *map(str, shown[of])] for of in sorted(shown)], len(counted) - len(shown)


def _column(one: Attendee) -> int:
    if one.mode in ("present", "remote"):
        return 0
    if one.stood_for_by:
        return 1
    return 2 if one.mode == "excused" else 3


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


def _ballots(material: Material, say: Mapping[str, str], language: str) -> dict[str, Any]:
    items = [_voted(ballot, say, language) for ballot in material.ballots]
    return _section("ballots", say["ballots"], [] if items else [say["no_ballots"]], items)


def _voted(ballot: Voted, say: Mapping[str, str], language: str) -> str:
    """One ballot in a few sentences."""
    if ballot.outcome == "cancelled":
        return say["cancelled"].format(question=ballot.question)
    cohorts = ", ".join(say["cohort"].format(title=t, cast=cast, entitled=of) for t, cast, of in ballot.cohorts)
    told = [
        say[{"motion": "voted"}.get(ballot.kind, ballot.kind)].format(
            question=ballot.question,
            in_favour=ballot.in_favour,
            against=ballot.against,
            abstained=ballot.abstained,
            entitled=ballot.entitled,
            cast=ballot.cast,
            options=", ".join(say["option"].format(title=title, votes=votes) for title, votes in ballot.options),
            cohorts=f" ({cohorts})" if cohorts else "",
            outcome=say[ballot.outcome].format(winners=", ".join(ballot.winners)),
        )
    ]
    told += [_best(best, say, language) for best in ballot.best]
    told += [say[code] for code, true in (("weighted", ballot.weighted), ("secret", ballot.secret)) if true]
    return " ".join(told)


def _best(best: Best, say: Mapping[str, str], language: str) -> str:
    mean = format_decimal(round(best.mean, 2), format="0.##", locale=language)
    return say["best"].format(field=best.field, need=best.need, resource=best.resource, mean=mean, n=best.n)


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
BY_DAY = {"it": "il", "en": "on"}


def _day(value: date | datetime, language: str) -> str:
    on = value.astimezone(ROME).date() if isinstance(value, datetime) else value
    return format_date(on, "d MMMM y", locale=language)
