"""Papers: saved, cast, entered for somebody who wrote on paper, or taken from a file.

Who writes one holds the ballot's row (shared) and a lock on the voice, so that of two at once the second sees what the
first has done. A cast is a dozen statements, whatever the size of the grid; a file of papers is as many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ARRAY, LargeBinary, SmallInteger, Text, Uuid, and_, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance import commands as attending
from services.events.attendance import queries as attendance
from services.events.ballots import calling, files, queries, rules
from services.events.ballots.commands import of_id, require_in_course
from services.events.ballots.grids import Wrong
from services.events.ballots.queries import Paper, Slip
from services.events.ballots.rules import (
    MARKS,
    MOST_ERRORS,
    NO_COHORT,
    Ballot,
    Identity,
    Kind,
    LevelTooLow,
    NotYours,
    PaperRefused,
    SeatHasVoted,
    SecretByOneself,
    SecretIsFinal,
    UnknownBallot,
    Vote,
    VotedThemselves,
    VoterState,
    WrongKind,
)
from services.events.ballots.tables import paper_drafts, urns, voters, votes
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import Meeting
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.access.links import Link
from shared.access.roles import Level
from shared.contracts.events import VoterVoted
from shared.messaging import stage
from shared.runtime.problems import FieldError, Invalid, expect
from shared.runtime.shapes import Request

ITSELF = "nothing: of a secret ballot each voter casts their own paper, at once"


class VoteBody(Request):
    """`invitation_id` says whose vote it is: one's own if left out, or that of somebody one stands for. Of a ballot
    without a meeting it is the voter's id."""

    vote: Vote
    invitation_id: UUID | None = None


class PaperBody(BaseModel):
    """A whole paper: `vote` of a motion, `choice` (numbers of options, from 1) or `cells` of a grid: by `field.need.
    resource`, numbers from 1, a score or null for no opinion; a cell left out is not answered. A `draft` does not
    count."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"state": "cast", "cells": {"1.1.1": 8, "1.1.2": None, "1.2.1": 3}}]},
    )

    state: Annotated[str, Field(pattern="^(draft|cast)$")]
    vote: Vote | None = None
    choice: list[Any] | None = Field(default=None, max_length=1000)
    cells: dict[str, Any] | None = Field(default=None, max_length=5000)

    @property
    def draft(self) -> bool:
        return self.state == "draft"


@dataclass(frozen=True)
class Given:
    """A paper as it stands now, and whether it replaced an earlier one. Of a secret ballot nothing of it is known."""

    ballot: Ballot
    paper: Paper
    marks: bytes
    cast_at: datetime | None
    replaced: bool
    version: int = 1

    @property
    def vote(self) -> Vote | None:
        named = {mark: vote for vote, mark in MARKS.items()}
        return named[self.marks[0]] if self.ballot.kind is Kind.MOTION and not self.ballot.secret else None


# --- reading what was sent ------------------------------------------------------------------------------------------


def marks_of(ballot: Ballot, body: PaperBody) -> bytes:
    """Raises PaperRefused, Invalid."""
    wanted = {Kind.MOTION: "vote", Kind.CHOICE: "choice", Kind.GRID: "cells"}[ballot.kind]
    for name in ("vote", "choice", "cells"):
        given = getattr(body, name)
        if (given is None) is (name == wanted):
            code = "missing" if given is None else "not_allowed"
            raise Invalid(f"/{name}", code, f"a paper of a {ballot.kind} has `{wanted}`, and nothing else")
    if body.vote is not None:
        return bytes([MARKS[body.vote]])
    if body.choice is not None:
        return _read_choice(ballot, body.choice)
    marks, wrong = ballot.cells.read(body.cells or {})
    if wrong:
        raise PaperRefused([FieldError(*one) for one in wrong[:MOST_ERRORS]], len(wrong))
    return marks


def _read_choice(ballot: Ballot, choice: list[Any]) -> bytes:
    try:
        return rules.read_choice(choice, len(ballot.options), ballot.most)
    except PaperRefused as error:
        raise PaperRefused([FieldError(*one) for one in error.errors], error.count) from None


# --- one's own ------------------------------------------------------------------------------------------------------


async def vote(session: AsyncSession, actor: Actor, ballot_id: UUID, request: VoteBody, *, now: datetime) -> Given:
    """One's own vote, or that of somebody one stands for. A partner's key is invited nowhere: NotYours. Of a secret
    ballot it is no POST: what is kept of those for repeating them would tell the vote."""
    if actor.person_id is None:
        raise NotYours
    ballot = await of_id(session, ballot_id)
    if ballot.kind is not Kind.MOTION or ballot.secret:
        raise WrongKind(ballot.kind, "PUT …/papers/me")
    marks = bytes([MARKS[request.vote]])
    held = await _hold(session, ballot, now)
    paper = queries.own(await held.papers(session, actor.person_id), actor.person_id, request.invitation_id)
    return await _cast(session, held, paper, marks, actor.person_id, level=actor.level)


async def put(
    session: AsyncSession,
    actor: Actor,
    ballot_id: UUID,
    body: PaperBody,
    *,
    expected: int | None,
    of: UUID | None = None,
    now: datetime,
) -> Slip:
    """One's own paper, or (`of`) that of somebody whom one stands for. Raises what reading and voting raise."""
    if actor.person_id is None:
        raise NotYours
    ballot = await of_id(session, ballot_id)
    return await _put(session, ballot, actor.person_id, body, of, expected, actor.level, now)


