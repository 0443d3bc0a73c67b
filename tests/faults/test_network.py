"""A bad network between each service and NATS, and between each service and PostgreSQL: what was accepted arrives all
the same, once."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import httpx
import pytest
from joserfc.jwk import ECKey

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from deploy.local.processes import end, free_port, spawn
from shared.access import jwks, tokens
from tests import harness
from tests.faults.load import Load
from tests.faults.platform import watched
from tests.faults.proxy import Proxy
from tests.notify.relay import FakeRelay

CEILING = 15.0
"""Seconds within which every request is answered, whatever happens behind."""
TOKEN_OF = "0198a000-0000-7000-8000-000000000001"


@dataclass
class Pair:
    """The registry and notify as processes of their own; each reaches NATS and PostgreSQL through its own proxies."""

    urls: dict[str, str]
    databases: dict[str, str]
    token: str
    to_nats: list[Proxy]
    to_postgres: list[Proxy]
    smtp: FakeRelay
    postgres: Postgres
    nats: Nats

    @property
    def proxies(self) -> list[Proxy]:
        return [*self.to_nats, *self.to_postgres]

    async def settled(self, within: float = 120) -> None:
        last: dict[str, Any] = {}

        async def quiet() -> bool:
            async with httpx.AsyncClient(timeout=30) as client:
                for name, url in self.urls.items():
                    last[name] = (await client.get(f"{url}/{name}/health/ready")).json()
            return all(answer.get("settled") for answer in last.values())

        try:
            await harness.until(quiet, within)
            await harness.until(quiet, within)
        except AssertionError:
            raise AssertionError(f"not settled within {within:.0f} s: {last}") from None

    async def sql(self, service: str, statement: str) -> list[list[str]]:
        text = await harness.psql(self.postgres, statement, urlsplit(self.databases[service]).path.strip("/"))
        return [line.split("|") for line in text.splitlines()]


@pytest.fixture(scope="module")
async def pair(postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    home = tmp_path_factory.mktemp("network")
    key, link_key = jwks.new_key(), jwks.new_key()
    harness.publish_keys(home, key, link_key)
    jwks.write_private(home / "link_key.json", link_key)
    await harness.clear_streams(nats)
    smtp = await FakeRelay().start()
    to_nats, to_postgres = [], []
    urls, databases, processes = {}, {}, []
    try:
        for name in ("registry", "notify"):
            databases[name] = await harness.service_database(postgres, name)
            to_nats.append(await Proxy(nats.port).start())
            to_postgres.append(await Proxy(postgres.port).start())
            port = free_port()
            urls[name] = f"http://127.0.0.1:{port}"
            variables = harness.environment(
                {
                    "profile": "local",
                    "database_url": through(databases[name], to_postgres[-1].port),
                    "nats_url": through(harness.nats_url(nats, name), to_nats[-1].port),
                    "http_port": str(port),
                    "jwks_file": str(home / "jwks.json"),
                    "link_jwks_file": str(home / "link_jwks.json"),
                    "signing_key_file": str(home / "registry_key.json"),
                    "pact_keys_file": str(home / "pact_keys.json"),
                    "link_key_file": str(home / "link_key.json"),
                    "smtp_url": smtp.url() + "?starttls=never",
                    "mail_from": "Trama <no-reply@trama.example>",
                    "rate_per_minute": "1000000",
                    # A statement that is never answered is given up within seconds, not half a minute.
                    "statement_timeout": "3",
                }
            )
            command: list[str | Path] = [sys.executable, "-m", f"services.{name}", "serve"]
            processes.append(spawn(command, log=home / f"{name}.log", env=variables, cwd=Path(__file__).parents[2]))
        yield await up(Pair(urls, databases, admin(key), to_nats, to_postgres, smtp, postgres, nats))
    finally:
        for process in processes:
            await asyncio.to_thread(end, process)
        for proxy in (*to_nats, *to_postgres):
            await proxy.stop()
        await smtp.stop()


async def up(pair: Pair) -> Pair:
    async def answers() -> bool:
        try:
            async with httpx.AsyncClient() as client:
                return all(
                    [
                        (await client.get(f"{url}/{name}/health/ready")).status_code == 200
                        for name, url in pair.urls.items()
                    ]
                )
        except httpx.HTTPError:
            return False

    await harness.until(answers, 60, "registry and notify are ready")
    return pair


def admin(key: ECKey) -> str:
    return tokens.sign(key, "http://127.0.0.1:8080/registry", UUID(TOKEN_OF), admin=True)


def through(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}"))


Fault = Callable[[list[Proxy]], Awaitable[None]]


async def delayed(proxies: list[Proxy]) -> None:
    """Everything takes its time, each piece its own: up to 60 ms."""
    for proxy in proxies:
        proxy.delay = 0.06
    await asyncio.sleep(4)


async def resets(proxies: list[Proxy]) -> None:
    """Every connection is reset, six times."""
    for _ in range(6):
        await asyncio.sleep(0.7)
        for proxy in proxies:
            proxy.reset()


async def cut(proxies: list[Proxy]) -> None:
    """Connections break in the middle of what they say, after up to 20,000 bytes, five times at least."""
    for proxy in proxies:
        proxy.cut_after = 20_000
        proxy.reset()

    async def often() -> bool:
        return sum(proxy.did["cut"] for proxy in proxies) >= 5

    await asyncio.sleep(4)
    await harness.until(often, 45, "five cuts")


async def half_open(proxies: list[Proxy]) -> None:
    """The connections of a moment pass nothing any more, and nobody is told; new ones can be made."""
    await asyncio.sleep(1)
    for proxy in proxies:
        proxy.swallow()
    await asyncio.sleep(3)


@asynccontextmanager
async def writing(pair: Pair, network: str) -> AsyncIterator[Load]:
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {pair.token}"}) as client:
        founded = await client.post(
            f"{pair.urls['registry']}/registry/v1/networks", json={"slug": network, "name": network}
        )
        founded.raise_for_status()
    load = Load(pair.urls["registry"], pair.token, network, writers=6, rate=40, mandates=True)
    stop = asyncio.Event()
    async with watched(lambda: load.run(stop)) as task:
        yield load
        stop.set()
        await asyncio.wait_for(task, 90)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("server", "fault"),
    [
        *(pytest.param(s, f, id=f"{f.__name__}-{s}") for s in ("nats", "postgres") for f in (delayed, resets, cut)),
        pytest.param("both", half_open, id="half-open-both", marks=pytest.mark.long),  # half a minute of waiting
    ],
)
async def test_a_bad_network_loses_nothing_and_does_nothing_twice(pair: Pair, server: str, fault: Fault) -> None:
    network = f"{server}-{fault.__name__}".replace("_", "-")
    proxies = {"nats": pair.to_nats, "postgres": pair.to_postgres, "both": pair.proxies}[server]
    async with writing(pair, network) as load:
        await fault(proxies)
        for proxy in proxies:
            proxy.heal()
    began = time.monotonic()
    await pair.settled()
    did = sum((proxy.did for proxy in proxies), Counter[str]())
    for proxy in proxies:
        proxy.did.clear()
    print(
        f"{network}: {len(load.accepted)} writes accepted, {dict(load.said)}, slowest {load.slowest:.1f} s, settled"
        f" after {time.monotonic() - began:.1f} s; {dict(did)}"
    )
    assert load.slowest < CEILING
    assert not load.said["no answer"], "no request was left hanging"

    of_network = f"join networks n on n.id = x.network_id and n.slug = '{network}'"
    stored = {
        id_: int(version)
        for id_, version in await pair.sql("registry", f"select x.id, x.version from people x {of_network}")
    }
    assert stored == load.newest
    logged = await pair.sql("registry", f"select x.id from log x {of_network}")
    client = await harness.connected(pair.nats)
    stream = [headers["ce-id"] for headers, _ in await harness.read_stream(client, "registry.>")]
    await client.close()
    assert {id_ for (id_,) in logged} <= set(stream)
    assert len(stream) == len(set(stream)), "within the deduplication window nothing is stored twice"
    everything = {id_ for (id_,) in await pair.sql("registry", "select id from log")}
    assert set(stream) == everything, "no phantom"
    projected = {
        id_: int(version)
        for id_, version in await pair.sql("notify", f"select x.person_id, x.version from contacts x {of_network}")
    }
    assert projected == stored
    mails = Counter(mail.to for mail in pair.smtp.taken)
    assert {address: mails[address] for address in load.told} == dict.fromkeys(load.told, 1), "each told once"
