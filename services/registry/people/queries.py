"""Reading people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.mandates.tables import mandates
from services.registry.networks import queries as networks
from services.registry.people.rules import Language, Person, Reach, UnknownPerson
from services.registry.people.tables import known_people, people
from services.registry.policy import Right, policy
from services.registry.store import containing
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page

ACTIONS = {"change": Right.WRITE_PEOPLE, "erase": Right.ERASE_PEOPLE}
REACH: dict[Reach, ColumnElement[bool]] = {
    Reach.EMAIL: people.c.email.is_not(None),
    Reach.PHONE: and_(people.c.email.is_(None), people.c.phone.is_not(None)),
    Reach.UNREACHABLE: and_(people.c.email.is_(None), people.c.phone.is_(None)),
}
"""`Person.reach` where the database has to choose by it."""
OWN = (Right.READ_PEOPLE, Right.WRITE_PEOPLE)
"""What people may do with what is kept of themselves."""


@dataclass(frozen=True)
class Readable:
    """A person, and what the reader may do."""

    person: Person
    actions: list[str]
    survivor: str | None = None  # the name of who stands for a duplicate

    @property
    def version(self) -> int:
        return self.person.version


async def get(session: AsyncSession, actor: Actor, person_id: UUID, *, now: datetime) -> Readable:
    """Raises UnknownPerson also for somebody whom no network of the caller knows: ids must not tell who exists."""
    person = await session.get(Person, person_id)
    if person is None:
        raise UnknownPerson(person_id)
    return await readable(session, actor, person, now)


async def for_update(session: AsyncSession, actor: Actor, right: Right, person_id: UUID, now: datetime) -> Person:
    """The person, locked. Raises UnknownPerson like `get`, Forbidden for a reader who lacks the right."""
    person = await session.get(Person, person_id, with_for_update=True)
    if person is None or person.erased_at is not None:
        raise UnknownPerson(person_id)
    rights = await rights_on(session, actor, person, now)
    if Right.READ_PEOPLE not in rights:
        raise UnknownPerson(person_id)
    if right not in rights:
        policy.require(actor, right, network=person.network_id, on=now)
    return person


async def readable(session: AsyncSession, actor: Actor, person: Person, now: datetime) -> Readable:
    found = readable_in(await _rooms(session, person), actor, person, now)
    if person.merged_into is None:
        return found
    name = func.trim(people.c.given_name + " " + people.c.family_name)
    survivor = await session.scalar(select(name).where(people.c.id == person.merged_into))
    return replace(found, survivor=survivor)


def readable_in(rooms: Sequence[UUID], actor: Actor, person: Person, now: datetime) -> Readable:
    """`rooms`: the networks that know the person."""
    rights = rights_in(rooms, actor, person, now)
    if Right.READ_PEOPLE not in rights:
        raise UnknownPerson(person.id)
    erased = person.erased_at is not None
    return Readable(person, [action for action, right in ACTIONS.items() if right in rights and not erased])


async def rights_on(session: AsyncSession, actor: Actor, person: Person, now: datetime) -> set[Right]:
    return rights_in(await _rooms(session, person), actor, person, now)


def rights_in(rooms: Sequence[UUID], actor: Actor, person: Person, now: datetime) -> set[Right]:
    """The caller's rights in any network that knows the person, and those that everybody has on themselves."""
    asked = (Right.READ_PEOPLE, Right.WRITE_PEOPLE, Right.ERASE_PEOPLE)
    held = {right for right in asked for room in rooms if policy.has(actor, right, network=room, on=now)}
    return held | (set(OWN) if actor.person_id == person.id else set())


async def own_mailbox(session: AsyncSession, actor: Actor, email: str | None) -> bool:
    """Whether the caller has shown that they read this mailbox: then they enter themselves."""
    if actor.person_id is None or email is None:
        return False
    own = select(people.c.id).where(people.c.id == actor.person_id, people.c.email == email)
    return await session.scalar(own.where(people.c.email_verified_at.is_not(None))) is not None


async def last_held(session: AsyncSession, person_id: UUID, on: date) -> Row[UUID, date | None] | None:
    """(id, ends) of a mandate that the person holds on that day or is about to. One that was declined or withdrawn
    before its first day is held on none, however far ahead that day lies."""
    lasting = or_(mandates.c.ends.is_(None), and_(mandates.c.ends > on, mandates.c.ends > mandates.c.since))
    query = select(mandates.c.id, mandates.c.ends).where(mandates.c.person_id == person_id, lasting)
    return (await session.execute(query.order_by(mandates.c.ends.desc(), mandates.c.id).limit(1))).one_or_none()


async def _rooms(session: AsyncSession, person: Person) -> Sequence[UUID]:
    known = select(known_people.c.network_id).where(known_people.c.person_id == person.id)
    return (await session.execute(known)).scalars().all()


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    q: str | None = None,
    language: Sequence[Language] = (),
    reach: Sequence[Reach] = (),
    updated_since: datetime | None = None,
    sort: Literal["id", "name"] = "id",
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Readable]:
    """The people whom a network knows, without the erased and those in quarantine; `q` is part of a name or address,
    whatever its accents."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_PEOPLE, network=network_id, on=now)
    query = (
        select(Person)
        .join(known_people, known_people.c.person_id == people.c.id)
        .where(known_people.c.network_id == network_id, people.c.erased_at.is_(None), people.c.family_name != "")
    )
    if q:
        query = query.where(people.c.search.like(containing(q)))
    if language:
        query = query.where(people.c.language.in_(language))
    if reach:
        query = query.where(or_(*(REACH[one] for one in reach)))
    if updated_since:
        query = query.where(people.c.updated_at >= updated_since)
    key: list[ColumnElement[Any]] = [people.c.search, people.c.id] if sort == "name" else [known_people.c.person_id]
    found = await page(session, query, key=key, after=after, limit=limit)
    actions = [action for action, right in ACTIONS.items() if policy.has(actor, right, network=network_id, on=now)]
    return Page([Readable(person, actions) for person in found.items], found.next)
