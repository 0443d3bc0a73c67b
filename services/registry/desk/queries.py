"""What waits for a secretariat on a Monday: counted in a few statements, whatever the size of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.access import queries as access
from services.registry.bodies import queries as bodies
from services.registry.bodies.tables import bodies as bodies_table
from services.registry.commitments import queries as commitments
from services.registry.commitments.rules import State as CommitmentState
from services.registry.goals import queries as goals
from services.registry.goals.queries import Tracked
from services.registry.goals.rules import State as GoalState
from services.registry.imports.tables import imports
from services.registry.networks import queries as networks
from services.registry.networks.rules import Network
from services.registry.people.tables import people
from services.registry.policy import Right, policy
from services.registry.processing import queries as processing
from services.registry.processing.queries import Summary
from shared.access.actor import Actor

GOALS_SHOWN = 3


@dataclass(frozen=True)
class Chair:
    """Who is signed in: the name that pages show, and what they may do in a network."""

    name: str
    rights: frozenset[str]

    def may(self, right: Right) -> bool:
        return right in self.rights


@dataclass(frozen=True)
class Room:
    """A network as whoever is signed in finds it."""

    network: Network
    chair: Chair


@dataclass(frozen=True)
class Home:
    """`None` where the person may not look."""

    room: Room
    open: int
    late: int
    vacant: int
    seats: int
    uncovered: int
    goals: Sequence[Tracked]
    last_import: Any
    members: int
    notices: Summary | None


async def chair(session: AsyncSession, actor: Actor, *, now: datetime) -> str:  # noqa: ARG001
    """The name of whoever is signed in; empty for an administrator who is nobody here."""
    if actor.person_id is None:
        return ""
    found = await session.execute(
        select(people.c.given_name, people.c.family_name).where(people.c.id == actor.person_id)
    )
    row = found.one_or_none()
    return f"{row.given_name} {row.family_name}".strip() if row else ""


async def room(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Room:
    """Raises NetworkUnknown, Forbidden."""
    network = await networks.get(session, actor, ref, now=now)
    rights = frozenset(policy.allowed(actor, network=network.id, on=now))
    return Room(network, Chair(await chair(session, actor, now=now), rights))


@dataclass(frozen=True)
class Doors:
    """The networks that somebody may enter, and as what they act today."""

    name: str
    networks: Sequence[Network]
    offices: Sequence[str]


async def doors(session: AsyncSession, actor: Actor, language: str, *, now: datetime) -> Doors:
    found = await networks.listed(session, actor, limit=200, now=now)
    offices = await access.offices(session, actor.person_id, language, now=now) if actor.person_id else []
    return Doors(await chair(session, actor, now=now), found.items, offices)


async def home(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Home:
    """Everything that the first page counts. Raises NetworkUnknown, Forbidden."""
    found = await room(session, actor, ref, now=now)
    id_ = found.network.id
    counted = await commitments.summary(session, actor, str(id_), now=now)
    held, seats = await bodies.held_and_all(session, id_, now)
    may = found.chair.may
    return Home(
        room=found,
        open=sum(states.get(CommitmentState.OPEN, 0) for states in counted.values()),
        late=sum(states.get(CommitmentState.LATE, 0) for states in counted.values()),
        vacant=seats - held,
        seats=seats,
        uncovered=await uncovered(session, id_),
        goals=await running_goals(session, actor, id_, now),
        last_import=await last_import(session, id_) if may(Right.IMPORT) else None,
        members=await bodies.active_members(session, id_),
        notices=await processing.summary(session, actor, str(id_), now=now) if may(Right.MANAGE_NOTICES) else None,
    )


async def running_goals(session: AsyncSession, actor: Actor, network_id: UUID, now: datetime) -> Sequence[Tracked]:
    found = await goals.listed(session, actor, str(network_id), state=[GoalState.RUNNING], limit=GOALS_SHOWN, now=now)
    return found.items


async def uncovered(session: AsyncSession, network_id: UUID) -> int:
    """Working groups that nobody follows."""
    table = bodies_table.c
    query = select(func.count()).where(and_(table.network_id == network_id, table.uncovered_since.is_not(None)))
    return int(await session.scalar(query) or 0)


async def last_import(session: AsyncSession, network_id: UUID) -> Any:
    query = select(imports).where(imports.c.network_id == network_id).order_by(imports.c.id.desc()).limit(1)
    return (await session.execute(query)).one_or_none()
