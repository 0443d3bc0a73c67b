"""How many commands a second a service takes: the registry's own, and the same rows written without our code."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID

import httpx

from deploy.local.processes import free_port
from tests.bench.lab import ROOT, Lab, Server
from tests.bench.load import press, request
from tests.bench.measure import Check, Figure, in_turns, percentile, ratio

CONNECTIONS = 16
PRODUCT, FASTAPI, ASYNCPG = "registry: POST of a person", "FastAPI and SQLAlchemy alone", "ASGI and asyncpg alone"
HTTP_ONLY = "registry, `serve --only http`"
SLUG = "bench"
_numbers = itertools.count(1)


async def run(lab: Lab, *, quick: bool) -> Figure:
    seconds, turns = (1.5, 1) if quick else (5.0, 5)
    url = await lab.database("registry")
    await lab.streams()
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(lab.serving("registry", url))
        office = await Office.opened(lab, registry.port)
        alone = await stack.enter_async_context(lab.serving("registry", url, only="http"))
        fastapi = await stack.enter_async_context(plain(lab, "fastapi", url))
        asyncpg = await stack.enter_async_context(plain(lab, "asyncpg", url))
        waits: list[float] = []

        async def product() -> float:
            outcome = await press(registry.port, office.callers(f"/registry/v1/networks/{SLUG}/people"), seconds)
            waits.extend(outcome.latencies)
            return outcome.rate

        async def other(server: Server, path: str) -> float:
            return (await press(server.port, office.callers(path), seconds)).rate

        bare = f"/networks/{office.network}/people"
        for server, path in ((registry, None), (alone, None), (fastapi, bare), (asyncpg, bare)):
            await press(server.port, office.callers(path or f"/registry/v1/networks/{SLUG}/people"), 1.0)
        series = await in_turns(
            {
                PRODUCT: product,
                FASTAPI: lambda: other(fastapi, bare),
                ASYNCPG: lambda: other(asyncpg, bare),
                HTTP_ONLY: lambda: other(alone, f"/registry/v1/networks/{SLUG}/people"),
            },
            turns,
        )
    return Figure(
        key="command",
        title=f"Commands a second, {CONNECTIONS} connections, one process, fsync on",
        unit="requests/s",
        series=list(series.values()),
        checks=[
            Check("registry / FastAPI and SQLAlchemy alone", ratio(series[PRODUCT], series[FASTAPI]), 0.60, "at least"),
            Check("registry / ASGI and asyncpg alone", ratio(series[PRODUCT], series[ASYNCPG]), 0.40, "at least"),
        ],
        notes=[
            "The command: token, grants, rights and input are checked, a person, their place in the network and the"
            " fact are written and committed; the relay publishes the facts from the same process meanwhile. The floors"
            " write the same three rows into the same tables from the same uvicorn, and check nothing.",
            f"Product: p50 {percentile(waits, 0.5) * 1000:.1f} ms, p99 {percentile(waits, 0.99) * 1000:.1f} ms.",
        ],
    )


@asynccontextmanager
async def plain(lab: Lab, kind: str, url: str) -> AsyncIterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.plain", kind, str(port), url]
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)}
    async with lab.process(command, environment, port, "/health") as server:
        yield server


class Office:
    """A network and its secretariat: as many people as there are connections, each with a mandate and a token."""

    def __init__(self, network: UUID, tokens: list[str]) -> None:
        self.network, self.tokens = network, tokens

    @classmethod
    async def opened(cls, lab: Lab, port: int, slug: str = SLUG, people: int = CONNECTIONS) -> Office:
        headers = {"authorization": f"Bearer {lab.token(admin=True)}"}
        base = f"/registry/v1/networks/{slug}"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
            network = await asked(client, "/registry/v1/networks", {"slug": slug, "name": "Rete di prova"})
            tokens = []
            for number in range(people):
                name = {"given_name": "Segreteria", "family_name": f"N. {number}"}
                person = await asked(client, f"{base}/people", name)
                since = date.today().isoformat()  # noqa: DTZ011 (the day here is the service's own)
                await asked(
                    client, f"{base}/mandates", {"person_id": person["id"], "role": "secretariat", "since": since}
                )
                tokens.append(lab.token(UUID(person["id"])))
        return cls(UUID(network["id"]), tokens)

    def callers(self, path: str) -> list[Iterator[bytes]]:
        return [self.requests(path, token) for token in self.tokens]

    def requests(self, path: str, token: str) -> Iterator[bytes]:
        headers = {"authorization": f"Bearer {token}", "accept": "application/json", "accept-language": "it"}
        while True:
            number = next(_numbers)
            body = {
                "given_name": "Maria Grazia",
                "family_name": f"Colombo {number}",
                "email": f"mg.colombo.{number}@example.org",
            }
            yield request("POST", path, headers, json.dumps(body).encode())


async def asked(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
    answer = await client.post(path, json=body)
    if answer.status_code not in (200, 201, 202):
        raise AssertionError(f"POST {path}: {answer.status_code} {answer.text}")
    return answer.json()