async def put_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (whoever has the link)
    link: Link,
    body: PaperBody,
    *,
    of: UUID | None,
    seen: int | None,
    seat: tuple[UUID, Level] | None,
    now: datetime,
) -> Slip:
    """A link may be used again until the ballot is closed, as a person signed in may: the last paper counts. `seat`:
    who is signed in at the same browser, and how surely; `seen`: the version of the paper that the form showed."""
    ballot, person = await queries.of_link(session, link)
    level = seat[1] if seat is not None and seat[0] == person else Level.LINK
    return await _put(session, ballot, person, body, of, seen, level, now)


async def _put(
    session: AsyncSession,
    ballot: Ballot,
    caster: UUID,
    body: PaperBody,
    of: UUID | None,
    expected: int | None,
    level: Level,
    now: datetime,
) -> Slip:
    held = await _hold(session, ballot, now)
    paper = queries.own(await held.papers(session, caster), caster, of)
    _require_no_draft(ballot, body)
    marks = marks_of(ballot, body)
    if body.draft:
        return await _save(session, held, paper, marks, caster, expected, level)
    given = await _cast(session, held, paper, marks, caster, level=level, expected=expected)
    return Slip(ballot, _now(given, ballot), replaced=given.replaced)


def _require_no_draft(ballot: Ballot, body: PaperBody) -> None:
    if body.draft and ballot.secret:
        raise SecretByOneself("/state", "cast: a draft of a secret paper would tell whose it is")
    if body.draft and ballot.kind is Kind.MOTION:
        raise Invalid("/state", "enum", ["cast"])


def _now(given: Given, ballot: Ballot) -> Paper:
    """The paper after it was cast."""
    paper = given.paper
    secret = {"vote": None, "marks": None} if ballot.secret else {"vote": given.vote, "marks": given.marks}
    values = {**vars(paper), **secret, "voted": True, "draft": None}
    return Paper(**{**values, "version": given.version, "cast_at": given.cast_at})


# --- for somebody else ----------------------------------------------------------------------------------------------


