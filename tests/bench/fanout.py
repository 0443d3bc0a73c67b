"""One fact to 1,000 webhooks of which a tenth hang: how long until the healthy ones have taken it, against the same
without the hanging ones.

Partners are one server in a process of its own: `/good/…` answers, `/hang/…` never does. An endpoint that hangs for the
first time is the hard case, so each turn has new endpoints; that of those that are known to hang is told, too.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psutil
from sqlalchemy import insert, text

from services.notify.journeys.tables import told
from services.notify.webhooks import commands
from services.notify.webhooks.posting import Poster
from services.notify.webhooks.sealing import Safe
from services.notify.webhooks.sending import Sending
from services.notify.webhooks.tables import endpoint_lanes, endpoints
from shared.runtime.database import Database
from tests.bench.lab import Lab
from tests.bench.measure import Check, Figure, in_turns, percentile, ratio

NETWORK, KEYS = UUID(int=1), Safe({"first": b"k" * 32}, "first")
PARTNERS = """
import asyncio
ANSWER = b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok"
async def serve(reader, writer):
    try:
        while head := await reader.readuntil(b"\\r\\n\\r\\n"):
            length = int(head.lower().split(b"content-length: ")[1].split(b"\\r\\n")[0])
            await reader.readexactly(length)
            if b" /hang/" in head:
                await reader.read()
                return
            writer.write(ANSWER)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


async def run(lab: Lab, *, quick: bool) -> Figure:
    healthy, hanging, turns = (90, 10, 1) if quick else (900, 100, 5)
    database = Database(await lab.database("notify"))
    grown, again = list[float](), list[float]()
    async with partners() as port:
        fan = Fan(database, port)
        await fan.out(healthy // 10, 0)  # imports, pools, statements

        async def with_hanging() -> float:
            seconds, known, megabytes = await fan.out(healthy, hanging)
            grown.append(megabytes)
            again.append(known)
            return seconds

        async def without() -> float:
            return (await fan.out(healthy, 0))[0]

        series = await in_turns({"with a tenth hanging": with_hanging, "without them": without}, turns)
    await database.dispose()
    share = ratio(series["with a tenth hanging"], series["without them"])
    return Figure(
        key="fanout",
        title="One fact to many webhooks, a tenth of them hanging",
        unit="s, p99 of the healthy",
        series=list(series.values()),
        checks=[
            Check("p99 of the healthy against the same without the hanging ones", share, 1.5, "at most"),
            Check("the sender's memory grows while it sends", max(grown), 64, "at most", "MB"),
        ],
        notes=[
            f"{healthy} healthy and {hanging} hanging endpoints of one network, new in each turn; from the commit of "
            "what is queued to the answer; each try is recorded",
            f"a second fact, when the hanging ones are known: p99 {percentile(again, 0.5):.2f} s",
        ],
        lower_is_better=True,
    )


@asynccontextmanager
async def partners() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PARTNERS, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


class Fan:
    def __init__(self, database: Database, port: int) -> None:
        self.database, self.port = database, port

    async def out(self, healthy: int, hanging: int) -> tuple[float, float, float]:
        """Seconds (p99 of the healthy) of a first fact and of a second one, and by how many MB the process grew."""
        good = await self.endpoints("good", healthy)
        bad = await self.endpoints("hang", hanging)
        poster = Poster(private=True)
        sending = Sending(self.database.sessions, poster, KEYS)
        process = psutil.Process()
        before = process.memory_info().rss
        task = asyncio.create_task(sending.run())
        await asyncio.sleep(0.1)  # it looks, and finds nothing
        first = await self.fact(good, bad)
        second = await self.fact(good, bad) if hanging else 0.0
        grown = process.memory_info().rss - before
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await self.clear()
        return first, second, grown / 1e6

    async def fact(self, good: list[UUID], bad: list[UUID]) -> float:
        fact_id, meeting = uuid4(), uuid4()
        mixed = [*good, *bad]
        mixed.sort(key=lambda id_: id_.int & 0xFFFF)  # hanging ones among the others
        at = datetime.now(UTC)
        row: dict[str, Any] = {
            "id": fact_id, "service": "events", "type": "events.meeting.convened", "aggregate_id": meeting,
            "subject": f"events.meeting.{meeting}.convened", "generation": 1, "version": 1, "correlation": fact_id,
            "network_id": NETWORK, "occurred_at": at, "recorded_at": at,
            "body": {"id": str(meeting), "title": "Assemblea", "place": "Via Roma 1, Lecco", "agenda": ["Piano"] * 8},
        }  # fmt: skip
        async with self.database.sessions.begin() as session:
            await session.execute(insert(told).values(**row))
            await commands.queue(session, [(id_, fact_id, row["type"], meeting) for id_ in mixed], at)
        began = datetime.now(UTC)
        ended = time.monotonic() + 120
        while len(taken := await self.taken(fact_id)) < len(good):
            if time.monotonic() > ended:
                raise AssertionError(f"{len(taken)} of {len(good)} were told")
            await asyncio.sleep(0.05)
        return percentile([(one - began).total_seconds() for one in taken], 0.99)

    async def taken(self, fact_id: UUID) -> list[datetime]:
        """When the healthy ones had answered."""
        query = text("select at from endpoint_attempts where fact_id = :id and outcome = 'delivered'")
        async with self.database.sessions() as session:
            return list(await session.scalars(query, {"id": fact_id}))

    async def endpoints(self, kind: str, count: int) -> list[UUID]:
        ids = [uuid4() for _ in range(count)]
        if not ids:
            return []
        rows = [
            {
                "id": id_, "network_id": NETWORK, "title": kind, "url": f"http://127.0.0.1:{self.port}/{kind}/{n}",
                "types": ["events.meeting.*"], "secret": KEYS.seal(id_, b"s" * 32), "state": "active",
                "made_at": datetime.now(UTC), "version": 1,
            }
            for n, id_ in enumerate(ids)
        ]  # fmt: skip
        async with self.database.sessions.begin() as session:
            await session.execute(insert(endpoints), rows)
            await session.execute(insert(endpoint_lanes), [{"endpoint_id": id_} for id_ in ids])
        return ids

    async def clear(self) -> None:
        async with self.database.sessions.begin() as session:
            await session.execute(text("truncate endpoints cascade"))
