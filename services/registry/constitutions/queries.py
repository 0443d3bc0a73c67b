"""Reading constitution paths, counting what a region has on a day, and noting where to look again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, insert, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.bodies.rules import Kind
from services.registry.bodies.rules import State as BodyState
from services.registry.bodies.tables import bodies
from services.registry.constitutions.rules import (
    Code,
    Constitution,
    Requirement,
    State,
    UnknownConstitution,
    assess,
    default_path,
    region_of,
)
from services.registry.constitutions.tables import constitutions, founding_minutes, looks
from services.registry.interlocutors.rules import institutions, italian
from services.registry.interlocutors.tables import interlocutors
from services.registry.mandates.queries import codes_within
from services.registry.mandates.tables import mandates
from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from shared import territories
from shared.access.actor import Actor
from shared.access.roles import Role
from shared.runtime.due import schedule_many
from shared.runtime.paging import DEFAULT, Page, page

DUE = "constitution"
"""The kind of due row behind which a look at a path waits."""
FEW = 5
"""Regions up to which mandates are chosen by the codes of what lies in them; beyond, reading all costs less."""

Place = tuple[UUID, str]
"""A region of a network."""
When = tuple[UUID, str, date]
"""A region of a network on a day."""


@dataclass(frozen=True)
class Path:
    """A path with its body's name and state."""

    constitution: Constitution
    body: str
    body_state: BodyState

    @property
    def version(self) -> int:
        return self.constitution.version

    @property
    def state(self) -> State:
        if self.constitution.completed_on is not None:
            return State.COMPLETED
        return State.ABANDONED if self.body_state is BodyState.DISSOLVED else State.OPEN


@dataclass(frozen=True)
class Coordination:
    """The body of a region, and its path if it has come by one."""

    id: UUID
    name: str
    state: BodyState
    constituted_on: date | None


@dataclass(frozen=True)
class Standing:
    """Where a region stands on a day: what it has, what it needs, how far its coordination has come."""

    code: str
    name: str
    requirements: tuple[Requirement, ...]
    coordination: Coordination | None
    constitution_id: UUID | None

    @property
    def members(self) -> int:
        return next(each.have for each in self.requirements if each.code is Code.MEMBERS)


def _paths() -> Select[Any]:
    return select(Constitution, bodies.c.name, bodies.c.state).join(bodies, bodies.c.id == constitutions.c.body_id)


