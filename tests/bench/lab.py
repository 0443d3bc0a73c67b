"""The servers that all figures share: real ones, fsync on, cleared afterwards; and service processes on top of them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psutil
from nats.aio.client import Client

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from deploy.local.processes import end, free_port, spawn, wait_ready
from shared.access import jwks, tokens
from shared.runtime.migrating import migrate_async
from tests import harness

ROOT = Path(__file__).resolve().parents[2]
PUBLIC_URL = "http://127.0.0.1:8080"


class Lab:
    """One PostgreSQL and one NATS, both with fsync, and the keys of a platform."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.postgres = Postgres(home, fsync=True)
        self.nats = Nats(home, harness.topology_config)
        self.key, self.link_key = jwks.new_key(), jwks.new_key()

    def start(self) -> None:
        self.postgres.start()
        self.nats.start()
        harness.publish_keys(self.home, self.key, self.link_key)
        jwks.write_private(self.home / "key.json", self.key)
        jwks.write_private(self.home / "link_key.json", self.link_key)

    def clear(self) -> None:
        self.nats.clear()
        self.postgres.clear()

    async def database(self, service: str) -> str:
        """The URL of a fresh database with the service's migrations, as postgres itself."""

        async def prepare(url: str) -> None:
            await migrate_async(service, url)

        return await harness.fresh_database(self.postgres, service, prepare)

    async def empty_database(self) -> str:
        name = f"plain_{uuid4().hex}"
        await harness.psql(self.postgres, f"create database {name}")
        return self.postgres.dsn(name)

    async def streams(self) -> None:
        """Every stream empty, every consumer at its beginning."""
        await harness.clear_streams(self.nats)

    async def client(self, user: str = harness.ADMIN) -> Client:
        return await harness.connected(self.nats, user)

    def token(self, person: UUID | None = None, **claims: bool) -> str:
        return tokens.sign(self.key, f"{PUBLIC_URL}/registry", person or uuid4(), **claims)  # type: ignore[arg-type]

    def environment(self, service: str, database_url: str, port: int) -> dict[str, str]:
        """The variables of a service as a deployment gives them; only the rate limit is out of the way."""
        fields = {
            "profile": "local",
            "database_url": database_url,
            "nats_url": harness.nats_url(self.nats, service),
            "http_host": "127.0.0.1",
            "http_port": str(port),
            "public_url": PUBLIC_URL,
            "jwks_file": str(self.home / "jwks.json"),
            "link_jwks_file": str(self.home / "link_jwks.json"),
            "clock_file": str(self.home / "clock.json"),
            "rate_per_minute": "1000000000",
            "signing_key_file": str(self.home / "key.json"),
            "pact_keys": harness.PACT_KEYS,
            "link_key_file": str(self.home / "link_key.json"),
            "badge_key_file": str(self.home / "badge_key.json"),
            "document_store": str(self.home / "documents"),
            "smtp_url": "smtp://127.0.0.1:1?starttls=never",  # nobody there: no figure here sends a mail
            "mail_from": "Trama <no-reply@trama.example>",
        }
        return {"PATH": os.environ.get("PATH", ""), **harness.environment(fields)}

    @asynccontextmanager
    async def serving(self, service: str, database_url: str, *, only: str | None = None) -> AsyncIterator[Server]:
        """The service in a process of its own, started by its own command."""
        port = free_port()
        environment = self.environment(service, database_url, port)
        command = [sys.executable, "-m", f"services.{service}", "serve", *(("--only", only) if only else ())]
        async with self.process(command, environment, port, f"/{service}/health/live") as server:
            yield server

    @asynccontextmanager
    async def process(
        self, command: Sequence[str], environment: Mapping[str, str], port: int, path: str
    ) -> AsyncIterator[Server]:
        """Any server on `port`; given when `path` answers 200, stopped afterwards."""
        log = self.home / "logs" / f"process-{port}.log"
        process = spawn(command, log=log, env=environment, cwd=ROOT)

        def ready() -> bool:
            return answers(port, path)

        try:
            await asyncio.to_thread(wait_ready, process, ready, what=command[2], log=log, seconds=60)
            yield Server(port, process.pid, log)
        finally:
            await asyncio.to_thread(end, process, seconds=20)


class Server:
    def __init__(self, port: int, pid: int, log: Path) -> None:
        self.port, self.pid, self.log = port, pid, log

    def memory(self) -> float:
        """Resident megabytes."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6


def answers(port: int, path: str) -> bool:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
