"""Deleting from the registry's stream what it says about erased people: what is due, and doing it.

Only the erasure user of NATS may delete messages. The process that has its URL does it by itself (`worker.py`), or
`python -m services.registry erasures due` run again and again in its own container, so that no process that serves
requests can delete facts. A person is due until their tombstone is in the stream and all else about them is not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from nats.aio.client import Client
from nats.js.errors import NotFoundError
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.registry.erasures.tables import stream_erasures
from shared.contracts.registry import PersonErased, PersonMerged
from shared.messaging import topology
from shared.messaging.operations import erase_from_stream
from shared.runtime.clock import wall

BATCH = 50
TOMBSTONES = "registry.person.*.erased"
ENDS = tuple(fact.name.split(".")[2] for fact in (PersonErased, PersonMerged))


async def due(sessions: async_sessionmaker[AsyncSession]) -> bool:
    async with sessions() as session:
        waiting = select(stream_erasures.c.person_id).where(stream_erasures.c.done_at.is_(None))
        return (await session.execute(waiting.limit(1))).first() is not None


async def delete_due(sessions: async_sessionmaker[AsyncSession], erasure: Client) -> tuple[int, int]:
    """(people done, people still waiting for their tombstone to come). Killed in between, it begins with the same
    people again: what is gone is not there to be deleted. Needs the erasure user."""
    done = waiting = 0
    async with sessions.begin() as session:
        query = (
            select(stream_erasures.c.person_id)
            .where(stream_erasures.c.done_at.is_(None))
            .order_by(stream_erasures.c.since)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        for person_id in (await session.execute(query)).scalars().all():
            if not await told(erasure, person_id):
                waiting += 1
                continue
            deleted = await erase_from_stream(erasure, "registry", "person", person_id)
            done += 1
            await session.execute(
                update(stream_erasures)
                .where(stream_erasures.c.person_id == person_id)
                .values(done_at=wall(), messages=deleted)
            )
    return done, waiting


async def told(erasure: Client, person_id: UUID) -> bool:
    """A tombstone, of an erasure or of a merge, is in the stream: the relay has sent all that was written before it."""
    for end in ENDS:
        subject = f"registry.person.{person_id}.{end}"
        try:
            await erasure.jetstream().get_msg(topology.stream("registry"), seq=1, subject=subject, next=True)
        except NotFoundError:
            continue
        return True
    return False


async def erased(erasure: Client) -> AsyncIterator[UUID]:
    """Everybody whose tombstone the stream has: it outlives the database, and a backup of it."""
    sequence = 1
    while True:
        try:
            found = await erasure.jetstream().get_msg(
                topology.stream("registry"), seq=sequence, subject=TOMBSTONES, next=True
            )
        except NotFoundError:
            return
        assert found.seq is not None
        assert found.subject is not None
        yield UUID(found.subject.split(".")[2])
        sequence = found.seq + 1
