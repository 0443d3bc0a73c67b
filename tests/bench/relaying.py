"""How fast the log reaches the stream: our relay, the raw rate of JetStream, and faststream-outbox."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from uuid import UUID

import asyncpg
from faststream.nats import NatsBroker
from faststream_outbox import OutboxBroker, make_outbox_table
from nats.aio.client import Client
from sqlalchemy import MetaData, insert
from sqlalchemy.ext.asyncio import create_async_engine
from uuid_utils.compat import uuid7

from shared.messaging import stage, topology
from shared.messaging.relay import Relay, message
from shared.runtime.database import Database
from tests.bench import facts, floors
from tests.bench.floors import Message
from tests.bench.lab import Lab
from tests.bench.measure import Check, Figure, in_turns, ratio
from tests.harness import nats_url

PRODUCT, RAW, BARE, PEER = (
    "relay",
    "atomic batches, the same messages",
    "atomic batches, no headers",
    "faststream-outbox",
)


async def run(lab: Lab, *, quick: bool) -> Figure:
    count, few, turns = (2_000, 500, 1) if quick else (20_000, 5_000, 5)
    url = await lab.database("registry")
    await lab.streams()
    relaying = Relaying(lab, url, count)
    peer = Peer(lab, await lab.empty_database(), few)
    await peer.prepare()
    series = await in_turns(
        {
            PRODUCT: relaying.product,
            RAW: lambda: relaying.floor(headers=True),
            BARE: lambda: relaying.floor(headers=False),
            PEER: peer.drain,
        },
        turns,
    )
    await relaying.close()
    return Figure(
        key="relay",
        title=f"Relay: {count:,} facts from the log to the stream, fsync on",
        unit="facts/s",
        series=list(series.values()),
        checks=[
            Check("relay / atomic batches of the same messages", ratio(series[PRODUCT], series[RAW]), 0.60, "at least"),
            Check("relay / faststream-outbox", ratio(series[PRODUCT], series[PEER]), 8, "at least"),
        ],
        notes=[
            "The raw rate publishes prepared messages with the same subjects, bodies, headers and message ids in atomic"
            " batches of 500 through nats-py. Without headers and message ids the relay is at"
            f" {ratio(series[PRODUCT], series[BARE]):.2f} of it: what CloudEvents and deduplication cost on any path.",
            f"faststream-outbox relays {few:,} rows of the same content into the same stream, with the same headers, 16"
            " workers, claims of 500 and deletions of 100 at a time: the fastest of the settings tried.",
        ],
    )


class Relaying:
    """The product's relay over its own log, and the same messages prepared for the floor."""

    def __init__(self, lab: Lab, url: str, count: int) -> None:
        self.lab, self.url, self.count = lab, url, count
        self.database = Database(url)

    async def product(self) -> float:
        """From the relay's start, with its connections, until the cursor is behind the last fact."""
        await self._backlog()
        await self.lab.streams()
        relay = Relay(self.database.engine, nats_url(self.lab.nats, "registry"), "registry")
        watching = await asyncpg.connect(self.url)
        began = time.perf_counter()
        running = asyncio.create_task(relay.run())
        while not await watching.fetchval('select top_seq = $1 and "window" is null from relay_cursor', self.last):
            if running.done():
                await running
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - began
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await watching.close()
        await stored(self.lab, self.count)
        return self.count / seconds

    async def floor(self, *, headers: bool) -> float:
        messages = [(subject, body, shown if headers else {}) for subject, body, shown in await self._messages()]
        await self.lab.streams()
        client = await self.lab.client("registry")
        rate = await floors.atomic_batches(client, messages)
        await client.close()
        await stored(self.lab, self.count)
        return rate

    async def _backlog(self) -> None:
        made = list(facts.organisations(self.count))
        for first in range(0, self.count, 1_000):
            async with self.database.sessions.begin() as session:
                await stage(session, *made[first : first + 1_000])
        async with self.database.engine.connect() as connection:
            self.last = (await connection.exec_driver_sql("select max(seq) from log")).scalar_one()

    async def _messages(self) -> list[Message]:
        """What the relay has just sent, with message ids of their own: a repeated one would be discarded."""
        connection = await asyncpg.connect(self.url)
        rows = await connection.fetch("select * from log order by seq desc limit $1", self.count)
        await connection.close()
        if not rows:
            await self._backlog()
            return await self._messages()
        return [message(row, fresh=True) for row in rows]

    async def close(self) -> None:
        await self.database.dispose()


class Peer:
    """faststream-outbox: rows of a table, relayed by a subscriber that publishes each to the stream."""

    def __init__(self, lab: Lab, url: str, count: int) -> None:
        self.lab, self.count = lab, count
        self.metadata = MetaData()
        self.table = make_outbox_table(self.metadata, table_name="outbox")
        self.engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=20)

    async def prepare(self) -> None:
        async with self.engine.begin() as connection:
            await connection.run_sync(self.metadata.create_all)

    async def drain(self) -> float:
        await self.lab.streams()
        await self._fill()
        nats = NatsBroker(nats_url(self.lab.nats, "registry"), inbox_prefix=topology.inbox("registry"), logger=None)
        outbox = OutboxBroker(self.engine, outbox_table=self.table, logger=None)

        @outbox.subscriber(
            "facts", max_workers=16, fetch_batch_size=500, min_fetch_interval=0.01, terminal_flush_batch_size=100
        )
        async def relay(body: dict[str, Any]) -> None:
            id_, shown = str(uuid7()), body["headers"]
            shown = {**shown, "Nats-Msg-Id": id_}
            await nats.publish(json.dumps(body["fact"]), body["subject"], headers=shown, stream="REGISTRY", timeout=30)

        await nats.start()
        began = time.perf_counter()
        await outbox.start()
        async with self.engine.connect() as connection:
            while (await connection.exec_driver_sql("select exists (select from outbox)")).scalar_one():
                await connection.rollback()
                await asyncio.sleep(0.02)
                if time.perf_counter() - began > 120:
                    raise AssertionError("faststream-outbox has stopped relaying")
        seconds = time.perf_counter() - began
        await outbox.stop()
        await nats.stop()
        await stored(self.lab, self.count)
        return self.count / seconds

    async def _fill(self) -> None:
        rows = []
        for fact in facts.organisations(self.count):
            shown = {
                "ce-specversion": "1.0",
                "ce-id": str(UUID(int=fact.id.int)),
                "ce-source": "/registry",
                "ce-type": fact.type,
                "ce-subject": f"organisation/{fact.id}",
                "ce-time": "2026-11-22T10:00:00.000000+00:00",
                "ce-generation": "1",
                "ce-correlationid": str(fact.id),
            }
            body = {"subject": fact.subject, "headers": shown, "fact": fact.model_dump(mode="json")}
            rows.append(
                {
                    "queue": "facts",
                    "payload": json.dumps(body).encode(),
                    "headers": {"content-type": "application/json"},
                }
            )
        async with self.engine.begin() as connection:
            await connection.execute(insert(self.table), rows)


async def stored(lab: Lab, count: int) -> None:
    """Nothing may be faster by being lost."""
    client: Client = await lab.client()
    found = (await client.jetstream().stream_info(topology.stream("registry"))).state.messages
    await client.close()
    if found != count:
        raise AssertionError(f"{count} facts were sent, {found} are in the stream")
