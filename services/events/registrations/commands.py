"""Registering, cancelling, checking in, forgetting. Each takes the row of the meeting's public places first: places are
given one after the other, and of two who want the last one has it.

No fact is told: they name strangers, and nobody else acts on them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import ARRAY, Integer, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.meetings.rules import Meeting
from services.events.meetings.tables import meetings
from services.events.policy import Right
from services.events.registrations import queries, rules
from services.events.registrations.queries import Listed, Places
from services.events.registrations.rules import MOST_PLACES, Registration, State, UnknownRegistration
from services.events.registrations.tables import public_places, registrations
from shared.access.actor import Actor
from shared.runtime.due import schedule
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, line

DUE = "registrations-forget"
"""The kind of due row that waits for the day on which it is forgotten who registered for a meeting."""
LONGEST_CODE = 600
"""A code has 22 characters; a scanner may give the whole address that it is in."""


Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        max_length=254,
        pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\.[^@\s\x00-\x1f\x7f.]+$",
    ),
]


class Entry(BaseModel):
    """Who comes. An address is for news of the meeting from its secretariat alone."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"name": "Anna Rota", "email": "anna@example.org"}]},
    )

    name: Annotated[str, line(200)]
    email: Email | None = None
    organisation: Annotated[str, line(200)] | None = None


class PlacesBody(BaseModel):
    """How many from outside may come; null: as many as want to. Those who have a place keep it."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"places": 80}]})

    places: Annotated[int, Field(ge=0, le=MOST_PLACES, strict=True)] | None


class Code(Request):
    """What a scanner reads: the code, or the whole address that it is in."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CODE)]


class Attendance(Request):
    attended: bool


@dataclass(frozen=True)
class Registered:
    """A new registration with the code of its own page, which is kept nowhere."""

    listed: Listed
    code: str

    @property
    def version(self) -> int:
        return self.listed.version


# --- registering ----------------------------------------------------------------------------------------------------

NUMBER = text(
    "insert into public_places as p (meeting_id, network_id, next_number, version) values (:meeting, :network, 2, 1)"
    " on conflict (meeting_id) do update set next_number = p.next_number + 1"
    " returning places, next_number - 1 as number"
)
"""The number of the next who comes, and the lock on the meeting's places."""


async def register(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (everybody)
    meeting_id: UUID,
    entry: Entry,
    *,
    now: datetime,
) -> Registered:
    """Somebody from outside. Raises NotPublic, MeetingCancelled, RegistrationOver, MeetingOver."""
    meeting = rules.require_public(await session.get(Meeting, meeting_id))
    rules.require_open(meeting, now)
    return await _register(session, meeting, entry, None, now)


async def enter(session: AsyncSession, actor: Actor, meeting_id: UUID, entry: Entry, *, now: datetime) -> Registered:
    """Whoever telephones, or stands at the door: until the meeting is over. Raises also UnknownMeeting, Forbidden."""
    meeting = await queries.meeting_for(session, actor, Right.KEEP_REGISTRATIONS, meeting_id, now)
    rules.require_open(rules.require_public(meeting), now, at_the_door=True)
    return await _register(session, meeting, entry, actor.id, now)


async def _register(
    session: AsyncSession, meeting: Meeting, entry: Entry, by: UUID | None, now: datetime
) -> Registered:
    """Nothing says whether somebody with this address has registered before: the coordination sees it."""
    given = (await session.execute(NUMBER, {"meeting": meeting.id, "network": meeting.network_id})).one()
    counted = (await queries.counts(session, [meeting.id]))[meeting.id]
    code = secrets.token_urlsafe(16)
    registration = Registration(
        meeting.id,
        meeting.network_id,
        given.number,
        entry.name,
        entry.email,
        entry.organisation,
        queries.digest(code),
        now,
        rules.state_for(given.places, counted.confirmed, counted.waiting),
        by,
    )
    session.add(registration)
    await session.flush()
    await schedule(session, DUE, meeting.id, rules.erase_at(meeting))
    return Registered(await queries.one(session, registration.id), code)


# --- places ---------------------------------------------------------------------------------------------------------


async def _lock(session: AsyncSession, meeting_id: UUID) -> Any:
    """The row of the meeting's public places, locked; None when there is none yet."""
    query = select(public_places).where(public_places.c.meeting_id == meeting_id).with_for_update()
    return (await session.execute(query)).one_or_none()


SET_PLACES = text(
    "insert into public_places as p (meeting_id, network_id, places, version) values (:meeting, :network, :places, 1)"
    " on conflict (meeting_id) do update set places = excluded.places, version = p.version + 1, updated_at = now()"
)


async def bound(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    request: PlacesBody,
    *,
    expected: int | None,
    now: datetime,
) -> Places:
    """Sets how many may come, and admits who waits and now has a place. Raises UnknownMeeting, Forbidden, Stale."""
    meeting = await queries.meeting_for(session, actor, Right.KEEP_REGISTRATIONS, meeting_id, now)
    row = await _lock(session, meeting.id)
    expect(expected, row.version if row is not None else 0)
    values = {"meeting": meeting.id, "network": meeting.network_id, "places": request.places}
    await session.execute(SET_PLACES, values)
    await _admit(session, meeting, request.places, now)
    return await queries.places_of(session, meeting)


ADMIT = text(
    "update registrations set state = 'confirmed', version = version + 1, updated_at = now()"
    " where meeting_id = :meeting and number = any(:numbers)"
).bindparams(bindparam("numbers", type_=ARRAY(Integer)))


