"""Servers and databases for tests: real ones, one of each in a run (in each xdist worker), cleared between tests."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import nats as nats_py
from fastapi import FastAPI
from joserfc.jwk import ECKey
from nats.aio.client import Client
from sqlalchemy import text
from uuid_utils.compat import uuid7

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from shared.access import jwks, tokens
from shared.access.listens import replace_grants
from shared.contracts.envelope import Fact
from shared.contracts.registry import Grant
from shared.messaging import topology, wire
from shared.messaging.schema import PLACE
from shared.runtime.context import Context, Service
from shared.runtime.health import readiness
from shared.runtime.migrating import migrate_async
from shared.runtime.service import create_app
from shared.runtime.settings import ServiceSettings

ADMIN = "admin"
PASSWORDS = {user: user for user in topology.USERS}
"""In tests each NATS user's password is its name."""

PACT_KEYS = json.dumps({"keys": [{"kty": "oct", "kid": "first", "k": "dHJhbWEgdHJhbWEgdHJhbWEgdHJhbWEgdHJhbWEgdHI"}]})
"""A master key that nobody else uses: 32 bytes."""

_numbers = itertools.count(1)


def topology_config(port: int, http_port: int, store: Path) -> str:
    """The shipped configuration, and one user more who may do everything: the test itself."""
    text = topology.server_config(PASSWORDS, store, port, http_port)
    return text.replace("users: [", f'users: [\n    {{ user: "{ADMIN}", password: "{ADMIN}" }}', 1)


def start_postgres(home: Path) -> Postgres:
    server = Postgres(home, fsync=False)
    server.start()
    return server


def start_nats(home: Path) -> Nats:
    server = Nats(home, topology_config)
    server.start()
    return server


def nats_url(server: Nats, user: str) -> str:
    return server.url(user, PASSWORDS.get(user, user))


async def connected(server: Nats, user: str = ADMIN) -> Client:
    prefix = topology.inbox(user) if user != ADMIN else "_INBOX"
    return await nats_py.connect(nats_url(server, user), inbox_prefix=prefix)


async def clear_streams(server: Nats) -> None:
    """No fact in any stream, every consumer at its beginning."""
    client = await connected(server)
    js = client.jetstream()
    for stream in await js.streams_info():
        assert stream.config.name is not None
        await js.delete_stream(stream.config.name)
    await topology.provision(js)
    await client.close()


async def fresh_database(server: Postgres, kind: str, prepare: Callable[[str], Awaitable[None]]) -> str:
    """The URL of a new database; `prepare(url)` fills the template of this `kind` once in a run."""
    template = f"template_{kind}_{os.getpid()}"
    listed = await psql(server, f"select count(*) from pg_database where datname = '{template}'")
    if listed.strip() == "0":
        await psql(server, f"create database {template}")
        for extension in ("pg_trgm", "unaccent", "btree_gist"):
            await psql(server, f"create extension if not exists {extension}", template)
        await prepare(server.dsn(template))
        await psql(server, f"update pg_database set datallowconn = false where datname = '{template}'")
    name = f"{kind}_{os.getpid()}_{next(_numbers)}"
    await psql(server, f"create database {name} template {template}")
    # A copy is to the relay what a restored backup is; this one has no history.
    await psql(server, f"update relay_cursor set previous = pg_current_snapshot(), place = ({PLACE})", name)
    return server.dsn(name)


async def empty_database(server: Postgres) -> str:
    """The name of a new database without any table."""
    name = f"empty_{os.getpid()}_{next(_numbers)}"
    await psql(server, f"create database {name}")
    return name


async def psql(server: Postgres, script: str, database: str = "postgres") -> str:
    return await asyncio.to_thread(server.psql, script, database)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60.0, what: str = "") -> None:
    """Ask again and again, soon, until it holds; fails after `seconds`. For what no event announces."""
    end, pause = asyncio.get_running_loop().time() + seconds, 0.01
    while not await condition():
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what or condition}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, 0.1)


