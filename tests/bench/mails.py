"""Mails a second through notify's sender, against aiosmtplib alone to the same sink; and from a fact to its mail.

The floor sends ready-made bytes of the same size over as many connections: no database, no words, no record.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psutil
from aiosmtplib import SMTP
from sqlalchemy import func, insert, select

from services.notify.app import service
from services.notify.contacts.tables import contacts
from services.notify.deliveries.commands import intend
from services.notify.deliveries.mail import Mail, Sender, written
from services.notify.deliveries.outcomes import Claimed
from services.notify.deliveries.rules import Delivery, State
from services.notify.deliveries.sending import Pace, Sending
from services.notify.deliveries.smtp import Relay
from services.notify.deliveries.tables import deliveries
from services.notify.messages.compose import Writer
from services.notify.messages.words import environment
from services.notify.settings import Settings
from shared.access import jwks, links
from shared.access.tables import networks
from shared.runtime.database import Database
from tests import harness
from tests.bench.lab import Lab
from tests.bench.measure import Check, Figure, in_turns, percentile, ratio
from tests.notify.network import Network
from tests.notify.relay import FakeRelay

MANY = 100_000
NETWORK, LANES = UUID(int=1), Pace().lanes
SENDER = Sender("Alleanza", "no-reply@trama.example")
WRITER = Writer("http://trama.test", SENDER, partial(links.mint, jwks.new_key()), environment())
"""Signing the links that every mail carries is a fifth of what writing one takes."""
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


async def run(lab: Lab, *, quick: bool) -> Figure:
    count, turns, facts = (300, 1, 20) if quick else (4000, 3, 200)
    database = Database(await lab.database("notify"))
    async with database.sessions.begin() as session:
        room = {"id": NETWORK, "slug": "alleanza", "name": "Alleanza per le Case della comunità", "kind": "alliance"}
        await session.execute(insert(networks).values(**room, generation=1, version=1))
    message, grown = await a_mail(database), list[float]()

    async with sink() as port:

        async def product() -> float:
            rate, growth = await convene(database, port, count)
            grown.append(growth)
            return rate

        series = await in_turns(
            {"notify": product, "aiosmtplib alone": lambda: aiosmtplib_alone(port, count, message)}, turns
        )
        many = count if quick else MANY
        alone = await aiosmtplib_alone(port, max(many // 10, count), message)
        large, growth = await convene(database, port, many)
        grown.append(growth)
    await database.dispose()
    delays = await from_fact_to_mail(lab, facts)
    share = ratio(series["notify"], series["aiosmtplib alone"])
    return Figure(
        key="mails",
        title="Mails to many, and from a fact to its mail",
        unit="mails/s",
        series=list(series.values()),
        checks=[
            Check("notify against aiosmtplib alone", share, 0.60, "at least"),
            Check(f"{many:,} recipients of one act, against aiosmtplib alone", large / alone, 0.60, "at least"),
            Check("the sender's memory grows while it sends", max(grown), 16, "at most", "MB"),
            Check("fact published to mail taken, p50", percentile(delays, 0.5) * 1000, 250, "at most", "ms"),
            Check("fact published to mail taken, p99", percentile(delays, 0.99) * 1000, 1000, "at most", "ms"),
        ],
        notes=[f"{count} mails of {len(message)} bytes over {LANES} connections; {facts} facts one after the other"],
    )


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


async def convene(database: Database, port: int, count: int) -> tuple[float, float]:
    """Mails a second from the first claim to the last record, and by how much the process grew (MB) after a tenth."""
    before = await sent_so_far(database)
    await intend_all(database, count)
    relay = Relay.parse(f"smtp://127.0.0.1:{port}?starttls=never")
    sending = Sending(database.engine, database.sessions, relay, SENDER, WRITER)
    process, warm, look = psutil.Process(), False, 0.1 if count < MANY else 1.0  # counting many rows costs the sender
    early = process.memory_info().rss
    began = time.perf_counter()
    task = asyncio.create_task(sending.run())
    while (sent := await sent_so_far(database) - before) < count:
        if not warm and sent >= count // 10:
            early, warm = process.memory_info().rss, True
        await asyncio.sleep(look)
    seconds = time.perf_counter() - began
    grown = process.memory_info().rss - early
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return count / seconds, grown / 1e6


async def intend_all(database: Database, count: int) -> None:
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
    person, now = uuid4(), datetime.now(UTC)
    one = Claimed(uuid4(), NETWORK, person, "email", "mandate-given", TERMS, uuid4(), uuid4(), None, 1, now)
    async with database.sessions.begin() as session:
        await session.execute(insert(contacts), [contact(0, person)])
        mail = WRITER.write(one, await WRITER.known(session, [one], now), now, now)
    assert isinstance(mail, Mail)
    return written(mail, SENDER, one.id, one.correlation, now)


async def from_fact_to_mail(lab: Lab, count: int) -> list[float]:
    """Seconds from the publishing of a request to sign in to the mail at the relay, one after the other."""
    await lab.streams()
    (lab.home / "links.json").write_text(json.dumps(lab.link_key.as_dict(private=True)))
    relay = await FakeRelay().start()
    more = {
        "smtp_url": f"{relay.url()}?starttls=never",
        "mail_from": "Trama <no-reply@trama.example>",
        "link_key_file": str(lab.home / "links.json"),
    }
    url = await lab.database("notify")
    async with harness.running(service, Settings, url, lab.home / "notify", lab.nats, **more) as running:
        network = Network(running, relay, lab.link_key)
        person = network.person()
        await running.tell(network.founded(), person)
        await running.settled()
        delays = []
        for n in range(count):
            began = time.perf_counter()
            await running.tell(network.sign_in(person, version=n + 2))
            await relay.wait_for(n + 1)
            delays.append(time.perf_counter() - began)
    await relay.stop()
    return delays
