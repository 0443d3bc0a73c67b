"""Making one person of two records.

Locks are taken in the order of the mandates' commands: the offices, the people, the mandates, the lists of grants.
Whatever names the duplicate names the other afterwards, in the same transaction; what is told to others (mandates,
grants, commitments) is told again with the other's id.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.access.tables import sign_in_requests
from services.registry.commitments import commands as commitments
from services.registry.duplicates import queries, rules
from services.registry.duplicates.queries import Merged
from services.registry.duplicates.rules import BothHold
from services.registry.erasures.tables import stream_erasures
from services.registry.grants import commands as grants
from services.registry.mandates import commands as mandates
from services.registry.mandates.rules import Mandate
from services.registry.pacts import commands as pacts
from services.registry.pacts import queries as pact_queries
from services.registry.pacts.rules import Pact
from services.registry.pacts.tables import pacts as pact_table
from services.registry.people import commands as people
from services.registry.people.rules import Person
from services.registry.people.tables import known_people
from services.registry.processing import commands as processing
from shared.access.actor import Actor
from shared.contracts.registry import CommitmentChanged, MandateChanged, PactChanged, PersonChanged, PersonMerged
from shared.messaging import redact, stage
from shared.messaging.tables import log
from shared.runtime import idempotency
from shared.runtime.problems import expect
from shared.runtime.repointing import repoint
from shared.runtime.shapes import Request


class Merging(Request):
    """Who stands for both from now on."""

    into_id: UUID


async def merge(
    session: AsyncSession, actor: Actor, person_id: UUID, request: Merging, *, expected: int | None, now: datetime
) -> Merged:
    """Raises SamePerson, UnknownPerson, UnknownSurvivor, UnderErasure, KnownElsewhere, BothHold."""
    rules.require_two(person_id, request.into_id)
    await queries.lock_offices(session, (person_id, request.into_id))
    going, staying = await queries.both(session, actor, person_id, request.into_id, now, lock=True)
    expect(expected, going.version)
    held = await queries.lock_mandates(session, (going.id, staying.id))
    if clashing := rules.clashes(held[going.id], held[staying.id]):
        raise BothHold(*clashing[0])
    moves, fills = await queries.counts(session, going.id), sorted(rules.taken(going, staying))
    had_mailbox = staying.email is not None
    changed = rules.merge(going, staying, now)
    await session.flush()
    if changed:
        await stage(session, people.state_of(PersonChanged, staying))
    await _tell_merged(session, going, now)
    await _move_mandates(session, held[going.id], going.id, staying.id, now)
    await _move_commitments(session, going.id, staying.id)
    await _move_the_rest(session, going.id, staying.id)
    if staying.email is not None and not had_mailbox:
        await processing.reachable(session, staying.id, now)
    return Merged(going, staying, moves, fills)


async def _tell_merged(session: AsyncSession, going: Person, now: datetime) -> None:
    """The log says nothing more of the duplicate, nor will the stream; links and answers that were its own are gone."""
    await session.execute(delete(sign_in_requests).where(sign_in_requests.c.person_id == going.id))
    await idempotency.forget(session, going.id)
    assert going.merged_into is not None
    merged = PersonMerged(id=going.id, version=going.version, network_id=going.network_id, into_id=going.merged_into)
    await redact(session, merged)
    await stage(session, merged)
    wiping = insert(stream_erasures).values(person_id=going.id, since=now)
    await session.execute(wiping.on_conflict_do_nothing())


async def _move_mandates(
    session: AsyncSession, moved: list[Mandate], going: UUID, staying: UUID, now: datetime
) -> None:
    for mandate in moved:
        mandate.person_id = staying
    await session.flush()
    await grants.follow(session, {going}, now)
    if moved:
        await mandates.tell(session, now, *((MandateChanged, mandate) for mandate in moved))


async def _move_commitments(session: AsyncSession, going: UUID, staying: UUID) -> None:
    rows = (await session.execute(OWED_BY_THE_OTHER, {"going": going, "staying": staying})).all()
    await stage(session, *(commitments.state_of(CommitmentChanged, row) for row in rows))


OWED_BY_THE_OTHER = text(
    "update commitments set person_id = :staying, version = version + 1, updated_at = now()"
    " where person_id = :going returning *"
)


async def _move_the_rest(session: AsyncSession, going: UUID, staying: UUID) -> None:
    await processing.merge(session, going, staying)
    rooms = select(known_people.c.network_id, literal(staying, known_people.c.person_id.type))
    known = insert(known_people).from_select(
        ["network_id", "person_id"], rooms.where(known_people.c.person_id == going)
    )
    await session.execute(known.on_conflict_do_nothing())
    followed = list(await session.scalars(select(pact_table.c.id).where(pact_table.c.maker_id == going)))
    await repoint(session, queries.moved_columns(), {going: staying})
    if followed:
        await _tell_pacts(session, followed)
    await session.execute(update(log).where(log.c.actor_id == going).values(actor_id=staying))  # reads the whole log
    await session.execute(delete(idempotency.answers).where(idempotency.answers.c.actor_id == going))


async def _tell_pacts(session: AsyncSession, ids: list[UUID]) -> None:
    """Who follows them has another id, and is the same person."""
    await session.execute(update(pact_table).where(pact_table.c.id.in_(ids)).values(version=pact_table.c.version + 1))
    query = select(Pact).where(pact_table.c.id.in_(ids)).order_by(pact_table.c.id)
    found = (await session.execute(query.execution_options(populate_existing=True))).scalars().all()
    parts = await pact_queries.parts_of(session, ids)
    await stage(session, *(pacts.state_of(PactChanged, pact, parts[pact.id]) for pact in found))
