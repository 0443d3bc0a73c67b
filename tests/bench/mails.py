"""Mails a second through notify's sender, against aiosmtplib alone to the same sink in the same run.

`python -m tests.bench.mails [COUNT]` prints one JSON. The floor sends ready-made bytes of the same size over as many
connections: no database, no words, no record.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import uvloop
from aiosmtplib import SMTP
from sqlalchemy import func, insert, select

from deploy.local.postgres import Postgres
from services.notify.contacts.tables import contacts
from services.notify.deliveries.commands import intend
from services.notify.deliveries.mail import Sender, written
from services.notify.deliveries.outcomes import Claimed
from services.notify.deliveries.rules import Delivery, State
from services.notify.deliveries.sending import Pace, Sending, Unsendable
from services.notify.deliveries.smtp import Relay
from services.notify.deliveries.tables import deliveries
from services.notify.messages.compose import Writer, environment
from shared.access.tables import networks
from shared.runtime.database import Database
from shared.runtime.migrating import migrate_async

NETWORK, LANES = UUID(int=1), Pace().lanes
SENDER = Sender("Alleanza", "no-reply@trama.example")
WRITER = Writer("http://trama.test", "Trama", lambda _purpose, _subject, _expires: "token", environment())
TERMS = {"role": "referent", "organisation_id": None, "territory": "03", "since": "2026-01-01", "until": None}
SINK = """
import asyncio, sys
from aiosmtpd.smtp import SMTP
class Sink:
    async def handle_DATA(self, server, session, envelope):
        return "250 taken"
async def main():
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Sink(), enable_SMTPUTF8=True), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@asynccontextmanager
async def sink() -> AsyncIterator[int]:
    """An SMTP server in a process of its own that takes everything; gives its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-c", SINK, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


async def aiosmtplib_alone(port: int, count: int, message: bytes) -> float:
    left = iter(range(count))

    async def lane() -> None:
        async with SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
            for n in left:
                await smtp.sendmail(SENDER.address, f"p{n}@example.org", message)

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(LANES)))
    return count / (time.perf_counter() - began)


async def notify(database: Database, port: int, count: int) -> tuple[float, float]:
    """Mails a second from the first claim to the last record, and by how much the process grew (MB) after a tenth."""
    await convene(database, count)
    relay = Relay.parse(f"smtp://127.0.0.1:{port}?starttls=never")
    sending = Sending(database.engine, database.sessions, relay, SENDER, WRITER)
    process, early = psutil.Process(), 0
    began = time.perf_counter()
    task = asyncio.create_task(sending.run())
    while (sent := await sent_so_far(database)) < count:
        if not early and sent >= count // 10:
            early = process.memory_info().rss
        await asyncio.sleep(0.1)
    seconds = time.perf_counter() - began
    grown = process.memory_info().rss - early
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return count / seconds, grown / 1e6


async def convene(database: Database, count: int) -> None:
    people = [uuid4() for _ in range(count)]
    async with database.sessions.begin() as session:
        for start in range(0, count, 1000):
            chunk = people[start : start + 1000]
            await session.execute(insert(contacts), [contact(start + n, person) for n, person in enumerate(chunk)])
            await intend(session, [intent(person) for person in chunk], datetime.now(UTC))


def contact(n: int, person: UUID) -> dict[str, Any]:
    names = {"given_name": "Maria", "family_name": f"Rossi {n}", "email": f"p{n}@example.org"}
    return {"person_id": person, "network_id": NETWORK, "generation": 1, "version": 1, **names}


def intent(person: UUID) -> Delivery:
    return Delivery(
        topic="mandate-given", channel="email", key=str(person), because_of=UUID(int=7), parameters=TERMS,
        intended_at=datetime.now(UTC), network_id=NETWORK, person_id=person, correlation=UUID(int=8),
    )  # fmt: skip


async def sent_so_far(database: Database) -> int:
    async with database.sessions() as session:
        return await session.scalar(select(func.count()).where(deliveries.c.state == State.SENT)) or 0


async def a_mail(database: Database) -> bytes:
    """The bytes that the floor sends: what the product would."""
    one = Claimed(
        uuid4(), NETWORK, uuid4(), "email", "mandate-given", TERMS, uuid4(), uuid4(), None, 1, datetime.now(UTC)
    )
    async with database.sessions.begin() as session:
        await session.execute(insert(contacts), [contact(0, one.person_id or uuid4())])
        mail = WRITER.write(one, await WRITER.known(session, [one]), datetime.now(UTC))
    assert not isinstance(mail, Unsendable)
    return written(mail, SENDER, one.id, one.correlation, datetime.now(UTC))


async def measure(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        server = Postgres(Path(home))
        await asyncio.to_thread(server.start)
        try:
            await asyncio.to_thread(server.psql, "create database notify")
            url = server.dsn("notify")
            await migrate_async("notify", url)
            return await measured(Database(url), count)
        finally:
            await asyncio.to_thread(server.clear)


async def measured(database: Database, count: int) -> dict[str, Any]:
    async with database.sessions.begin() as session:
        room = {"id": NETWORK, "slug": "alleanza", "name": "Alleanza per le Case della comunità", "kind": "alliance"}
        await session.execute(insert(networks).values(**room, generation=1, version=1))
    message = await a_mail(database)
    async with sink() as port:
        before = await aiosmtplib_alone(port, count, message)
        product, grown = await notify(database, port, count)
        after = await aiosmtplib_alone(port, count, message)
    await database.dispose()
    floor = (before + after) / 2
    return {
        "mails": count,
        "bytes_each": len(message),
        "connections": LANES,
        "mails_per_second": round(product, 1),
        "aiosmtplib_alone": round(floor, 1),
        "ratio": round(product / floor, 2),
        "grown_mb": round(grown, 1),
    }


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the services run
        print(json.dumps(runner.run(measure(count)), indent=2))
