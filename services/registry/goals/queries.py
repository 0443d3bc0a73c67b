"""Reading goals: what counts for them, how long they still run, and where to go on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.bodies.rules import Kind
from services.registry.bodies.rules import State as BodyState
from services.registry.bodies.tables import bodies
from services.registry.constitutions import queries as constitutions
from services.registry.constitutions.queries import DUE as LOOK
from services.registry.constitutions.queries import Standing
from services.registry.constitutions.rules import missing
from services.registry.constitutions.tables import constitutions as paths
from services.registry.constitutions.tables import looks
from services.registry.goals.rules import Candidate, Choice, Goal, State, UnknownGoal, next_best
from services.registry.goals.tables import goals
from services.registry.mandates.tables import mandates
from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from shared.access.actor import Actor, day
from shared.access.loading import network_row
from shared.runtime.due import due
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Constituted:
    """A body that counts for a goal."""

    id: UUID
    name: str
    territory: str | None
    constituted_on: date


@dataclass(frozen=True)
class Tracked:
    """A goal as it stands: the bodies that count for it, in the order in which they were constituted, and, while it
    runs, the region to go on with."""

    goal: Goal
    bodies: Sequence[Constituted]
    choice: Choice | None

    @property
    def version(self) -> int:
        return self.goal.version

    @property
    def reached(self) -> int:
        return self.goal.reached if self.goal.counted is not None else len(self.bodies)


@dataclass(frozen=True)
class Tracker:
    """What the page of a goal shows; `standings` of all regions, for goals about coordinations."""

    tracked: Tracked
    standings: Sequence[Standing]
    network: Any


async def get(session: AsyncSession, actor: Actor, goal_id: UUID, *, now: datetime) -> Tracked:
    """Raises UnknownGoal also for who may not read it."""
    goal = await session.get(Goal, goal_id)
    if goal is None or not policy.has(actor, Right.READ_GOALS, network=goal.network_id, on=now):
        raise UnknownGoal(goal_id)
    return (await tracked(session, [goal], now))[0]


async def tracker(session: AsyncSession, actor: Actor, goal_id: UUID, *, now: datetime) -> Tracker:  # noqa: ARG001
    """For whoever has a link to the goal. Raises UnknownGoal."""
    goal = await session.get(Goal, goal_id)
    if goal is None:
        raise UnknownGoal(goal_id)
    standings = await _standings(session, goal, now)
    (found,) = await tracked(session, [goal], now, {goal.network_id: standings})
    return Tracker(found, standings, await network_row(session, str(goal.network_id)))


async def _standings(session: AsyncSession, goal: Goal, now: datetime) -> list[Standing]:
    if goal.body_kind is not Kind.REGIONAL_COORDINATION:
        return []
    return await constitutions.regions(session, goal.network_id, day(now))


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Sequence[State] = (),
    body_kind: Sequence[Kind] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Tracked]:
    """The goals of a network in the order in which they were set."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_GOALS, network=network_id, on=now)
    query: Select[Any] = select(Goal).where(goals.c.network_id == network_id)
    if state:
        query = query.where(goals.c.state.in_(state))
    if body_kind:
        query = query.where(goals.c.body_kind.in_(body_kind))
    if updated_since:
        query = query.where(goals.c.updated_at >= updated_since)
    found = await page(session, query, key=[goals.c.id], after=after, limit=limit)
    return Page(await tracked(session, found.items, now), found.next)


async def tracked(
    session: AsyncSession,
    found: Sequence[Goal],
    now: datetime,
    standings: dict[UUID, list[Standing]] | None = None,
) -> list[Tracked]:
    """The goals with what counts for them: the regions of each network are counted once."""
    counted = await counting(session, found)
    known = dict(standings or {})
    made = []
    for goal in found:
        choice = None
        if goal.running(day(now)) and goal.body_kind is Kind.REGIONAL_COORDINATION:
            if goal.network_id not in known:
                known[goal.network_id] = await _standings(session, goal, now)
            choice = next_best(candidates(known[goal.network_id]))
        made.append(Tracked(goal, counted[goal.id], choice))
    return made