async def get(session: AsyncSession, actor: Actor, constitution_id: UUID, *, now: datetime) -> Path:
    """Raises UnknownConstitution also for who may not read it."""
    row = (await session.execute(_paths().where(constitutions.c.id == constitution_id))).one_or_none()
    if row is None or not policy.has(actor, Right.READ_CONSTITUTIONS, network=row[0].network_id, on=now):
        raise UnknownConstitution(constitution_id)
    return Path(*row)


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Sequence[State] = (),
    territory: Sequence[str] = (),
    body: Sequence[UUID] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Path]:
    """The paths of a network in the order in which they were opened."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_CONSTITUTIONS, network=network_id, on=now)
    query = _paths().where(constitutions.c.network_id == network_id)
    if state:
        open_, gone = constitutions.c.completed_on.is_(None), bodies.c.state == BodyState.DISSOLVED
        meaning = {State.COMPLETED: ~open_, State.ABANDONED: open_ & gone, State.OPEN: open_ & ~gone}
        query = query.where(or_(*(meaning[each] for each in state)))
    if territory:
        query = query.where(constitutions.c.territory.in_(territory))
    if body:
        query = query.where(constitutions.c.body_id.in_(body))
    if updated_since:
        query = query.where(constitutions.c.updated_at >= updated_since)
    found = await page(session, query, key=[constitutions.c.id], after=after, limit=limit)
    return Page([Path(*row[:3]) for row in found.items], found.next)


# --- counting ---------------------------------------------------------------------------------------------------------


async def counted(session: AsyncSession, wanted: Collection[When]) -> dict[When, dict[Code, int]]:
    """What regions have on days, by today's knowledge; founding minutes are a body's and counted apart. Two statements,
    whatever is asked for."""
    if not wanted:
        return {}
    found: dict[When, dict[Code, int]] = {}
    offices = await _offices(session, wanted)
    recorded = await _recorded(session, wanted)
    for when in wanted:
        network_id, region, on = when
        held = [office for office in offices.get((network_id, region), ()) if office.runs(on)]
        represented = {office.organisation_id for office in held if office.role is Role.REPRESENTATIVE}
        coordinating = any(office.role is Role.COORDINATOR and office.territory == region for office in held)
        found[when] = {
            Code.MEMBERS: len(represented),
            Code.COORDINATOR: int(coordinating),
            Code.INTERLOCUTORS: sum(day <= on for day in recorded.get((network_id, region), ())),
        }
    return found


@dataclass(frozen=True)
class Office:
    """As much of a mandate as counts."""

    role: Role
    organisation_id: UUID | None
    territory: str
    since: date
    ends: date | None

    def runs(self, on: date) -> bool:
        return self.since <= on and (self.ends is None or on < self.ends)


async def _offices(session: AsyncSession, wanted: Collection[When]) -> Mapping[Place, list[Office]]:
    """The representatives and coordinators in regions on one of the days, or between them."""
    regions, days = {region for _, region, _ in wanted}, [on for _, _, on in wanted]
    query = (
        select(
            mandates.c.network_id,
            mandates.c.role,
            mandates.c.organisation_id,
            mandates.c.territory,
            mandates.c.since,
            mandates.c.ends,
        )
        .distinct()
        .where(
            mandates.c.network_id.in_({network_id for network_id, _, _ in wanted}),
            mandates.c.role.in_((Role.REPRESENTATIVE, Role.COORDINATOR)),
            mandates.c.territory.is_not(None),
            mandates.c.since <= max(days),
            or_(mandates.c.ends.is_(None), mandates.c.ends > min(days)),
        )
    )
    if len(regions) <= FEW:
        query = query.where(mandates.c.territory.in_({code for region in regions for code in codes_within(region)}))
    found: dict[Place, list[Office]] = {}
    for network_id, *office in await session.execute(query):
        made = Office(*office)
        region = region_of(made.territory)
        if region is not None:
            found.setdefault((network_id, region), []).append(made)
    return found


async def _recorded(session: AsyncSession, wanted: Collection[When]) -> Mapping[Place, list[date]]:
    """The days on which the interlocutors of regions were recorded."""
    query = select(interlocutors.c.network_id, interlocutors.c.institution, interlocutors.c.recorded_on).where(
        interlocutors.c.network_id.in_({network_id for network_id, _, _ in wanted})
    )
    found: dict[Place, list[date]] = {}
    for network_id, institution, recorded_on in await session.execute(query):
        found.setdefault((network_id, institutions()[institution].region), []).append(recorded_on)
    return found


async def have(
    session: AsyncSession, wanted: Collection[tuple[Constitution, date]]
) -> dict[tuple[UUID, date], dict[Code, int]]:
    """What paths have on days, by path and day."""
    places = await counted(session, {(path.network_id, path.territory, on) for path, on in wanted})
    minutes = await minuted(session, {path.body_id for path, _ in wanted})
    return {
        (path.id, on): {
            **places[path.network_id, path.territory, on],
            Code.MINUTES: int(path.body_id in minutes and minutes[path.body_id] <= on),
        }
        for path, on in wanted
    }


async def minuted(session: AsyncSession, body_ids: Collection[UUID]) -> dict[UUID, date]:
    """The days on which the founding minutes of bodies were approved."""
    query = select(founding_minutes.c.body_id, founding_minutes.c.approved_on)
    found = await session.execute(query.where(founding_minutes.c.body_id.in_(body_ids)))
    return {row[0]: row[1] for row in found}


async def regions(session: AsyncSession, network_id: UUID, on: date) -> list[Standing]:
    """All 20 regions of a network as they stand today. The number of statements does not depend on how many there
    are paths."""
    italy = territories.load()
    places = await counted(session, {(network_id, region.code, on) for region in italy.regions})
    coordinations = {
        territory: Coordination(id_, name, state, constituted_on)
        for territory, id_, name, state, constituted_on in await session.execute(
            select(bodies.c.territory, bodies.c.id, bodies.c.name, bodies.c.state, bodies.c.constituted_on).where(
                bodies.c.network_id == network_id,
                bodies.c.kind == Kind.REGIONAL_COORDINATION,
                bodies.c.state != BodyState.DISSOLVED,
            )
        )
    }
    paths = {
        path.body_id: path
        for path in (
            await session.execute(select(Constitution).where(constitutions.c.network_id == network_id))
        ).scalars()
    }
    minutes = await minuted(session, [coordination.id for coordination in coordinations.values()])
    standings = []
    for region in sorted(italy.regions, key=lambda region: region.code):
        coordination = coordinations.get(region.code)
        path = paths.get(coordination.id) if coordination else None
        figures = places[network_id, region.code, on]
        if coordination is not None:
            figures[Code.MINUTES] = int(coordination.id in minutes)
        needed = path.requirements if path else default_path(region.code)
        standings.append(
            Standing(
                region.code,
                italian(region.name),
                assess(needed, figures),
                coordination,
                path.id if path else None,
            )
        )
    return standings


# --- looking again ----------------------------------------------------------------------------------------------------


async def look_again(session: AsyncSession, changes: Iterable[tuple[UUID, str | None, date]], now: datetime) -> None:
    """Something that a path may need has changed: (network, territory, the day from which it counts).

    What counts from a day of the past is what time has brought while nobody looked (a mandate that began); what
    somebody has entered counts from today. Each call adds rows of its own, so callers never wait for each other here.
    """
    days: dict[Place, set[date]] = {}
    for network_id, territory, on in changes:
        region = region_of(territory) if territory else None
        if region is not None:
            days.setdefault((network_id, region), set()).add(on)
    if not days:
        return
    query = select(constitutions.c.id, constitutions.c.network_id, constitutions.c.territory).where(
        constitutions.c.completed_on.is_(None),
        tuple_(constitutions.c.network_id, constitutions.c.territory).in_(sorted(days)),
    )
    await look(
        session,
        [(id_, on) for id_, *place in await session.execute(query) for on in sorted(days[place[0], place[1]])],
        now,
    )


async def look(session: AsyncSession, paths: Sequence[tuple[UUID, date]], now: datetime) -> None:
    """The due table will look at these paths, each for the sake of a day."""
    rows = [{"id": uuid7(), "constitution_id": path, "on_day": on} for path, on in paths]
    if rows:
        await session.execute(insert(looks), rows)
        await schedule_many(session, DUE, [(row["id"], now) for row in rows])  # type: ignore[misc]


@dataclass(frozen=True)
class Look:
    id: UUID
    constitution_id: UUID
    on: date


async def looks_of(session: AsyncSession, ids: Sequence[UUID]) -> list[Look]:
    query = select(looks.c.id, looks.c.constitution_id, looks.c.on_day).where(looks.c.id.in_(ids))
    return [Look(*row) for row in await session.execute(query)]


async def looked(session: AsyncSession, ids: Sequence[UUID]) -> None:
    await session.execute(delete(looks).where(looks.c.id.in_(ids)))


async def open_for_update(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Constitution]:
    """Those of the paths that are open and whose bodies have not been dissolved, locked in the order of their ids."""
    query = (
        select(Constitution)
        .join(bodies, bodies.c.id == constitutions.c.body_id)
        .where(constitutions.c.id.in_(ids), constitutions.c.completed_on.is_(None))
        .where(bodies.c.state == BodyState.FORMING)
        .order_by(constitutions.c.id)
        .with_for_update(of=constitutions)
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalars().all()


async def of_bodies(session: AsyncSession, body_ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """(body, path) of the bodies that have one."""
    query = select(constitutions.c.body_id, constitutions.c.id).where(constitutions.c.body_id.in_(body_ids))
    return [(body_id, id_) for body_id, id_ in await session.execute(query.order_by(constitutions.c.id))]
