"""How soon a write becomes a mail, and how fast reminders that are due at one instant are told.

The first is from the POST of a mandate at the registry until a relay has taken the mail about it: two services, three
commits, a stream and SMTP in between. Its floor publishes a message of the same size, hears it and mails it: one stream
and SMTP, nothing decided and nothing kept. The second's floors insert as many rows and send as many mails.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from aiosmtplib import SMTP
from sqlalchemy import insert
from uuid_utils.compat import uuid7

from deploy.local.processes import free_port
from services.notify.app import service
from services.notify.contacts.tables import contacts
from services.notify.deliveries.mail import Mail, written
from services.notify.settings import Settings
from shared.access.actor import ROME
from shared.contracts.registry import CommitmentMade, NetworkFounded
from shared.messaging import topology, wire
from shared.runtime import clock
from tests import harness
from tests.bench.commanding import Office, asked
from tests.bench.lab import Lab, Server
from tests.bench.mails import SENDER, aiosmtplib_alone, sink
from tests.bench.measure import Check, Figure, Series, percentile
from tests.notify.relay import FakeRelay

SLUG = "racconto"
WRITTEN, DIRECT = "POST to the registry, mail taken: p50", "publish, hear, mail: p50"


async def run(lab: Lab, *, quick: bool) -> Figure:
    writes, due = (30, 200) if quick else (300, 2000)
    product, floor = await from_write_to_mail(lab, writes)
    told = await reminded(lab, due)
    return Figure(
        key="telling",
        title="From a write to its mail, and many reminders due at one instant",
        unit="ms",
        series=[
            Series(WRITTEN, [percentile(product, 0.5)]),
            Series(DIRECT, [percentile(floor, 0.5)]),
            Series("POST to the registry, mail taken: p99", [percentile(product, 0.99)]),
            Series("publish, hear, mail: p99", [percentile(floor, 0.99)]),
            Series(f"{due} reminders due: all intended", [told["intended"] * 1000]),
            Series(f"{due} rows inserted by one executemany", [told["inserted"] * 1000]),
            Series(f"{due} reminders due: all mailed", [told["mailed"] * 1000]),
            Series(f"{due} mails by aiosmtplib alone", [told["alone"] * 1000]),
        ],
        checks=[
            Check("write to mail, p50", percentile(product, 0.5), 250, "at most", "ms"),
            Check("write to mail, p99", percentile(product, 0.99), 1000, "at most", "ms"),
            Check("reminders told: mails against aiosmtplib alone", told["alone"] / told["mailed"], 0.40, "at least"),
        ],
        notes=[
            f"{writes} mandates given one after the other, at most one on its way. {due} commitments of as many people,"
            " due on one day; the clock is set to the instant of their reminders. From then on: until every reminder's"
            " message was intended, and until the relay has taken every mail.",
        ],
        lower_is_better=True,
    )


# A write and its mail


async def from_write_to_mail(lab: Lab, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each, product and floor in turns."""
    await lab.streams()
    relay = await FakeRelay().start()
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(lab.serving("registry", await lab.database("registry")))
        await stack.enter_async_context(mailing(lab, await lab.database("notify"), relay.url()))
        office = await Office.opened(lab, registry.port, slug=SLUG, people=1)
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{registry.port}",
                headers={"authorization": f"Bearer {office.tokens[0]}"},
                timeout=30,
            )
        )
        people = [await person(client, n) for n in range(count + 5)]
        direct = await stack.enter_async_context(directly(lab, relay))
        product: list[float] = []
        floor: list[float] = []
        for n, id_ in enumerate(people):
            for measure, found in ((mandate, product), (direct, floor)):
                before = relay.count
                began = time.perf_counter()
                await measure(client, id_)
                await relay.wait_for(before + 1)
                if n >= 5:  # the first ones open connections
                    found.append((time.perf_counter() - began) * 1000)
    await relay.stop()
    return product, floor


async def person(client: httpx.AsyncClient, number: int) -> str:
    body = {"given_name": "Maria", "family_name": f"Rossi {number}", "email": f"p{number}@example.org"}
    made: str = (await asked(client, f"/registry/v1/networks/{SLUG}/people", body))["id"]
    return made


async def mandate(client: httpx.AsyncClient, person_id: str) -> None:
    since = date.today().isoformat()  # noqa: DTZ011 (the day here is the service's own)
    body = {"person_id": person_id, "role": "member", "since": since}
    await asked(client, f"/registry/v1/networks/{SLUG}/mandates", body)


@asynccontextmanager
async def mailing(lab: Lab, database_url: str, smtp_url: str) -> AsyncIterator[Server]:
    """Notify in a process of its own, with a relay."""
    port = free_port()
    environment = {**lab.environment("notify", database_url, port), "TRAMA_SMTP_URL": f"{smtp_url}?starttls=never"}
    command = [sys.executable, "-m", "services.notify", "serve"]
    async with lab.process(command, environment, port, "/notify/health/live") as server:
        yield server