def candidates(standings: Sequence[Standing]) -> list[Candidate]:
    """The regions whose coordination is not constituted."""
    return [
        Candidate(each.code, each.members, missing(each.requirements), each.constitution_id is not None)
        for each in standings
        if each.coordination is None or each.coordination.state is BodyState.FORMING
    ]


async def counting(session: AsyncSession, found: Sequence[Goal]) -> dict[UUID, list[Constituted]]:
    """The bodies that count for each goal: constituted within its days and still there on the last of them; those of a
    goal that has been decided are the ones that were counted then."""
    if not found:
        return {}
    columns = (bodies.c.id, bodies.c.name, bodies.c.territory, bodies.c.constituted_on)
    query = (
        select(*columns, bodies.c.dissolved_on, bodies.c.network_id, bodies.c.kind)
        .where(
            bodies.c.network_id.in_({goal.network_id for goal in found}),
            bodies.c.kind.in_({goal.body_kind for goal in found}),
            bodies.c.constituted_on >= min(goal.since for goal in found),
            bodies.c.constituted_on <= max(goal.last_day for goal in found),
        )
        .order_by(bodies.c.constituted_on, bodies.c.id)
    )
    rows = (await session.execute(query)).all()

    def counts(goal: Goal, row: Any) -> bool:
        if goal.counted is not None:
            return row.id in goal.counted
        there = row.dissolved_on is None or row.dissolved_on > goal.last_day
        return bool(there and (row.network_id, row.kind) == (goal.network_id, goal.body_kind)) and goal.covers(
            row.constituted_on
        )

    return {goal.id: [Constituted(*row[:4]) for row in rows if counts(goal, row)] for goal in found}


async def unfinished(session: AsyncSession, network_ids: Collection[UUID], mandate: str, now: datetime) -> set[UUID]:
    """The networks in which a mandate's turn or a look at a path has fallen due and not been done. One that failed
    waits for its next try and is not waited for: it counts from the day on which it succeeds."""
    fallen = (due.c.at <= now, due.c.attempts == 0)
    turning = (
        select(mandates.c.network_id)
        .join(due, due.c.subject_id == mandates.c.id)
        .where(due.c.kind == mandate, mandates.c.network_id.in_(network_ids), *fallen)
    )
    looking = (
        select(paths.c.network_id)
        .join(looks, looks.c.constitution_id == paths.c.id)
        .join(due, due.c.subject_id == looks.c.id)
        .where(due.c.kind == LOOK, paths.c.network_id.in_(network_ids), *fallen)
    )
    return set(await session.scalars(turning.union(looking)))


# --- locks ----------------------------------------------------------------------------------------------------------


async def for_update(session: AsyncSession, actor: Actor, goal_id: UUID, now: datetime) -> Goal:
    """Locked. Raises UnknownGoal for who may not read it, Forbidden when that is all they may."""
    goal = await session.get(Goal, goal_id, with_for_update=True)
    if goal is None or not policy.has(actor, Right.READ_GOALS, network=goal.network_id, on=now):
        raise UnknownGoal(goal_id)
    policy.require(actor, Right.WRITE_GOALS, network=goal.network_id, on=now)
    return goal


async def of_kind_for_update(session: AsyncSession, network_ids: Collection[UUID], kind: Kind) -> Sequence[Goal]:
    """All goals of networks for a kind of body, locked in the order of their ids."""
    query = select(Goal).where(goals.c.network_id.in_(network_ids), goals.c.body_kind == kind)
    query = query.order_by(goals.c.id).with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalars().all()


async def unlocked_for_update(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Goal]:
    """Those that no command holds. Waiting for the others could deadlock: a command waits for their due rows."""
    query = select(Goal).where(goals.c.id.in_(ids)).order_by(goals.c.id).with_for_update(skip_locked=True)
    return (await session.execute(query)).scalars().all()
