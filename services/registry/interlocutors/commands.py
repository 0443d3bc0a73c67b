"""Recording interlocutors and what was said to them. What is recorded may complete the path of a coordination."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from services.registry.constitutions.queries import look_again
from services.registry.interlocutors import queries, rules
from services.registry.interlocutors.queries import Entry, Known
from services.registry.interlocutors.rules import Channel, Contact, Interlocutor, Office, Recorded, institution_of
from services.registry.networks import queries as networks
from services.registry.people.rules import email_of, name_of, phone_of
from services.registry.policy import Right, policy
from shared.access.actor import Actor, day
from shared.contracts.registry import InterlocutorChanged, InterlocutorRecorded, InterlocutorState
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.shapes import Request

CLEAN = {"name": name_of, "email": email_of, "phone": phone_of}
"""How each field is kept, whatever way it was typed."""


class Record(Request):
    """An office of an institution; who holds it and how they are reached, as far as that is known."""

    institution: str
    office: Office
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Talk(Request):
    """What took place on a day; `corrects` names the entry of the log that it takes the place of."""

    on: date
    channel: Channel
    summary: str
    outcome: str | None = None
    corrects: UUID | None = None


async def record(session: AsyncSession, actor: Actor, ref: str, request: Record, *, now: datetime) -> Known:
    """Raises UnknownInstitution, Recorded (with the id), Unfit."""
    network_id = await networks.id_of(session, ref)
    institution = institution_of(request.institution)
    where = {"network": network_id, "territory": institution.code}
    policy.require(actor, Right.WRITE_INTERLOCUTORS, on=now, **where)  # type: ignore[arg-type]
    fields = clean(request.model_dump(include=set(CLEAN)))
    await queries.lock_region(session, network_id, institution.region)
    before = await queries.of_office(session, network_id, institution.code, request.office)
    if before is not None:
        raise Recorded(before)
    interlocutor = Interlocutor(network_id, institution.code, institution.region, request.office, day(now), **fields)  # type: ignore[arg-type]
    session.add(interlocutor)
    await session.flush()
    known = await queries.known(session, interlocutor)
    await stage(session, state_of(InterlocutorRecorded, known))
    await look_again(session, [(network_id, institution.region, day(now))], now)
    return known


async def change(
    session: AsyncSession,
    actor: Actor,
    interlocutor_id: UUID,
    *,
    expected: int | None,
    now: datetime,
    **fields: str | None,
) -> Known:
    """Another holder, or another address of theirs. Raises UnknownInterlocutor, Unfit."""
    interlocutor = await queries.for_update(session, actor, interlocutor_id, now)
    expect(expected, interlocutor.version)
    changed = interlocutor.change(**clean(fields))
    await session.flush()
    known = await queries.known(session, interlocutor)
    if changed:
        await stage(session, state_of(InterlocutorChanged, known))
    return known


async def log(session: AsyncSession, actor: Actor, interlocutor_id: UUID, request: Talk, *, now: datetime) -> Entry:
    """Raises UnknownInterlocutor, NotYetHappened, Uncorrectable."""
    interlocutor = await queries.for_update(session, actor, interlocutor_id, now)
    contact = Contact(
        interlocutor.id,
        request.on,
        request.channel,
        request.summary,
        day(now),
        request.outcome,
        request.corrects,
        actor.id,
    )
    rules.log(interlocutor, contact, await queries.log_of(session, interlocutor.id))
    session.add(contact)
    flag_modified(interlocutor, "contacts")  # a correction may leave the figures as they were: the log has changed
    await session.flush()
    await stage(session, state_of(InterlocutorChanged, await queries.known(session, interlocutor)))
    return Entry(contact, None)


async def follow(session: AsyncSession, network_id: UUID, region: str) -> None:
    """Part of establishing a coordination: tells that the interlocutors of its region, recorded before it, are now its
    own. The lock makes sure that one of two at once sees the other."""
    await queries.lock_region(session, network_id, region)
    found = await queries.of_region_for_update(session, network_id, region)
    for interlocutor in found:
        flag_modified(interlocutor, "region")
    await session.flush()
    body = await queries.coordination_of(session, network_id, region)
    await stage(session, *(state_of(InterlocutorChanged, Known(interlocutor, body)) for interlocutor in found))


def clean(fields: dict[str, str | None]) -> dict[str, str | None]:
    return {name: value if value is None else CLEAN[name](value) for name, value in fields.items()}


def state_of(fact: type[InterlocutorState], known: Known) -> InterlocutorState:
    """Without names: they are for those who deal with the institution, not for every service."""
    interlocutor = known.interlocutor
    return fact(
        id=interlocutor.id,
        version=interlocutor.version,
        network_id=interlocutor.network_id,
        institution=interlocutor.institution,
        office=interlocutor.office,
        body_id=known.body.id if known.body else None,
        contacts=interlocutor.contacts,
        last_contact_on=interlocutor.last_contact_on,
    )
