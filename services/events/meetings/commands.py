"""What may be done with meetings. Each command locks the convocations of the network, then the meeting's row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance import queries as attendance
from services.events.documents import commands as documents
from services.events.invitations import commands as invitations
from services.events.meetings import queries, rules
from services.events.meetings.queries import Known
from services.events.meetings.rules import Change, Item, Meeting, Mode, State
from services.events.meetings.tables import guests, meetings
from services.events.notices import queries as notices
from services.events.registrations import commands as registrations
from services.events.series import queries as series
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.contracts.events import (
    MeetingCancelled,
    MeetingChanged,
    MeetingConvened,
    MeetingMoved,
    MeetingState,
)
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, line

MOST_NAMED, MOST_GUESTS = 200, 500


class Audience(Request):
    """Whom a meeting is for. Without a body: who holds a mandate in one of the `territories` for an organisation of one
    of the `kinds` (where both are named, both), the people of `bodies`, and `people` by name. With a body its own
    people, and `people` as guests."""

    territories: list[Annotated[str, line(8)]] = Field(default=[], max_length=MOST_NAMED, examples=[["03"]])
    kinds: list[Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]] = Field(
        default=[], max_length=MOST_NAMED, description="Kinds or RUNTS sections of organisations"
    )
    bodies: list[UUID] = Field(default=[], max_length=MOST_NAMED)
    people: list[UUID] = Field(default=[], max_length=MOST_GUESTS)


async def draft(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    title: str,
    starts_at: datetime,
    ends_at: datetime,
    mode: Mode,
    body_id: UUID | None,
    founding: bool,
    place: str | None,
    join_url: str | None,
    agenda: list[Item],
    audience: Audience | None = None,
    now: datetime,
    **more: Any,
) -> Known:
    """A draft, which is told to nobody. `more`: series_id, level, open_to_public, description, capacity, notice_days of
    `rules.Meeting`."""
    room = await network_id(session, network)
    body = await queries.body_of(session, room, body_id)
    queries.require_convener(actor, room, body, now)
    meeting = Meeting(room, title, starts_at, ends_at, mode, body_id, founding, place, join_url, agenda=agenda, **more)
    rules.draft(meeting, queries.of(body))
    await queries.require_free(session, meeting)
    people = await _set_audience(session, meeting, body, audience)
    await series.require_fits(session, meeting)
    session.add(meeting)
    await session.flush()
    await _invite_by_name(session, meeting.id, people)
    return await queries.known(session, actor, meeting)


async def change(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    fields: dict[str, Any],
    *,
    expected: int | None,
    now: datetime,
) -> Known:
    """Takes the fields given. Another day of a convened meeting is another list of those entitled; who has answered
    keeps answer and place."""
    meeting, body = await _to_convene(session, actor, meeting_id, expected, now)
    before = Meeting(**{name: getattr(meeting, name) for name in BEFORE})
    asked = dict(fields)
    audience, urgency = asked.pop("audience", None), asked.pop("urgency", None)
    with session.no_autoflush:  # refused before anything is written
        people = None
        if "audience" in fields:
            asked["audience"], people = await _audience(session, meeting, body, audience)
        outcome = meeting.change(asked, queries.of(body), now)
        if outcome is not Change.NOTHING:
            await _require_standing(session, actor, meeting, before, body, urgency, now)
    await session.flush()
    if outcome is Change.MOVED:
        await registrations.follow_move(session, meeting)
    if before.agenda != meeting.agenda:
        await documents.renumber(session, meeting.id, rules.renumbered(before.agenda, meeting.agenda))
    others = await _invite_by_name(session, meeting.id, people) if people is not None else set()
    if meeting.state is State.CONVENED:
        await _tell(session, meeting, before, outcome, others)
    return await queries.known(session, actor, meeting)


async def _require_standing(
    session: AsyncSession,
    actor: Actor,
    meeting: Meeting,
    before: Meeting,
    body: Any,
    urgency: str | None,
    now: datetime,
) -> None:
    """What holds of a meeting holds of it as it is about to be, too."""
    if (before.starts_at, before.ends_at) != (meeting.starts_at, meeting.ends_at):
        await queries.require_free(session, meeting)
    if meeting.state is State.CONVENED and before.day != meeting.day:
        await _require_notice(session, actor, meeting, body, urgency, now)
    await series.require_fits(session, meeting, convening=meeting.state is State.CONVENED)


async def _tell(session: AsyncSession, meeting: Meeting, before: Meeting, outcome: Change, others: set[UUID]) -> None:
    """What the change of a convened meeting is to those invited, and who is invited now."""
    if meeting.day != before.day:
        changed = await invitations.follow(session, [meeting.id])
    elif others:
        changed = await invitations.follow(session, [meeting.id], people=others)
    else:
        changed = await invitations.admit(session, [meeting.id]) if meeting.capacity != before.capacity else []
    told = {Change.MOVED: MeetingMoved, Change.CHANGED: MeetingChanged}.get(outcome)
    await stage(session, *([state_of(told, meeting)] if told else []), *changed)


BEFORE = (
    *("network_id", "title", "starts_at", "ends_at", "mode", "body_id", "place", "join_url", "agenda", "capacity"),
)


async def convene(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    urgency: str | None = None,
    expected: int | None,
    now: datetime,
) -> Known:
    """Invites everybody who will be entitled on the day of the meeting, in one transaction and a handful of
    statements. Whoever becomes entitled later is invited when the news of the mandate comes."""
    meeting, body = await _to_convene(session, actor, meeting_id, expected, now)
    with session.no_autoflush:
        meeting.convene(queries.of(body), now)
        await _require_notice(session, actor, meeting, body, urgency, now)
    await _convene(session, meeting, body)
    return await queries.known(session, actor, meeting)


async def _require_notice(
    session: AsyncSession, actor: Actor, meeting: Meeting, body: Any, urgency: str | None, now: datetime
) -> None:
    meeting.noticed(await notices.asked(session, meeting.network_id, body), day(now), urgency, actor.person_id)


async def cancel(
    session: AsyncSession, actor: Actor, meeting_id: UUID, *, expected: int | None, now: datetime
) -> Known:
    meeting, _ = await _to_convene(session, actor, meeting_id, expected, now)
    told = meeting.cancel(now)
    await session.flush()
    if told:
        await stage(session, state_of(MeetingCancelled, meeting))
    return await queries.known(session, actor, meeting)


async def second_call(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    expected: int | None,
    now: datetime,
) -> Known:
    """Convenes the second call of a meeting that was held without a quorum: a meeting of its own, at once."""
    first, body = await _to_convene(session, actor, meeting_id, expected, now)
    meeting = rules.second_call(first, queries.of(body), await _second_calls(session, first), starts_at, ends_at, now)
    meeting.convene(queries.of(body), now)
    session.add(meeting)
    await session.flush()
    await _invite_by_name(session, meeting.id, await queries.guests_of(session, first.id))
    await _convene(session, meeting, body)
    return await queries.known(session, actor, meeting)


async def _to_convene(
    session: AsyncSession, actor: Actor, meeting_id: UUID, expected: int | None, now: datetime
) -> tuple[Meeting, Any]:
    """The meeting, locked, with the row of its body, if the actor may convene it and knows its newest version."""
    meeting = await queries.for_update(session, meeting_id)
    body = await queries.body_of(session, meeting.network_id, meeting.body_id)
    queries.require_convener(actor, meeting.network_id, body, now)
    expect(expected, meeting.version)
    return meeting, body


async def _convene(session: AsyncSession, meeting: Meeting, body: Any) -> None:
    """Of a meeting whose own rules agree: its body and its programme have room for it, and a quorum can be had."""
    await queries.require_free(session, meeting)
    await series.require_fits(session, meeting, convening=True)
    await session.flush()
    issued = await invitations.follow(session, [meeting.id])
    if body is not None:
        entitled = await attendance.entitled(session, meeting, body)
        rules.possible(attendance.rule_of(body, meeting.call).needed(entitled), entitled)
    await stage(session, state_of(MeetingConvened, meeting), *issued)


async def _set_audience(session: AsyncSession, meeting: Meeting, body: Any, audience: Audience | None) -> list[UUID]:
    meeting.audience, people = await _audience(session, meeting, body, audience)
    return people


async def _audience(
    session: AsyncSession, meeting: Meeting, body: Any, audience: Audience | None
) -> tuple[Any, list[UUID]]:
    """What is kept of an audience, and the guests. Raises InvalidAudience, BodyElsewhere, NotYetKnown."""
    if audience is None:
        return rules.audience_of(None, [], queries.of(body)), []
    groups = {
        "territories": await queries.territories_of(session, meeting.network_id, audience.territories),
        "kinds": list(audience.kinds),
        "bodies": [str(body_id) for body_id in audience.bodies],
    }
    kept = rules.audience_of(groups, audience.people, queries.of(body))
    await queries.require_bodies(session, meeting.network_id, audience.bodies)
    await queries.require_people(session, audience.people)
    return kept, sorted(set(audience.people))


async def _invite_by_name(session: AsyncSession, meeting_id: UUID, people: Sequence[UUID]) -> set[UUID]:
    """These are its guests, and nobody else. Gives those who were not, or are no longer."""
    before = set(await queries.guests_of(session, meeting_id))
    gone, new = before - set(people), set(people) - before
    if gone:
        await session.execute(guests.delete().where(guests.c.meeting_id == meeting_id, guests.c.person_id.in_(gone)))
    if new:
        rows = [{"meeting_id": meeting_id, "person_id": person} for person in sorted(new)]
        await session.execute(guests.insert(), rows)
    return gone | new


async def _second_calls(session: AsyncSession, first: Meeting) -> Sequence[UUID]:
    stands = meetings.c.state != State.CANCELLED
    return (await session.scalars(select(meetings.c.id).where(meetings.c.first_call_id == first.id, stands))).all()


def state_of(fact: type[MeetingState], meeting: Meeting) -> MeetingState:
    """Without the joining link: it lets in whoever has it."""
    return fact(
        id=meeting.id,
        version=meeting.version,
        network_id=meeting.network_id,
        title=meeting.title,
        body_id=meeting.body_id,
        founding=meeting.founding,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        mode=meeting.mode,
        place=meeting.place,
        call=meeting.call,
        sequence=meeting.sequence,
        agenda=tuple(item["title"] for item in meeting.agenda),
        state=meeting.state,
        series_id=meeting.series_id,
        level=meeting.level,
        open_to_public=meeting.open_to_public,
    )
