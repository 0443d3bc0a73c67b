"""Dates for what a programme still lacks: a pure function of what is known, the same answer for the same question.

Each body's dates are found exactly: a pass over the days and hours that are open to it, choosing as many as it lacks in
the order of time, as near as possible to evenly spread days (`_placed`). Bodies come one after the other, and who meets
with one is busy for the next; when a body then finds nothing, it is tried first. So what is proposed always holds, and
what is called infeasible is so for the body that is named, beside the dates of those before it.

Nothing proposed breaks a quota or the cadence, falls on a holiday or an avoided day, has somebody in two meetings at
once or too many people away, or is in a room that is taken or too small. Convened meetings stay where they are, and of
the drafts as many as can.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import combinations, islice
from math import inf
from typing import TypeVar
from uuid import UUID

from holidays import country_holidays

from services.events.series.rules import Quota, Series
from shared import territories
from shared.access.actor import ROME, day

LONGEST_SEARCH = 366
"""Days by which a later end is looked for when a plan is not feasible."""
MOST_RELEASED = 64
"""Ways of giving up kept drafts that are tried, the fewest drafts first."""
MOST_AVOIDED = 10
MOST_ORDERS = 8
"""Times that a body which finds nothing is tried first instead."""
MOST_EXPLAINED = 20
"""Bodies of which every rule that would help is looked for; of further ones it is told how many meetings fit."""
DAY_COST, LATE_TIME_COST, ABSENT_COST = 100, 40, 30
"""A day away from the ideal one weighs as much as 3.3 % of the people away; a less preferred hour 0.4 days."""

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

    @property
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


# --- what is lacking --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lacking:
    """The modes of the meetings that a body lacks, drafts that it has too many, and how many no quota has room for."""

    modes: tuple[str, ...]
    dropped: tuple[Standing, ...]
    refused: int


def targets(series: Series, each: int | None = None) -> dict[UUID | None, int]:
    """How many meetings each body is to have in all: its share, an even part of the total, or the quota of each; at
    most `each` where that is asked for. Raises UnknownNumber."""
    counts = {quota.key: quota.count for quota in series.allowed}
    by_mode = [quota.count for quota in series.allowed if quota.each and quota.mode]
    own = counts.get((True, None), sum(by_mode) if by_mode else None)
    total, groups = counts.get((False, None)), series.groups
    found: dict[UUID | None, int] = {}
    for place, body_id in enumerate(groups):
        even = total // len(groups) + (place < total % len(groups)) if total is not None else None
        limits = [
            n for n in (series.share(body_id), even if series.shares is None else None, own, each) if n is not None
        ]
        if not limits:
            raise UnknownNumber
        found[body_id] = min(limits)
    return found


def lacking(series: Series, standing: Sequence[Standing], each: int | None = None) -> dict[UUID | None, Lacking]:
    """What each body lacks beside the meetings that stand, in the modes for which there is room: those that are asked
    for exactly come first. Bodies take turns, so that what all share goes round. Raises UnknownNumber."""
    wanted, kept = targets(series, each), [*standing]
    dropped: dict[UUID | None, list[Standing]] = {body_id: [] for body_id in wanted}
    for draft in sorted(
        (one for one in standing if not one.firm), key=lambda one: (one.starts_at, one.id), reverse=True
    ):
        if draft.body_id in wanted and _too_many(series, kept, draft, wanted[draft.body_id]):
            kept.remove(draft)
            dropped[draft.body_id].append(draft)
    counted = [(one.body_id, one.mode) for one in kept]
    modes: dict[UUID | None, list[str]] = {body_id: [] for body_id in wanted}
    left = {body_id: max(number - sum(of == body_id for of, _ in counted), 0) for body_id, number in wanted.items()}
    refused: dict[UUID | None, int] = dict.fromkeys(wanted, 0)
    while any(left.values()):
        for body_id in [one for one, number in left.items() if number]:
            mode = _mode_with_room(series, counted, body_id)
            if mode is None:
                refused[body_id], left[body_id] = left[body_id], 0
                continue
            counted.append((body_id, mode))
            modes[body_id].append(mode)
            left[body_id] -= 1
    return {of: Lacking(tuple(_spread(modes[of])), tuple(dropped[of]), refused[of]) for of in wanted}


def _too_many(series: Series, kept: Sequence[Standing], draft: Standing, wanted: int) -> bool:
    def over(quota: Quota) -> bool:
        of = draft.body_id
        return quota.about(of, draft.mode, of) and quota.count < sum(
            quota.about(one.body_id, one.mode, of) for one in kept
        )

    own = sum(one.body_id == draft.body_id for one in kept)
    return own > wanted or draft.mode not in series.modes or any(over(quota) for quota in series.allowed)


def _mode_with_room(series: Series, counted: Sequence[tuple[UUID | None, str]], body_id: UUID | None) -> str | None:
    """A mode that no quota refuses: exact ones first, then those that nothing limits, then where most is left."""
    ranked = []
    for place, mode in enumerate(series.modes):
        limits = [quota for quota in series.allowed if quota.about(body_id, mode, body_id)]
        rooms = [quota.count - sum(quota.about(of, m, body_id) for of, m in counted) for quota in limits]
        if min(rooms, default=1) <= 0:
            continue
        own = [room for quota, room in zip(limits, rooms, strict=True) if quota.mode]
        exact = any(quota.exact and quota.mode for quota in limits)
        ranked.append((not exact, bool(own) and not exact, -min(own, default=0), place, mode))
    return min(ranked)[-1] if ranked else None


def _spread(modes: Sequence[str]) -> list[str]:
    """The rarer modes evenly among the others: one in presence is in the middle of five remote ones."""
    counts = Counter(modes)
    places = [((place + 0.5) / number, number, mode) for mode, number in counts.items() for place in range(number)]
    return [mode for _, _, mode in sorted(places)]


# --- holidays ---------------------------------------------------------------------------------------------------------

CAPITALS = {
    "01": ("TO",),
    "02": ("AO",),
    "03": ("MI",),
    "04": ("TN", "BZ"),
    "05": ("VE",),
    "06": ("TS",),
    "07": ("GE",),
    "08": ("BO",),
    "09": ("FI",),
    "10": ("PG",),
    "11": ("AN",),
    "12": ("RM",),
    "13": ("AQ",),
    "14": ("CB",),
    "15": ("NA",),
    "16": ("BA",),
    "17": ("PZ",),
    "18": ("CZ",),
    "19": ("PA",),
    "20": ("CA",),
}
"""Where a region's offices are: no Italian region has a holiday of its own, its capital has its patron saint's."""


def holidays_of(territory: str | None, since: date, last_day: date, language: str = "it") -> dict[date, str]:
    """Days and their names: the national holidays and, in a municipality or a province, the patron saint's day of the
    provincial capital (or of the town, where it is known); in a region its capital's."""
    found: dict[date, str] = {}
    for place in _subdivisions(territory) or (None,):
        for year in range(since.year, last_day.year + 1):
            found |= {
                on: name
                for on, name in _holidays(place, year, NAMES[language])
                if since <= on <= last_day and on not in found
            }
    return found


