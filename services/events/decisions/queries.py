"""Reading decisions, with the names of those who owe something by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.decisions.rules import Decision, Kept, Kind, State, UnknownDecision
from services.events.decisions.tables import commitments, decisions
from services.events.meetings import queries as meeting_queries
from services.events.meetings.tables import meetings
from services.events.minutes.tables import minutes
from services.events.organisations.tables import organisations
from services.events.people.tables import people
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.runtime.paging import DEFAULT, Page, page

owners = bodies.alias("owners")


@dataclass(frozen=True)
class Commitment:
    """What the registry made of a decision, as it stands."""

    id: UUID
    state: str
    due: date
    fulfilled_on: date | None


@dataclass(frozen=True)
class Named:
    """A decision with its meeting, its owner's name, what became of it and what the policy asks about its body."""

    decision: Decision
    meeting: str
    held_on: date
    body: Any
    owner: str | None
    minutes_id: UUID | None
    minutes_state: str | None
    commitment: Commitment | None

    @property
    def version(self) -> int:
        return self.decision.version


OWNER = func.coalesce(
    organisations.c.title, func.nullif(func.trim(people.c.given_name + " " + people.c.family_name), ""), owners.c.title
)
OF_DECISION = (
    select(commitments.c.id)
    .where(commitments.c.decision_id == decisions.c.id)
    .order_by(commitments.c.id)
    .limit(1)
    .correlate(decisions)
    .scalar_subquery()
)
"""The registry makes one commitment of a decision."""
NAMED = (
    select(
        Decision,
        meetings.c.title.label("meeting"),
        meetings.c.day,
        bodies.c.id.label("deciding_id"),
        bodies.c.title.label("deciding"),
        bodies.c.territory,
        OWNER.label("owner"),
        minutes.c.id.label("minutes_id"),
        minutes.c.state.label("minutes_state"),
        commitments.c.id.label("commitment_id"),
        commitments.c.state.label("commitment_state"),
        commitments.c.due.label("commitment_due"),
        commitments.c.fulfilled_on,
    )
    .join(meetings, meetings.c.id == decisions.c.meeting_id)
    .outerjoin(bodies, bodies.c.id == decisions.c.body_id)
    .outerjoin(organisations, organisations.c.id == decisions.c.organisation_id)
    .outerjoin(people, people.c.id == decisions.c.person_id)
    .outerjoin(owners, owners.c.id == decisions.c.owner_body_id)
    .outerjoin(minutes, minutes.c.meeting_id == decisions.c.meeting_id)
    .outerjoin(commitments, commitments.c.id == OF_DECISION)
)


def _named(row: Any) -> Named:
    body = meeting_queries.Body(row.deciding_id, row.deciding, row.territory) if row.deciding_id else None
    owner = (row.owner or "–") if row[0].owners else None
    kept = (
        Commitment(row.commitment_id, row.commitment_state, row.commitment_due, row.fulfilled_on)
        if row.commitment_id
        else None
    )
    return Named(row[0], row.meeting, row.day, body, owner, row.minutes_id, row.minutes_state, kept)


async def named(session: AsyncSession, decision_id: UUID) -> Named:
    row = (await session.execute(NAMED.where(decisions.c.id == decision_id))).one_or_none()
    if row is None:
        raise UnknownDecision(decision_id)
    return _named(row)


async def of_meeting(session: AsyncSession, meeting_id: UUID) -> list[Named]:
    """In the order in which they were written down: as the minutes number them."""
    rows = await session.execute(NAMED.where(decisions.c.meeting_id == meeting_id).order_by(decisions.c.id))
    return [_named(row) for row in rows]


async def get(session: AsyncSession, actor: Actor, decision_id: UUID, *, now: datetime) -> Named:
    """Once the minutes are approved, for whoever may read the meeting; before, for who writes it or is invited."""
    found = await named(session, decision_id)
    known = await meeting_queries.get(session, actor, found.decision.meeting_id, now=now)
    if found.decision.state is State.PROPOSED and not known.invited:
        place = meeting_queries.where(found.decision.network_id, found.body)
        policy.require(actor, Right.WRITE_MINUTES, on=now, **place)
    return found


async def listed(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Named]:
    """The decisions of a meeting, for whoever may read it; proposed ones for who writes them or is invited."""
    known = await meeting_queries.get(session, actor, meeting_id, now=now)
    query = NAMED.where(decisions.c.meeting_id == meeting_id)
    place = meeting_queries.where(known.meeting.network_id, known.body)
    if not known.invited and not policy.has(actor, Right.WRITE_MINUTES, on=now, **place):
        query = query.where(decisions.c.state != State.PROPOSED)
    found = await page(session, query, key=[decisions.c.id], after=after, limit=limit)
    return Page([_named(row) for row in found.items], found.next)


@dataclass(frozen=True)
class Sought:
    """What is sought in the register: different fields narrow, several values of one widen. `owner` is an organisation,
    a person or a body; `q` is words in Italian, with `"…"`, `or` and `-` as search engines take them."""

    body: Sequence[UUID] = ()
    kind: Sequence[Kind] = ()
    owner: Sequence[UUID] = ()
    organisation: Sequence[UUID] = ()
    person: Sequence[UUID] = ()
    state: Sequence[State] = ()
    kept: Sequence[Kept] = ()
    since: date | None = None
    until: date | None = None
    due_before: date | None = None
    q: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [
            column.in_(values)
            for column, values in (
                (decisions.c.body_id, self.body),
                (decisions.c.kind, self.kind),
                (decisions.c.organisation_id, self.organisation),
                (decisions.c.person_id, self.person),
                (decisions.c.state, self.state or [State.ADOPTED]),
                (func.coalesce(commitments.c.state, Kept.NONE), [str(kept) for kept in self.kept]),
            )
            if values
        ]
        if self.owner:
            owners_ = (decisions.c.organisation_id, decisions.c.person_id, decisions.c.owner_body_id)
            found.append(or_(*(column.in_(self.owner) for column in owners_)))
        if self.since is not None:
            found.append(meetings.c.day >= self.since)
        if self.until is not None:
            found.append(meetings.c.day < self.until)
        if self.due_before is not None:
            found.append(decisions.c.due < self.due_before)
        if self.q:
            words = func.unaccented(cast(self.q, String))
            found.append(decisions.c.search.op("@@")(func.websearch_to_tsquery(ITALIAN, words)))
        return found


ITALIAN: ColumnElement[str] = literal_column("'italian'::regconfig")


async def of_network(
    session: AsyncSession,
    actor: Actor,
    network: str,
    sought: Sought,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Named]:
    """The register of a network's decisions, from the first to the last: adopted ones, unless others are asked for."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_MINUTES, network=room, on=now)
    if State.PROPOSED in sought.state:
        policy.require(actor, Right.WRITE_MINUTES, on=now, **meeting_queries.where(room, None))
    query = NAMED.where(decisions.c.network_id == room, *sought.conditions())
    found = await page(session, query, key=[decisions.c.id], after=after, limit=limit)
    return Page([_named(row) for row in found.items], found.next)
