"""Dates for what a programme still lacks: a pure function of what is known, the same answer for the same question.

Each body's dates are found exactly (`searching.py`): a pass over the days and hours that are open to it, choosing as
many as it lacks (`lacking.py`) in the order of time, as near as possible to evenly spread days. Bodies come one after
the other, and who meets with one is busy for the next; when a body then finds nothing, it is tried first. So what is
proposed always holds, and what is called infeasible (`explaining.py`) is so for the body that is named, beside the
dates of those before it.

Nothing proposed breaks a quota or the cadence, falls on a holiday or an avoided day, has somebody in two meetings at
once or too many people away, or is in a room that is taken or too small. Convened meetings stay where they are, and of
the drafts as many as can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.events.series.explaining import shortfall
from services.events.series.lacking import Lacking, lacking
from services.events.series.plans import Group, Known, Plan, Short, Standing, Wishes
from services.events.series.rules import Series
from services.events.series.searching import Solved, Taken, Task, possible, solve
from shared.access.actor import day

MOST_ORDERS = 8
"""Times that a body which finds nothing is tried first instead."""
MOST_EXPLAINED = 20
"""Bodies of which every rule that would help is looked for; of further ones it is told how many meetings fit."""


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
            short.append(shortfall(task, fitting, explained=len(short) < MOST_EXPLAINED))
        settle(solved)
        found.append(solved)
    return found


def _what_fits(task: Task) -> tuple[Solved, int]:
    """As many of the lacking meetings as there is room for, the first of them; drafts that cannot stay are left. Where
    some fit, fewer do: so their number is found by halving."""

    def first(number: int) -> Task:
        return replace(task, modes=task.modes[:number], refused=0, given=task.slots)

    fits, more = 0, len(task.modes) + 1
    while more - fits > 1:
        middle = (fits + more) // 2
        fits, more = (middle, more) if possible(first(middle)) else (fits, middle)
    return solve(first(fits)) or Solved((), task.drafts), fits