async def enter(
    session: AsyncSession,
    actor: Actor,
    ballot_id: UUID,
    voter: UUID,
    body: PaperBody,
    *,
    expected: int | None,
    now: datetime,
) -> Slip:
    """What an invited person, or a voter, wrote on paper, recorded as entered by who types it. Raises SecretByOneself,
    VotedThemselves over a paper of their own, and as casting does."""
    ballot, held = await _to_enter(session, actor, ballot_id, now)
    found = await held.papers_of(session, [voter])
    if not found:
        raise UnknownBallot(voter)
    if body.draft:
        raise Invalid("/state", "enum", ["cast"])
    marks = marks_of(ballot, body)
    paper = found[0]
    caster = paper.ticket.proxy or paper.ticket.person_id
    given = await _cast(session, held, paper, marks, caster, level=None, expected=expected, entered_by=actor.id)
    return Slip(ballot, Paper(**{**vars(_now(given, ballot)), "entered_by": actor.id}))


async def _to_enter(session: AsyncSession, actor: Actor, ballot_id: UUID, now: datetime) -> tuple[Ballot, Held]:
    ballot = await of_id(session, ballot_id)
    body = await meeting_queries.body_of(session, ballot.network_id, ballot.body_id)
    policy.require(actor, Right.RECORD_PAPERS, on=now, **meeting_queries.where(ballot.network_id, body))
    if ballot.secret:
        raise SecretByOneself("", ITSELF)
    return ballot, await _hold(session, ballot, now)


@dataclass(frozen=True)
class Taken:
    """What came of a file: papers, how many of them replaced one that was entered before, and answered cells."""

    papers: int
    replaced: int
    cells: int


async def enter_file(
    session: AsyncSession, actor: Actor, ballot_id: UUID, rows: Sequence[files.Row], *, now: datetime
) -> Taken:
    """All papers of a file or none, in as many statements as one takes. Raises PaperRefused, which names the lines."""
    ballot, held = await _to_enter(session, actor, ballot_id, now)
    if ballot.kind is not Kind.GRID:
        raise WrongKind(ballot.kind, "a grid")
    held.require_voting()
    sheets, wrong = files.sheets_of(rows, ballot.cells)
    found = {paper.id: paper for paper in await held.papers_of(session, [one.voter for one in sheets])}
    await session.execute(LOCKS, {"ballot": ballot.id, "voices": sorted(paper.voice for paper in found.values())})
    former = await _former_of(session, ballot, [paper.voice for paper in found.values()])
    wrong += _not_enterable(sheets, found, former)
    if wrong:
        raise PaperRefused([FieldError(*one) for one in wrong[:MOST_ERRORS]], len(wrong))
    papers = [(found[one.voter], one.marks) for one in sheets]
    await _write_all(session, held, papers, actor.id)
    answered = sum(len(ballot.cells.shown(marks)) for _, marks in papers)
    return Taken(len(papers), len(former), answered)


def _not_enterable(
    sheets: Sequence[files.Sheet], found: Mapping[UUID, Paper], former: Mapping[UUID, Any]
) -> list[Wrong]:
    """Voters of whom no paper can be entered, by the line of the file."""
    wrong, seen = [], set()
    for sheet in sheets:
        path, paper = f"/rows/{sheet.line}/voter", found.get(sheet.voter)
        if paper is None:
            wrong.append(Wrong(path, "unknown", "a voter of this ballot"))
            continue
        refusal = paper.ticket.refusal(paper.ticket.proxy or paper.ticket.person_id)
        before = former.get(paper.voice)
        if refusal is not None:
            wrong.append(Wrong(path, "no_vote", "a voter whose mandate is in force, and who is there"))
        elif before is not None and (before.entered_by is None or before.person_id != paper.ticket.person_id):
            wrong.append(Wrong(path, "voted", "somebody who has not voted"))
        elif paper.voice in seen:
            wrong.append(Wrong(path, "duplicate", "each seat or organisation once"))
        seen.add(paper.voice)
    return wrong


