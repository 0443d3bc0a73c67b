"""What a report says: the JSON that is its model. Page and PDF show what is in it and nothing else (`wording.py`).

`compose` makes it of what was gathered (`Material`): rows that the database has counted or chosen, and never of names
of people. A chapter without anything to say stays, and says why (`empty`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.events.reports.rules import percent
from shared import territories

FORMAT = "trama.report.v1"
LISTED = 500
"""Decisions and outcomes that a report names one by one; figures count all of them."""
FORMS = ("organisational_form", "management_model")
CHAPTERS = (
    "participation",
    "composition",
    "decisions",
    "contributions",
    "crossings",
    "knowledge",
    "forms",
    "partnerships",
    "interventions",
)
KINDS_OF = {"forms": FORMS, "partnerships": ("partnership",), "interventions": ("intervention",)}
KEPT, LATE, OPEN, WAIVED = "fulfilled", "late", "open", "waived"
UNKNOWN = "other"
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("associations", ("association", "asd")),
    ("community_foundations", ("community_foundation",)),
    ("csv", ("csv",)),
    (
        "cooperatives_and_public",
        (
            "cooperative",
            "consortium",
            "municipality",
            "province",
            "region",
            "union",
            "health_authority",
            "school",
            "university",
            "chamber",
        ),
    ),
)
"""The groups of a composition, unless others are asked for; the rest is `others`."""


# --- the model ------------------------------------------------------------------------------------------------------


class Share(BaseModel):
    """A part of a whole. `percent` is rounded by itself, half up: percents need not make 100. Both shares are null when
    the whole is empty."""

    count: int
    of: int
    share: float | None
    percent: int | None

    @classmethod
    def out_of(cls, count: int, of: int) -> Share:
        return cls(count=count, of=of, share=round(count / of, 4) if of else None, percent=percent(count, of))


class Named(BaseModel):
    """A body, a territory or another group, with the name that it had when the report was made."""

    kind: str
    id: str | None = None
    name: str


class Mode(BaseModel):
    mode: str
    meetings: int
    presences: int


class OfBody(BaseModel):
    body: Named
    meetings: int
    presences: int


class OfKind(BaseModel):
    kind: str
    organisations: int
    presences: int


class OfTerritory(BaseModel):
    territory: Named
    organisations: int
    presences: int


class Public(BaseModel):
    """Outsiders at meetings that were open to them: how many meetings, registrations that stand, and who came."""

    meetings: int
    registered: int
    attended: int


class Chapter(BaseModel):
    """`empty` says why there is nothing to say (a code of the vocabulary `report_empty`), null when there is."""

    code: str
    empty: str | None = None


class Participation(Chapter):
    """`held` counts a meeting without a quorum and its second call once. `presences` are people at meetings, guests
    among them; `organisations` and `people` are each counted once."""

    held: int
    second_calls: int
    without_quorum: int
    cancelled: int
    to_come: int
    presences: int
    remote: int
    guests: int
    by_proxy: int
    excused: int
    absent: int
    organisations: int
    people: int
    by_mode: list[Mode]
    by_body: list[OfBody]
    by_kind: list[OfKind]
    by_territory: list[OfTerritory]
    public: Public | None


class KindShare(BaseModel):
    kind: str
    share: Share


class GroupShare(BaseModel):
    """`title` is given when the groups were asked for; of the usual ones only the code is. An organisation is in the
    first group that it fits: by its kind, and by a section of the RUNTS where sections are named."""

    code: str
    title: str | None
    kinds: list[str]
    sections: list[str]
    share: Share


class TerritoryShare(BaseModel):
    territory: Named
    share: Share


class Composition(Chapter):
    """Of the organisations whose delegates were invited to meetings or called to vote (`basis`), each counted once
    however many delegates it has had. `percent_sum` is what the rounded percents of the groups come to."""

    basis: str
    organisations: int
    delegates: int
    without_organisation: int
    groups: list[GroupShare]
    percent_sum: int | None
    by_kind: list[KindShare]
    by_territory: list[TerritoryShare]


class Owed(BaseModel):
    """What became of the decisions that had an owner and a day: `kept` commitments, of which `kept_in_time`; `late`
    ones, `open`, `waived`, and `not_yet_known`."""

    made: int
    kept: Share
    kept_in_time: int
    late: int
    open: int
    waived: int
    not_yet_known: int


class Decided(BaseModel):
    id: UUID
    title: str
    kind: str
    body: str | None
    decided_on: date
    due: date | None
    commitment: str | None


class Counted(BaseModel):
    code: str
    count: int


class Decisions(Chapter):
    adopted: int
    lapsed: int
    proposed: int
    by_kind: list[Counted]
    owed: Owed
    ballots: list[Counted]
    items: list[Decided]
    left_out: int


class Cell(BaseModel):
    theme: str
    tag: str
    count: int


class Collected(BaseModel):
    title: str
    contributions: int
    contributors: int
    organisations: int
    cells: list[Cell]


class Contributions(Chapter):
    contributions: int
    collections: list[Collected]


class Cohort(BaseModel):
    code: str
    title: str
    respondents: Share


class Best(BaseModel):
    """The crossing with the highest mean of a field, in a cohort or (null) in all; `n` scores."""

    cohort: str | None
    field: str
    need: str
    resource: str
    n: int
    mean: float
    tied: bool


class Crossing(BaseModel):
    """`of_organisations`: those who answered beside all the organisations of the composition."""

    id: UUID
    title: str
    cells: int
    scores: int
    respondents: Share
    of_organisations: Share
    cohorts: list[Cohort]
    best: list[Best]
    best_left_out: int


class Crossings(Chapter):
    still_open: int
    items: list[Crossing]


class Gap(BaseModel):
    """Means in percent of what can be known, before and after, of the `n` people who were assessed both times; `gain`
    is the part of what was missing that was closed, null when nothing was."""

    assessment: str
    competence: str
    group: Named
    n: int
    before: float
    after: float
    gain: float | None


class Knowledge(Chapter):
    items: list[Gap]


class CommunityCount(BaseModel):
    """Communities of the programme without any are in it with zeroes."""

    community: Named
    count: int
    by_kind: list[Counted]


class Outcome(BaseModel):
    id: UUID
    kind: str
    title: str
    community: Named
    on: date
    evidenced: bool


class Outcomes(Chapter):
    count: int
    by_community: list[CommunityCount]
    items: list[Outcome]
    left_out: int


class Chapters(BaseModel):
    participation: Participation
    composition: Composition
    decisions: Decisions
    contributions: Contributions
    crossings: Crossings
    knowledge: Knowledge
    forms: Outcomes
    partnerships: Outcomes
    interventions: Outcomes

    def each(self) -> list[Chapter]:
        return [getattr(self, code) for code in CHAPTERS]


class Document(BaseModel):
    """A report, as it was made. `subject.kind` is series or project; days are inclusive."""

    format: str = Field(default=FORMAT, examples=[FORMAT])
    id: UUID
    network: Named
    subject: Named
    number: int
    title: str
    language: str
    made_at: datetime
    since: date
    last_day: date
    programmes: list[str]
    project: str | None
    chapters: Chapters


# --- what it is made of ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """A group of a composition that was asked for."""

    title: str | None
    kinds: Sequence[str]
    sections: Sequence[str] = ()

    def fits(self, one: Organisation) -> bool:
        """It has one of the kinds and one of the sections, where there are any of either."""
        of_kind = not self.kinds or (one.kind or UNKNOWN) in self.kinds
        return of_kind and (not self.sections or bool(set(self.sections) & set(one.sections)))


@dataclass(frozen=True)
class Meeting:
    id: UUID
    body_id: UUID | None
    state: str
    mode: str
    call: int
    quorate: bool | None


@dataclass(frozen=True)
class Attended:
    """How many were recorded so at meetings of that mode of that body, for an organisation."""

    organisation_id: UUID | None
    body_id: UUID | None
    meeting_mode: str
    mode: str
    guest: bool
    count: int


@dataclass(frozen=True)
class Organisation:
    id: UUID
    kind: str
    municipality: str | None
    invited: bool
    sections: Sequence[str] = ()


@dataclass(frozen=True)
class Decision:
    """`commitment` is the state of what the registry made of it, null when it is not known."""

    id: UUID
    title: str
    kind: str
    body: str | None
    decided_on: date
    due: date | None
    state: str
    commitment: str | None = None
    fulfilled_on: date | None = None


@dataclass(frozen=True)
class Measured:
    title: str
    competence: str
    body_id: UUID | None
    territory: str | None
    cohort: str | None
    n: int
    before: float
    after: float
    gain: float | None


@dataclass(frozen=True)
class Left:
    """An outcome of the project."""

    id: UUID
    kind: str
    title: str
    body_id: UUID | None
    territory: str | None
    on: date
    evidenced: bool


@dataclass(frozen=True)
class Scored:
    id: UUID
    title: str
    state: str
    cells: int
    scores: int
    respondents: int
    entitled: int | None
    cohorts: Sequence[Mapping[str, Any]]
    best: Sequence[Mapping[str, Any]]
    best_left_out: int


@dataclass(frozen=True)
class Subject:
    """What is reported on. `bodies` are those of its programmes, in their order."""

    kind: str
    id: UUID
    title: str
    network_id: UUID
    network: str
    language: str
    since: date
    last_day: date
    programmes: Sequence[str] = ()
    project_id: UUID | None = None
    project: str | None = None
    bodies: Sequence[UUID] = ()


@dataclass(frozen=True)
class Material:
    subject: Subject
    body_names: Mapping[UUID, str]
    meetings: Sequence[Meeting] = ()
    attended: Sequence[Attended] = ()
    people: int = 0
    by_proxy: int = 0
    organisations: Sequence[Organisation] = ()
    delegates: int = 0
    without_organisation: int = 0
    public: Public | None = None
    decisions: Sequence[Decision] = ()
    ballots: Mapping[str, int] = field(default_factory=dict)
    collections: Sequence[Collected] = ()
    crossings: Sequence[Scored] = ()
    gaps: Sequence[Measured] = ()
    outcomes: Sequence[Left] = ()


# --- composing ------------------------------------------------------------------------------------------------------


def compose(
    material: Material, *, id_: UUID, number: int, title: str, groups: Sequence[Group], made_at: datetime
) -> Document:
    subject = material.subject
    composed = composition(material, groups)
    return Document(
        id=id_,
        network=Named(kind="network", id=str(subject.network_id), name=subject.network),
        subject=Named(kind=subject.kind, id=str(subject.id), name=subject.title),
        number=number,
        title=title,
        language=subject.language,
        made_at=made_at,
        since=subject.since,
        last_day=subject.last_day,
        programmes=list(subject.programmes),
        project=subject.project,
        chapters=Chapters(
            participation=participation(material),
            composition=composed,
            decisions=decisions(material),
            contributions=contributions(material),
            crossings=crossings(material, composed.organisations),
            knowledge=knowledge(material),
            **{code: outcomes(material, code) for code in KINDS_OF},
        ),
    )


THERE = ("present", "remote")


def participation(material: Material) -> Participation:
    held = [one for one in material.meetings if one.state == "held"]
    first = [one for one in held if one.call == 1]
    there = [one for one in material.attended if one.mode in THERE]
    of_body = Counter(one.body_id for one in first)
    bodies = dict.fromkeys([*material.subject.bodies, *of_body])
    modes = Counter(one.mode for one in first)
    known = {one.id: one for one in material.organisations}
    came = {one.organisation_id for one in there if one.organisation_id is not None}
    per_organisation = _sums((one.organisation_id, one.count) for one in there if one.organisation_id is not None)
    kinds = Counter(_kind(known, id_) for id_ in came)
    regions = Counter(_region(known, id_) for id_ in came)
    by_kind = _sums((_kind(known, id_), count) for id_, count in per_organisation.items())
    by_region = _sums((_region(known, id_), count) for id_, count in per_organisation.items())
    at_mode = _sums((one.meeting_mode, one.count) for one in there)
    at_body = _sums((one.body_id, one.count) for one in there)
    away = _sums((one.mode, one.count) for one in material.attended)
    return Participation(
        code="participation",
        empty=None if held else "no_meeting_held",
        held=len(first),
        second_calls=len(held) - len(first),
        without_quorum=sum(one.quorate is False for one in first),
        cancelled=sum(one.state == "cancelled" for one in material.meetings),
        to_come=sum(one.state == "convened" for one in material.meetings),
        presences=sum(one.count for one in there),
        remote=away.get("remote", 0),
        guests=sum(one.count for one in there if one.guest),
        by_proxy=material.by_proxy,
        excused=away.get("excused", 0),
        absent=away.get("absent", 0),
        organisations=len(came),
        people=material.people,
        by_mode=[
            Mode(mode=mode, meetings=modes[mode], presences=at_mode.get(mode, 0))
            for mode in ("in_person", "remote", "hybrid")
        ],
        by_body=[
            OfBody(body=_body(material, id_), meetings=of_body[id_], presences=at_body.get(id_, 0)) for id_ in bodies
        ],
        by_kind=[OfKind(kind=kind, organisations=count, presences=by_kind[kind]) for kind, count in _ranked(kinds)],
        by_territory=[
            OfTerritory(territory=_place(code), organisations=count, presences=by_region[code])
            for code, count in _ranked(regions)
        ],
        public=material.public,
    )


def composition(material: Material, asked: Sequence[Group] = ()) -> Composition:
    invited = [one for one in material.organisations if one.invited]
    of = len(invited)
    kinds = Counter(one.kind or UNKNOWN for one in invited)
    known = {one.id: one for one in invited}
    regions = Counter(_region(known, one.id) for one in invited)
    groups = _groups(invited, asked)
    return Composition(
        code="composition",
        empty=None if of else "nobody_invited",
        basis="invited_or_called",
        organisations=of,
        delegates=material.delegates,
        without_organisation=material.without_organisation,
        groups=groups,
        percent_sum=sum(group.share.percent or 0 for group in groups) if of else None,
        by_kind=[KindShare(kind=kind, share=Share.out_of(count, of)) for kind, count in _ranked(kinds)],
        by_territory=[
            TerritoryShare(territory=_place(code), share=Share.out_of(count, of)) for code, count in _ranked(regions)
        ],
    )


def _groups(invited: Sequence[Organisation], asked: Sequence[Group]) -> list[GroupShare]:
    """Each organisation in the first group that it fits; the rest are others, where groups that were asked for leave
    any."""
    groups = [(f"group_{place}", group) for place, group in enumerate(asked, 1)]
    groups = groups or [(code, Group(None, kinds)) for code, kinds in GROUPS]
    counts = Counter(next((code for code, group in groups if group.fits(one)), "others") for one in invited)
    rest = [("others", Group(None, ()))] if counts["others"] or not asked else []
    return [
        GroupShare(
            code=code,
            title=group.title,
            kinds=list(group.kinds),
            sections=list(group.sections),
            share=Share.out_of(counts[code], len(invited)),
        )
        for code, group in [*groups, *rest]
    ]


def decisions(material: Material) -> Decisions:
    adopted = [one for one in material.decisions if one.state == "adopted"]
    states = Counter(one.state for one in material.decisions)
    owed = [one for one in adopted if one.due is not None]
    found = Counter(one.commitment for one in owed)
    in_time = sum(one.commitment == KEPT and _in_time(one) for one in owed)
    return Decisions(
        code="decisions",
        empty=None if adopted else "no_decision_adopted",
        adopted=len(adopted),
        lapsed=states["lapsed"],
        proposed=states["proposed"],
        by_kind=[Counted(code=kind, count=count) for kind, count in _ranked(Counter(one.kind for one in adopted))],
        owed=Owed(
            made=len(owed),
            kept=Share.out_of(found[KEPT], len(owed)),
            kept_in_time=in_time,
            late=found[LATE],
            open=found[OPEN],
            waived=found[WAIVED],
            not_yet_known=found[None],
        ),
        ballots=[Counted(code=outcome, count=count) for outcome, count in _ranked(material.ballots)],
        items=[
            Decided(
                id=one.id,
                title=one.title,
                kind=one.kind,
                body=one.body,
                decided_on=one.decided_on,
                due=one.due,
                commitment=one.commitment,
            )
            for one in adopted[:LISTED]
        ],
        left_out=max(0, len(adopted) - LISTED),
    )


def _in_time(one: Decision) -> bool:
    return one.fulfilled_on is not None and one.due is not None and one.fulfilled_on <= one.due


def contributions(material: Material) -> Contributions:
    count = sum(one.contributions for one in material.collections)
    return Contributions(
        code="contributions",
        empty=None if count else "none_contributed",
        contributions=count,
        collections=list(material.collections),
    )


def crossings(material: Material, organisations: int) -> Crossings:
    closed = [one for one in material.crossings if one.state == "closed"]
    return Crossings(
        code="crossings",
        empty=None if closed else "no_crossing_closed",
        still_open=len(material.crossings) - len(closed),
        items=[_crossing(one, organisations) for one in closed],
    )


def _crossing(one: Scored, organisations: int) -> Crossing:
    return Crossing(
        id=one.id,
        title=one.title,
        cells=one.cells,
        scores=one.scores,
        respondents=Share.out_of(one.respondents, one.entitled or 0),
        of_organisations=Share.out_of(one.respondents, organisations),
        cohorts=[
            Cohort(
                code=cohort["code"],
                title=cohort["title"],
                respondents=Share.out_of(cohort["respondents"], cohort["entitled"]),
            )
            for cohort in one.cohorts
        ],
        best=[Best(**best) for best in one.best],
        best_left_out=one.best_left_out,
    )


def knowledge(material: Material) -> Knowledge:
    items = [
        Gap(
            assessment=one.title,
            competence=one.competence,
            group=_group_of(material, one),
            n=one.n,
            before=one.before,
            after=one.after,
            gain=one.gain,
        )
        for one in material.gaps
    ]
    return Knowledge(code="knowledge", empty=None if items else "none_measured", items=items)


def _group_of(material: Material, one: Measured) -> Named:
    if one.body_id is not None:
        return _body(material, one.body_id)
    if one.territory is not None:
        return _place(one.territory)
    if one.cohort is not None:
        return Named(kind="cohort", name=one.cohort)
    return Named(kind="network", id=str(material.subject.network_id), name=material.subject.network)


def outcomes(material: Material, code: str) -> Outcomes:
    kinds = KINDS_OF[code]
    found = [one for one in material.outcomes if one.kind in kinds]
    empty = "none_recorded" if material.subject.project_id else "no_project"
    communities: dict[tuple[UUID | None, str | None], Counter[str]] = {
        (body_id, None): Counter() for body_id in material.subject.bodies
    }
    for one in found:
        communities.setdefault(_community_key(one), Counter())[one.kind] += 1
    return Outcomes(
        code=code,
        empty=None if found else empty,
        count=len(found),
        by_community=[
            CommunityCount(
                community=_community(material, key),
                count=counts.total(),
                by_kind=[Counted(code=kind, count=counts[kind]) for kind in kinds],
            )
            for key, counts in communities.items()
        ],
        items=[
            Outcome(
                id=one.id,
                kind=one.kind,
                title=one.title,
                community=_community(material, _community_key(one)),
                on=one.on,
                evidenced=one.evidenced,
            )
            for one in found[:LISTED]
        ],
        left_out=max(0, len(found) - LISTED),
    )


def _community_key(one: Left) -> tuple[UUID | None, str | None]:
    """The body, where one is named; else the territory."""
    return (one.body_id, None) if one.body_id is not None else (None, one.territory)


def _community(material: Material, key: tuple[UUID | None, str | None]) -> Named:
    body_id, territory = key
    return _body(material, body_id) if body_id is not None else _place(territory)


def _body(material: Material, body_id: UUID | None) -> Named:
    if body_id is None:
        return Named(kind="network", id=str(material.subject.network_id), name=material.subject.network)
    return Named(kind="body", id=str(body_id), name=material.body_names.get(body_id, "–"))


def _place(code: str | None) -> Named:
    """A territory by its Italian name; an area of a network's own keeps its code."""
    italy = territories.load()
    found = code and (italy.region(code) or italy.province(code) or italy.today(code))
    if not code or not found:
        return Named(kind="territory", id=code, name=code or "–")
    return Named(kind="territory", id=code, name=getattr(found, "italian_name", found.name))


def _kind(known: Mapping[UUID, Organisation], id_: UUID) -> str:
    return (known[id_].kind if id_ in known else "") or UNKNOWN


def _region(known: Mapping[UUID, Organisation], id_: UUID) -> str | None:
    """The region of an organisation's seat."""
    code = known[id_].municipality if id_ in known else None
    found = territories.load().today(code) if code else None
    return found.region if found else None


def _ranked(counts: Mapping[Any, int]) -> list[tuple[Any, int]]:
    """The most frequent first; of equal ones, in the order of their codes."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0] or "")))


def _sums(pairs: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    total: Counter[Any] = Counter()
    for key, count in pairs:
        total[key] += count
    return dict(total)
