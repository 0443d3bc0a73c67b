"""Reading needs: which there are is for those who follow them, what was asked for very few."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.areas import queries as areas
from services.mapping.freshness.rules import begins
from services.mapping.needs.rules import DAYS_KEPT, Need, State, UnknownNeed
from services.mapping.needs.tables import need_rules, needs
from services.mapping.places.rules import Place
from services.mapping.places.tables import places
from services.mapping.policy import Right, policy
from services.mapping.presences.tables import organisations
from shared.access import loading
from shared.access.actor import Actor
from shared.access.roles import Role
from shared.runtime.paging import DEFAULT, Page, page

FOLLOWERS = (Role.COORDINATOR, Role.COMMUNITY_MAKER)


@dataclass(frozen=True)
class Read:
    """A need with the names of what it refers to. `readable`: the caller may see what was asked and answered."""

    need: Need
    place: str
    organisation: str | None
    updated_at: datetime
    readable: bool
    actions: Sequence[str]

    @property
    def version(self) -> int:
        return self.need.version


@dataclass(frozen=True)
class Rule:
    """For how many days after its end a need's text is kept; version 0 is the platform's rule."""

    network_id: UUID
    days_kept: int
    version: int


def named() -> Select[Any]:
    return (
        select(
            Need,
            places.c.title.label("place"),
            places.c.organisation_id.label("runner"),
            organisations.c.title.label("organisation"),
            needs.c.updated_at,
        )
        .join(places, places.c.id == needs.c.place_id)
        .outerjoin(organisations, organisations.c.id == needs.c.organisation_id)
    )


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    territory: Collection[str] = (),
    state: Collection[State] = (),
    theme: Collection[str] = (),
    place: Collection[UUID] = (),
    organisation: Collection[UUID] = (),
    person: Collection[UUID] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Read]:
    """The needs of a network that the caller follows, the newest first."""
    network_id = await loading.network_id(session, ref)
    policy.require(actor, Right.SEE_MAP, network=network_id, on=now)
    query = named().where(needs.c.network_id == network_id, followed(actor, network_id, now))
    if territory:
        query = query.where(needs.c.areas.overlap(await areas.expand(session, network_id, territory, "?territory")))
    for column, values in (
        (needs.c.state, state),
        (needs.c.theme, theme),
        (needs.c.place_id, place),
        (needs.c.organisation_id, organisation),
        (needs.c.person_id, person),
    ):
        if values:
            query = query.where(column.in_(values))
    if updated_since:
        query = query.where(needs.c.updated_at >= updated_since)
    found = await page(session, query, key=[needs.c.id], after=after, limit=limit, descending=True)
    return Page([_read(row, actor, now) for row in found.items], found.next)


async def get(session: AsyncSession, actor: Actor, need_id: UUID, *, now: datetime) -> Read:
    """Raises UnknownNeed, also for who does not follow it."""
    network_id = await session.scalar(select(needs.c.network_id).where(needs.c.id == need_id))
    if network_id is None:
        raise UnknownNeed(need_id)
    query = named().where(needs.c.id == need_id, followed(actor, network_id, now))
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise UnknownNeed(need_id)
    return _read(row, actor, now)


async def read(session: AsyncSession, actor: Actor, need: Need, now: datetime) -> Read:
    """After a command, for who gave it."""
    await session.flush()
    return _read((await session.execute(named().where(needs.c.id == need.id))).one(), actor, now)


def _read(row: Any, actor: Actor, now: datetime) -> Read:
    need: Need = row[0]
    readable = may_read(actor, need, now)
    assigns = may_assign(actor, need, row.runner, now)
    allowed = {"assign": assigns, "withdraw": assigns, "answer": may_answer(actor, need, now)}
    actions = [action for action in need.actions() if allowed[action]]
    return Read(need, row.place, row.organisation, row.updated_at, readable, actions)


# --- who -------------------------------------------------------------------------------------------------------------


def followed(actor: Actor, network_id: UUID, now: datetime) -> ColumnElement[bool]:
    """The condition under which the caller may know that a need is there."""
    if actor.admin or actor.holds(Role.SECRETARIAT, on=now, network=network_id):
        return true()
    if actor.key_id is not None:
        return literal(policy.has(actor, Right.FOLLOW_NEEDS, network=network_id, on=now))
    if network_id not in actor.networks(now):
        return false()
    found: list[ColumnElement[bool]] = [needs.c.collected_by == actor.person_id, needs.c.person_id == actor.person_id]
    for grant in actor.current(now):
        if grant.network_id != network_id:
            continue
        if grant.role in FOLLOWERS:
            found.append(needs.c.areas.contains([grant.territory]) if grant.territory else true())
        elif grant.role == Role.REFERENT and grant.organisation_id:
            found.append(needs.c.organisation_id == grant.organisation_id)
            found.append(places.c.organisation_id == grant.organisation_id)
    return or_(*found)


def may_read(actor: Actor, need: Need, now: datetime) -> bool:
    """Who collected it, who is to answer and the coordinator of where it was collected: neither the secretariat nor the
    platform's administrators nor a key."""
    if actor.person_id is None or need.network_id not in actor.networks(now):
        return False  # whose mandate has ended reads no more of what they once collected
    coordinates = actor.holds(
        *policy.rules[Right.READ_NEEDS], on=now, network=need.network_id, territory=need.municipality
    )
    return need.collected_by == actor.person_id or coordinates or is_assignee(actor, need, now)