# --- writing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """A ballot that is being voted in, its rows locked against the count."""

    ballot: Ballot
    meeting: Meeting | None
    body: Any
    now: datetime

    async def papers(self, session: AsyncSession, caster: UUID) -> list[Paper]:
        return await queries.papers(session, self.meeting, self.body, self.ballot, caster, self.now)

    async def papers_of(self, session: AsyncSession, ids: Sequence[UUID]) -> list[Paper]:
        return await queries.papers_of(session, self.meeting, self.body, self.ballot, ids, self.now)

    def require_voting(self) -> None:
        """Raises BallotClosed, NotInCourse."""
        self.ballot.require_voting(self.now)
        if self.meeting is not None:
            require_in_course(self.meeting)


async def _hold(session: AsyncSession, ballot: Ballot, now: datetime) -> Held:
    meeting = None
    if ballot.meeting_id is not None:
        meeting = await attendance.locked(session, ballot.meeting_id, shared=True)
    await session.refresh(ballot, with_for_update={"read": True})
    body = await meeting_queries.body_of(session, ballot.network_id, ballot.body_id)
    return Held(ballot, meeting, body, now)


def _require_level(ballot: Ballot, level: Level | None) -> None:
    """`level` None: somebody else answers for who it was."""
    if level is not None and level < Level.named(ballot.level):
        raise LevelTooLow(ballot.level, level.label if level >= Level.LINK else Identity.LINK)


LOCKS = text(
    "select pg_advisory_xact_lock(hashtextextended('paper ' || :ballot || voice, 0))"
    " from unnest(:voices) as asked(voice)"
).bindparams(bindparam("ballot", type_=Uuid), bindparam("voices", type_=ARRAY(Uuid)))


LATEST = text(
    """
    select v.person_id, v.cast_by, v.entered_by, coalesce(v.version, 0) + coalesce(d.version, 0) as version
    from (values (:ballot, :voice)) as asked(ballot_id, voice)
    left join votes v using (ballot_id, voice) left join paper_drafts d using (ballot_id, voice)
    """
).bindparams(bindparam("ballot", type_=Uuid), bindparam("voice", type_=Uuid))


async def _former_of(session: AsyncSession, ballot: Ballot, voices: Sequence[UUID]) -> Mapping[UUID, Any]:
    query = select(votes.c.voice, votes.c.person_id, votes.c.cast_by, votes.c.entered_by, votes.c.version)
    rows = await session.execute(query.where(votes.c.ballot_id == ballot.id, votes.c.voice.in_(voices)))
    return {row.voice: row for row in rows}


async def _latest(session: AsyncSession, ballot: Ballot, voice: UUID) -> tuple[Any, int]:
    """What was cast for the voice, which is locked from now on, and the version of its paper."""
    await session.execute(LOCKS, {"ballot": ballot.id, "voices": [voice]})
    row = (await session.execute(LATEST, {"ballot": ballot.id, "voice": voice})).one()
    return row if row.person_id is not None else None, row.version


async def _save(
    session: AsyncSession,
    held: Held,
    paper: Paper,
    marks: bytes,
    caster: UUID,
    expected: int | None,
    level: Level,
) -> Slip:
    held.require_voting()
    _require_level(held.ballot, level)
    paper.ticket.require(caster)
    former, version = await _latest(session, held.ballot, paper.voice)
    _require_same(former, paper, caster)
    expect(expected, version)
    statement = insert(paper_drafts).values(
        ballot_id=held.ballot.id,
        voice=paper.voice,
        person_id=paper.ticket.person_id,
        marks=marks,
        saved_at=held.now,
        version=1,
    )
    new: dict[str, Any] = {name: statement.excluded[name] for name in ("marks", "saved_at", "person_id")}
    new["version"] = paper_drafts.c.version + 1
    await session.execute(statement.on_conflict_do_update(index_elements=["ballot_id", "voice"], set_=new))
    return Slip(held.ballot, Paper(**{**vars(paper), "draft": marks, "version": version + 1}))