def _subdivisions(territory: str | None) -> tuple[str, ...]:
    if territory is None:
        return ()
    italy = territories.load()
    province, municipality = italy.province(territory), italy.today(territory)
    if municipality is not None:
        town = municipality.italian_name.replace("ì", "i")
        return tuple(code for code in (town, municipality.province) if code in _patrons())[:1]
    if province is not None:
        return (province.sigla,) if province.sigla in _patrons() else ()
    return CAPITALS.get(territory, ())


@lru_cache(maxsize=1)
def _patrons() -> frozenset[str]:
    return frozenset(country_holidays("IT").subdivisions)


NAMES = {"it": "it_IT", "en": "en_US"}


@lru_cache(maxsize=4096)
def _holidays(place: str | None, year: int, language: str) -> tuple[tuple[date, str], ...]:
    return tuple(sorted(country_holidays("IT", subdiv=place, years=year, language=language).items()))


# --- one body ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """A time that is looked at for a body: why it is not open to it, or who would be away, and a room that is free."""

    starts_at: datetime
    ends_at: datetime
    day: date
    late: int  # its place among the preferred hours
    why: Why | None
    people: int | None
    away: frozenset[UUID]
    members: int
    room_id: UUID | None


@dataclass(frozen=True)
class Taken:
    """A meeting that is there already, or was just placed."""

    body_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    people: frozenset[UUID]
    room_id: UUID | None = None