@asynccontextmanager
async def directly(lab: Lab, relay: FakeRelay) -> AsyncIterator[Any]:
    """Publishes to the stream that notify itself publishes to, hears it and mails over an open connection."""
    client = await lab.client()
    js = client.jetstream()
    subject = f"notify.delivery.{uuid7()}.sent"
    subscription = await js.pull_subscribe(subject, stream=topology.stream("notify"))
    smtp = SMTP(hostname="127.0.0.1", port=relay.port, start_tls=False)
    await smtp.connect()
    text, ending = a_message(), asyncio.Event()

    async def hear() -> None:
        while not ending.is_set():  # the client's fetch can lose a cancellation
            for message in await _fetched(subscription):
                await smtp.sendmail(SENDER.address, "p@example.org", text)
                await message.ack()

    hearing = asyncio.create_task(hear())

    async def direct(_: httpx.AsyncClient, id_: str) -> None:
        await js.publish(subject, json.dumps({"person": id_, "text": "x" * 600}).encode())

    try:
        yield direct
    finally:
        ending.set()
        await hearing
        await smtp.quit()
        await client.close()


async def _fetched(subscription: Any) -> list[Any]:
    try:
        found: list[Any] = await subscription.fetch(1, timeout=1)
    except TimeoutError:
        return []
    return found


# Many reminders at once


async def reminded(lab: Lab, count: int) -> dict[str, float]:
    """Seconds: until all were intended, until all were mailed; rows inserted alone, mails sent alone."""
    await lab.streams()
    home = lab.home / f"reminded-{uuid4().hex}"
    home.mkdir()
    (home / "links.json").write_text(json.dumps(lab.link_key.as_dict(private=True)))
    url = await lab.database("notify")
    async with sink() as port:
        more = {
            "smtp_url": f"smtp://127.0.0.1:{port}?starttls=never",
            "mail_from": "Trama <no-reply@trama.example>",
            "link_key_file": str(home / "links.json"),
        }
        async with harness.running(service, Settings, url, home, lab.nats, **more) as running:
            due = running.context.clock.today() + timedelta(days=30)
            await planned(running, count, due)
            before = await counted(running)
            instant = datetime.combine(due - timedelta(days=14), datetime.min.time(), ROME) + timedelta(hours=8)
            began = time.perf_counter()
            clock.set(home / "clock.json", instant)
            await harness.until(lambda: reached(running, "deliveries", before["deliveries"] + count), 120)
            intended = time.perf_counter() - began
            await harness.until(lambda: reached(running, "sent", before["sent"] + count), 300)
            mailed = time.perf_counter() - began
        alone = count / await aiosmtplib_alone(port, count, a_message())
    return {"intended": intended, "mailed": mailed, "inserted": await inserted(url, count), "alone": alone}


async def planned(running: harness.Running, count: int, due: date) -> None:
    """As many people, each with a commitment, and their reminders planned; what they were told of it is sent."""
    network = NetworkFounded(id=uuid7(), version=1, slug="molti", title="Rete di molti", kind="alliance")
    network = network.model_copy(update={"network_id": network.id})
    people = [uuid7() for _ in range(count)]
    async with running.context.database.sessions.begin() as session:
        rows = [
            {
                "person_id": id_,
                "network_id": network.id,
                "given_name": "Maria",
                "family_name": f"Rossi {n}",
                "email": f"p{n}@example.org",
                "generation": 1,
                "version": 1,
            }
            for n, id_ in enumerate(people)
        ]
        await session.execute(insert(contacts), rows)
    await running.tell(network)
    await running.settled()
    client = await harness.connected(lab_nats(running))
    js = client.jetstream()
    for start in range(0, count, 200):
        await asyncio.gather(*(publish(js, owed(network.id, id_, due)) for id_ in people[start : start + 200]))
    await client.close()
    await running.settled(300)


def lab_nats(running: harness.Running) -> Any:
    assert running.nats is not None
    return running.nats


def owed(network_id: UUID, person_id: UUID, due: date) -> CommitmentMade:
    return CommitmentMade(
        id=uuid7(),
        version=1,
        network_id=network_id,
        title="Resoconto delle esperienze",
        kind="report_of_experiences",
        debtor_person_id=person_id,
        due=due,
        state="open",
        source="hand",
    )


async def publish(js: Any, fact: CommitmentMade) -> None:
    id_ = uuid7()
    headers = wire.headers(
        fact_id=id_,
        type_=fact.type,
        subject=fact.subject,
        generation=1,
        network_id=fact.network_id,
        occurred_at=datetime.now(UTC),
        carried={"correlationid": str(id_)},
    )
    await js.publish(fact.subject, fact.model_dump_json().encode(), headers=headers)


async def counted(running: harness.Running) -> dict[str, int]:
    ((deliveries, sent),) = await running.sql("select count(*), count(*) filter (where state = 'sent') from deliveries")
    return {"deliveries": deliveries, "sent": sent}


async def reached(running: harness.Running, what: str, number: int) -> bool:
    return (await counted(running))[what] >= number


async def inserted(url: str, count: int) -> float:
    """Seconds for as many rows of the same table, by asyncpg alone."""
    connection = await asyncpg.connect(url)
    rows = [(uuid7(), f"floor-{n}", uuid4(), datetime.now(UTC)) for n in range(count)]
    began = time.perf_counter()
    async with connection.transaction():
        await connection.executemany(
            "insert into deliveries (id, channel, topic, key, because_of, state, intended_at)"
            " values ($1, 'email', 'floor', $2, $3, 'suppressed', $4)",
            rows,
        )
    seconds = time.perf_counter() - began
    await connection.close()
    return seconds


def a_message() -> bytes:
    text = "Ciao Maria, mancano 14 giorni alla scadenza dell'impegno.\n" * 12
    mail = Mail("p@example.org", "Maria Rossi", "it", "Promemoria", text, f"<p>{text}</p>", ("molti", "Rete di molti"))
    return written(mail, SENDER, uuid4(), uuid4(), datetime.now(UTC))
