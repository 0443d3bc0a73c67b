"""Why a body does not come to its meetings: each rule that alone would help, and by how much at the least. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from services.events.series.plans import LONGEST_SEARCH, Failing, Short, Why
from services.events.series.searching import Task, possible


def shortfall(task: Task, fitting: int, *, explained: bool) -> Short:
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