def is_assignee(actor: Actor, need: Need, now: datetime) -> bool:
    """The person who is to answer; the referents of the organisation that is to answer."""
    if actor.person_id is not None and need.person_id == actor.person_id:
        return need.network_id in actor.networks(now)
    return need.organisation_id is not None and any(
        grant.role == Role.REFERENT
        and (grant.network_id, grant.organisation_id) == (need.network_id, need.organisation_id)
        for grant in actor.current(now)
    )


def may_answer(actor: Actor, need: Need, now: datetime) -> bool:
    coordinates = actor.holds(
        *policy.rules[Right.READ_NEEDS], on=now, network=need.network_id, territory=need.municipality
    )
    return coordinates or is_assignee(actor, need, now)


def require_answer(actor: Actor, need: Need, now: datetime) -> None:
    """Raises UnknownNeed for a stranger, Forbidden for who knows of it and may not."""
    if not may_answer(actor, need, now):
        policy.require(
            Actor(grants=actor.grants, person_id=actor.person_id),
            Right.READ_NEEDS,
            network=need.network_id,
            territory=need.municipality,
            on=now,
        )


def may_assign(actor: Actor, need: Need, runner: UUID | None, now: datetime) -> bool:
    """Who collected it; the referents of the organisation that runs the place; who follows the territory's needs."""
    if actor.person_id is not None and need.collected_by == actor.person_id:
        return bool(actor.networks(now) & {need.network_id})
    if policy.has(actor, Right.ASSIGN_NEEDS, network=need.network_id, territory=need.municipality, on=now):
        return True
    return runner is not None and actor.holds(Role.REFERENT, on=now, network=need.network_id, organisation=runner)


async def require_assign(session: AsyncSession, actor: Actor, need: Need, now: datetime) -> None:
    """Raises Forbidden."""
    runner = await session.scalar(select(places.c.organisation_id).where(places.c.id == need.place_id))
    if not may_assign(actor, need, runner, now):
        policy.require(actor, Right.ASSIGN_NEEDS, network=need.network_id, territory=need.municipality, on=now)


def require_at(actor: Actor, right: Right, place: Place, now: datetime) -> None:
    """The right reaches the place. Raises Forbidden."""
    policy.require(
        actor,
        right,
        network=place.network_id,
        organisation=place.organisation_id,
        territory=place.municipality,
        on=now,
    )


# --- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Times:
    """Hours that something took: `n` needs, None when there are none."""

    n: int
    median: float | None
    mean: float | None


