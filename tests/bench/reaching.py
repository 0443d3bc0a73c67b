"""How soon what was written in one service can be read in another: POST to the registry, row in notify."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
from uuid_utils.compat import uuid7

from shared.contracts.registry import PersonRegistered
from tests.bench import facts
from tests.bench.commanding import SLUG, Office
from tests.bench.lab import Lab, Server
from tests.bench.load import Pace
from tests.bench.measure import Check, Figure, Series, in_turns, percentile, ratio
from tests.bench.projecting import message
from tests.harness import ADMIN, nats_url

PER_SECOND = 100
PRODUCT, FLOOR = "POST to the registry, row in notify: p50", "publish, subscribe, insert: p50"
WATCH = """
create function seen() returns trigger language plpgsql as
    $$ begin perform pg_notify('seen', new.family_name); return null; end $$;
create trigger seen after insert on contacts for each row execute function seen();
"""


async def run(lab: Lab, *, quick: bool) -> Figure:
    seconds, turns = (2.0, 1) if quick else (10.0, 3)
    await lab.streams()
    registry_url, notify_url = await lab.database("registry"), await lab.database("notify")
    floor_url = await lab.database("notify")
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(lab.serving("registry", registry_url))
        await stack.enter_async_context(lab.serving("notify", notify_url))
        reaching = Reaching(lab, registry, await Office.opened(lab, registry.port), seconds)
        await reaching.product(notify_url, seconds=1)
        series = await in_turns(
            {PRODUCT: lambda: reaching.product(notify_url), FLOOR: lambda: reaching.floor(floor_url)}, turns
        )
    late, floor_late = (
        Series("product: p99", reaching.late),
        Series("publish, subscribe, insert: p99", reaching.floor_late),
    )
    return Figure(
        key="reaching",
        title=f"From a write to the row in another service, at {PER_SECOND} writes a second",
        unit="ms",
        series=[*series.values(), late, floor_late],
        checks=[
            Check("p50 / direct publish, subscribe, insert", ratio(series[PRODUCT], series[FLOOR]), 2, "at most"),
            Check("p99", late.median, 100, "at most", "ms"),
        ],
        notes=[
            "From the first byte of the request until the committed row is announced by PostgreSQL's own notification."
            " The product commits twice and lets JetStream write to disk in between; the floor publishes to the same"
            " stream from this process, and another inserts the row.",
        ],
        lower_is_better=True,
    )


class Reaching:
    def __init__(self, lab: Lab, registry: Server, office: Office, seconds: float) -> None:
        self.lab, self.registry, self.office, self.seconds = lab, registry, office, seconds
        self.late: list[float] = []
        self.floor_late: list[float] = []

    async def product(self, url: str, seconds: float | None = None) -> float:
        """p50 in milliseconds; p99 is noted beside."""
        requests = self.office.requests(f"/registry/v1/networks/{SLUG}/people", self.office.tokens[0])
        names: list[str] = []
        began: dict[str, float] = {}

        def next_request() -> Any:
            for one in requests:
                names.append(one.rsplit(b'"family_name": "', 1)[1].split(b'"', 1)[0].decode())
                yield one

        def note() -> None:
            sent.append(time.perf_counter())

        sent: list[float] = []
        async with watching(url) as seen:
            pace = Pace(self.registry.port)
            await pace.run(next_request(), PER_SECOND, seconds or self.seconds, note)
            _ = pace.outcome.rate  # raises when one was refused
            began.update(zip(names, sent, strict=True))
            await all_seen(seen, began)
            pace.close()
        waits = [(seen[name] - began[name]) * 1000 for name in began]
        if seconds is None:
            self.late.append(percentile(waits, 0.99))
        return percentile(waits, 0.5)

    async def floor(self, url: str) -> float:
        client = await self.lab.client("registry")
        began: dict[str, float] = {}
        async with watching(url) as seen, self.hearer(url):
            first = time.perf_counter()
            sending = []
            for number in range(int(PER_SECOND * self.seconds)):
                await asyncio.sleep(max(0.0, first + number / PER_SECOND - time.perf_counter()))
                name = str(uuid7())
                fact = PersonRegistered(
                    id=uuid7(),
                    version=1,
                    network_id=facts.NETWORK,
                    given_name="Maria Grazia",
                    family_name=name,
                    email=f"{name}@example.org",
                )
                subject, body, headers = message(fact)
                began[name] = time.perf_counter()
                sending.append(asyncio.create_task(client.jetstream().publish(subject, body, headers=headers)))
            await asyncio.gather(*sending)
            await all_seen(seen, began)
        await client.close()
        waits = [(seen[name] - began[name]) * 1000 for name in began]
        self.floor_late.append(percentile(waits, 0.99))
        return percentile(waits, 0.5)

    @asynccontextmanager
    async def hearer(self, url: str) -> AsyncIterator[None]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.bench.hearer", nats_url(self.lab.nats, ADMIN), url),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            if await process.stdout.readline() != b"listening\n":
                raise AssertionError("the floor's subscriber did not start")
            yield
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[dict[str, float]]:
    """When each row of `contacts` was announced, by family name."""
    seen: dict[str, float] = {}
    connection = await asyncpg.connect(url)
    if not await connection.fetchval("select exists (select from pg_proc where proname = 'seen')"):
        await connection.execute(WATCH)

    def hear(*given: Any) -> None:
        seen.setdefault(given[3], time.perf_counter())

    await connection.add_listener("seen", hear)
    try:
        yield seen
    finally:
        await connection.close()


async def all_seen(seen: dict[str, float], began: dict[str, float], seconds: float = 30) -> None:
    end = time.perf_counter() + seconds
    while not began.keys() <= seen.keys():
        if time.perf_counter() > end:
            raise AssertionError(f"{len(began.keys() - seen.keys())} of {len(began)} writes did not arrive")
        await asyncio.sleep(0.05)
