"""Opening paths, and following them: what the due table calls when a path may have come further.

Locks are taken in one order: the members of the network and the region (to open), paths, goals, bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.bodies import commands as bodies
from services.registry.bodies import queries as body_queries
from services.registry.bodies.rules import Body, Kind
from services.registry.bodies.rules import State as BodyState
from services.registry.constitutions import queries, rules
from services.registry.constitutions.queries import Look, Path
from services.registry.constitutions.rules import Constitution, CoordinationExists, Step, default_path
from services.registry.constitutions.tables import founding_minutes
from services.registry.goals import commands as goals
from services.registry.networks import queries as networks
from services.registry.networks.rules import Language
from services.registry.policy import Right, policy
from shared.access.actor import Actor, day
from shared.contracts.registry import (
    ConstitutionAdvanced,
    ConstitutionCompleted,
    ConstitutionOpened,
    ConstitutionState,
    Requirement,
)
from shared.messaging import stage
from shared.runtime.due import schedule_many
from shared.runtime.shapes import Request

UNDER_WAY = timedelta(seconds=30)
"""Longer than any transaction: after it, all that did not see a path when it was opened has been committed."""
FACT_OF: dict[Step, type[ConstitutionState]] = {
    Step.ADVANCED: ConstitutionAdvanced,
    Step.COMPLETED: ConstitutionCompleted,
}
NAMES = {Language.ITALIAN: "Coordinamento regionale {region}", Language.ENGLISH: "Regional coordination of {region}"}


class Opening(Request):
    """The region; the name that its coordination is to bear, by default made of the region's."""

    territory: str
    name: str | None = None
    minimum_members: int = rules.MINIMUM_MEMBERS


async def open_path(session: AsyncSession, actor: Actor, ref: str, request: Opening, *, now: datetime) -> Path:
    """Establishes the coordination of a region as a forming body, with its path; a forming one that has none gets it.

    Raises NoRegion, CoordinationExists.
    """
    network = await networks.by_ref(session, ref)
    policy.require(actor, Right.WRITE_CONSTITUTIONS, network=network.id, territory=request.territory, on=now)
    region = rules.region(request.territory)
    name = request.name or NAMES[network.language].format(region=rules.name_of(region))
    body = await _forming(session, network.id, region, name, now)
    today = day(now)
    path = Constitution(
        network.id, body.id, region, default_path(region, request.minimum_members), opened_on=today, assessed_on=today
    )
    path.requirements = rules.assess(path.requirements, (await queries.have(session, {(path, today)}))[path.id, today])
    session.add(path)
    await session.flush()
    await stage(session, state_of(ConstitutionOpened, path))
    await queries.look(session, [(path.id, today)], now)
    await queries.look(session, [(path.id, today)], now + UNDER_WAY)
    return Path(path, body.name, body.state)


async def follow(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: looks at paths that may have come further, and constitutes the bodies whose path is
    completed: one of a network in a transaction, so that each counts for its goals by itself, in order."""
    looks = await queries.looks_of(session, ids)
    paths = {path.id: path for path in await queries.open_for_update(session, {look.constitution_id for look in looks})}
    decided = await goals.lock(session, {path.network_id for path in paths.values()}, Kind.REGIONAL_COORDINATION)
    due = [(look, paths[look.constitution_id]) for look in looks if look.constitution_id in paths]
    days = {(path, path.day_of(look.on, decided.get(path.network_id, date.min))) for look, path in due}
    have = await queries.have(session, days)
    steps: dict[UUID, Step] = {}
    postponed: set[UUID] = set()
    constituted: set[UUID] = set()
    for path, on in sorted(days, key=lambda pair: (pair[1], pair[0].id)):
        figures = have[path.id, on]
        if path.id in postponed or (path.completes(figures) and path.network_id in constituted):
            postponed.add(path.id)
            continue
        step = path.look(on, figures)
        if step is not Step.NOTHING:
            steps[path.id] = step
        if step is Step.COMPLETED:
            constituted.add(path.network_id)
    await session.flush()
    await stage(session, *(state_of(FACT_OF[step], paths[id_]) for id_, step in steps.items()))
    for id_ in sorted(id_ for id_, step in steps.items() if step is Step.COMPLETED):
        await _constitute(session, paths[id_], now)
    await _done(session, looks, postponed, now)


async def _constitute(session: AsyncSession, path: Constitution, now: datetime) -> None:
    assert path.completed_on is not None
    body = await body_queries.for_update(session, path.body_id)
    await bodies.constitute(session, body, path.completed_on)
    await goals.advance(session, body, now)


async def _done(session: AsyncSession, looks: Sequence[Look], postponed: set[UUID], now: datetime) -> None:
    again = [look.id for look in looks if look.constitution_id in postponed]
    await queries.looked(session, [look.id for look in looks if look.constitution_id not in postponed])
    await schedule_many(session, queries.DUE, [(id_, now) for id_ in again])


async def minute(session: AsyncSession, approved: Sequence[tuple[UUID, UUID, date]], now: datetime) -> None:
    """Founding minutes have been approved: (body, minutes, day). The first ones of a body count."""
    first = {body_id: (minutes_id, on) for body_id, minutes_id, on in reversed(approved)}
    rows = [
        {"body_id": body_id, "minutes_id": minutes_id, "approved_on": on}
        for body_id, (minutes_id, on) in sorted(first.items())
    ]
    fresh = insert(founding_minutes).values(rows).on_conflict_do_nothing().returning(founding_minutes.c.body_id)
    paths = await queries.of_bodies(session, set(await session.scalars(fresh)))
    await queries.look(session, [(path, first[body_id][1]) for body_id, path in paths], now)


async def _forming(session: AsyncSession, network_id: UUID, region: str, name: str, now: datetime) -> Body:
    """The body whose path it will be."""
    for body in await body_queries.of_network(session, network_id, kind=[Kind.REGIONAL_COORDINATION], territory=region):
        if body.state is not BodyState.FORMING or await queries.of_bodies(session, [body.id]):
            raise CoordinationExists(body.id)
        return body
    request = bodies.Establishment(name=name, kind=Kind.REGIONAL_COORDINATION, territory=region, forming=True)
    return await bodies.made(session, network_id, request, now)


def state_of(fact: type[ConstitutionState], path: Constitution) -> ConstitutionState:
    return fact(
        id=path.id,
        version=path.version,
        network_id=path.network_id,
        body_id=path.body_id,
        territory=path.territory,
        requirements=tuple(
            Requirement(code=each.code, met=each.met, have=each.have, need=each.need) for each in path.requirements
        ),
        opened_on=path.opened_on,
        completed_on=path.completed_on,
    )
