"""The running platform as these proofs need it: its databases, its streams, its processes, from outside."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import nats
from nats.js.api import DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from deploy.local import secrets
from shared.messaging import topology
from tests.system.stack import ROOT, SERVICES, Stack, wait_for

Fact = tuple[str, int]
"""(aggregate id, version)."""

MOVES = ("relay_cursor", "alembic_version")
"""Tables that are not the state of a service but how far its relay and its migrations are."""


@dataclass
class Platform:
    """One stack for many proofs; each works in a network of its own."""

    stack: Stack
    admin: str

    def network(self, slug: str) -> str:
        with self.stack.client(self.admin) as client:
            client.post("/registry/v1/networks", json={"slug": slug, "name": slug}).raise_for_status()
        return slug

    # Processes

    def pid(self, process: str) -> int:
        return int(self.stack.state["processes"][process]["pid"])

    async def crash(self, process: str, within: float = 60.0) -> None:
        """SIGKILL; returns when the supervisor has started it again."""
        died = self.stack.kill(process)
        await asyncio.to_thread(wait_for, f"{process} runs again", lambda: self.pid(process) != died, within)

    @contextmanager
    def down(self, process: str) -> Iterator[None]:
        """Killed, and kept down: the supervisor sleeps meanwhile, so that nobody starts it again."""
        self.stack.process.send_signal(signal.SIGSTOP)
        try:
            self.stack.kill(process)
            yield
        finally:
            self.stack.process.send_signal(signal.SIGCONT)

    def kill_everything(self) -> None:
        """As when the machine's power is cut, but for the page cache."""
        pids = [self.stack.process.pid, *(entry["pid"] for entry in self.stack.state["processes"].values())]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.stack.process.wait()

    def start_again(self) -> str:
        """The same home, the same ports; returns when every service is ready, with what the stack said."""
        log = self.stack.home.parent / "again.log"
        with log.open("wb") as out:
            self.stack.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local", "up"],
                cwd=ROOT,
                env=dict(self.stack.environment),
                stdout=out,
                stderr=out,
            )

        def up() -> bool:
            assert self.stack.process.poll() is None, log.read_text()[-4000:]
            try:
                return all(answer.get("ready") is True for answer in self.stack.readiness().values())
            except (httpx.HTTPError, ValueError, KeyError):
                return False

        wait_for("the stack is up again", up, 90)
        return log.read_text()

    async def settled(self, within: float = 120.0) -> None:
        await asyncio.to_thread(self.stack.settled, within)

    # Databases

    async def sql(self, service: str, statement: str, *values: Any) -> list[Any]:
        """Rows of a service's own database, as the superuser."""
        async with self.database(service) as connection:
            return list(await connection.fetch(statement, *values))

    async def script(self, service: str, statements: str) -> None:
        async with self.database(service) as connection:
            await connection.execute(statements)

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[asyncpg.Connection]:
        password = secrets.password(self.stack.home, "postgres-postgres")
        port = self.stack.state["processes"]["postgres"]["port"]
        connection = await asyncpg.connect(
            host="127.0.0.1", port=port, user="postgres", password=password, database=service
        )
        try:
            yield connection
        finally:
            await connection.close()

    async def people(self, network: str) -> dict[str, int]:
        """id -> version, of the people whom the network entered, as the registry has them."""
        rows = await self.sql(
            "registry",
            "select p.id::text, p.version from people p join networks n on n.id = p.network_id where n.slug = $1",
            network,
        )
        return {row[0]: row[1] for row in rows}

    async def contacts(self, network: str) -> dict[str, int]:
        """The same as notify has projected it."""
        rows = await self.sql(
            "notify",
            "select c.person_id::text, c.version from contacts c join networks n on n.id = c.network_id"
            " where n.slug = $1",
            network,
        )
        return {row[0]: row[1] for row in rows}

    async def logged(self, network: str) -> set[Fact]:
        """What the registry's log says about the network's people."""
        rows = await self.sql(
            "registry",
            "select l.aggregate_id::text, l.version from log l join networks n on n.id = l.network_id"
            " where n.slug = $1 and l.subject like 'registry.person.%'",
            network,
        )
        return {(row[0], row[1]) for row in rows}

    async def organisations(self, service: str, codes: Collection[str]) -> set[str]:
        """The ids of the organisations with these tax codes, as far as the service has them."""
        rows = await self.sql("registry", "select id::text from organisations where tax_code = any($1)", list(codes))
        ids = {row[0] for row in rows}
        if service == "registry":
            return ids
        return {row[0] for row in await self.sql(service, "select id::text from organisations")} & ids

    async def state(self, service: str) -> str:
        """One hash of every row of every table of a service."""
        tables = await self.sql(
            service, "select tablename from pg_tables where schemaname = 'public' order by tablename"
        )
        digest = hashlib.sha256()
        for (table,) in tables:
            if table in MOVES:
                continue
            rows = await self.sql(service, f"select md5(t::text) from {table} t order by 1")
            digest.update(f"{table} {len(rows)} {''.join(row[0] for row in rows)}\n".encode())
        return digest.hexdigest()

    # Streams

    @asynccontextmanager
    async def broker(self, user: str) -> AsyncIterator[JetStreamContext]:
        password = secrets.password(self.stack.home, f"nats-{user}")
        port = self.stack.state["processes"]["nats"]["port"]
        client = await nats.connect(
            f"nats://{user}:{password}@127.0.0.1:{port}", inbox_prefix=topology.inbox(user), pending_size=0
        )
        try:
            yield client.jetstream(timeout=20)
        finally:
            await client.close()

    async def stream(self, service: str) -> list[tuple[str, dict[str, Any]]]:
        """(subject, body) of every fact of the stream, in its order."""
        async with self.broker(topology.ERASURE) as js:
            name = topology.stream(service)
            state = (await js.stream_info(name)).state
            found: list[tuple[str, dict[str, Any]]] = []
            for first in range(state.first_seq, state.last_seq + 1, 200):
                numbers = range(first, min(first + 200, state.last_seq + 1))
                found += [fact for fact in await asyncio.gather(*(_fact(js, name, n) for n in numbers)) if fact]
            return found

    async def told(self, network: str, facts: list[tuple[str, dict[str, Any]]] | None = None) -> list[Fact]:
        """What the registry's stream (`facts`, if read already) says about the network's people, in its order."""
        facts = await self.stream("registry") if facts is None else facts
        (row,) = await self.sql("registry", "select id::text from networks where slug = $1", network)
        return [
            (body["id"], body["version"])
            for subject, body in facts
            if subject.startswith("registry.person.") and body["network_id"] == row[0]
        ]

    async def replay(self) -> int:
        """Every consumer of every service gets its whole stream again; returns how many facts that is in all."""
        replayed = 0
        async with self.broker(topology.PROVISIONING) as js:
            for consumer in topology.all_consumers():
                config = consumer.config()
                config.deliver_policy = DeliverPolicy.ALL
                await js.delete_consumer(consumer.stream, consumer.name)
                replayed += (await js.add_consumer(consumer.stream, config)).num_pending or 0
        return replayed

    # Mails

    def mails(self) -> int:
        with self.stack.client() as client:
            return int(client.get("/mail/messages.json").json()["count"])


async def _fact(js: JetStreamContext, stream: str, number: int) -> tuple[str, dict[str, Any]] | None:
    try:
        message = await js.get_msg(stream, seq=number)
    except NotFoundError:
        return None
    assert message.subject is not None
    return message.subject, json.loads(message.data or b"{}")


@asynccontextmanager
async def watched(task_of: Callable[[], Any]) -> AsyncIterator[asyncio.Task[Any]]:
    """A task beside the test, cancelled at the end; an error of its own is the test's."""
    task = asyncio.create_task(task_of())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled() and task.exception() is not None:
        raise task.exception()  # type: ignore[misc]


def elapsed(since: float) -> float:
    return time.monotonic() - since


__all__ = ["SERVICES", "Fact", "Platform", "elapsed", "watched"]