async def _cast(
    session: AsyncSession,
    held: Held,
    paper: Paper,
    marks: bytes,
    caster: UUID,
    *,
    level: Level | None,
    expected: int | None = None,
    entered_by: UUID | None = None,
) -> Given:
    """Raises BallotClosed, NotInCourse, LevelTooLow, NotYours, NoVoice, Delegated, NotThere, SeatHasVoted,
    VotedThemselves, SecretIsFinal, Stale."""
    ballot = held.ballot
    held.require_voting()
    _require_level(ballot, level)
    paper.ticket.require(caster)
    former, version = await _latest(session, ballot, paper.voice)
    if former is not None and ballot.secret:
        raise SecretIsFinal
    if former is not None and entered_by is not None and former.entered_by is None:
        raise VotedThemselves
    _require_same(former, paper, caster)
    expect(expected, version)
    if held.meeting is not None:
        await attending.take_part(session, held.meeting, caster, held.now)
    place = paper.place or await _place(session, ballot, paper)
    await _register(session, held, paper, place, marks, caster, entered_by)
    if ballot.secret:
        await _into_urn(session, ballot, place, marks)
    if version:
        await session.execute(CAST_DRAFTS, {"ballot": ballot.id, "voices": [paper.voice]})
    if paper.voter_id is not None and former is None:
        await _voted(session, [paper.voter_id])
    at = None if ballot.secret else held.now
    return Given(ballot, paper, marks, at, replaced=former is not None, version=version + 1)


def _require_same(former: Any, paper: Paper, caster: UUID) -> None:
    """A seat has one vote: whoever sits in it, or stands for it, later does not change it. What was entered on paper
    its voter may."""
    if former is None:
        return
    if former.person_id != paper.ticket.person_id or former.cast_by != caster:
        raise SeatHasVoted


async def _place(session: AsyncSession, ballot: Ballot, paper: Paper) -> tuple[str | None, int]:
    row = Placed(paper.voice, paper.organisation_id, paper.within)
    return (await calling.placed(session, ballot, [row]))[paper.voice]


@dataclass(frozen=True)
class Placed:
    voice: UUID
    organisation_id: UUID | None
    within: Sequence[str]


async def _register(
    session: AsyncSession,
    held: Held,
    paper: Paper,
    place: tuple[str | None, int],
    marks: bytes,
    caster: UUID,
    entered_by: UUID | None,
) -> None:
    """That the voice has voted; and what, unless it is secret."""
    ballot = held.ballot
    open_ = not ballot.secret
    statement = insert(votes).values(
        ballot_id=ballot.id,
        voice=paper.voice,
        invitation_id=None if paper.voter_id else paper.id,
        voter_id=paper.voter_id,
        person_id=paper.ticket.person_id,
        cast_by=caster,
        entered_by=entered_by,
        vote=_named(marks) if open_ and ballot.kind is Kind.MOTION else None,
        marks=marks if open_ and ballot.kind is not Kind.MOTION else None,
        cohort=place[0],
        weight=place[1],
        cast_at=held.now if open_ else None,
        version=1,
    )
    names = ("vote", "marks", "cast_at", "invitation_id", "voter_id", "entered_by", "cohort", "weight")
    new = {name: statement.excluded[name] for name in names} | {"version": votes.c.version + 1}
    same = and_(votes.c.cast_by == statement.excluded.cast_by, votes.c.person_id == statement.excluded.person_id)
    written = await session.execute(
        statement.on_conflict_do_update(index_elements=["ballot_id", "voice"], set_=new, where=same).returning(
            votes.c.voice
        )
    )
    if written.first() is None:
        raise SeatHasVoted


def _named(marks: bytes) -> Vote:
    return next(vote for vote, mark in MARKS.items() if mark == marks[0])


