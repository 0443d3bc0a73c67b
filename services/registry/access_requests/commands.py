"""What may be done with access requests. The person's row is locked before the request's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.access_requests import archive, queries
from services.registry.access_requests.queries import Shown
from services.registry.access_requests.rules import AccessRequest, RequestRuns, State
from services.registry.access_requests.tables import (
    access_answers,
    access_archives,
    access_parts,
    access_readings,
    access_requests,
)
from services.registry.people.rules import OutOfSight
from shared.access.actor import Actor, day
from shared.contracts.registry import AccessClosed, AccessRequested
from shared.contracts.rights import AccessAnswerState
from shared.messaging import Received, caused_by, context, stage
from shared.messaging.topology import SERVICES
from shared.rights import sealing
from shared.runtime.due import cancel, schedule
from shared.runtime.problems import expect

DUE = "access_request"
"""The kind of due row that ends the keeping of an archive."""


async def request(session: AsyncSession, actor: Actor, person_id: UUID, *, now: datetime) -> Shown:
    """Asks every service for what it holds of a person. Raises RequestRuns, OutOfSight."""
    person = await queries.person_for_update(session, actor, person_id, now)
    if person.hidden:
        raise OutOfSight
    running = await session.scalar(
        select(access_requests.c.id).where(
            access_requests.c.person_id == person.id, access_requests.c.state == State.GATHERING
        )
    )
    if running is not None:
        raise RequestRuns(running)
    private, public = sealing.new_key()
    correlation = context.current().correlation
    made = AccessRequest(person.id, person.network_id, now, person.language, actor.id, private, correlation)
    session.add(made)
    await session.flush()
    await session.execute(insert(access_answers), [{"access_id": made.id, "service": service} for service in SERVICES])
    await stage(
        session,
        AccessRequested(id=made.id, version=made.version, network_id=made.network_id, person_id=person.id, key=public),
    )
    return await queries.shown(session, actor, made, now)


async def take_parts(session: AsyncSession, facts: Sequence[Received[AccessAnswerState]], now: datetime) -> None:
    """Keeps the parts, sealed; with the last one the archive is made."""
    for request_id in sorted({received.fact.access_id for received in facts}):
        asked = await session.get(AccessRequest, request_id, with_for_update=True, populate_existing=True)
        if asked is None or asked.state is not State.GATHERING:
            continue
        await _keep(session, [r.fact for r in facts if r.fact.access_id == request_id], now)
        if await queries.lacking(session, request_id) == ["registry"]:
            await _assemble(session, asked, now)


async def _keep(session: AsyncSession, parts: Sequence[AccessAnswerState], now: datetime) -> None:
    columns = ("access_id", "part", "parts", "sealed")
    rows = [{"service": part.service(), **{name: getattr(part, name) for name in columns}} for part in parts]
    await session.execute(upsert(access_parts).on_conflict_do_nothing(), rows)
    whole = (
        select(access_parts.c.service)
        .where(access_parts.c.access_id == parts[0].access_id)
        .group_by(access_parts.c.service)
        .having(func.count() == func.max(access_parts.c.parts))
    )
    await session.execute(
        update(access_answers)
        .where(
            access_answers.c.access_id == parts[0].access_id,
            access_answers.c.answered_at.is_(None),
            access_answers.c.service.in_(whole),
        )
        .values(answered_at=now)
    )


async def _assemble(session: AsyncSession, asked: AccessRequest, now: datetime) -> None:
    assert asked.private_key is not None  # it goes with the archive
    query = select(access_parts).where(access_parts.c.access_id == asked.id)
    sealed: dict[str, list[str]] = {}
    for row in await session.execute(query.order_by(access_parts.c.service, access_parts.c.part)):
        sealed.setdefault(row.service, []).append(row.sealed)
    documents = {service: sealing.opened(parts, asked.private_key) for service, parts in sealed.items()}
    content = await archive.made(session, asked, documents, now)
    await session.execute(
        insert(access_archives).values(access_id=asked.id, content=content, sha256=sha256(content).hexdigest())
    )
    await session.execute(delete(access_parts).where(access_parts.c.access_id == asked.id))
    own = (access_answers.c.access_id == asked.id, access_answers.c.service == "registry")
    await session.execute(update(access_answers).where(*own).values(answered_at=now))
    asked.ready(now)
    assert asked.until is not None
    await session.flush()
    await schedule(session, DUE, asked.id, asked.until)


async def read(session: AsyncSession, actor: Actor, request_id: UUID, *, now: datetime) -> bytes:
    """The archive; that it was taken, and by whom, is recorded. Raises TooWeak, NotReady, ArchiveGone."""
    asked = await queries.for_update(session, actor, request_id, now)
    asked.hand_over(actor.level, await queries.lacking(session, asked.id))
    await session.execute(
        insert(access_readings).values(
            id=uuid7(), access_id=asked.id, read_at=now, read_by=actor.id, level=actor.level.label
        )
    )
    content: bytes | None = await session.scalar(
        select(access_archives.c.content).where(access_archives.c.access_id == asked.id)
    )
    assert content is not None  # it goes with the state
    return content


async def close(session: AsyncSession, actor: Actor, request_id: UUID, *, expected: int | None, now: datetime) -> Shown:
    """Destroys archive and key before their time; twice is once."""
    asked = await queries.for_update(session, actor, request_id, now)
    expect(expected, asked.version)
    await _close(session, asked, now)
    return await queries.shown(session, actor, asked, now)


async def turn(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: these archives have been kept long enough."""
    query = select(AccessRequest).where(access_requests.c.id.in_(ids)).order_by(access_requests.c.id)
    for asked in (await session.execute(query.with_for_update())).scalars().all():
        await _close(session, asked, now)


async def destroy(session: AsyncSession, person_id: UUID, now: datetime) -> None:
    """Part of an erasure, which holds the person's row."""
    query = select(AccessRequest).where(
        access_requests.c.person_id == person_id, access_requests.c.state != State.CLOSED
    )
    for asked in (await session.execute(query.order_by(access_requests.c.id).with_for_update())).scalars().all():
        await _close(session, asked, now)


async def _close(session: AsyncSession, asked: AccessRequest, now: datetime) -> None:
    if not asked.close(day(now)):
        return
    for table in (access_archives, access_parts):
        await session.execute(delete(table).where(table.c.access_id == asked.id))
    await cancel(session, DUE, asked.id)
    await session.flush()
    closed = AccessClosed(id=asked.id, version=asked.version, network_id=asked.network_id, person_id=asked.person_id)
    with caused_by(replace(context.current(), correlation=asked.correlation, at=now)):
        await stage(session, closed)
