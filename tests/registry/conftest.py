"""The registry as its callers have it: one for each module of tests, over a fresh database and fresh streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.registry.app import service
from services.registry.settings import Settings
from tests import harness
from tests.harness import Running

_numbers = count(1)


@asynccontextmanager
async def running_registry(
    postgres: Postgres, home: Path, nats: Nats | None = None, **variables: str
) -> AsyncIterator[Running]:
    database = await harness.service_database(postgres, "registry")
    if nats is not None:
        await harness.clear_streams(nats)
    keys = {"signing_key_file": str(home / "registry_key.json")}
    async with harness.running(service, Settings, database, home, nats, **keys, **variables) as running:
        yield running


@pytest.fixture(scope="module")
async def registry(postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_registry(postgres, tmp_path_factory.mktemp("registry"), nats) as running:
        yield running


@dataclass
class Caller:
    """Somebody who speaks to the registry: JSON in, JSON out."""

    running: Running
    headers: dict[str, str]

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.running.client.get(f"/registry/v1{path}", params=params, headers=self.headers)

    async def post(self, path: str, body: Any = None, etag: str | None = None, **headers: str) -> httpx.Response:
        return await self._send("POST", path, body, etag, headers)

    async def patch(self, path: str, body: Any, etag: str | None = None) -> httpx.Response:
        return await self._send("PATCH", path, body, etag, {})

    async def delete(self, path: str, etag: str | None = None) -> httpx.Response:
        return await self._send("DELETE", path, None, etag, {})

    async def made(self, path: str, body: Any) -> Any:
        """What was created; fails with the problem when nothing was."""
        answer = await self.post(path, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def found(self, path: str, **params: Any) -> Any:
        answer = await self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def _send(
        self, method: str, path: str, body: Any, etag: str | None, headers: dict[str, str]
    ) -> httpx.Response:
        sent = {**self.headers, **headers, **({"if-match": etag} if etag else {})}
        return await self.running.client.request(method, f"/registry/v1{path}", json=body, headers=sent)


@dataclass
class Room(Caller):
    """A network of its own, spoken to by its secretariat."""

    id: UUID
    slug: str
    admin: Caller

    async def person(self, given: str = "Giulia", family: str = "Serra", **more: Any) -> Any:
        body = {"given_name": given, "family_name": family, **more}
        return await self.made(f"/networks/{self.slug}/people", body)

    async def organisation(self, name: str = "Ponti") -> Any:
        """A member, active from the start; an informal group needs no tax code."""
        body = {"name": name, "kind": "informal_group", "state": "active"}
        return await self.made(f"/networks/{self.slug}/organisations", body)

    async def mandate(self, person: Any, role: str, since: str, **more: Any) -> Any:
        body = {"person_id": person["id"], "role": role, "since": since, **more}
        return await self.made(f"/networks/{self.slug}/mandates", body)


@pytest.fixture
async def admin(registry: Running) -> Caller:
    return Caller(registry, registry.signed_in(admin=True))


async def new_room(registry: Running, admin: Caller) -> Room:
    slug = f"rete-{next(_numbers)}"
    network = await admin.made("/networks", {"slug": slug, "name": slug.title()})
    id_ = UUID(network["id"])
    return Room(registry, await registry.holder("secretariat", id_), id_, slug, admin)


@pytest.fixture
async def room(registry: Running, admin: Caller) -> Room:
    return await new_room(registry, admin)


@pytest.fixture
async def other_room(registry: Running, admin: Caller) -> Room:
    return await new_room(registry, admin)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """(status, type without its prefix) of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].rsplit(":", 1)[1]
