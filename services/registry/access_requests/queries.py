"""Reading access requests, and who may."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.access_requests.rules import AccessRequest, State, UnknownRequest
from services.registry.access_requests.tables import access_answers, access_readings, access_requests
from services.registry.networks import queries as networks
from services.registry.people import queries as people_queries
from services.registry.people.rules import Person
from services.registry.people.tables import known_people, people
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Shown:
    """A request with its person's name, who has answered, and who took the archive."""

    request: AccessRequest
    name: str
    answers: Sequence[Any] = ()
    readings: Sequence[Any] = ()

    @property
    def version(self) -> int:
        return self.request.version


async def get(session: AsyncSession, actor: Actor, request_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownRequest also for one of somebody else whom the caller may not give access."""
    request = await session.get(AccessRequest, request_id)
    if request is None:
        raise UnknownRequest(request_id)
    return await shown(session, actor, request, now)


async def shown(session: AsyncSession, actor: Actor, request: AccessRequest, now: datetime) -> Shown:
    person = await session.get_one(Person, request.person_id)
    if not await may(session, actor, person, now):
        raise UnknownRequest(request.id)
    (whole,) = await _whole(session, [(request, person.name)])
    return whole


async def may(session: AsyncSession, actor: Actor, person: Person, now: datetime) -> bool:
    """The person, and who gives access in a network that knows them."""
    if actor.person_id == person.id:
        return True
    known = await session.scalars(select(known_people.c.network_id).where(known_people.c.person_id == person.id))
    return any(policy.has(actor, Right.GIVE_ACCESS, network=room, on=now) for room in known)


async def _whole(session: AsyncSession, found: Sequence[tuple[AccessRequest, str]]) -> list[Shown]:
    ids = [request.id for request, _ in found]
    answered: dict[UUID, list[Any]] = {}
    of_services = select(access_answers).where(access_answers.c.access_id.in_(ids)).order_by(access_answers.c.service)
    for row in await session.execute(of_services):
        answered.setdefault(row.access_id, []).append(row)
    readings: dict[UUID, list[Any]] = {}
    read = select(access_readings).where(access_readings.c.access_id.in_(ids)).order_by(access_readings.c.id)
    for row in await session.execute(read):
        readings.setdefault(row.access_id, []).append(row)
    return [
        Shown(request, name.strip(), answered.get(request.id, ()), readings.get(request.id, ()))
        for request, name in found
    ]


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Collection[State] = (),
    person: Collection[UUID] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The requests about the people whom a network knows, oldest first."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.GIVE_ACCESS, network=network_id, on=now)
    query = _named().join(known_people, known_people.c.person_id == people.c.id)
    query = query.where(known_people.c.network_id == network_id)
    if state:
        query = query.where(access_requests.c.state.in_(state))
    if person:
        query = query.where(access_requests.c.person_id.in_(person))
    if updated_since:
        query = query.where(access_requests.c.updated_at >= updated_since)
    return await _page(session, query, after, limit)


async def own(
    session: AsyncSession,
    actor: Actor,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,  # noqa: ARG001
) -> Page[Shown]:
    return await _page(session, _named().where(access_requests.c.person_id == actor.person_id), after, limit)


def _named() -> Select[Any]:
    name = people.c.given_name + " " + people.c.family_name
    return select(AccessRequest, name).join(people, people.c.id == access_requests.c.person_id)


async def _page(session: AsyncSession, query: Select[Any], after: str | None, limit: int) -> Page[Shown]:
    found = await page(session, query, key=[access_requests.c.id], after=after, limit=limit)
    return Page(await _whole(session, [(row[0], row[1]) for row in found.items]), found.next)


async def for_update(session: AsyncSession, actor: Actor, request_id: UUID, now: datetime) -> AccessRequest:
    """Locked, after its person, who is so neither erased nor renamed meanwhile. Raises UnknownRequest."""
    person_id = await session.scalar(select(access_requests.c.person_id).where(access_requests.c.id == request_id))
    if person_id is None:
        raise UnknownRequest(request_id)
    person = await session.get_one(Person, person_id, with_for_update=True)
    if not await may(session, actor, person, now):
        raise UnknownRequest(request_id)
    return await session.get_one(AccessRequest, request_id, with_for_update=True, populate_existing=True)


async def person_for_update(session: AsyncSession, actor: Actor, person_id: UUID, now: datetime) -> Person:
    """Raises UnknownPerson, or Forbidden for who may read the person and not give access."""
    right = Right.READ_PEOPLE if actor.person_id == person_id else Right.GIVE_ACCESS
    person = await people_queries.for_update(session, actor, Right.READ_PEOPLE, person_id, now)
    if right is Right.GIVE_ACCESS and not await may(session, actor, person, now):
        policy.require(actor, right, network=person.network_id, on=now)
    return person


async def lacking(session: AsyncSession, request_id: UUID) -> list[str]:
    """The services that have not given their part."""
    query = select(access_answers.c.service).where(
        access_answers.c.access_id == request_id, access_answers.c.answered_at.is_(None)
    )
    return list((await session.execute(query.order_by(access_answers.c.service))).scalars())
