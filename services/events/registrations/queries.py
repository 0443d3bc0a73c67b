"""Reading registrations: the public page, one's own, the coordination's list, and the counts that stay."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import Meeting, UnknownMeeting
from services.events.people.tables import people
from services.events.policy import Right, policy
from services.events.registrations.rules import Registration, State, UnknownRegistration, require_public
from services.events.registrations.tables import public_places, registrations
from shared.access.actor import Actor
from shared.access.loading import network_row
from shared.runtime.paging import DEFAULT, Page, page


def digest(code: str) -> bytes:
    """What is kept of a code: it has 128 bits of its own, so no slow hash is needed."""
    return hashlib.sha256(code.encode()).digest()


@dataclass(frozen=True)
class Counts:
    """Of one meeting; `confirmed` are those with a place, `attended` those of them who came."""

    confirmed: int = 0
    waiting: int = 0
    cancelled: int = 0
    attended: int = 0


@dataclass(frozen=True)
class Open:
    """What everybody may know of a public meeting. `places` None: as many as come."""

    meeting: Meeting
    network: Any
    body: str | None
    places: int | None
    counts: Counts

    @property
    def left(self) -> int | None:
        """Places that the next ones get; nobody passes those who wait."""
        if self.places is None:
            return None
        return 0 if self.counts.waiting else max(0, self.places - self.counts.confirmed)


@dataclass(frozen=True)
class Managed:
    """A registration as its own page shows it; `before` wait in front of it. `may_check_in`: who has opened it may say
    that the person is there."""

    registration: Registration
    open: Open
    before: int
    may_check_in: bool


@dataclass(frozen=True)
class Listed:
    """A registration for the coordination. `again`: another one has the same address, or the same name."""

    registration: Registration
    entered_by: str | None
    again: bool

    @property
    def version(self) -> int:
        return self.registration.version


@dataclass(frozen=True)
class Places:
    """How many from outside may come to a meeting, and how many do."""

    meeting: Meeting
    places: int | None
    counts: Counts
    version: int


async def counts(session: AsyncSession, meeting_ids: Collection[UUID]) -> dict[UUID, Counts]:
    """Of each of these meetings, zeroes included, also when the names have gone; one statement."""
    columns = [func.count().filter(registrations.c.state == state).label(str(state)) for state in State]
    query = select(
        registrations.c.meeting_id, *columns, func.count().filter(registrations.c.attended).label("attended")
    )
    rows = await session.execute(
        query.where(registrations.c.meeting_id.in_(meeting_ids)).group_by(registrations.c.meeting_id)
    )
    found = {row.meeting_id: Counts(row.confirmed, row.waiting, row.cancelled, row.attended) for row in rows}
    return {meeting_id: found.get(meeting_id, Counts()) for meeting_id in meeting_ids}


async def _whole(session: AsyncSession, meeting: Meeting) -> Open:
    body = await session.scalar(select(bodies.c.title).where(bodies.c.id == meeting.body_id))
    places = await session.scalar(select(public_places.c.places).where(public_places.c.meeting_id == meeting.id))
    network = await network_row(session, str(meeting.network_id))
    return Open(meeting, network, body, places, (await counts(session, [meeting.id]))[meeting.id])


async def public(session: AsyncSession, actor: Actor, meeting_id: UUID, *, now: datetime) -> Open:  # noqa: ARG001 (everybody)
    """Raises NotPublic, MeetingCancelled."""
    return await _whole(session, require_public(await session.get(Meeting, meeting_id)))


async def by_code(session: AsyncSession, code: str, *, lock: bool = False) -> Registration:
    """Raises UnknownRegistration."""
    query = select(Registration).where(registrations.c.secret_sha256 == digest(code))
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise UnknownRegistration
    return found


async def managed(session: AsyncSession, actor: Actor, code: str, *, now: datetime) -> Managed:
    """For whoever has the code. Raises UnknownRegistration."""
    registration = await by_code(session, code)
    meeting = await session.get(Meeting, registration.meeting_id)
    assert meeting is not None
    before = select(func.count()).where(
        registrations.c.meeting_id == meeting.id,
        registrations.c.state == State.WAITING,
        registrations.c.number < registration.number,
    )
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    may = policy.has(actor, Right.KEEP_REGISTRATIONS, on=now, **meeting_queries.where(meeting.network_id, body))
    return Managed(registration, await _whole(session, meeting), await session.scalar(before) or 0, may)


# --- for the coordination -------------------------------------------------------------------------------------------


async def meeting_for(session: AsyncSession, actor: Actor, right: Right, meeting_id: UUID, now: datetime) -> Meeting:
    """Raises UnknownMeeting, Forbidden."""
    meeting = await session.get(Meeting, meeting_id)
    if meeting is None:
        raise UnknownMeeting(meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    policy.require(actor, right, on=now, **meeting_queries.where(meeting.network_id, body))
    return meeting


async def places(session: AsyncSession, actor: Actor, meeting_id: UUID, *, now: datetime) -> Places:
    """Raises UnknownMeeting, Forbidden."""
    meeting = await meeting_for(session, actor, Right.READ_REGISTRATIONS, meeting_id, now)
    return await places_of(session, meeting)


async def places_of(session: AsyncSession, meeting: Meeting) -> Places:
    query = select(public_places).where(public_places.c.meeting_id == meeting.id)
    row = (await session.execute(query)).one_or_none()
    counted = (await counts(session, [meeting.id]))[meeting.id]
    return Places(meeting, row.places if row else None, counted, row.version if row else 0)


_again = registrations.alias("again")
LISTED = select(
    Registration,
    func.trim(people.c.given_name + " " + people.c.family_name).label("entered_by_name"),
    select(_again.c.id)
    .where(
        _again.c.meeting_id == registrations.c.meeting_id,
        _again.c.id != registrations.c.id,
        _again.c.state != State.CANCELLED,
        registrations.c.state != State.CANCELLED,
        (func.lower(_again.c.email) == func.lower(registrations.c.email))
        | ((func.lower(_again.c.name) == func.lower(registrations.c.name)) & (registrations.c.name != "")),
    )
    .exists()
    .label("again"),
).outerjoin(people, people.c.id == registrations.c.entered_by)


def _listed(row: Any) -> Listed:
    return Listed(row[0], row.entered_by_name, row.again)


async def listed(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    state: Sequence[State] = (),
    attended: bool | None = None,
    q: str | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Listed]:
    """Who has registered, in the order in which they came. Raises UnknownMeeting, Forbidden."""
    meeting = await meeting_for(session, actor, Right.READ_REGISTRATIONS, meeting_id, now)
    query = LISTED.where(registrations.c.meeting_id == meeting.id)
    if state:
        query = query.where(registrations.c.state.in_(state))
    if attended is not None:
        query = query.where(registrations.c.attended == attended)
    if q:
        query = query.where(registrations.c.name.icontains(q, autoescape=True))
    if updated_since:
        query = query.where(registrations.c.updated_at >= updated_since)
    found = await page(session, query, key=[registrations.c.number], after=after, limit=limit)
    return Page([_listed(row) for row in found.items], found.next)


async def one(session: AsyncSession, registration_id: UUID) -> Listed:
    """Raises UnknownRegistration."""
    row = (await session.execute(LISTED.where(registrations.c.id == registration_id))).one_or_none()
    if row is None:
        raise UnknownRegistration(registration_id)
    return _listed(row)
