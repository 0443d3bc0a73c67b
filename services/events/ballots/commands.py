"""Opening and closing ballots. The meeting's row is locked first, then the ballot's: alone by who opens or closes,
shared by who votes (`papers.py`), so that votes do not wait for each other and none comes after the count. Without a
meeting who opens takes the lock on the network's convocations, as the news of mandates does, so that nobody is missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictInt, StringConstraints
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.events.attendance import queries as attendance
from services.events.attendance.rules import NotInCourse, Rule
from services.events.ballots import calling, queries, rules
from services.events.ballots.grids import LEAST, MOST_CELLS, MOST_TERMS, scores
from services.events.ballots.queries import Shown
from services.events.ballots.rules import (
    MARKS,
    MOST_COHORTS,
    MOST_OPTIONS,
    MOST_SECRET,
    MOST_VOTES,
    Ballot,
    Basis,
    Counted,
    Identity,
    Kind,
    Majority,
    NobodyEntitled,
    Outcome,
    Per,
    QuorumImpossible,
    UnknownBallot,
)
from services.events.ballots.tables import ballot_organisations, urns, votes
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import Meeting
from services.events.meetings.rules import State as MeetingState
from services.events.policy import Right, policy
from shared import territories
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.access.roles import Role
from shared.contracts.events import (
    BallotClosed,
    BallotCohort,
    BallotGrid,
    BallotOpened,
    BallotOption,
    BallotState,
    GridPaper,
    GridPapersCounted,
)
from shared.messaging import stage
from shared.runtime import due
from shared.runtime.problems import Invalid, expect
from shared.runtime.shapes import Instant, Request, line

DUE = "ballot_closes"
"""Kind in the due table: a ballot whose time is up is counted."""
MOST_TOLD = 40_000
"""Bytes of papers in one fact; a fact has 64 kB at most."""

Words = line(500)
Label = Annotated[str, line(120)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=40)]
Codes = Annotated[list[Annotated[str, line(40)]], Field(max_length=50)]
Terms = Annotated[list[Label], Field(min_length=1, max_length=MOST_TERMS)]


class MajorityBody(Request):
    """More than `numerator`/`denominator` (as many, without `exceeded`) of the votes for and against, or of all who are
    entitled."""

    numerator: int = Field(default=1, ge=1, le=1000)
    denominator: int = Field(default=2, ge=1, le=1000)
    exceeded: bool = True
    of: Basis = Basis.VOTES


class GridBody(Request):
    """Each of `fields` x `needs` x `resources` is scored, at most 1,000 cells. A cell needs `minimum` scores to be
    named the best of its field."""

    fields: Terms = Field(examples=[["Abitare", "Lavoro"]])
    needs: Terms = Field(examples=[["Una casa a canone sostenibile"]])
    resources: Terms = Field(examples=[["Fondazioni di comunità", "Bandi regionali"]])
    lowest: Annotated[StrictInt, Field(ge=1, le=9)] = 1
    highest: Annotated[StrictInt, Field(ge=2, le=10)] = 10
    minimum: Annotated[StrictInt, Field(ge=1, le=100_000)] = LEAST


class CohortBody(Request):
    """Voters by their organisation: of these kinds, in these sections of the RUNTS, in these territories (or with a
    mandate there), or these by name. A voter belongs to the first that takes them; one that asks for nothing takes who
    is left."""

    code: Code = Field(examples=["aps_odv"])
    title: Label = Field(examples=["APS e ODV"])
    kinds: Codes = Field(default=[])
    sections: Codes = Field(default=[])
    territories: Codes = Field(default=[])
    organisations: list[UUID] = Field(default=[], max_length=2000)


class WeightBody(Request):
    """An organisation that has more votes than one."""

    organisation_id: UUID
    votes: Annotated[StrictInt, Field(ge=1, le=MOST_VOTES)] = Field(examples=[3])


class WeightsBody(Request):
    """One vote each; up to five for an organisation only if the statute says so (art. 24 of d.lgs. 117/2017), which
    `ground` names."""

    ground: Annotated[str, Words] = Field(examples=["Statuto, art. 12: voti in proporzione agli associati"])
    organisations: Annotated[list[WeightBody], Field(min_length=1, max_length=5000)]


class QuorumBody(Request):
    """At least `numerator`/`denominator` of those entitled must vote (more than that with `exceeded`), and never fewer
    than `at_least`."""

    numerator: Annotated[StrictInt, Field(ge=0, le=1000)] = 1
    denominator: Annotated[StrictInt, Field(ge=1, le=1000)] = 2
    exceeded: bool = False
    at_least: Annotated[StrictInt, Field(ge=1, le=100_000)] = 1


class Question(Request):
    """`kind` motion asks yes, no or abstain, and carries without a `majority` by the simple one: more votes for than
    against. A choice has `options`, of which one paper may mark `most`; those with the most votes win, as many as
    `winners`. A grid is scored. `closes_at` counts by itself. `level`: how sure it must be who votes."""

    question: Annotated[str, Words] = Field(examples=["Si approva il piano di lavoro?"])
    kind: Kind = Kind.MOTION
    majority: MajorityBody = MajorityBody()
    options: list[Annotated[str, line(200)]] = Field(default=[], max_length=MOST_OPTIONS)
    most: Annotated[StrictInt, Field(ge=1, le=MOST_OPTIONS)] = 1
    winners: Annotated[StrictInt, Field(ge=1, le=MOST_OPTIONS)] = 1
    grid: GridBody | None = None
    cohorts: list[CohortBody] = Field(default=[], max_length=MOST_COHORTS)
    secret: bool = False
    weights: WeightsBody | None = None
    level: Identity = Identity.LINK
    closes_at: Instant | None = None


class Call(Question):
    """A ballot without a meeting: who belongs to the body, or holds a mandate in the network, is called (with one of
    `roles`, where given) and may vote until `closes_at`. Where there are no seats each person has one paper, or each
    organisation (`per`). With `only_cohorts` whoever is in none is not called."""

    closes_at: Instant
    body_id: UUID | None = None
    roles: list[Role] = Field(default=[], max_length=len(Role))
    per: Per = Per.PERSON
    only_cohorts: bool = False
    quorum: QuorumBody | None = None


# --- opening --------------------------------------------------------------------------------------------------------


async def open_(session: AsyncSession, actor: Actor, meeting_id: UUID, request: Question, *, now: datetime) -> Shown:
    """Those who are invited are told by notify, with a link for each. Raises InvalidMajority, NotInCourse, Invalid."""
    meeting, body = await _held_by(session, actor, meeting_id, now)
    ballot = _made(request, meeting.network_id, meeting.body_id, actor, now)
    ballot.meeting_id = meeting.id
    rows = await calling.rolls(session, meeting, body)
    _entitle(ballot, (await calling.placed(session, ballot, rows, _named(request))).values())
    _require_room(ballot)
    await _keep(session, ballot, request)
    return await _opened(session, actor, ballot, [])


async def call(session: AsyncSession, actor: Actor, network: str, request: Call, *, now: datetime) -> Shown:
    """Opens a ballot that is in no meeting: each voter is told by notify, with a link. Raises as `open_` does, and
    NobodyEntitled, QuorumImpossible."""
    room = await network_id(session, network)
    body = await meeting_queries.body_of(session, room, request.body_id)
    policy.require(actor, Right.HOLD_BALLOTS, on=now, **meeting_queries.where(room, body))
    ballot = _made(request, room, request.body_id, actor, now)
    ballot.roles, ballot.per, ballot.only_cohorts = list(request.roles), request.per, request.only_cohorts
    ballot.quorum = request.quorum.model_dump() if request.quorum else None
    await meeting_queries.lock_convocations(session, [room])
    wanted, by_voice = await calling.entitled(session, ballot, now, _named(request))
    if not wanted:
        raise NobodyEntitled
    _entitle(ballot, by_voice.values(), await calling.vacant(session, body, day(now)))
    _require_room(ballot)
    ballot.needed = _rule(ballot, body).needed(ballot.entitled)
    if ballot.needed > ballot.entitled:
        raise QuorumImpossible(ballot.needed, ballot.entitled)
    await _keep(session, ballot, request)
    return await _opened(session, actor, ballot, await calling.call(session, ballot, wanted, by_voice))


def _made(request: Question, network: UUID, body_id: UUID | None, actor: Actor, now: datetime) -> Ballot:
    majority = Majority(**request.majority.model_dump()).checked()
    _check(request, now)
    return Ballot(
        None,
        network,
        request.question,
        now,
        body_id,
        majority.numerator,
        majority.denominator,
        majority.exceeded,
        majority.of,
        opened_by=actor.id,
        kind=request.kind,
        secret=request.secret,
        level=request.level,
        closes_at=request.closes_at,
        options=list(request.options),
        most=request.most,
        winners=request.winners,
        grid=request.grid.model_dump() if request.grid else None,
        cohorts=[_cohort(one) for one in request.cohorts],
        weighted=request.weights is not None,
        ground=request.weights.ground if request.weights else None,
    )


def _cohort(given: CohortBody) -> dict[str, Any]:
    made = given.model_dump(exclude={"organisations"})
    return {**made, "named": bool(given.organisations), "entitled": 0, "cast": 0}


def _check(request: Question, now: datetime) -> None:
    """What goes with what. Raises Invalid."""
    given = request.model_fields_set
    allowed = {
        "majority": (Kind.MOTION,),
        "options": (Kind.CHOICE,),
        "most": (Kind.CHOICE,),
        "winners": (Kind.CHOICE,),
        "grid": (Kind.GRID,),
        "weights": (Kind.MOTION, Kind.CHOICE),
    }
    for name, kinds in allowed.items():
        if name in given and getattr(request, name) and request.kind not in kinds:
            raise Invalid(f"/{name}", "not_allowed", f"nothing, but with the kind {' or '.join(kinds)}")
    _check_options(request)
    _check_grid(request)
    _check_cohorts(request)
    _check_weights(request)
    if request.closes_at is not None and request.closes_at <= now:
        raise Invalid("/closes_at", "past", "an instant to come")


def _check_options(request: Question) -> None:
    if request.kind is not Kind.CHOICE:
        return
    if len(request.options) < 2:
        raise Invalid("/options", "too_short", f"2 to {MOST_OPTIONS} options")
    _require_different("/options", request.options)
    for name in ("most", "winners"):
        if getattr(request, name) > len(request.options):
            raise Invalid(f"/{name}", "too_many", f"at most {len(request.options)}, as many as there are options")


def _check_grid(request: Question) -> None:
    grid = request.grid
    if request.kind is not Kind.GRID:
        return
    if grid is None:
        raise Invalid("/grid", "missing", "fields, needs and resources")
    for name in ("fields", "needs", "resources"):
        _require_different(f"/grid/{name}", getattr(grid, name))
    if len(grid.fields) * len(grid.needs) * len(grid.resources) > MOST_CELLS:
        raise Invalid("/grid", "cells", f"at most {MOST_CELLS} cells (fields x needs x resources)")
    if grid.lowest >= grid.highest:
        raise Invalid("/grid/highest", "scale", "a highest score above the lowest")


def _require_different(path: str, labels: Sequence[str]) -> None:
    plain = [label.casefold() for label in labels]
    for place, label in enumerate(plain):
        if label in plain[:place]:
            raise Invalid(f"{path}/{place}", "duplicate", "texts that differ from each other")


def _check_cohorts(request: Question) -> None:
    codes = [one.code for one in request.cohorts]
    named: set[UUID] = set()
    for place, cohort in enumerate(request.cohorts):
        if cohort.code in codes[:place]:
            raise Invalid(f"/cohorts/{place}/code", "duplicate", "codes that differ from each other")
        for at, code in enumerate(cohort.territories):
            if not _is_place(code):
                raise Invalid(f"/cohorts/{place}/territories/{at}", "unknown", "a region, province or municipality")
        if named & set(cohort.organisations):
            raise Invalid(f"/cohorts/{place}/organisations", "duplicate", "organisations of no other cohort")
        named |= set(cohort.organisations)


def _is_place(code: str) -> bool:
    italy = territories.load()
    known = italy.province(code) is not None or italy.today(code) is not None
    return known or any(region.code == code for region in italy.regions)


def _check_weights(request: Question) -> None:
    if request.weights is None:
        return
    seen: set[UUID] = set()
    for place, one in enumerate(request.weights.organisations):
        if one.organisation_id in seen:
            raise Invalid(f"/weights/organisations/{place}/organisation_id", "duplicate", "each organisation once")
        seen.add(one.organisation_id)
    if request.secret and request.most > 1:
        # as many papers with the same several marks would tell the organisation with as many votes
        raise Invalid("/weights", "secret", "no weights in a secret choice of more than one option")


async def _keep(session: AsyncSession, ballot: Ballot, request: Question) -> None:
    """Writes the ballot, what it names, and its urn."""
    session.add(ballot)
    await session.flush()
    rows = [
        {"ballot_id": ballot.id, "organisation_id": id_, "cohort": row.cohort, "votes": row.votes}
        for id_, row in sorted(_named(request).items())
    ]
    if rows:
        await session.execute(insert(ballot_organisations), rows)
    if ballot.secret:
        await session.execute(insert(urns).values(ballot_id=ballot.id, papers=b"", voices=0))
    if ballot.closes_at is not None:
        await due.schedule(session, DUE, ballot.id, ballot.closes_at)


def _named(request: Question) -> dict[UUID, calling.Named]:
    cohorts = {id_: one.code for one in request.cohorts for id_ in one.organisations}
    weights = {one.organisation_id: one.votes for one in request.weights.organisations} if request.weights else {}
    return {id_: calling.Named(cohorts.get(id_), weights.get(id_)) for id_ in cohorts.keys() | weights.keys()}


def _require_room(ballot: Ballot) -> None:
    """A cast of a secret ballot writes all papers: they must be few enough. Raises Invalid."""
    if ballot.secret and ballot.entitled_votes * (ballot.width + 1) > MOST_SECRET:
        accepted = f"at most {MOST_SECRET} marks in all of a secret ballot, voters x cells"
        raise Invalid("/secret", "too_many", accepted)


def _rule(ballot: Ballot, body: Any) -> Rule:
    """How many must vote in a ballot without a meeting: as it says itself; else as the body's first call does, but for
    grids, which count whoever scores them."""
    if ballot.quorum is not None:
        return Rule(**ballot.quorum)
    if body is None or ballot.kind is Kind.GRID:
        return Rule(0, 1, exceeded=False, at_least=1)
    return attendance.rule_of(body, 1)


async def _opened(session: AsyncSession, actor: Actor, ballot: Ballot, called: Sequence[Any]) -> Shown:
    await session.flush()
    await stage(session, state_of(BallotOpened, ballot), *called)
    return await queries.shown(session, actor, ballot)


# --- closing --------------------------------------------------------------------------------------------------------


async def close(session: AsyncSession, actor: Actor, ballot_id: UUID, *, expected: int | None, now: datetime) -> Shown:
    """Counts. Without a quorum at this moment the outcome is `no_quorum`, whatever the votes say."""
    ballot, meeting, body = await _to_end(session, actor, ballot_id, expected, now)
    await _closed(session, ballot, meeting, body, actor.id, now)
    return await queries.shown(session, actor, ballot)


async def cancel(session: AsyncSession, actor: Actor, ballot_id: UUID, *, expected: int | None, now: datetime) -> Shown:
    """It was opened in error: nothing is counted."""
    ballot, _, _ = await _to_end(session, actor, ballot_id, expected, now)
    await _cancelled(session, ballot, actor.id, now)
    return await queries.shown(session, actor, ballot)


async def _to_end(
    session: AsyncSession, actor: Actor, ballot_id: UUID, expected: int | None, now: datetime
) -> tuple[Ballot, Meeting | None, Any]:
    ballot = await of_id(session, ballot_id)
    if ballot.meeting_id is not None:
        meeting, body = await _held_by(session, actor, ballot.meeting_id, now)
    else:
        meeting, body = None, await meeting_queries.body_of(session, ballot.network_id, ballot.body_id)
        policy.require(actor, Right.HOLD_BALLOTS, on=now, **meeting_queries.where(ballot.network_id, body))
    await session.refresh(ballot, with_for_update=True)
    expect(expected, ballot.version)
    return ballot, meeting, body


async def close_when_due(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """Their time is up. Of a meeting that is not in course nothing can be counted: its ballots are cancelled."""
    for ballot_id in ids:
        ballot = await of_id(session, ballot_id)
        meeting = await attendance.locked(session, ballot.meeting_id) if ballot.meeting_id is not None else None
        await session.refresh(ballot, with_for_update=True)
        if not ballot.open:
            continue
        if meeting is not None and meeting.state is not MeetingState.CONVENED:
            await _cancelled(session, ballot, None, now)
            continue
        body = await meeting_queries.body_of(session, ballot.network_id, ballot.body_id)
        await _closed(session, ballot, meeting, body, None, now)


async def _closed(
    session: AsyncSession, ballot: Ballot, meeting: Meeting | None, body: Any, by: UUID | None, now: datetime
) -> None:
    ballot.require_open()
    with session.no_autoflush:  # one change, one version
        await _counted(session, ballot, meeting, body, now)
    ballot.closed_by = by
    await session.flush()
    await due.cancel(session, DUE, ballot.id)
    told = await cast_papers(session, ballot) if ballot.outcome is Outcome.SCORED else []
    await stage(session, state_of(BallotClosed, ballot), *_parts(ballot, told))


async def _counted(session: AsyncSession, ballot: Ballot, meeting: Meeting | None, body: Any, now: datetime) -> None:
    present = await _count_entitled(session, ballot, meeting, body, now)
    if present is not None and not ballot.secret:
        gone = update(votes).where(votes.c.ballot_id == ballot.id, votes.c.voice.not_in(present))
        await session.execute(gone.values(counted=False))
    papers = await cast_papers(session, ballot)
    voted = await _voted(session, ballot)
    # Of a secret ballot no paper can be taken out again: who has voted is entitled.
    ballot.entitled = max(ballot.entitled, sum(voted.values()))
    ballot.entitled_votes = max(ballot.entitled_votes, sum(paper.weight for paper in papers))
    quorate = await _quorate(session, ballot, meeting, body, sum(voted.values()))
    ballot.count(papers, sum(voted.values()), ballot.entitled, ballot.entitled_votes, now, quorate=quorate)
    ballot.cohorts = [
        {**one, "cast": voted[one["code"]], "entitled": max(one["entitled"], voted[one["code"]])}
        for one in ballot.cohorts
    ]


async def _cancelled(session: AsyncSession, ballot: Ballot, by: UUID | None, now: datetime) -> None:
    ballot.cancel(now)
    ballot.closed_by = by
    await session.flush()
    await due.cancel(session, DUE, ballot.id)
    await stage(session, state_of(BallotClosed, ballot))


async def _quorate(session: AsyncSession, ballot: Ballot, meeting: Meeting | None, body: Any, cast: int) -> bool:
    if meeting is None:
        ballot.needed = _rule(ballot, body).needed(ballot.entitled)
        return cast >= ballot.needed
    return (await attendance.count(session, meeting, body)).quorum.reached


async def _count_entitled(
    session: AsyncSession, ballot: Ballot, meeting: Meeting | None, body: Any, now: datetime
) -> frozenset[UUID] | None:
    """Sets who is entitled at this moment, in all and in each cohort; gives the voices of a meeting, which count only
    while they are there."""
    if meeting is None:
        places = await calling.counted(session, ballot)
        empty = await calling.vacant(session, body, day(now))
        present = None
    else:
        rows = await calling.rolls(session, meeting, body)
        by_voice = await calling.placed(session, ballot, rows)
        places, empty, present = list(by_voice.values()), 0, frozenset(by_voice)
    _entitle(ballot, places, empty)
    return present


def _entitle(ballot: Ballot, places: Collection[tuple[str | None, int]], vacant: int = 0) -> None:
    """So many voices of these cohorts and votes, and seats that nobody holds."""
    of_cohort = Counter(cohort for cohort, _ in places)
    ballot.entitled = len(places) + vacant
    ballot.entitled_votes = sum(weight for _, weight in places) + vacant
    ballot.cohorts = [{**one, "entitled": of_cohort[one["code"]]} for one in ballot.cohorts]


async def cast_papers(session: AsyncSession, ballot: Ballot) -> list[Counted]:
    """The papers that count: those in the urn, or those whose voices were there at the count."""
    if ballot.secret:
        urn = await session.scalar(select(urns.c.papers).where(urns.c.ballot_id == ballot.id))
        return rules.taken_out(urn or b"", ballot.width, [one["code"] for one in ballot.cohorts])
    query = select(votes.c.vote, votes.c.marks, votes.c.cohort, votes.c.weight)
    rows = await session.execute(query.where(votes.c.ballot_id == ballot.id, votes.c.counted))
    return [
        Counted(row.cohort, row.weight, bytes([MARKS[row.vote]]) if ballot.kind is Kind.MOTION else row.marks)
        for row in rows
    ]


async def _voted(session: AsyncSession, ballot: Ballot) -> Counter[str | None]:
    """How many of each cohort have voted."""
    rows = await session.scalars(select(votes.c.cohort).where(votes.c.ballot_id == ballot.id, votes.c.counted))
    return Counter(rows)


def _parts(ballot: Ballot, papers: Sequence[Counted]) -> list[GridPapersCounted]:
    """The papers of a grid in an order drawn by lot, in facts that are small enough; one at least of a grid that was
    scored, so that who waits for them all is told that there are none."""
    if ballot.outcome is not Outcome.SCORED:
        return []
    shuffled = [GridPaper(cohort=one.cohort, scores=scores(one.marks)) for one in papers]
    rules.LOT.shuffle(shuffled)
    size = max((len(one.model_dump_json()) + 1 for one in shuffled), default=1)
    each = max(1, MOST_TOLD // size)
    parts = [tuple(shuffled[start : start + each]) for start in range(0, len(shuffled), each)] or [()]
    return [
        GridPapersCounted(
            id=uuid7(),
            version=1,
            network_id=ballot.network_id,
            ballot_id=ballot.id,
            part=number,
            parts=len(parts),
            papers_in_all=len(shuffled),
            papers=part,
        )
        for number, part in enumerate(parts, 1)
    ]


# --- what several need ----------------------------------------------------------------------------------------------


async def of_id(session: AsyncSession, ballot_id: UUID) -> Ballot:
    """Raises UnknownBallot."""
    ballot = await session.get(Ballot, ballot_id)
    if ballot is None:
        raise UnknownBallot(ballot_id)
    return ballot


async def _held_by(session: AsyncSession, actor: Actor, meeting_id: UUID, now: datetime) -> tuple[Meeting, Any]:
    """The meeting in course, locked, with its body's row, if the actor may hold ballots in it."""
    meeting = await attendance.locked(session, meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    policy.require(actor, Right.HOLD_BALLOTS, on=now, **meeting_queries.where(meeting.network_id, body))
    require_in_course(meeting)
    return meeting, body


def require_in_course(meeting: Meeting) -> None:
    if meeting.state is not MeetingState.CONVENED:
        raise NotInCourse(meeting.state)


def state_of(fact: type[BallotState], ballot: Ballot) -> BallotState:
    counts: list[int | None] = [*(ballot.counts or [])] or [None] * len(ballot.options)
    grid = ballot.grid
    return fact(
        id=ballot.id,
        version=ballot.version,
        network_id=ballot.network_id,
        meeting_id=ballot.meeting_id,
        body_id=ballot.body_id,
        question=ballot.question,
        entitled=ballot.entitled,
        in_favour=ballot.in_favour,
        against=ballot.against,
        abstained=ballot.abstained,
        outcome=ballot.outcome,
        kind=ballot.kind,
        secret=ballot.secret,
        weighted=ballot.weighted,
        entitled_votes=ballot.entitled_votes,
        level=ballot.level,
        closes_at=ballot.closes_at,
        cast=ballot.cast,
        cohorts=tuple(
            BallotCohort(code=one["code"], title=one["title"], entitled=one["entitled"], cast=one["cast"])
            for one in ballot.cohorts
        ),
        options=tuple(
            BallotOption(title=title, votes=count) for title, count in zip(ballot.options, counts, strict=True)
        ),
        grid=BallotGrid(**{name: tuple(v) if isinstance(v, list) else v for name, v in grid.items()}) if grid else None,
    )
