"""What an operator does by hand: rebuild projections or a lost stream, go on after a restore, erase from a stream."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from nats.aio.client import Client
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.contracts.envelope import FACTS
from shared.messaging import topology
from shared.messaging.handlers import Handler
from shared.messaging.leader import Role, leading
from shared.messaging.relay import Batch, Refused, check_place, message, send_batch, send_one
from shared.messaging.schema import PLACE

logger = logging.getLogger(__name__)


class StreamNotEmpty(Exception):
    """The stream has facts: publishing all of them again would only repeat them (`again=True` does)."""


async def republish(
    engine: AsyncEngine, client: Client, service: str, *, again: bool = False, batch: int = topology.BATCH
) -> int:
    """Fill the service's lost stream from its log, in order; returns how many facts.

    Give the messages fresh ids: a stream that was lost within its deduplication window would discard the old ones
    silently. The facts keep their own id, by which every inbox knows them. Needs the service's own user; the relay
    must be stopped (LeaderElsewhere), and afterwards goes on from where this ends. Raises StreamNotEmpty, Refused.
    """
    stored = (await client.jetstream().stream_info(topology.stream(service))).state.messages
    if stored and not again:
        raise StreamNotEmpty(f"{topology.stream(service)} has {stored} messages")
    async with leading(engine, Role.RELAY, patience=5) as db:
        await check_place(db)
        window = await db.fetchval("select pg_current_snapshot()::text")
        sent = seq = 0
        while rows := await db.fetch(_ALL, seq, window, batch):
            await _send_fresh(client, rows)
            sent, seq = sent + len(rows), rows[-1]["seq"]
        await db.execute(_SENT, window, seq)
    return sent


async def _send_fresh(client: Client, rows: Sequence[Any]) -> None:
    messages = [message(row, fresh=True) for row in rows]
    try:
        await send_batch(client, Batch.of(messages))
    except Refused as error:
        logger.info("batch refused, sending one by one: %s", error)
        for single in messages:
            if await send_one(client, *single):
                raise Refused("the stream says that it has a fresh message id already") from error


async def rebuild(
    engine: AsyncEngine, provisioning: JetStreamContext, service: str, handlers: Sequence[Handler]
) -> list[str]:
    """Empty the tables of the service's projections and read all facts again; returns the names of the tables.

    No reaction runs again. The service may go on meanwhile: it answers from what is there already. Needs the
    provisioning user.
    """
    tables = sorted({table.name for handler in handlers if handler.kind == "projections" for table in handler.tables})
    consumers = [c for c in topology.consumers(service) if c.kind == "projections"]
    for consumer in consumers:
        try:
            await provisioning.delete_consumer(consumer.stream, consumer.name)
        except NotFoundError:
            logger.info("%s was not there", consumer.name)
    async with engine.begin() as connection:
        if tables:
            quote = engine.dialect.identifier_preparer.quote
            await connection.execute(text(f"truncate {', '.join(map(quote, tables))}"))  # names from our own tables
        await connection.execute(
            text("delete from parked where consumer = any(:names)"), {"names": [c.name for c in consumers]}
        )
    for consumer in consumers:
        await topology.provision_consumer(provisioning, consumer)
    return tables


async def resume_after_restore(
    engine: AsyncEngine, provisioning: JetStreamContext, service: str, handlers: Sequence[Handler] = ()
) -> int:
    """Go on after the database was restored from a backup; returns the new generation. The service must be stopped.

    The relay's cursor names transactions of another cluster. What the backup knows to be sent gets the oldest
    transaction id there is; everything else (by `seq`) is sent next, in a new generation, so that peers which saw
    versions that are lost now take the ones that follow. Of others' facts, projections are read again from the
    beginning, and reactions from an hour before the last one that the backup knows; the inbox drops what it has.
    """
    async with leading(engine, Role.RELAY, patience=5) as db, db.transaction():
        await db.execute("lock table log in exclusive mode")
        generation = int(await db.fetchval("select coalesce(max(generation), 1) + 1 from log"))
        await db.execute(f"alter table log alter generation set default {generation}")
        await db.execute(_RESUME_UNSENT, generation)
        await db.execute(_RESUME_SENT)
        await db.execute(_RESUME_CURSOR)
    await rebuild(engine, provisioning, service, handlers)
    await _rewind_reactions(engine, provisioning, service)
    return generation


async def _rewind_reactions(engine: AsyncEngine, js: JetStreamContext, service: str) -> None:
    for consumer in topology.consumers(service):
        if consumer.kind != "reactions":
            continue
        async with engine.connect() as connection:
            last = await connection.scalar(
                text("select max(at) from inbox where consumer = :name"), {"name": consumer.name}
            )
        if last is None:
            continue
        config: ConsumerConfig = consumer.config()
        config.deliver_policy = DeliverPolicy.BY_START_TIME
        config.opt_start_time = last - timedelta(hours=1)
        await js.delete_consumer(consumer.stream, consumer.name)
        await js.add_consumer(consumer.stream, config)


async def erase_from_stream(erasure: Client, service: str, aggregate: str, id_: UUID) -> int:
    """Delete all that the stream says about an erased aggregate but its tombstones, overwriting the bytes; returns how
    many messages. Needs the erasure user. Run it when the tombstone is in the stream: who reads later finds only that.

    One by one on purpose: purging by subject left the bytes on disk.
    """
    about = [f for f in FACTS.values() if f.name.startswith(f"{service}.{aggregate}.")]
    tombstones = {f.name.split(".")[2] for f in about if f.tombstone}
    js = erasure.jetstream()
    stream, subject = topology.stream(service), f"{service}.{aggregate}.{id_}.*"
    deleted = 0
    sequence = 1
    while True:
        try:
            found = await js.get_msg(stream, seq=sequence, subject=subject, next=True)
        except NotFoundError:
            return deleted
        assert found.seq is not None
        assert found.subject is not None
        if found.subject.rsplit(".", 1)[1] not in tombstones:
            await js.delete_msg(stream, found.seq)
            deleted += 1
        sequence = found.seq + 1


_ALL = """
select seq, id, type, subject, generation, network_id, headers, body, occurred_at from log
where seq > $1 and pg_visible_in_snapshot(tx, $2::text::pg_snapshot) order by seq limit $3
"""
_SENT = """
update relay_cursor set previous = $1::text::pg_snapshot, "window" = null, last_seq = 0, top_seq = greatest(top_seq, $2)
"""
_UNSENT = """
seq > top_seq or (tx >= pg_snapshot_xmin(previous) and not pg_visible_in_snapshot(tx, previous)
                  and not ("window" is not null and seq <= last_seq and pg_visible_in_snapshot(tx, "window")))
"""
_RESUME_UNSENT = f"""
update log set tx = pg_current_xact_id(), generation = $1 from relay_cursor where {_UNSENT}
"""  # noqa: S608
_RESUME_SENT = "update log set tx = '3' where tx <> pg_current_xact_id() and tx <> '3'"
# Not the current snapshot itself: it leaves out the transaction that asks, whose rows are to be sent.
_RESUME_CURSOR = f"""
update relay_cursor set previous = (pg_snapshot_xmin(pg_current_snapshot())::text || ':' ||
                                    pg_snapshot_xmin(pg_current_snapshot())::text || ':')::pg_snapshot,
                        "window" = null, last_seq = 0, place = ({PLACE})
"""  # noqa: S608