async def _admit(session: AsyncSession, meeting: Meeting, places: int | None, now: datetime) -> None:
    """Who waits gets what is free, in turn; nobody any more once the meeting is over."""
    if now >= meeting.ends_at:
        return
    waiting = select(registrations.c.number).where(
        registrations.c.meeting_id == meeting.id, registrations.c.state == State.WAITING
    )
    numbers = (await session.scalars(waiting)).all()
    if numbers:
        taken = (await queries.counts(session, [meeting.id]))[meeting.id].confirmed
        in_turn = rules.admitted(places, taken, numbers)
        await session.execute(ADMIT, {"meeting": meeting.id, "numbers": in_turn})


# --- giving up ------------------------------------------------------------------------------------------------------


async def give_up(session: AsyncSession, actor: Actor, code: str, *, now: datetime) -> None:  # noqa: ARG001 (whoever has the code)
    """The person will not come: the place goes to the next, the data go at once. After the meeting the data alone go.
    Raises UnknownRegistration."""
    registration = await queries.by_code(session, code)
    await _give_up(session, registration, now)


async def remove(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    registration_id: UUID,
    *,
    expected: int | None,
    now: datetime,
) -> None:
    """For somebody who asked the coordination. Raises UnknownMeeting, UnknownRegistration, Forbidden, Stale."""
    registration = await _of_meeting(session, actor, meeting_id, registration_id, now)
    expect(expected, registration.version)
    await _give_up(session, registration, now)


async def _give_up(session: AsyncSession, registration: Registration, now: datetime) -> None:
    row = await _lock(session, registration.meeting_id)
    await session.refresh(registration, with_for_update=True)
    meeting = await session.get(Meeting, registration.meeting_id)
    assert meeting is not None
    freed = registration.give_up(now, over=now >= meeting.ends_at)
    await session.flush()
    if freed:
        await _admit(session, meeting, row.places, now)


# --- at the door ----------------------------------------------------------------------------------------------------


def code_in(scanned: str) -> str:
    """The code of an address `…?code=…`; a bare code is itself."""
    return scanned.rpartition("code=")[2].partition("&")[0]


async def check_in(session: AsyncSession, actor: Actor, meeting_id: UUID, scanned: str, *, now: datetime) -> Listed:
    """Who shows their code is there; twice is once. Raises UnknownMeeting, UnknownRegistration, Forbidden, NotAdmitted,
    NotBegun."""
    meeting = await queries.meeting_for(session, actor, Right.KEEP_REGISTRATIONS, meeting_id, now)
    registration = await queries.by_code(session, code_in(scanned))
    if registration.meeting_id != meeting.id:
        raise UnknownRegistration
    return await _there(session, actor, meeting, registration, True, now)


async def check_in_by_code(session: AsyncSession, actor: Actor, code: str, *, now: datetime) -> Listed:
    """From the person's own page, opened by whoever is at the door."""
    registration = await queries.by_code(session, code)
    return await check_in(session, actor, registration.meeting_id, code, now=now)


async def attended(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    registration_id: UUID,
    request: Attendance,
    *,
    expected: int | None,
    now: datetime,
) -> Listed:
    """By hand; a mistake is taken back."""
    registration = await _of_meeting(session, actor, meeting_id, registration_id, now)
    expect(expected, registration.version)
    meeting = await session.get(Meeting, meeting_id)
    assert meeting is not None
    return await _there(session, actor, meeting, registration, request.attended, now)


async def _of_meeting(
    session: AsyncSession, actor: Actor, meeting_id: UUID, registration_id: UUID, now: datetime
) -> Registration:
    await queries.meeting_for(session, actor, Right.KEEP_REGISTRATIONS, meeting_id, now)
    registration = await session.get(Registration, registration_id)
    if registration is None or registration.meeting_id != meeting_id:
        raise UnknownRegistration(registration_id)
    return registration


async def _there(
    session: AsyncSession, actor: Actor, meeting: Meeting, registration: Registration, there: bool, now: datetime
) -> Listed:
    rules.require_check_in(meeting, now)
    await _lock(session, meeting.id)
    await session.refresh(registration, with_for_update=True)
    if there:
        registration.check_in(now, actor.id)
    else:
        registration.not_there()
    await session.flush()
    return await queries.one(session, registration.id)


# --- forgetting -----------------------------------------------------------------------------------------------------

FORGET = (
    update(registrations)
    .where(registrations.c.meeting_id == bindparam("meeting"), registrations.c.secret_sha256.is_not(None))
    .values(
        name="",
        email=None,
        organisation=None,
        secret_sha256=None,
        erased_at=bindparam("at"),
        version=registrations.c.version + 1,
    )
)


async def forget_due(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """Some time after a meeting it is forgotten who registered; how many did stays. One that was moved meanwhile is
    looked at again when its time comes."""
    query = select(Meeting).where(meetings.c.id.in_(ids)).order_by(meetings.c.id)
    for meeting in (await session.scalars(query)).all():
        await _lock(session, meeting.id)
        if rules.erase_at(meeting) > now:
            await schedule(session, DUE, meeting.id, rules.erase_at(meeting))
        else:
            await session.execute(FORGET, {"meeting": meeting.id, "at": now})


FOLLOW = text("update due set at = :at where kind = :kind and subject_id = :meeting")


async def follow_move(session: AsyncSession, meeting: Meeting) -> None:
    """A meeting that is moved is forgotten so long after its new end."""
    await session.execute(FOLLOW, {"at": rules.erase_at(meeting), "kind": DUE, "meeting": meeting.id})
