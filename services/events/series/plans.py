"""What a plan is made of: meetings that stand, bodies, wishes, dates that are proposed, and rules that fail."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from shared.access.actor import day

LONGEST_SEARCH = 366
"""Days by which a later end is looked for when a plan is not feasible."""
Interval = tuple[datetime, datetime]


class Why(StrEnum):
    """Why a day is not open to a body, or a plan not feasible."""

    HOLIDAY = "holiday"
    AVOIDED = "avoided"
    OWN_MEETING = "own_meeting"
    MIN_DAYS = "min_days"
    PER_MONTH = "per_month"
    PEOPLE_BUSY = "people_busy"
    PEOPLE_AWAY = "people_away"
    NO_ROOM = "no_room"
    LAST_DAY = "last_day"
    WEEKDAYS = "weekdays"
    NOTICE = "notice"
    QUOTA = "quota"
    MEETINGS = "meetings"


class UnknownNumber(Exception):
    """Neither the programme nor who asks says how many meetings a body is to have."""


@dataclass(frozen=True)
class Standing:
    """A meeting of the programme. A draft (not `firm`) may be moved."""

    id: UUID
    body_id: UUID | None
    mode: str
    starts_at: datetime
    ends_at: datetime
    firm: bool

    @cached_property
    def day(self) -> date:
        return day(self.starts_at)


@dataclass(frozen=True)
class Room:
    id: UUID
    capacity: int
    booked: tuple[Interval, ...] = ()

    def free(self, starts_at: datetime, ends_at: datetime) -> bool:
        return all(end <= starts_at or ends_at <= start for start, end in self.booked)


@dataclass(frozen=True)
class Group:
    """A body, or the whole network: who belongs to it from which day on, and where it cannot meet anyway."""

    body_id: UUID | None
    members: tuple[tuple[date, frozenset[UUID]], ...]
    holidays: Mapping[date, str] = field(default_factory=dict)
    elsewhere: frozenset[date] = frozenset()  # days on which it has other meetings
    rooms: tuple[Room, ...] = ()

    @cached_property
    def everybody(self) -> frozenset[UUID]:
        return frozenset().union(*(people for _, people in self.members))

    def on(self, on: date) -> frozenset[UUID]:
        place = bisect_right([since for since, _ in self.members], on)
        return self.members[place - 1][1] if place else frozenset()


@dataclass(frozen=True)
class Wishes:
    """From `earliest` on, on these ISO weekdays, at these hours (the first are preferred), with at least so many per
    cent of the people there, and never in `avoid` (half open). `rooms`: in person only in a room that is known."""

    earliest: date
    today: date
    last_day: date
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)
    times: tuple[time, ...] = (time(15), time(17, 30))
    minutes: int = 120
    present: int = 50
    avoid: tuple[tuple[date, date], ...] = ()
    min_days: int | None = None
    per_month: int | None = None
    rooms: bool = False

    @property
    def gap(self) -> int:
        """Days between two meetings of one body: not two on a day, whatever the cadence."""
        return max(self.min_days or 0, 1)


@dataclass(frozen=True)
class Known:
    """When people are in other meetings, and when they are away (half open)."""

    busy: Mapping[UUID, tuple[Interval, ...]] = field(default_factory=dict)
    away: Mapping[UUID, tuple[tuple[date, date], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Avoided:
    """A day nearer to the ideal one, and why it was not taken; `people` how many are busy or away, `name` which
    holiday."""

    day: date
    why: Why
    people: int | None = None
    name: str | None = None


@dataclass(frozen=True)
class Proposed:
    """A date for a meeting that is lacking, or for the draft `meeting_id`, which was at `before`. `ideal` is where the
    spread would have it; `away` are those who would miss it, of `members`."""

    body_id: UUID | None
    mode: str
    starts_at: datetime
    ends_at: datetime
    ideal: date
    members: int
    away: tuple[UUID, ...]
    avoided: tuple[Avoided, ...]
    room_id: UUID | None = None
    meeting_id: UUID | None = None
    before: datetime | None = None


@dataclass(frozen=True)
class Failing:
    """A rule that alone keeps a body from its meetings, and what would do: `needed` instead of `given`, the smallest
    change found of that rule. The first of a body is the smallest in proportion."""

    body_id: UUID | None
    why: Why
    given: str
    needed: str
    by: int


@dataclass(frozen=True)
class Short:
    """A body that does not come to its meetings: `fitting` of `lacking`."""

    body_id: UUID | None
    lacking: int
    fitting: int
    failing: tuple[Failing, ...]


@dataclass(frozen=True)
class Plan:
    items: tuple[Proposed, ...]
    kept: tuple[Standing, ...]
    dropped: tuple[Standing, ...]  # drafts beyond the quotas
    short: tuple[Short, ...]

    @property
    def feasible(self) -> bool:
        return not self.short
