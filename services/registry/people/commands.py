"""Entering and changing people, and what their erasure leaves."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.commitments import commands as commitments
from services.registry.networks import queries as networks
from services.registry.people import queries
from services.registry.people.queries import Readable
from services.registry.people.rules import Language, OutOfSight, Person, email_of, name_of, phone_of
from services.registry.people.tables import known_people
from services.registry.policy import Right, policy
from services.registry.processing import commands as processing
from shared.access.actor import Actor
from shared.contracts.registry import PersonChanged, PersonRegistered, PersonState
from shared.messaging import stage
from shared.runtime.problems import expect

CLEAN = {"given_name": name_of, "family_name": name_of, "email": email_of, "phone": phone_of, "language": Language}
"""How each field is kept, whatever way it was typed."""
KNOWN = insert(known_people)


async def register(session: AsyncSession, actor: Actor, ref: str, *, now: datetime, **fields: str | None) -> Readable:
    """Raises Unfit. A known name or address is no reason to refuse: people share names and mailboxes."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_PEOPLE, network=network_id, on=now)
    person = Person(network_id, **clean(fields))  # type: ignore[arg-type]
    session.add(person)
    await session.flush()
    await session.execute(KNOWN, {"network_id": network_id, "person_id": person.id})
    own = [person.id] if await queries.own_mailbox(session, actor, person.email) else []
    await processing.owe(session, network_id, [person.id], now, themselves=own)
    await stage(session, state_of(PersonRegistered, person))
    return queries.readable_in([network_id], actor, person, now)


async def change(
    session: AsyncSession, actor: Actor, person_id: UUID, *, expected: int | None, now: datetime, **fields: str | None
) -> Readable:
    """Takes the fields given, leaves the others; null takes an address or a number away. Raises Unfit,
    OutOfSight."""
    person = await queries.for_update(session, actor, Right.WRITE_PEOPLE, person_id, now)
    if person.hidden:
        raise OutOfSight
    expect(expected, person.version)
    before = person.email
    if person.change(**clean(fields)):
        await session.flush()
        if person.email is not None and person.email != before:
            await processing.reachable(session, person.id, now)
        await stage(session, state_of(PersonChanged, person))
    return await queries.readable(session, actor, person, now)


async def empty(session: AsyncSession, person: Person, now: datetime) -> None:
    """Part of an erasure, which holds the person's row: what is left is a row without a name. What the person still
    owed is owed no more; of what they were to be told, nothing is told."""
    person.erase(now)
    await session.flush()
    await commitments.forgive(session, person.id, now)
    await processing.forget(session, person.id, now)


def clean(fields: dict[str, str | None]) -> dict[str, str | None]:
    return {name: value if value is None else CLEAN[name](value) for name, value in fields.items()}


def state_of(fact: type[PersonState], person: Person) -> PersonState:
    return fact(
        id=person.id,
        version=person.version,
        network_id=person.network_id,
        given_name=person.given_name,
        family_name=person.family_name,
        language=person.language,
        email=person.email,
        email_verified=person.email_verified,
        phone=person.phone,
    )
