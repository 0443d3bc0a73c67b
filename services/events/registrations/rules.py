"""Registrations: people from outside who come to a public meeting, without an account.

A registration has a number, given in the order in which they came. The public places go by it: who comes too late
waits, and the first who waits is admitted when a place falls free. What names a person is gone when they cancel, when
they ask for it, or some time after the meeting; the counts stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from services.events.meetings.rules import Meeting
from services.events.meetings.rules import State as MeetingState

KEPT_FOR = timedelta(days=90)
"""How long after the end of the meeting it is known who came."""
DOORS = timedelta(hours=12)
"""How long before the meeting people can be checked in."""
MOST_PLACES = 100_000


class State(StrEnum):
    CONFIRMED = "confirmed"
    WAITING = "waiting"
    CANCELLED = "cancelled"


class NotPublic(Exception):
    """Nobody registers for this meeting: it is not public, not convened, or is none."""


class MeetingCancelled(Exception):
    """The meeting will not take place."""


class RegistrationOver(Exception):
    """The meeting has begun: whoever comes now registers at the door."""


class MeetingOver(Exception):
    """The meeting has been held, or is over."""


class NotBegun(Exception):
    """People are checked in when the meeting is near, not before."""

    def __init__(self, day: object) -> None:
        super().__init__(str(day))
        self.day = day


class UnknownRegistration(Exception):
    """No registration has this code or id, or it has been erased."""


class NotAdmitted(Exception):
    """Who waits or has cancelled has no place."""

    def __init__(self, state: State) -> None:
        super().__init__(str(state))
        self.state = state


@dataclass(eq=False)
class Registration:
    """Of somebody to a meeting; `secret_sha256` is of the code in the address of their own page. `entered_by` is who
    wrote it down at the door or on the telephone, `erased_at` when the name went."""

    meeting_id: UUID
    network_id: UUID
    number: int
    name: str
    email: str | None
    organisation: str | None
    secret_sha256: bytes | None
    registered_at: datetime
    state: State
    entered_by: UUID | None = None
    attended: bool = False
    checked_in_at: datetime | None = None
    checked_in_by: UUID | None = None
    cancelled_at: datetime | None = None
    erased_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def give_up(self, now: datetime, *, over: bool) -> bool:
        """The person will not come, and the data go; of who was there, or once the meeting is over, the data alone go.
        True when a place falls free."""
        freed = not over and not self.attended and self.state is State.CONFIRMED
        if not over and not self.attended and self.state is not State.CANCELLED:
            self.state, self.cancelled_at = State.CANCELLED, now
        self.erase(now)
        return freed

    def erase(self, now: datetime) -> None:
        """Nothing names the person any more; that somebody registered, and came, is still counted."""
        if self.erased_at is None:
            self.name, self.email, self.organisation, self.erased_at = "", None, None, now

    def check_in(self, now: datetime, by: UUID | None) -> bool:
        """The person is there. False when that was known. Raises NotAdmitted."""
        if self.state is not State.CONFIRMED:
            raise NotAdmitted(self.state)
        if self.attended:
            return False
        self.attended, self.checked_in_at, self.checked_in_by = True, now, by
        return True

    def not_there(self) -> bool:
        """Takes a check-in back. False when there was none."""
        if not self.attended:
            return False
        self.attended, self.checked_in_at, self.checked_in_by = False, None, None
        return True


def state_for(places: int | None, taken: int, waiting: int) -> State:
    """Of the next who registers: nobody passes those who wait. `places` None: as many as come."""
    free = places is None or taken < places
    return State.CONFIRMED if free and not waiting else State.WAITING


def admitted(places: int | None, taken: int, waiting: Sequence[int]) -> list[int]:
    """The numbers of those who get a place now, of those who wait, in order of their numbers. Nobody who has a place
    loses it when there are fewer."""
    free = len(waiting) if places is None else max(0, places - taken)
    return sorted(waiting)[:free]


def require_public(meeting: Meeting | None) -> Meeting:
    """Raises NotPublic, MeetingCancelled."""
    if meeting is None or not meeting.open_to_public or meeting.state is MeetingState.DRAFT:
        raise NotPublic
    if meeting.state is MeetingState.CANCELLED:
        if meeting.convened_at is None:
            raise NotPublic
        raise MeetingCancelled
    return meeting


def require_open(meeting: Meeting, now: datetime, *, at_the_door: bool = False) -> None:
    """Strangers register until the meeting begins, the coordination writes down who comes until it is over. Raises
    RegistrationOver, MeetingOver."""
    if meeting.state is not MeetingState.CONVENED or now >= meeting.ends_at:
        raise MeetingOver
    if not at_the_door and meeting.begun(now):
        raise RegistrationOver


def require_check_in(meeting: Meeting, now: datetime) -> None:
    """From half a day before the meeting; also afterwards, when a list on paper is copied. Raises NotBegun,
    MeetingCancelled."""
    if meeting.state is MeetingState.CANCELLED:
        raise MeetingCancelled
    if now < meeting.starts_at - DOORS:
        raise NotBegun(meeting.day.isoformat())


def erase_at(meeting: Meeting) -> datetime:
    return meeting.ends_at + KEPT_FOR
