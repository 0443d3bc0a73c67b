"""The dates of one body: pure, and exact beside what is taken.

Each time that is looked at is a slot, open or closed for a reason. As few drafts as possible are given up, and of the
slots that are open then the cheapest are taken.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import combinations, islice
from math import inf
from typing import TypeVar
from uuid import UUID

from services.events.series.lacking import spread
from services.events.series.plans import Avoided, Group, Known, Proposed, Standing, Why, Wishes
from shared.access.actor import ROME, day

MOST_RELEASED = 64
"""Ways of giving up kept drafts that are tried, the fewest drafts first."""
MOST_TURNS = 50
"""Orders of a body's modes that are tried."""
MOST_AVOIDED = 10
DAY_COST, LATE_TIME_COST, ABSENT_COST = 100, 40, 30
"""A day away from the ideal one weighs as much as 3.3 % of the people away; a less preferred hour 0.4 days."""


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
    for person in task.group.everybody:
        for since, until in task.known.away.get(person, ()):
            for on in _days(max(since, task.wishes.earliest), min(until, task.wishes.last_day + timedelta(days=1))):
                found[on].add(person)
    return {on: frozenset(people) for on, people in found.items()}


def _busy(task: Task) -> Mapping[date, list[tuple[datetime, datetime, frozenset[UUID]]]]:
    found: dict[date, list[tuple[datetime, datetime, frozenset[UUID]]]] = defaultdict(list)
    people = task.group.everybody
    intervals = [(start, end, frozenset((one,))) for one in people for start, end in task.known.busy.get(one, ())]
    intervals += [(one.starts_at, one.ends_at, one.people & people) for one in task.taken]
    for start, end, who in intervals:
        if who:
            for on in _days(day(start), day(end) + timedelta(days=1)):
                found[on].append((start, end, who))
    return found


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
    modes = spread([*task.modes, *(draft.mode for draft in released)])
    if not modes:
        return _Match(kept, fixed, (), ())
    slots = tuple(_open_slots(task, fixed))
    for pattern in _patterns(modes, rooms=task.wishes.rooms):
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


def _patterns(modes: Sequence[str], *, rooms: bool) -> Iterator[list[str]]:
    """Orders of the modes: as they are spread, and turned. Those that need rooms at the same places are one to whoever
    looks for rooms, and all are one to whoever does not."""
    seen: set[tuple[bool, ...]] = set()
    for turn in range(min(len(modes), MOST_TURNS)):
        pattern = [*modes[turn:], *modes[:turn]]
        needing = tuple(rooms and needs_room(mode) for mode in pattern)
        if needing not in seen:
            seen.add(needing)
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


def _open_slots(task: Task, fixed: Sequence[Standing]) -> Iterator[Slot]:
    """Those of which `_open_to` says nothing: each by the meetings next to it, however many stay."""
    days, most = [one.day for one in fixed], task.wishes.per_month
    held = Counter(map(_month, days))
    for slot in task.slots:
        if slot.why is None and (most is None or held[_month(slot.day)] < most):
            place = bisect_right(days, slot.day)
            if all(abs((on - slot.day).days) >= task.wishes.gap for on in days[max(place - 1, 0) : place + 1]):
                yield slot


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