@dataclass(frozen=True)
class Figures:
    """Of one theme, one place or all: how many are in each state, and the hours from the collection to the assignment
    and to the answer."""

    key: Any
    name: str | None
    states: dict[State, int]
    to_assign: Times
    to_answer: Times


@dataclass(frozen=True)
class Statistics:
    whole: Figures
    themes: list[Figures]
    places: list[Figures]


async def statistics(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    territory: Collection[str] = (),
    theme: Collection[str] = (),
    place: Collection[UUID] = (),
    since: date | None = None,
    until: date | None = None,
    now: datetime,
) -> Statistics:
    """Of the needs collected from the day `since` until the day `until` (exclusive). For the network's members."""
    network_id = await loading.network_id(session, ref)
    policy.require(actor, Right.SEE_MAP, network=network_id, on=now)
    conditions = [needs.c.network_id == network_id, *_period(since, until)]
    if territory:
        here = await areas.expand(session, network_id, territory, "?territory")
        conditions.append(needs.c.areas.overlap(here))
    if theme:
        conditions.append(needs.c.theme.in_(theme))
    if place:
        conditions.append(needs.c.place_id.in_(place))
    query = (
        select(
            needs.c.theme,
            needs.c.place_id,
            func.max(places.c.title).label("place"),
            func.grouping(needs.c.theme).label("without_theme"),
            func.grouping(needs.c.place_id).label("without_place"),
            *(func.count().filter(needs.c.state == state).label(str(state)) for state in State),
            *_times("assign", needs.c.assigned_at),
            *_times("answer", needs.c.answered_at),
        )
        .join(places, places.c.id == needs.c.place_id)
        .where(and_(*conditions))
        .group_by(func.grouping_sets(tuple_(needs.c.theme), tuple_(needs.c.place_id), tuple_()))
    )
    rows = (await session.execute(query)).all()
    return Statistics(
        next(_figures(row, None, None) for row in rows if row.without_theme and row.without_place),
        sorted((_figures(r, r.theme, None) for r in rows if not r.without_theme), key=lambda f: str(f.key)),
        sorted((_figures(r, r.place_id, r.place) for r in rows if not r.without_place), key=lambda f: str(f.name)),
    )


def _period(since: date | None, until: date | None) -> list[ColumnElement[bool]]:
    found = [needs.c.collected_at >= begins(since)] if since else []
    return [*found, *([needs.c.collected_at < begins(until)] if until else [])]


def _times(name: str, end: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    hours = func.extract("epoch", end - needs.c.collected_at) / 3600
    return [
        func.count(end).label(f"{name}_n"),
        func.percentile_cont(0.5).within_group(hours).label(f"{name}_median"),
        func.avg(hours).label(f"{name}_mean"),
    ]


def _figures(row: Any, key: Any, name: str | None) -> Figures:
    return Figures(
        key,
        name,
        {state: getattr(row, str(state)) for state in State},
        Times(row.assign_n, _rounded(row.assign_median), _rounded(row.assign_mean)),
        Times(row.answer_n, _rounded(row.answer_median), _rounded(row.answer_mean)),
    )


def _rounded(hours: Any) -> float | None:
    return None if hours is None else round(float(hours), 2)


# --- rule and lock ---------------------------------------------------------------------------------------------------


async def kept_rule(session: AsyncSession, network_id: UUID) -> Rule:
    row = (await session.execute(select(need_rules).where(need_rules.c.network_id == network_id))).one_or_none()
    return Rule(network_id, row.days_kept, row.version) if row else Rule(network_id, DAYS_KEPT, 0)


async def rule(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Rule:
    network_id = await loading.network_id(session, ref)
    policy.require(actor, Right.SEE_MAP, network=network_id, on=now)
    return await kept_rule(session, network_id)


async def for_update(session: AsyncSession, need_id: UUID) -> Need:
    """The need, its row locked. Raises UnknownNeed."""
    found = await session.get(Need, need_id, with_for_update=True)
    if found is None:
        raise UnknownNeed(need_id)
    return found
