"""A service as a process: it starts, serves, drains when told to stop, and sends its traces."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from uuid_utils.compat import uuid7

from deploy.local.postgres import Postgres
from shared.access import jwks, tokens
from shared.contracts.registry import Grant
from shared.runtime.settings import ServiceSettings
from tests import harness
from tests.runtime import toy
from tests.runtime.conftest import prepare

MAIN = """
from shared.runtime import cli
from shared.runtime.settings import ServiceSettings
from tests.runtime import toy
cli.main(toy.service, ServiceSettings)
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def process(
    home: Path, url: str, *arguments: str, **variables: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The toy's own process, ready, and its address."""
    port = free_port()
    fields = {"profile": "local", "database_url": url, "nats_url": "nats://127.0.0.1:1", "http_port": str(port)}
    fields |= {"jwks_file": str(home / "jwks.json"), **variables}
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        MAIN,
        "serve",
        *arguments,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **harness.environment(fields)},
        stdout=asyncio.subprocess.PIPE,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        await harness.until(lambda: alive(base), 60, "the process serves")
        yield running, base
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


async def alive(base: str) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"{base}/toy/health/live")).is_success
        except httpx.HTTPError:
            return False


async def test_told_to_stop_it_answers_what_it_has_begun_and_ends_well(postgres: Postgres, tmp_path: Path) -> None:
    url = await harness.fresh_database(postgres, "toy", prepare)
    async with harness.running(toy.service, ServiceSettings, url, tmp_path / "beside") as beside:
        network, person = uuid7(), uuid7()
        await beside.sql(
            "insert into networks (id, slug, name, kind, version) values (:id, 'rete', 'r', 'n', 1)", id=network
        )
        grant = Grant(role="secretariat", network_id=network, since=date(2020, 1, 1))
        await beside.grant(person, grant)
        key = jwks.new_key()
        (tmp_path / "jwks.json").write_text(json.dumps(jwks.public(key)))
        by = {"authorization": f"Bearer {tokens.sign(key, beside.context.settings.issuer, person)}"}
        async with (
            process(tmp_path, url, "--only", "http") as (running, base),
            httpx.AsyncClient(base_url=base, timeout=30) as client,
        ):
            made = await client.post("/toy/v1/networks/rete/things", json={"name": "lamp"}, headers=by)
            thing = UUID(made.json()["id"])
            async with beside.context.database.sessions.begin() as session:
                await session.get(toy.Thing, thing, with_for_update=True)
                changing = asyncio.create_task(
                    client.patch(f"/toy/v1/things/{thing}", json={"name": "x"}, headers={**by, "if-match": '"1"'})
                )
                await harness.until(lambda: waits(beside.sql), 10, "the update waits for the row")
                running.send_signal(signal.SIGTERM)
            assert (await changing).status_code == 200
            assert running.stdout is not None
            out = await running.stdout.read()
            assert await running.wait() == 0
        events = [json.loads(line)["event"] for line in out.splitlines()]
        assert {"asked_to_stop", "stopped"} <= set(events)


async def waits(sql: Callable[..., Awaitable[list[Any]]]) -> bool:
    found = await sql("select 1 from pg_locks where not granted")
    return bool(found)


async def test_traces_are_sent_to_the_collector(postgres: Postgres, tmp_path: Path) -> None:
    url = await harness.fresh_database(postgres, "toy", prepare)
    received = asyncio.Event()
    bodies: list[bytes] = []

    async def collector(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length"))
        bodies.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        received.set()

    (tmp_path / "jwks.json").write_text(json.dumps(jwks.public(jwks.new_key())))
    async with await asyncio.start_server(collector, "127.0.0.1", 0) as server:
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with process(tmp_path, url, "--only", "http", otlp_endpoint=endpoint) as (running, base):
            async with httpx.AsyncClient(base_url=base) as client:
                parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                answer = await client.get("/toy/v1/whoever", headers={"traceparent": parent})
            assert answer.headers["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
            running.terminate()
            await asyncio.wait_for(received.wait(), 20)
    assert bodies[0].startswith(b"POST /v1/traces")
    assert any(b"trama-toy" in body or b"gzip" in body for body in bodies)