@dataclass(frozen=True)
class Task:
    """All that is asked about one body beside what is taken."""

    group: Group
    wishes: Wishes
    known: Known
    taken: tuple[Taken, ...]
    modes: tuple[str, ...]
    firm: tuple[Standing, ...]
    drafts: tuple[Standing, ...]
    refused: int = 0
    given: tuple[Slot, ...] | None = None

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        return self.given if self.given is not None else tuple(_slots(self))


@dataclass(frozen=True)
class Solved:
    items: tuple[Proposed, ...]
    kept: tuple[Standing, ...]


def _slots(task: Task) -> Iterator[Slot]:
    wishes, group = task.wishes, task.group
    away, busy = _away(task), _busy(task)
    on = max(wishes.earliest, wishes.today)
    while on <= wishes.last_day:
        if on.isoweekday() in wishes.weekdays:
            members, out = group.on(on), away.get(on, frozenset())
            shut = _shut(task, on, members, out & members)
            for late, at in enumerate(wishes.times):
                starts = datetime.combine(on, at, ROME).astimezone(UTC)
                yield _slot(task, on, late, starts, members, out & members, shut, busy.get(on, ()))
        on += timedelta(days=1)


def _shut(task: Task, on: date, members: frozenset[UUID], out: frozenset[UUID]) -> tuple[Why, int | None] | None:
    """Why nothing of the day is open."""
    if on in task.group.holidays:
        return Why.HOLIDAY, None
    if any(since <= on < until for since, until in task.wishes.avoid):
        return Why.AVOIDED, None
    if on in task.group.elsewhere:
        return Why.OWN_MEETING, None
    if members and 100 * (len(members) - len(out)) < task.wishes.present * len(members):
        return Why.PEOPLE_AWAY, len(out)
    return None


def _slot(
    task: Task,
    on: date,
    late: int,
    starts: datetime,
    members: frozenset[UUID],
    out: frozenset[UUID],
    shut: tuple[Why, int | None] | None,
    busy: Sequence[tuple[datetime, datetime, frozenset[UUID]]],
) -> Slot:
    ends = starts + timedelta(minutes=task.wishes.minutes)
    why, people = shut or (None, None)
    if why is None:
        in_another = {one for start, end, who in busy if start < ends and starts < end for one in who & members}
        if in_another:
            why, people = Why.PEOPLE_BUSY, len(in_another)
    room = _room(task, starts, ends, len(members)) if why is None and task.wishes.rooms else None
    return Slot(starts, ends, on, late, why, people, out, len(members), room)


def _room(task: Task, starts: datetime, ends: datetime, people: int) -> UUID | None:
    """The smallest room that holds everybody and is free."""
    used = {one.room_id for one in task.taken if one.room_id and one.starts_at < ends and starts < one.ends_at}
    fitting = [
        room for room in task.group.rooms if room.capacity >= people and room.id not in used and room.free(starts, ends)
    ]
    return min(fitting, key=lambda room: (room.capacity, room.id)).id if fitting else None


def _away(task: Task) -> Mapping[date, frozenset[UUID]]:
    found: dict[date, set[UUID]] = defaultdict(set)
    for person in _everybody(task.group):
        for since, until in task.known.away.get(person, ()):
            for on in _days(max(since, task.wishes.earliest), min(until, task.wishes.last_day + timedelta(days=1))):
                found[on].add(person)
    return {on: frozenset(people) for on, people in found.items()}


def _busy(task: Task) -> Mapping[date, list[tuple[datetime, datetime, frozenset[UUID]]]]:
    found: dict[date, list[tuple[datetime, datetime, frozenset[UUID]]]] = defaultdict(list)
    people = _everybody(task.group)
    intervals = [(start, end, frozenset((one,))) for one in people for start, end in task.known.busy.get(one, ())]
    intervals += [(one.starts_at, one.ends_at, one.people & people) for one in task.taken]
    for start, end, who in intervals:
        if who:
            for on in _days(day(start), day(end) + timedelta(days=1)):
                found[on].append((start, end, who))
    return found


def _everybody(group: Group) -> frozenset[UUID]:
    return frozenset().union(*(people for _, people in group.members))


def _days(since: date, until: date) -> Iterator[date]:
    return (since + timedelta(days=number) for number in range((until - since).days))


Found = TypeVar("Found")


def solve(task: Task) -> Solved | None:
    """The dates of one body with the fewest of its drafts moved; None when there are none."""
    return _with_fewest_released(task, lambda released: _solve(task, released))


