"""Reading plans with their objectives, and the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.bodies.tables import bodies
from services.registry.commitments import queries as commitment_queries
from services.registry.commitments.queries import Named
from services.registry.commitments.rules import Source
from services.registry.commitments.rules import State as CommitmentState
from services.registry.commitments.tables import commitments
from services.registry.networks import queries as networks
from services.registry.organisations.rules import codes_within
from services.registry.organisations.tables import organisations
from services.registry.plans.rules import Objective, Plan, State, UnknownObjective, UnknownPlan
from services.registry.plans.tables import objectives, plan_actions, plans
from services.registry.policy import Right, policy
from services.registry.store import containing, mapper
from shared.access.actor import Actor, day
from shared.runtime.paging import DEFAULT, Page, page

Sort = Literal["id", "since", "-since", "last_day", "-last_day"]
SORTS: dict[str, ColumnElement[Any]] = {"since": plans.c.since, "last_day": plans.c.last_day}


@dataclass(frozen=True)
class Owned:
    """An objective, and the name of who answers for it."""

    objective: Objective
    owner: str | None


@dataclass(frozen=True)
class Shown:
    """A plan with its objectives, the plan that it follows and the one that follows it."""

    plan: Plan
    objectives: Sequence[Owned]
    follows: str | None
    followed_by: tuple[UUID, str] | None

    @property
    def version(self) -> int:
        return self.plan.version


@dataclass(frozen=True)
class Action:
    """A commitment that the plan, or one of its objectives, asked for."""

    id: UUID
    objective_id: UUID | None
    named: Named


async def get(session: AsyncSession, actor: Actor, plan_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownPlan, Forbidden."""
    plan = await by_id(session, plan_id)
    policy.require(actor, Right.READ_PLANS, network=plan.network_id, on=now)
    return (await shown(session, [plan]))[0]


async def by_id(session: AsyncSession, plan_id: UUID) -> Plan:
    plan = await session.get(Plan, plan_id)
    if plan is None:
        raise UnknownPlan(plan_id)
    return plan


async def shown(session: AsyncSession, found: Sequence[Plan]) -> list[Shown]:
    """Three statements, however many plans."""
    ids = [plan.id for plan in found]
    named = (
        select(Objective, func.coalesce(organisations.c.title, bodies.c.name))
        .outerjoin(organisations, organisations.c.id == objectives.c.organisation_id)
        .outerjoin(bodies, bodies.c.id == objectives.c.body_id)
        .where(objectives.c.plan_id.in_(ids))
        .order_by(objectives.c.plan_id, objectives.c.position, objectives.c.id)
    )
    owned: dict[UUID, list[Owned]] = {id_: [] for id_ in ids}
    for row in await session.execute(named):
        owned[row[0].plan_id].append(Owned(row[0], row[1]))
    before = select(plans.c.id, plans.c.title).where(plans.c.id.in_([p.follows_id for p in found if p.follows_id]))
    titles = {row.id: row.title for row in await session.execute(before)}
    later = select(plans.c.follows_id, plans.c.id, plans.c.title).where(plans.c.follows_id.in_(ids))
    followers = {row.follows_id: (row.id, row.title) for row in await session.execute(later)}
    return [
        Shown(plan, owned[plan.id], titles.get(plan.follows_id) if plan.follows_id else None, followers.get(plan.id))
        for plan in found
    ]


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Sequence[State] = (),
    territory: Sequence[str] = (),
    organisation: Sequence[UUID] = (),
    body: Sequence[UUID] = (),
    on: date | None = None,
    q: str | None = None,
    updated_since: datetime | None = None,
    sort: Sort = "id",
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The plans of a network: with a day, those that run on it; with an organisation or body, those in which it answers
    for an objective. A territory includes what lies in it."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_PLANS, network=network_id, on=now)
    query = select(Plan).where(plans.c.network_id == network_id)
    if state:
        query = query.where(_state_on(day(now)).in_([str(one) for one in state]))
    if territory:
        query = query.where(plans.c.territories.overlap(codes(territory)))
    for column, values in ((objectives.c.organisation_id, organisation), (objectives.c.body_id, body)):
        if values:
            query = query.where(exists().where(objectives.c.plan_id == plans.c.id, column.in_(values)))
    if on:
        query = query.where(plans.c.state != State.DRAFT, plans.c.since <= on, plans.c.last_day >= on)
    if q and (wanted := q.strip()):
        query = query.where(func.fold(plans.c.title, type_=Text).like(containing(wanted)))
    if updated_since:
        query = query.where(plans.c.updated_at >= updated_since)
    key = [SORTS[sort.removeprefix("-")], plans.c.id] if sort != "id" else [plans.c.id]
    found = await page(session, query, key=key, after=after, limit=limit, descending=sort.startswith("-"))
    return Page(await shown(session, found.items), found.next)


