"""Reminders of meetings that move or are called off, across the change to and from summer time; places that are not
there yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.access.actor import ROME
from shared.contracts.events import MeetingCancelled, MeetingConvened, MeetingMoved
from tests.notify.network import Network, then
from tests.notify.reminders.test_reminders import REMINDER, convened, invited, moved_to, reminders, told

pytestmark = pytest.mark.timeout(180)
YEAR = 2098
"""Far ahead: the clock of a module never goes back. In it summer time lasts from 30 March to 26 October."""


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(YEAR, month, day, hour, minute, tzinfo=ROME)


def moved(meeting: MeetingConvened | MeetingMoved, starts: datetime) -> MeetingMoved:
    return then(meeting, MeetingMoved, starts_at=starts, ends_at=starts + timedelta(hours=2))


async def told_to(notify: Network, *facts: Any) -> None:
    await notify.running.tell(*facts)
    await notify.running.settled()


async def instants(notify: Network, meeting: MeetingConvened) -> dict[int, datetime]:
    """Days before -> when, for what is planned."""
    rows = await notify.running.sql(
        "select days, at from reminders where subject_id = :id and state = 'planned'", id=meeting.id
    )
    return {row.days: row.at.astimezone(ROME) for row in rows}


async def test_the_hour_on_the_wall_is_kept_when_a_meeting_moves_across_the_change(notify: Network) -> None:
    """One after the other, as the clock goes on: into summer time, moved out of it, called off."""
    await moved_to(notify, at(3, 1, 9))
    person = notify.person()
    meeting = convened(notify, at(3, 28, 18))
    await told_to(notify, person, meeting, invited(notify, meeting, person))
    assert await instants(notify, meeting) == {7: at(3, 21, 18), 1: at(3, 27, 18)}

    later = moved(meeting, at(4, 2, 18))  # in summer time, its reminders before it and in it
    await told_to(notify, later)
    assert await instants(notify, meeting) == {7: at(3, 26, 18), 1: at(4, 1, 18)}
    assert (at(4, 2, 18) - at(3, 26, 18)).days == 7, "by the clock on the wall"

    await moved_to(notify, at(3, 26, 17, 59))
    assert await told(notify, REMINDER["meeting"], person) == 0, "not an hour early"
    await moved_to(notify, at(3, 26, 18))
    assert await told(notify, REMINDER["meeting"], person) == 1

    autumn = moved(later, at(10, 29, 18))  # in winter time, a week of it before the change back
    await told_to(notify, autumn)
    assert await instants(notify, meeting) == {7: at(10, 22, 18), 1: at(10, 28, 18)}
    await moved_to(notify, at(4, 1, 18, 30))
    assert await told(notify, REMINDER["meeting"], person) == 1, "nothing of the day that it had before"
    await moved_to(notify, at(10, 22, 18))
    assert await told(notify, REMINDER["meeting"], person) == 2

    await told_to(notify, then(autumn, MeetingCancelled, state="cancelled"))
    assert await reminders(notify, meeting.id) == {7: "sent", 1: "cancelled"}
    await moved_to(notify, at(10, 30, 9))
    assert await told(notify, REMINDER["meeting"], person) == 2


async def test_a_meeting_moved_into_the_week_sends_nothing_for_the_past_and_nobody_is_told_twice(
    notify: Network,
) -> None:
    start = max(at(11, 1, 9), notify.running.context.clock.now())
    await moved_to(notify, start)
    person = notify.person()
    meeting = convened(notify, start + timedelta(days=30))
    await told_to(notify, person, meeting, invited(notify, meeting, person))
    near = moved(meeting, start + timedelta(days=3))
    await told_to(notify, near)
    assert await reminders(notify, meeting.id) == {7: "past", 1: "planned"}
    await moved_to(notify, start + timedelta(days=2, hours=1))
    assert await told(notify, REMINDER["meeting"], person) == 1
    await told_to(notify, near, then(near, MeetingMoved, place="Via Po 2", sequence=5))
    await moved_to(notify, start + timedelta(days=2, hours=2))
    assert await reminders(notify, meeting.id) == {7: "past", 1: "sent"}
    assert await told(notify, REMINDER["meeting"], person) == 1, "another place is the same instant"


async def test_who_waits_for_a_place_is_not_reminded_of_what_they_may_not_attend(notify: Network) -> None:
    start = notify.running.context.clock.now()
    waits, comes = notify.person(), notify.person()
    meeting = convened(notify, start + timedelta(days=9))
    invitations = [
        invited(notify, meeting, waits, answer="yes", waiting=True),
        invited(notify, meeting, comes, answer="yes"),
    ]
    await told_to(notify, waits, comes, meeting, *invitations)
    await moved_to(notify, start + timedelta(days=2, hours=2))
    assert await told(notify, REMINDER["meeting"], comes) == 1
    assert await told(notify, REMINDER["meeting"], waits) == 0
