"""Who I am: for `/me`, and for the page that a link shows before it acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.access.rules import LinkSpent, SignInRequest
from services.registry.mandates.routes import ROLES
from services.registry.mandates.tables import mandates
from services.registry.networks.tables import networks
from services.registry.people.rules import Person
from services.registry.policy import policy
from shared.access.actor import Actor, Grant, day
from shared.access.links import Link
from shared.runtime.clock import wall


@dataclass(frozen=True)
class Me:
    actor: Actor
    person: Person | None
    grants: list[Grant]
    rooms: list[tuple[Any, str, list[str]]]  # network id, slug, rights in it
    rights: list[str]


async def me(session: AsyncSession, actor: Actor, *, now: datetime) -> Me:
    """The caller as the registry knows them; an administrator need not be a person of the registry."""
    person = await session.get(Person, actor.person_id) if actor.person_id else None
    ids = sorted(actor.networks(now))
    found = await session.execute(select(networks.c.id, networks.c.slug).where(networks.c.id.in_(ids)))
    rooms = [(row.id, row.slug, policy.allowed(actor, network=row.id, on=now)) for row in found]
    rights = policy.allowed(actor, on=now) if actor.admin else sorted({right for room in rooms for right in room[2]})
    return Me(actor, person, list(actor.current(now)), rooms, rights)


async def usable(session: AsyncSession, actor: Actor, link: Link, *, now: datetime) -> Person:
    """Whom the link would let in. Raises LinkSpent, and uses nothing."""
    del actor, now
    request = await session.get(SignInRequest, link.subject)
    if request is None:
        raise LinkSpent
    person = await session.get_one(Person, request.person_id)
    request.check(person, wall())
    return person


async def offices(session: AsyncSession, person_id: UUID, language: str, *, now: datetime) -> list[str]:
    """What the person acts as today, in words: "Referente dell'ente, Alleanza per le Case"."""
    held = select(mandates.c.role, networks.c.name).join(networks, networks.c.id == mandates.c.network_id)
    held = held.where(mandates.c.person_id == person_id, mandates.c.since <= day(now))
    found = await session.execute(held.where(or_(mandates.c.ends.is_(None), mandates.c.ends > day(now))))
    label = {term.code: getattr(term, language) for term in ROLES.terms}
    return sorted(f"{label[role]}, {name}" for role, name in found)