def _state_on(on: date) -> ColumnElement[str]:
    """`Plan.state_on` where the database has to choose rows by it."""
    over = (plans.c.state == State.ADOPTED) & (plans.c.last_day < on)
    return func.coalesce(
        select(literal(str(State.EXPIRED))).where(over).scalar_subquery(), cast(plans.c.state, Text), type_=Text()
    )


def codes(territory: Sequence[str]) -> ColumnElement[Any]:
    """The territories and what lies in them, as an array. Raises InvalidOrganisation."""
    within = sorted({code for whole in territory for code in codes_within(whole)})
    return cast(literal(within, ARRAY(Text)), ARRAY(Text))


async def actions(
    session: AsyncSession,
    actor: Actor,
    plan_id: UUID,
    *,
    objective: Sequence[UUID] = (),
    state: Sequence[CommitmentState] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Action]:
    """The commitments of a plan, in the order in which they were asked for."""
    plan = await by_id(session, plan_id)
    policy.require(actor, Right.READ_PLANS, network=plan.network_id, on=now)
    policy.require(actor, Right.READ_COMMITMENTS, network=plan.network_id, on=now)
    query = (
        commitment_queries.NAMED.add_columns(plan_actions.c.id, plan_actions.c.objective_id)
        .join(plan_actions, plan_actions.c.id == commitments.c.source_id)
        .where(plan_actions.c.plan_id == plan_id, commitments.c.source == Source.PLAN)
    )
    if objective:
        query = query.where(plan_actions.c.objective_id.in_(objective))
    if state:
        query = query.where(commitments.c.state.in_(state))
    found = await page(session, query, key=[plan_actions.c.id], after=after, limit=limit)
    return Page([Action(row[4], row[5], commitment_queries.named_row(row)) for row in found.items], found.next)


async def actions_of(session: AsyncSession, objective_ids: Collection[UUID]) -> list[UUID]:
    query = select(plan_actions.c.id).where(plan_actions.c.objective_id.in_(objective_ids))
    return list(await session.scalars(query.order_by(plan_actions.c.id)))


async def named_by_agreements(session: AsyncSession, plan_id: UUID) -> bool:
    """Asked of the mapped table by its name: agreements are made of plans, not plans of agreements."""
    agreements = mapper.metadata.tables["agreements"]
    return bool(await session.scalar(select(exists().where(agreements.c.plan_id == plan_id))))


def may_write(actor: Actor, plan: Plan, now: datetime) -> bool:
    return policy.has(actor, Right.WRITE_PLANS, network=plan.network_id, on=now)


# --- locks -----------------------------------------------------------------------------------------------------------


async def for_update(session: AsyncSession, actor: Actor, plan_id: UUID, now: datetime) -> Plan:
    """Locked, for who may change it, as it is now: `Session.get` would refuse one that was changed since it was read.
    Raises UnknownPlan, Forbidden."""
    plan = (await several_for_update(session, {plan_id})).get(plan_id)
    if plan is None:
        raise UnknownPlan(plan_id)
    policy.require(actor, Right.WRITE_PLANS, network=plan.network_id, on=now)
    return plan


async def several_for_update(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Plan]:
    """In the order of their ids, so that two commands do not wait in a circle."""
    query = select(Plan).where(plans.c.id.in_(ids)).order_by(plans.c.id).with_for_update()
    return {plan.id: plan for plan in await session.scalars(query.execution_options(populate_existing=True))}


async def unlocked_for_update(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Plan]:
    """Those that no command holds; the others come again."""
    query = select(Plan).where(plans.c.id.in_(ids)).order_by(plans.c.id).with_for_update(skip_locked=True)
    return (await session.scalars(query)).all()


async def objectives_of(session: AsyncSession, plan_ids: Collection[UUID]) -> list[Objective]:
    """Of plans whose rows the caller has locked."""
    query = select(Objective).where(objectives.c.plan_id.in_(plan_ids))
    return list(await session.scalars(query.order_by(objectives.c.plan_id, objectives.c.position, objectives.c.id)))


async def objective(session: AsyncSession, plan_id: UUID, objective_id: UUID) -> Objective:
    """Of a plan whose row the caller has locked. Raises UnknownObjective."""
    found = await session.get(Objective, objective_id, populate_existing=True)
    if found is None or found.plan_id != plan_id:
        raise UnknownObjective(objective_id)
    return found
