"""How fast facts from the stream become rows: our listening wrapper against bare nats-py and one upsert per batch."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from services.mapping.presences import listens as presences
from shared.access import listens as access
from shared.contracts.envelope import Fact
from shared.messaging import topology, wire
from shared.messaging.listening import Listening
from shared.runtime.database import Database
from tests.bench import facts, floors
from tests.bench.floors import Message
from tests.bench.lab import Lab
from tests.bench.measure import Check, Figure, Series, in_turns, ratio
from tests.harness import nats_url

PRODUCT, RAW, WHOLE = "listening, networks", "nats-py fetch and one upsert a batch", "listening, presences and counters"
Write = Callable[[asyncpg.Connection, list[Any]], Awaitable[None]]


async def run(lab: Lab, *, quick: bool) -> Figure:
    count, turns = (2_000, 1) if quick else (20_000, 5)
    plain = Projecting(lab, "learning", [access], await lab.database("learning"))
    whole = Projecting(lab, "mapping", [access, presences], await lab.database("mapping"))
    networks = list(facts.networks(count))
    members = list(facts.organisations(count // 2))
    series = await in_turns(
        {
            PRODUCT: lambda: plain.product(networks),
            RAW: lambda: plain.floor(networks, upsert_networks),
            WHOLE: lambda: whole.product([*members, *facts.memberships(members)]),
        },
        turns,
    )
    return Figure(
        key="projecting",
        title=f"Projecting {count:,} facts into another service's tables",
        unit="facts/s",
        series=list(series.values()),
        checks=[Check("listening / nats-py and one upsert", compared(series), 0.50, "at least")],
        notes=[
            "Both sides fetch 500 at a time from the same durable and write the same rows (networks), with the guard"
            " against older versions. The listening also looks whether each fact is decodable and known, keeps the"
            " ranks, and reads the same facts a second time as the service's reactions.",
            "Presences: organisations and memberships in halves, from which mapping derives a presence for each and"
            " the counters of every municipality, province and region; what one upsert cannot do, so without a floor.",
        ],
    )


def compared(series: dict[str, Series]) -> float:
    return ratio(series[PRODUCT], series[RAW])


class Projecting:
    def __init__(self, lab: Lab, service: str, modules: Sequence[ModuleType], url: str) -> None:
        self.lab, self.service, self.modules, self.url = lab, service, modules, url
        self.consumer = topology.Consumer(service, "registry", "projections")

    async def product(self, published: Sequence[Fact]) -> float:
        """From the start of listening, with its connections, until the consumer has nothing left."""
        await self._fill(published)
        database = Database(self.url)
        listening = Listening(database.engine, nats_url(self.lab.nats, self.service), self.service, self.modules)
        client = await self.lab.client()
        js = client.jetstream()
        began = time.perf_counter()
        running = asyncio.create_task(listening.run())
        while True:
            info = await js.consumer_info(self.consumer.stream, self.consumer.name)
            if not info.num_pending and not info.num_ack_pending:
                break
            if running.done():
                await running
            await asyncio.sleep(0.02)
        seconds = time.perf_counter() - began
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await client.close()
        await database.dispose()
        return len(published) / seconds

    async def floor(self, published: Sequence[Fact], write: Write) -> float:
        await self._fill(published)
        connection = await asyncpg.connect(self.url)
        client = await self.lab.client(self.service)
        began = time.perf_counter()
        subscription = await client.jetstream().pull_subscribe_bind(
            durable=self.consumer.name,
            stream=self.consumer.stream,
            inbox_prefix=f"{topology.inbox(self.service)}.".encode(),
        )
        taken = 0
        while taken < len(published):
            messages = await subscription.fetch(topology.BATCH, timeout=5)
            await write(connection, [json.loads(message.data) for message in messages])
            for message in messages:
                await message.ack()
            taken += len(messages)
        seconds = time.perf_counter() - began
        await client.close()
        await connection.close()
        return len(published) / seconds

    async def _fill(self, published: Sequence[Fact]) -> None:
        """The facts in the stream and no row in the tables."""
        connection = await asyncpg.connect(self.url)
        tables = await connection.fetch(
            "select relname from pg_stat_user_tables where n_tup_ins > 0 and relname not in"
            " ('alembic_version', 'relay_cursor', 'consumers')"
        )
        for row in tables:
            await connection.execute(f"truncate {row['relname']}")
        await connection.close()
        await self.lab.streams()
        client = await self.lab.client("registry")
        await floors.atomic_batches(client, [message(fact) for fact in published])
        await client.close()


def message(fact: Fact) -> Message:
    made = uuid7()
    headers = wire.headers(
        fact_id=made,
        type_=fact.type,
        subject=fact.subject,
        generation=1,
        network_id=fact.network_id,
        occurred_at=datetime.now(UTC),
        carried={"correlationid": str(made)},
    )
    return fact.subject, fact.model_dump_json().encode(), headers


async def upsert_networks(connection: asyncpg.Connection, found: list[Any]) -> None:
    columns = (
        [UUID(row["id"]) for row in found],
        *([row[name] for row in found] for name in ("slug", "title", "kind")),
    )
    await connection.execute(
        """
        insert into networks (id, slug, name, kind, version, language, generation)
        select *, 'it', 1 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[])
            as f(id, slug, name, kind, version)
        on conflict (id) do update set slug = excluded.slug, name = excluded.name, kind = excluded.kind,
            language = excluded.language, generation = excluded.generation, version = excluded.version
        where (excluded.generation, excluded.version) > (networks.generation, networks.version)
        """,
        *columns,
        [row["version"] for row in found],
    )