async def _into_urn(session: AsyncSession, ballot: Ballot, place: tuple[str | None, int], marks: bytes) -> None:
    """The whole urn is written anew, so that no paper has a row, a place or a transaction of its own."""
    codes = [one["code"] for one in ballot.cohorts]
    cohort = NO_COHORT if place[0] is None else codes.index(place[0])
    held = select(urns.c.papers).where(urns.c.ballot_id == ballot.id).with_for_update()
    urn = await session.scalar(held)
    papers = rules.put_in(urn or b"", bytes([cohort]) + marks, copies=place[1])
    await session.execute(
        update(urns).where(urns.c.ballot_id == ballot.id).values(papers=papers, voices=urns.c.voices + 1)
    )


CAST_DRAFTS = text(
    "update paper_drafts set marks = null where ballot_id = :ballot and voice = any(:voices) and marks is not null"
).bindparams(bindparam("voices", type_=ARRAY(Uuid)))


async def _voted(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Of voters that were called: they have voted, and it is told; not when, nor what."""
    query = (
        update(voters)
        .where(voters.c.id.in_(ids), voters.c.state != VoterState.VOTED)
        .values(state=VoterState.VOTED, version=voters.c.version + 1)
        .returning(*(voters.c[name] for name in calling.COLUMNS))
    )
    rows = (await session.execute(query)).mappings().all()
    await stage(session, *(VoterVoted(**row) for row in rows))


# --- many at once ---------------------------------------------------------------------------------------------------

WRITE_ALL = text(
    """
    insert into votes (ballot_id, voice, invitation_id, voter_id, person_id, cast_by, entered_by, marks, cohort, weight,
                       cast_at)
    select :ballot, voice, invitation, voter, person, caster, :by, marks, cohort, weight, :now
    from unnest(:voices, :invitations, :voters, :people, :casters, :marks, :cohorts, :weights)
        as given(voice, invitation, voter, person, caster, marks, cohort, weight)
    on conflict (ballot_id, voice) do update set marks = excluded.marks, cast_at = excluded.cast_at,
        entered_by = excluded.entered_by, cast_by = excluded.cast_by, cohort = excluded.cohort,
        weight = excluded.weight, version = votes.version + 1
    """
).bindparams(
    bindparam("ballot", type_=Uuid),
    bindparam("by", type_=Uuid),
    bindparam("marks", type_=ARRAY(LargeBinary)),
    bindparam("cohorts", type_=ARRAY(Text)),
    bindparam("weights", type_=ARRAY(SmallInteger)),
    *(bindparam(name, type_=ARRAY(Uuid)) for name in ("voices", "invitations", "voters", "people", "casters")),
)


async def _write_all(session: AsyncSession, held: Held, papers: Sequence[tuple[Paper, bytes]], by: UUID | None) -> None:
    ballot = held.ballot
    rows = [Placed(paper.voice, paper.organisation_id, paper.within) for paper, _ in papers if paper.place is None]
    places = await calling.placed(session, ballot, rows) if rows else {}
    casters = [paper.ticket.proxy or paper.ticket.person_id for paper, _ in papers]
    if held.meeting is not None:
        await attending.take_part_all(session, held.meeting, casters, by, held.now)
    found = [paper.place or places[paper.voice] for paper, _ in papers]
    await session.execute(
        WRITE_ALL,
        {
            "ballot": ballot.id,
            "by": by,
            "now": held.now,
            "voices": [paper.voice for paper, _ in papers],
            "invitations": [None if paper.voter_id else paper.id for paper, _ in papers],
            "voters": [paper.voter_id for paper, _ in papers],
            "people": [paper.ticket.person_id for paper, _ in papers],
            "casters": casters,
            "marks": [marks for _, marks in papers],
            "cohorts": [cohort for cohort, _ in found],
            "weights": [weight for _, weight in found],
        },
    )
    await session.execute(CAST_DRAFTS, {"ballot": ballot.id, "voices": [paper.voice for paper, _ in papers]})
    called = [paper.voter_id for paper, _ in papers if paper.voter_id is not None]
    if called:
        await _voted(session, called)