@contextmanager
def only_new_objects_are_counted() -> Iterator[None]:
    """`gc.get_objects()` gives what was made inside only: walking all that a run of tests has made takes seconds."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@dataclass
class Running:
    """A service in this process, as its users have it: HTTP at `client`, facts at `tell` and `published`."""

    service: Service
    context: Context
    key: ECKey
    link_key: ECKey
    nats: Nats | None
    client: httpx.AsyncClient
    app: FastAPI

    def token(self, person_id: UUID | None = None, **claims: Any) -> str:
        """A token of the platform's issuer; `admin=True`, `level=`, `lifetime=`, `of_key=`, `scopes=`, `audience=`."""
        return tokens.sign(self.key, self.context.settings.issuer, person_id or uuid7(), **claims)

    def signed_in(self, person_id: UUID | None = None, **claims: Any) -> dict[str, str]:
        """The header of a caller: `client.get(…, headers=running.signed_in(admin=True))`."""
        return {"authorization": f"Bearer {self.token(person_id, **claims)}"}

    async def grant(self, person_id: UUID, *grants: Grant, version: int = 1) -> dict[str, str]:
        """The whole list of a person's grants from now on; gives their header."""
        async with self.context.database.sessions.begin() as session:
            await replace_grants(session, {person_id: (grants, 1, version)})
        return self.signed_in(person_id)

    async def holder(self, role: str, network_id: UUID, version: int = 1, **bounds: Any) -> dict[str, str]:
        """The header of a fresh person with this one grant (bounds: organisation_id, territory, since, until)."""
        grant = Grant(role=role, network_id=network_id, **{"since": date(2000, 1, 1), **bounds})
        return await self.grant(uuid7(), grant, version=version)

    async def tell(self, *facts: Fact, generation: int = 1) -> list[UUID]:
        """Publishes facts as their own service would, in order; gives their ids."""
        assert self.nats is not None
        ids = []
        client = await connected(self.nats)
        for fact in facts:
            fact_id = uuid7()
            headers = wire.headers(
                fact_id=fact_id,
                type_=fact.type,
                subject=fact.subject,
                generation=generation,
                network_id=fact.network_id,
                occurred_at=self.context.clock.now(),
                carried={"correlationid": str(fact_id)},
            )
            await client.jetstream().publish(fact.subject, fact.model_dump_json().encode(), headers=headers)
            ids.append(fact_id)
        await client.close()
        return ids

    async def published(self, subject: str) -> list[tuple[str, dict[str, Any]]]:
        """(type, body) of the facts in the stream whose subject matches, once the relay has sent everything."""
        assert self.nats is not None
        await self.settled()
        client = await connected(self.nats)
        try:
            return [(h["ce-type"], json.loads(body)) for h, body in await read_stream(client, subject)]
        finally:
            await client.close()

    async def settled(self, seconds: float = 60.0) -> None:
        """Nothing to relay, to take in, to retry, and nothing due; seen twice, as the first calm may fall between a
        count of what is due and the fact that makes it so."""
        last: dict[str, Any] = {"calm": 0}

        async def quiet() -> bool:
            _, last["body"] = await readiness(self.context)
            last["calm"] = last["calm"] + 1 if last["body"]["settled"] else 0
            return bool(last["calm"] >= 2)

        try:
            await until(quiet, seconds)
        except AssertionError:
            raise AssertionError(f"{self.service.name} did not settle: {last}") from None

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Rows of the service's own database, for what no interface shows."""
        async with self.context.database.sessions.begin() as session:
            found: Any = await session.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []


async def read_stream(client: Client, subject: str) -> list[tuple[dict[str, str], bytes]]:
    """Everything in the subject's stream that matches, from the beginning."""
    js = client.jetstream()
    stream = topology.stream(subject.split(".")[0])
    subscription = await js.pull_subscribe(subject, stream=stream)
    found: list[tuple[dict[str, str], bytes]] = []
    waiting = (await subscription.consumer_info()).num_pending or 0
    while len(found) < waiting:
        batch = await subscription.fetch(min(500, waiting - len(found)), timeout=5)
        found += [(dict(m.headers or {}), m.data) for m in batch]
        for m in batch:
            await m.ack()
    await subscription.unsubscribe()
    return found


@asynccontextmanager
async def running(
    factory: Callable[[Any], Service],
    settings: type[ServiceSettings],
    database_url: str,
    home: Path,
    nats: Nats | None = None,
    *,
    only: str | None = None,
    **variables: str,
) -> AsyncIterator[Running]:
    """The service of `factory(settings)` with its lifespan, over a migrated database; without `nats`: HTTP only.

    `variables` are settings by field (`rate_per_minute="5"`). Tokens are signed with a key of the test, links too.
    """
    key, link_key = jwks.new_key(), jwks.new_key()
    publish_keys(home, key, link_key)
    fields = {
        "profile": "local",
        "database_url": database_url,
        "nats_url": nats_url(nats, "nobody") if nats is not None else "nats://127.0.0.1:1",
        "jwks_file": str(home / "jwks.json"),
        "link_jwks_file": str(home / "link_jwks.json"),
        **(
            {} if "pact_keys" in variables else {"pact_keys_file": str(home / "pact_keys.json")}
        ),  # the registry's alone; the others know no such variable
        "badge_key_file": str(home / "badge_key.json"),  # learning's alone
        "document_store": str(home / "documents"),  # learning's alone
        "clock_file": str(home / "clock.json"),
        "rate_per_minute": "1000000",
        "anonymous_per_minute": "1000000",
        "due_poll": "0.04",
        "territories_poll": "0.05",
        "log_level": "error",
        "drain": "2",
        **variables,
    }
    service = factory(settings.load(environment(fields)))
    if nats is not None and "nats_url" not in variables:
        own = {**fields, "nats_url": nats_url(nats, service.name)}
        service = factory(settings.load(environment(own)))
    app = create_app(service, "http" if only is None and nats is None else only)
    context: Context = app.state.context
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service", timeout=30) as client,
    ):
        yield Running(service, context, key, link_key, nats, client, app)


def publish_keys(home: Path, key: ECKey, link_key: ECKey) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "jwks.json").write_text(json.dumps(jwks.public(key)))
    (home / "link_jwks.json").write_text(json.dumps(jwks.public(link_key)))
    jwks.write_private(home / "registry_key.json", key)  # for the registry, which signs with it
    (home / "pact_keys.json").write_text(PACT_KEYS)
    jwks.write_private(home / "badge_key.json", jwks.new_key())


def environment(fields: Mapping[str, str]) -> dict[str, str]:
    return {f"TRAMA_{name.upper()}": value for name, value in fields.items()}


async def service_database(server: Postgres, service: str) -> str:
    """A fresh database with the service's own migrations."""

    async def prepare(url: str) -> None:
        await migrate_async(service, url)

    return await fresh_database(server, service, prepare)