def possible(task: Task) -> bool:
    """Whether there are dates: without looking for the best ones."""
    return _with_fewest_released(task, lambda released: _matching(task, released)) is not None


def _with_fewest_released(task: Task, attempt: Callable[[Sequence[Standing]], Found | None]) -> Found | None:
    if task.refused:
        return None
    sound = _sound(task)
    forced = [draft for draft in task.drafts if draft not in sound]
    tried = (combo for number in range(len(sound) + 1) for combo in combinations(reversed(sound), number))
    for released in islice(tried, MOST_RELEASED):
        found = attempt([*forced, *released])
        if found is not None:
            return found
    return None


def _sound(task: Task) -> list[Standing]:
    """The drafts that can stay beside what is firm, as many as can beside each other: the earlier ones first."""
    kept: list[Standing] = []
    for draft in sorted(task.drafts, key=lambda one: (one.starts_at, one.id)):
        if _stays(task, draft, [*task.firm, *kept]):
            kept.append(draft)
    return kept


def _stays(task: Task, draft: Standing, others: Sequence[Standing]) -> bool:
    wishes, on = task.wishes, draft.day
    members = task.group.on(on)
    out = {one for one in members for since, until in task.known.away.get(one, ()) if since <= on < until}
    crowd = [(start, end) for one in members for start, end in task.known.busy.get(one, ())]
    crowd += [(one.starts_at, one.ends_at) for one in task.taken if one.people & members]
    month = sum((one.day.year, one.day.month) == (on.year, on.month) for one in others)
    return (
        wishes.today < on <= wishes.last_day
        and all(abs((one.day - on).days) >= wishes.gap for one in others)
        and (wishes.per_month is None or month < wishes.per_month)
        and all(end <= draft.starts_at or draft.ends_at <= start for start, end in crowd)
        and 100 * (len(members) - len(out)) >= wishes.present * len(members)
    )


@dataclass(frozen=True)
class _Match:
    """What is left open when these drafts are given up, and an order of the modes that finds room in it."""

    kept: tuple[Standing, ...]
    fixed: tuple[Standing, ...]
    slots: tuple[Slot, ...]
    pattern: tuple[str, ...]


def _solve(task: Task, released: Sequence[Standing]) -> Solved | None:
    match = _matching(task, released)
    if match is None:
        return None
    if not match.pattern:
        return Solved((), match.kept)
    ideals = _ideals(task, match.fixed, len(match.pattern))
    return Solved(tuple(_proposals(task, match, ideals, _placed(task, match, ideals), released)), match.kept)


def _matching(task: Task, released: Sequence[Standing]) -> _Match | None:
    """The first order of the modes for which there is a slot each: the evenly spread one where it can be."""
    kept = tuple(draft for draft in task.drafts if draft not in released)
    fixed = tuple(sorted([*task.firm, *kept], key=lambda one: one.starts_at))
    modes = _spread([*task.modes, *(draft.mode for draft in released)])
    if not modes:
        return _Match(kept, fixed, (), ())
    slots = tuple(slot for slot in task.slots if _open_to(task, fixed, slot) is None)
    for pattern in _patterns(modes):
        if _all_fit(task.wishes, fixed, slots, pattern):
            return _Match(kept, fixed, slots, tuple(pattern))
    return None


def _all_fit(wishes: Wishes, fixed: Sequence[Standing], slots: Sequence[Slot], pattern: Sequence[str]) -> bool:
    """Whether every meeting finds a slot when each takes the earliest that it can: nothing is lost by that, for what
    comes after an earlier one has at least as much room."""
    held = Counter(_month(one.day) for one in fixed)
    done, last = 0, date.min
    for slot in slots:
        if done == len(pattern):
            break
        month = _month(slot.day)
        roomless = wishes.rooms and needs_room(pattern[done]) and slot.room_id is None
        full = wishes.per_month is not None and held[month] >= wishes.per_month
        if not roomless and not full and (done == 0 or (slot.day - last).days >= wishes.gap):
            done, last = done + 1, slot.day
            held[month] += 1
    return done == len(pattern)


def _patterns(modes: Sequence[str]) -> Iterator[list[str]]:
    """Orders of the modes: as they are spread, and turned."""
    seen: set[tuple[str, ...]] = set()
    for turn in range(len(modes)):
        pattern = [*modes[turn:], *modes[:turn]]
        if tuple(pattern) not in seen:
            seen.add(tuple(pattern))
            yield pattern


