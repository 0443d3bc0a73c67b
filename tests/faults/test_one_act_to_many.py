"""One convocation to thousands of people and to dozens of partners' machines, of which some hang, while notify is
killed in the middle: everybody gets it, nobody twice but for what was in flight, and memory stays flat."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from shared.access import jwks, tokens
from shared.contracts.envelope import Fact
from shared.messaging import wire
from shared.runtime.clock import wall
from shared.runtime.database import Database
from tests import harness
from tests.notify.network import Network
from tests.notify.relay import FakeRelay, Taken
from tests.notify.webhooks.partner import Partner, answer

HOME = "http://trama.test"
ISSUER = f"{HOME}/registry"
LANES = 8
"""Connections to the relay: of each at most the mail in flight may come twice."""
LEASE = 1.0
"""Seconds that the relay has for each step: what a killed sender had claimed is sent eighteen times later."""
KEYS = json.dumps({"keys": [{"kty": "oct", "kid": "first", "k": "dHJhbWEgdHJhbWEgdHJhbWEgdHJhbWEgdHJhbWEgdHI"}]})


@dataclass
class Notify:
    """Notify as a process of its own, killed and started again."""

    environment: dict[str, str]
    base: str
    process: asyncio.subprocess.Process | None = None
    memory: list[int] = field(default_factory=list)

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.notify", "serve", cwd=Path(__file__).parents[2], env=self.environment
        )
        await harness.until(self.ready, 60, "notify serves")

    async def kill(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def ready(self) -> bool:
        try:
            async with httpx.AsyncClient() as client:
                return bool((await client.get(f"{self.base}/notify/health/ready")).json()["ready"])
        except (httpx.HTTPError, ValueError):
            return False

    def weigh(self) -> None:
        """The megabytes that the process holds."""
        assert self.process is not None
        self.memory.append(psutil.Process(self.process.pid).memory_info().rss // 1_000_000)


@dataclass
class Sink:
    """What arrived, by Message-ID; nothing of the mails is kept."""

    seen: Counter[str] = field(default_factory=Counter)

    def __call__(self, taken: Taken) -> None:
        self.seen[str(BytesHeaderParser().parsebytes(taken.raw)["Message-ID"])] += 1


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@asynccontextmanager
async def told_by(server: Nats) -> AsyncIterator[Any]:
    """Publishes facts as their services would, many at a time."""
    client = await harness.connected(server)
    js = client.jetstream(timeout=60)

    async def tell(facts: Sequence[Fact], correlation: UUID) -> None:
        for start in range(0, len(facts), 500):
            sent = [_publish(js, fact, correlation) for fact in facts[start : start + 500]]
            await asyncio.gather(*sent)

    yield tell
    await client.close()


async def _publish(js: Any, fact: Fact, correlation: UUID) -> None:
    headers = wire.headers(
        fact_id=uuid7(), type_=fact.type, subject=fact.subject, generation=1, network_id=fact.network_id,
        occurred_at=wall(), carried={"correlationid": str(correlation)},
    )  # fmt: skip
    await js.publish(fact.subject, fact.model_dump_json().encode(), headers=headers)


@pytest.mark.parametrize(
    ("people", "endpoints", "hanging"),
    [
        pytest.param(600, 10, 2, id="600-people"),
        pytest.param(20_000, 50, 5, id="20000-people", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
async def test_a_convocation_reaches_everybody_once_whoever_hangs_and_whoever_is_killed(
    postgres: Postgres, nats: Nats, tmp_path: Path, people: int, endpoints: int, hanging: int
) -> None:
    await harness.clear_streams(nats)
    url = await harness.service_database(postgres, "notify")
    key, link_key = jwks.new_key(), jwks.new_key()
    harness.publish_keys(tmp_path, key, link_key)
    (tmp_path / "links.json").write_text(json.dumps(link_key.as_dict(private=True)))
    sink, port = Sink(), free_port()
    relay = await FakeRelay(forget=True, before_answer=sink).start()
    deaf = {f"/{n}" for n in range(hanging)}
    partner = await Partner(lambda heard: None if heard.path in deaf else answer(204, b"")).start()
    notify = Notify(environment(url, nats, tmp_path, relay, port), f"http://127.0.0.1:{port}")
    network = Network(None, relay, link_key)  # type: ignore[arg-type]
    await notify.start()
    try:
        async with told_by(nats) as tell:
            secretary, act = network.person(), uuid7()
            await tell([network.founded(), secretary, network.secretary(secretary)], uuid7())
            bearer = {"authorization": f"Bearer {tokens.sign(key, ISSUER, secretary.id)}"}
            async with httpx.AsyncClient(base_url=notify.base, headers=bearer, timeout=30) as client:
                await registered(client, network, partner, endpoints)
            guests = [network.person() for _ in range(people)]
            meeting = network.meeting()
            await tell(guests, uuid7())
            began = asyncio.get_running_loop().time()
            await tell([meeting, *(network.invited(meeting, guest) for guest in guests)], act)
            await harness.until(lambda: _count(sink, people // 10), 600, "a tenth is told")
            notify.weigh()
            await harness.until(lambda: _count(sink, people // 2), 600, "half is told")
            notify.weigh()
            await notify.kill()
            before = Counter(sink.seen)
            await notify.start()
            await harness.until(lambda: _count(sink, people, notify), 1800, "everybody is told")
            seconds = asyncio.get_running_loop().time() - began
        healthy = endpoints - hanging
        await harness.until(lambda: _told(partner, deaf, healthy), 120, "the healthy endpoints are told")
        states = await settled(url, people)
    finally:
        await notify.kill()
        await relay.stop()
        await partner.stop()
    twice = [id_ for id_, count in sink.seen.items() if count > 1]
    memory = (min(notify.memory), max(notify.memory))
    print(f"{people} people in {seconds:.1f} s with a kill; twice: {len(twice)}; MB: {memory}; {states}")
    assert people // 2 <= len(before) < people, "it was killed in the middle"
    assert len(sink.seen) == people
    assert set(twice) <= set(before), "only what was in flight when it was killed comes again"
    assert len(twice) <= LANES
    assert states == {"sent": people}
    heard = Counter((one.path, one.id) for one in partner.heard if one.path not in deaf)
    assert len(heard) == healthy
    assert {one.path for one in partner.heard} >= deaf, "those that hang were asked, and kept someone waiting"
    assert sum(heard.values()) - len(heard) <= healthy, "of each endpoint at most the one in flight comes again"
    assert memory[1] - memory[0] < 150, "a generous ceiling: what is told to many is not held at once"


def environment(url: str, server: Nats, home: Path, relay: FakeRelay, port: int) -> dict[str, str]:
    fields = {
        "profile": "local",
        "database_url": url,
        "nats_url": harness.nats_url(server, "notify"),
        "jwks_file": str(home / "jwks.json"),
        "link_jwks_file": str(home / "link_jwks.json"),
        "link_key_file": str(home / "links.json"),
        "clock_file": str(home / "clock.json"),
        "public_url": HOME,
        "http_port": str(port),
        "smtp_url": relay.url() + "?starttls=never",
        "smtp_timeout": str(LEASE),
        "smtp_connections": str(LANES),
        "mail_from": "Trama <no-reply@trama.example>",
        "webhook_keys": KEYS,
        "webhooks_insecure": "true",
        "log_level": "error",
        "rate_per_minute": "1000000",
    }
    return {**os.environ, **harness.environment(fields)}


async def registered(client: httpx.AsyncClient, network: Network, partner: Partner, count: int) -> None:
    """So many endpoints, each with a path of its own; the grants may still be on their way."""

    async def known() -> bool:
        answered = await client.get(f"/notify/v1/networks/{network.slug}/endpoints")
        return answered.status_code == httpx.codes.OK

    await harness.until(known, 30, "the secretariat is known")
    for n in range(count):
        body = {"title": f"Partner {n}", "url": partner.url(f"/{n}"), "types": ["events.meeting.*"]}
        made = await client.post(f"/notify/v1/networks/{network.slug}/endpoints", json=body)
        assert made.status_code == httpx.codes.CREATED, made.text


async def settled(url: str, people: int) -> dict[str, int]:
    """Of the messages, how many are in each state, once all of them are over."""
    database = Database(url)
    states: dict[str, int] = {}

    async def over() -> bool:
        async with database.sessions() as session:
            found = await session.execute(text("select state, count(*) from deliveries group by state"))
            states.clear()
            states.update({row[0]: row[1] for row in found})
        return states.get("sent") == people

    await harness.until(over, 120, "all of it is on record")
    await database.dispose()
    return states


async def _count(sink: Sink, count: int, notify: Notify | None = None) -> bool:
    if notify is not None:
        notify.weigh()
    return len(sink.seen) >= count


async def _told(partner: Partner, deaf: set[str], healthy: int) -> bool:
    return len({one.path for one in partner.heard if one.path not in deaf}) == healthy
