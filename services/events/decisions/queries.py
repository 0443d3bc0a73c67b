"""Reading decisions, with the names of those who owe something by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.decisions.rules import Decision, State, UnknownDecision
from services.events.decisions.tables import decisions
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
class Named:
    """A decision with its meeting, its owner's name and what the policy asks about its body."""

    decision: Decision
    meeting: str
    held_on: date
    body: Any
    owner: str | None
    minutes_id: UUID | None
    minutes_state: str | None

    @property
    def version(self) -> int:
        return self.decision.version


OWNER = func.coalesce(
    organisations.c.title, func.nullif(func.trim(people.c.given_name + " " + people.c.family_name), ""), owners.c.title
)
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
    )
    .join(meetings, meetings.c.id == decisions.c.meeting_id)
    .outerjoin(bodies, bodies.c.id == decisions.c.body_id)
    .outerjoin(organisations, organisations.c.id == decisions.c.organisation_id)
    .outerjoin(people, people.c.id == decisions.c.person_id)
    .outerjoin(owners, owners.c.id == decisions.c.owner_body_id)
    .outerjoin(minutes, minutes.c.meeting_id == decisions.c.meeting_id)
)


def _named(row: Any) -> Named:
    body = meeting_queries.Body(row.deciding_id, row.deciding, row.territory) if row.deciding_id else None
    owner = (row.owner or "–") if row[0].owners else None
    return Named(row[0], row.meeting, row.day, body, owner, row.minutes_id, row.minutes_state)


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


async def of_network(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    body: Sequence[UUID] = (),
    organisation: Sequence[UUID] = (),
    person: Sequence[UUID] = (),
    state: Sequence[State] = (),
    due_before: date | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Named]:
    """The register of a network's decisions, from the first to the last: adopted ones, unless others are asked for."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_MINUTES, network=room, on=now)
    if State.PROPOSED in state:
        policy.require(actor, Right.WRITE_MINUTES, on=now, **meeting_queries.where(room, None))
    query = NAMED.where(decisions.c.network_id == room)
    for column, values in (
        (decisions.c.body_id, body),
        (decisions.c.organisation_id, organisation),
        (decisions.c.person_id, person),
        (decisions.c.state, state or [State.ADOPTED]),
    ):
        if values:
            query = query.where(column.in_(values))
    if due_before:
        query = query.where(decisions.c.due < due_before)
    found = await page(session, query, key=[decisions.c.id], after=after, limit=limit)
    return Page([_named(row) for row in found.items], found.next)
