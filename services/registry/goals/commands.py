"""Setting goals, counting what they wait for, and deciding them when their last day is over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from services.registry.bodies.rules import Body, Kind
from services.registry.goals import queries, rules
from services.registry.goals.queries import Tracked
from services.registry.goals.rules import Goal, State
from services.registry.mandates import commands as mandates
from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from shared.access.actor import ROME, Actor, day
from shared.contracts.registry import GoalAdvanced, GoalDecided, GoalSet, GoalState
from shared.messaging import stage
from shared.runtime.due import schedule, schedule_many
from shared.runtime.problems import expect
from shared.runtime.shapes import Request

DUE = "goal"
"""The kind of due row that waits for the end of a goal's last day."""


class Setting(Request):
    """So many bodies of a kind, from `since` (today if not said) to `last_day`, both included."""

    title: str
    body_kind: Kind
    since: date | None = None
    last_day: date
    minimum: int
    full: int


async def set_goal(session: AsyncSession, actor: Actor, ref: str, request: Setting, *, now: datetime) -> Tracked:
    """Raises InvalidGoal. What was constituted since its first day counts from the start."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_GOALS, network=network_id, on=now)
    given = request.model_dump()
    goal = rules.check(Goal(network_id, **{**given, "since": request.since or day(now)}), day(now))
    session.add(goal)
    return await _set(session, goal, now)


async def change(
    session: AsyncSession, actor: Actor, goal_id: UUID, *, expected: int | None, now: datetime, **fields: Any
) -> Tracked:
    """Takes the fields given (title, last_day, minimum, full) while it runs. Raises Decided, InvalidGoal."""
    goal = await queries.for_update(session, actor, goal_id, now)
    expect(expected, goal.version)
    if not goal.change(day(now), **fields):
        return (await queries.tracked(session, [goal], now))[0]
    return await _set(session, goal, now)


async def _set(session: AsyncSession, goal: Goal, now: datetime) -> Tracked:
    goal.reached = len((await queries.counting(session, [goal]))[goal.id])
    await session.flush()
    (tracked,) = await queries.tracked(session, [goal], now)
    await stage(session, state_of(GoalSet, tracked))
    await schedule(session, DUE, goal.id, over_at(goal))
    return tracked


def over_at(goal: Goal) -> datetime:
    """Midnight in Italy after the last day."""
    return datetime.combine(goal.over_on, time(), ROME)


async def lock(session: AsyncSession, network_ids: Collection[UUID], kind: Kind) -> dict[UUID, date]:
    """Locks the goals for this kind of body; gives, by network, the first day that no decided goal covers. Nothing may
    be constituted on an earlier day: what was decided would not be true."""
    free: dict[UUID, date] = {}
    for goal in await queries.of_kind_for_update(session, network_ids, kind):
        if goal.state is not State.RUNNING:
            free[goal.network_id] = max(free.get(goal.network_id, date.min), goal.over_on)
    return free


async def advance(session: AsyncSession, body: Body, now: datetime) -> None:
    """Part of a constitution: tells each running goal for which the body counts."""
    found = await queries.of_kind_for_update(session, [body.network_id], body.kind)
    moved = [goal for goal in found if goal.state is State.RUNNING and goal.covers(body.constituted_on)]
    counted = await queries.counting(session, moved)
    for goal in moved:
        goal.reached = len(counted[goal.id])
        flag_modified(goal, "reached")  # one body more and another dissolved meanwhile: the fact is told all the same
    await session.flush()
    told = await queries.tracked(session, moved, now)
    where = {"body_id": body.id, "territory": body.territory}
    await stage(session, *(state_of(GoalAdvanced, tracked, **where) for tracked in told))


async def decide(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: the last day of these goals is over.

    When the clock has jumped, or the service was away, mandates and paths that came to their day before are still on
    their way through the due table: a goal waits for those of its network, so that it counts the same either way.
    """
    found = await queries.unlocked_for_update(session, ids)
    over = [goal for goal in found if goal.state is State.RUNNING and goal.over_on <= day(now)]
    busy = await queries.unfinished(session, {goal.network_id for goal in over}, mandates.DUE, now)
    counted = await queries.counting(session, over)
    decided = [
        goal
        for goal in over
        if goal.network_id not in busy and goal.decide([body.id for body in counted[goal.id]], day(now))
    ]
    await session.flush()
    await stage(session, *(state_of(GoalDecided, Tracked(goal, counted[goal.id], None)) for goal in decided))
    later = [(goal.id, over_at(goal)) for goal in found if goal.state is State.RUNNING]
    held = set(ids) - {goal.id for goal in found}  # by a command, which may be about to move the day
    await schedule_many(session, DUE, [*later, *((id_, now) for id_ in held)])


def state_of(fact: type[GoalState], tracked: Tracked, **more: Any) -> GoalState:
    goal = tracked.goal
    return fact(
        id=goal.id,
        version=goal.version,
        network_id=goal.network_id,
        title=goal.title,
        body_kind=goal.body_kind,
        since=goal.since,
        last_day=goal.last_day,
        minimum=goal.minimum,
        full=goal.full,
        reached=tracked.reached,
        state=goal.state,
        next_best=tracked.choice.best.code if tracked.choice else None,
        **more,
    )