def _ideals(task: Task, fixed: Sequence[Standing], number: int) -> list[date]:
    """Days that would spread all meetings evenly; those nearest to what is fixed are taken by it."""
    first, last = max(task.wishes.earliest, task.wishes.today).toordinal(), task.wishes.last_day.toordinal()
    inside = [one for one in fixed if first <= one.day.toordinal() <= last]
    count = number + len(inside)
    points = [first + (2 * place + 1) * max(last - first, 0) // (2 * count) for place in range(count)]
    for one in inside:
        points.remove(min(points, key=lambda point: (abs(point - one.day.toordinal()), point)))
    return [date.fromordinal(point) for point in points]


def needs_room(mode: str) -> bool:
    return mode != "remote"


def _open_to(task: Task, fixed: Sequence[Standing], slot: Slot) -> tuple[Why, int | None] | None:
    """Why the slot is closed beside the meetings that stay; None when it is open."""
    if slot.why is not None:
        return slot.why, slot.people
    if any(one.day == slot.day for one in fixed):
        return Why.OWN_MEETING, None
    if any(abs((one.day - slot.day).days) < task.wishes.gap for one in fixed):
        return Why.MIN_DAYS, None
    most = task.wishes.per_month
    if most is not None and most <= sum(_month(one.day) == _month(slot.day) for one in fixed):
        return Why.PER_MONTH, None
    return None


def _month(on: date) -> int:
    return on.year * 12 + on.month


def _placed(task: Task, match: _Match, ideals: Sequence[date]) -> list[Slot]:
    """The cheapest slots for the meetings in their order, which all fit.

    `best[c][i]` is the least cost with the meeting so far in slot i as the c-th of its month (only c = 0 without a
    limit by month). Each step takes a minimum over the slots that lie at least the gap before: kept as running minima,
    so a step costs as much as there are slots.
    """
    search = _Search(match.slots, match.fixed, task.wishes)
    base = [_cost(slot) for slot in match.slots]
    days = [slot.day.toordinal() for slot in match.slots]
    for ideal, mode in zip(ideals, match.pattern, strict=True):
        on = ideal.toordinal()
        costs = [cost + DAY_COST * abs(at - on) for cost, at in zip(base, days, strict=True)]
        if task.wishes.rooms and needs_room(mode):
            costs = [inf if slot.room_id is None else one for one, slot in zip(costs, match.slots, strict=True)]
        search.step(costs)
    return search.result()


def _cost(slot: Slot) -> float:
    away = 100 * len(slot.away) // slot.members if slot.members else 0
    return LATE_TIME_COST * slot.late + ABSENT_COST * away


class _Search:
    """See `_placed`."""

    def __init__(self, slots: Sequence[Slot], fixed: Sequence[Standing], wishes: Wishes) -> None:
        self.slots = slots
        days, self.months = [slot.day.toordinal() for slot in slots], [_month(slot.day) for slot in slots]
        self.before = [bisect_right(days, on - wishes.gap) - 1 for on in days]
        first: dict[int, int] = {}
        for place, month in enumerate(self.months):
            first.setdefault(month, place)
        self.first = [first[month] for month in self.months]
        held = Counter(_month(one.day) for one in fixed)
        self.counted = wishes.per_month is not None
        self.left = [(wishes.per_month or 0) - held[month] if self.counted else 1 for month in self.months]
        self.best: list[list[float]] | None = None
        self.back: list[list[list[tuple[int, int] | None]]] = []

    def step(self, costs: Sequence[float]) -> None:
        depth = max(self.left, default=1)
        new = [[inf] * len(costs) for _ in range(depth)]
        back: list[list[tuple[int, int] | None]] = [[None] * len(costs) for _ in range(depth)]
        if self.best is None:
            new[0] = list(costs)
        else:
            anywhere = _running([min(column) for column in zip(*self.best, strict=True)], None)
            same = [_running(row, self.first) for row in self.best]
            for place, cost in enumerate(costs):
                if cost < inf:
                    self._reach(place, cost, anywhere, same, new, back)
        self.best = new
        self.back.append(back)

    def _reach(
        self,
        place: int,
        cost: float,
        anywhere: Sequence[tuple[float, int]],
        same: Sequence[Sequence[tuple[float, int]]],
        new: list[list[float]],
        back: list[list[tuple[int, int] | None]],
    ) -> None:
        assert self.best is not None
        last, first = self.before[place], self.first[place]
        earlier = min(last, first - 1) if self.counted else last
        if earlier >= 0 and anywhere[earlier][0] < inf:
            value, at = anywhere[earlier]
            row = next(c for c, costs in enumerate(self.best) if costs[at] == value)
            new[0][place], back[0][place] = value + cost, (row, at)
        if not self.counted or last < first:
            return
        for c in range(1, min(self.left[place], len(new))):
            value, at = same[c - 1][last]
            if value < inf:
                new[c][place], back[c][place] = value + cost, (c - 1, at)

    def result(self) -> list[Slot]:
        ends = [(value, place, c) for c, row in enumerate(self.best or ()) for place, value in enumerate(row)]
        _, place, c = min(ends)
        chosen = [place]
        for back in reversed(self.back[1:]):
            step = back[c][place]
            assert step is not None
            c, place = step
            chosen.append(place)
        return [self.slots[one] for one in reversed(chosen)]


def _running(values: Sequence[float], first: Sequence[int] | None) -> list[tuple[float, int]]:
    """The least value so far (since `first`, where given) and its place, the earliest of equal ones."""
    found: list[tuple[float, int]] = []
    for place, value in enumerate(values):
        fresh = place == 0 or (first is not None and first[place] == place)
        found.append((value, place) if fresh or value < found[-1][0] else found[-1])
    return found


def _proposals(
    task: Task, match: _Match, ideals: Sequence[date], slots: Sequence[Slot], released: Sequence[Standing]
) -> Iterator[Proposed]:
    """Each slot as a proposal: a draft that was given up takes the first slot of its mode."""
    free = sorted(released, key=lambda one: (one.starts_at, one.id))
    for slot, mode, ideal in zip(slots, match.pattern, ideals, strict=True):
        draft = next((one for one in free if one.mode == mode), None)
        if draft is not None:
            free.remove(draft)
        yield Proposed(
            task.group.body_id,
            mode,
            slot.starts_at,
            slot.ends_at,
            ideal,
            slot.members,
            tuple(sorted(slot.away)),
            tuple(islice(_avoided(task, match.fixed, slot, ideal), MOST_AVOIDED)),
            slot.room_id if task.wishes.rooms and needs_room(mode) else None,
            draft.id if draft else None,
            draft.starts_at if draft else None,
        )


def _avoided(task: Task, fixed: Sequence[Standing], chosen: Slot, ideal: date) -> Iterator[Avoided]:
    """The days nearer to the ideal one that were not open, and those with more people away."""
    away = abs((chosen.day - ideal).days)
    by_day: dict[date, Slot] = {}
    for slot in task.slots:
        if abs((slot.day - ideal).days) < away:
            by_day.setdefault(slot.day, slot)
    for on in sorted(by_day, key=lambda on: (abs((on - ideal).days), on)):
        closed = _open_to(task, fixed, by_day[on])
        if closed is None and len(by_day[on].away) > len(chosen.away):
            closed = Why.PEOPLE_AWAY, len(by_day[on].away)
        if closed is not None:
            yield Avoided(on, closed[0], closed[1], task.group.holidays.get(on))


# --- all bodies -------------------------------------------------------------------------------------------------------


def plan(
    series: Series,
    groups: Sequence[Group],
    standing: Sequence[Standing],
    wishes: Wishes,
    known: Known,
    each: int | None = None,
) -> Plan:
    """Dates for what the groups lack. Raises UnknownNumber."""
    missing = lacking(series, standing, each)
    order, tried = list(groups), 0
    found, failed = _in_turn(order, missing, standing, wishes, known)
    while failed is not None and failed is not order[0] and tried < min(len(groups), MOST_ORDERS):
        order.remove(failed)
        order.insert(0, failed)
        tried += 1
        found, failed = _in_turn(order, missing, standing, wishes, known)
    short: list[Short] = []
    if failed is not None:
        found = _what_fits_in_turn(order, missing, standing, wishes, known, short)
    place = {group.body_id: at for at, group in enumerate(groups)}
    items = [item for solved in found for item in solved.items]
    kept = [one for one in standing if one.firm] + [one for solved in found for one in solved.kept]
    return Plan(
        tuple(sorted(items, key=lambda item: (item.starts_at, place[item.body_id]))),
        tuple(sorted(kept, key=lambda one: (one.starts_at, one.id))),
        tuple(one for lack in missing.values() for one in lack.dropped),
        tuple(sorted(short, key=lambda one: place[one.body_id])),
    )


def _tasks(
    order: Sequence[Group],
    missing: Mapping[UUID | None, Lacking],
    standing: Sequence[Standing],
    wishes: Wishes,
    known: Known,
) -> Iterator[tuple[Task, Callable[[Solved], None]]]:
    """The task of each group beside what is firm everywhere, the drafts of those that come later, and what those
    before it were given."""
    people = {group.body_id: group for group in order}
    dropped = {one.id for lack in missing.values() for one in lack.dropped}
    left = [one for one in standing if one.id not in dropped]
    settled: list[Taken] = []

    def taken(one: Standing) -> Taken:
        group = people.get(one.body_id)
        return Taken(one.body_id, one.starts_at, one.ends_at, group.on(one.day) if group else frozenset())

    for group in order:
        own = [one for one in left if one.body_id == group.body_id]
        others = [taken(one) for one in left if one.body_id != group.body_id and (one.firm or one.body_id in people)]
        lack = missing[group.body_id]
        task = Task(
            group,
            wishes,
            known,
            (*others, *settled),
            lack.modes,
            tuple(one for one in own if one.firm),
            tuple(one for one in own if not one.firm),
            lack.refused,
        )

        def settle(solved: Solved, group: Group = group) -> None:
            moved = {item.meeting_id for item in solved.items}
            left[:] = [one for one in left if one.id not in moved]
            settled.extend(
                Taken(group.body_id, item.starts_at, item.ends_at, group.on(day(item.starts_at)), item.room_id)
                for item in solved.items
            )

        yield task, settle


def _in_turn(
    order: Sequence[Group],
    missing: Mapping[UUID | None, Lacking],
    standing: Sequence[Standing],
    wishes: Wishes,
    known: Known,
) -> tuple[list[Solved], Group | None]:
    """What each gets, until one gets nothing."""
    found: list[Solved] = []
    for task, settle in _tasks(order, missing, standing, wishes, known):
        solved = solve(task)
        if solved is None:
            return found, task.group
        settle(solved)
        found.append(solved)
    return found, None


def _what_fits_in_turn(
    order: Sequence[Group],
    missing: Mapping[UUID | None, Lacking],
    standing: Sequence[Standing],
    wishes: Wishes,
    known: Known,
    short: list[Short],
) -> list[Solved]:
    """What each gets of what it lacks; who does not get all is `short`."""
    found: list[Solved] = []
    for task, settle in _tasks(order, missing, standing, wishes, known):
        solved = solve(task)
        if solved is None:
            solved, fitting = _what_fits(task)
            short.append(_short(task, fitting, explained=len(short) < MOST_EXPLAINED))
        settle(solved)
        found.append(solved)
    return found


def _what_fits(task: Task) -> tuple[Solved, int]:
    """As many of the lacking meetings as there is room for, the first of them; drafts that cannot stay are left."""
    for number in range(len(task.modes), -1, -1):
        solved = solve(replace(task, modes=task.modes[:number], refused=0, given=task.slots))
        if solved is not None:
            return solved, number
    return Solved((), task.drafts), 0


# --- what would do ----------------------------------------------------------------------------------------------------


def _short(task: Task, fitting: int, *, explained: bool) -> Short:
    lack = len(task.modes) + task.refused
    if task.refused:
        failing = [Failing(task.group.body_id, Why.QUOTA, str(len(task.modes)), str(lack), task.refused)]
    else:
        found = [one for one in _relaxations(task) if one] if explained else []
        failing = [one for _, one in sorted(found, key=lambda one: one[0])]
        if fitting < lack:
            failing.append(Failing(task.group.body_id, Why.MEETINGS, str(lack), str(fitting), lack - fitting))
    return Short(task.group.body_id, lack, fitting, tuple(failing))


Relaxed = tuple[float, Failing] | None


def _relaxations(task: Task) -> Iterator[Relaxed]:
    """The smallest change of each single rule that makes the task feasible, with its size in proportion."""
    yield _later_end(task)
    yield _tighter_cadence(task)
    yield _fuller_months(task)
    yield _another_weekday(task)
    yield _fewer_people(task)
    yield _shorter_notice(task)
    wishes, of = task.wishes, task.group.body_id
    if wishes.avoid and possible(replace(task, wishes=replace(wishes, avoid=()))):
        days = sum((until - since).days for since, until in wishes.avoid)
        yield 1, Failing(of, Why.AVOIDED, str(days), "0", days)
    if wishes.rooms and possible(replace(task, wishes=replace(wishes, rooms=False))):
        people = max((len(who) for _, who in task.group.members), default=0)
        best = max((room.capacity for room in task.group.rooms), default=0)
        yield 1, Failing(of, Why.NO_ROOM, str(best), str(people), max(people - best, 0))


def _later_end(task: Task) -> Relaxed:
    last = task.wishes.last_day
    far = replace(task, wishes=replace(task.wishes, last_day=last + timedelta(days=LONGEST_SEARCH))).slots

    def relaxed(by: int) -> Task:
        end = last + timedelta(days=by)
        slots = tuple(slot for slot in far if slot.day <= end)
        return replace(task, wishes=replace(task.wishes, last_day=end), given=slots)

    by = _least(range(1, LONGEST_SEARCH + 1), relaxed)
    span = max((last - task.wishes.today).days, 1)
    return (by / span, _failing(task, Why.LAST_DAY, last, last + timedelta(days=by), by)) if by else None


def _tighter_cadence(task: Task) -> Relaxed:
    given = task.wishes.min_days or 0

    def relaxed(by: int) -> Task:
        return replace(task, wishes=replace(task.wishes, min_days=given - by), given=task.slots)

    by = _least(range(1, given + 1), relaxed)
    return (by / given, _failing(task, Why.MIN_DAYS, given, given - by, by)) if by else None


def _fuller_months(task: Task) -> Relaxed:
    given = task.wishes.per_month
    if given is None:
        return None

    def relaxed(by: int) -> Task:
        return replace(task, wishes=replace(task.wishes, per_month=given + by), given=task.slots)

    by = _least(range(1, 32 - given), relaxed)
    return (by / given, _failing(task, Why.PER_MONTH, given, given + by, by)) if by else None


def _another_weekday(task: Task) -> Relaxed:
    given = task.wishes.weekdays
    every = replace(task, wishes=replace(task.wishes, weekdays=tuple(range(1, 8)))).slots
    for more in range(1, 8):
        wider = tuple(sorted({*given, more}))
        slots = tuple(slot for slot in every if slot.day.isoweekday() in wider)
        if more not in given and possible(replace(task, given=slots)):
            before, after = (",".join(map(str, days)) for days in (given, wider))
            return 1 / len(given), _failing(task, Why.WEEKDAYS, before, after, 1)
    return None


def _fewer_people(task: Task) -> Relaxed:
    given = task.wishes.present

    def relaxed(by: int) -> Task:
        return replace(task, wishes=replace(task.wishes, present=given - by))

    by = _least(range(1, given + 1), relaxed)
    return (by / given, _failing(task, Why.PEOPLE_AWAY, f"{given} %", f"{given - by} %", by)) if by else None


def _shorter_notice(task: Task) -> Relaxed:
    given, today = task.wishes.earliest, task.wishes.today

    def relaxed(by: int) -> Task:
        return replace(task, wishes=replace(task.wishes, earliest=given - timedelta(days=by)))

    by = _least(range(1, (given - today).days), relaxed)
    return (
        (by / (given - today).days, _failing(task, Why.NOTICE, given, given - timedelta(days=by), by)) if by else None
    )


def _failing(task: Task, why: Why, given: object, needed: object, by: int) -> Failing:
    return Failing(task.group.body_id, why, str(given), str(needed), by)


def _least(steps: range, relaxed: Callable[[int], Task]) -> int | None:
    """The least of `steps` that helps: what helps by so much helps by more."""
    if not steps or not possible(relaxed(steps[-1])):
        return None
    low, high = 0, len(steps) - 1
    while low < high:
        middle = (low + high) // 2
        if possible(relaxed(steps[middle])):
            high = middle
        else:
            low = middle + 1
    return steps[high]


def people_of(groups: Iterable[Group]) -> Collection[UUID]:
    """Everybody whose time matters to a plan."""
    return frozenset().union(*(_everybody(group) for group in groups))
