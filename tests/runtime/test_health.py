"""What operators and the tests' own patience rely on: ready or not, how far behind, and coming back by itself."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from uuid_utils.compat import uuid7

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from shared.access import listens as access
from shared.contracts.registry import ApiKeyIssued, Grant, GrantsChanged, NetworkFounded
from shared.runtime import logs
from shared.runtime.context import Context, Service
from shared.runtime.settings import ServiceSettings
from tests import harness
from tests.harness import Running
from tests.runtime import toy
from tests.runtime.conftest import prepare
from tests.runtime.test_edge import THINGS, kind, made

Start = Callable[..., AbstractAsyncContextManager[Running]]


async def test_alive_and_ready(running: Running) -> None:
    assert (await running.client.get("/toy/health/live")).json() == {"live": True}
    ready = await running.client.get("/toy/health/ready")
    assert ready.status_code == 200
    assert ready.json()["checks"]["database"] == "ok"


async def test_a_database_that_is_away_is_told_at_once_and_healed_by_its_return(tmp_path: Path) -> None:
    """A server of its own, stopped and started under the running service."""
    server = Postgres(tmp_path / "postgres", fsync=False)
    server.start()
    try:
        url = await harness.fresh_database(server, "toy", prepare)
        async with harness.running(toy.service, ServiceSettings, url, tmp_path / "home", pool_timeout="2") as running:
            network = uuid7()
            await running.sql(
                "insert into networks (id, slug, name, kind, version) values (:id, 'rete', 'r', 'n', 1)", id=network
            )
            by = await running.holder("secretariat", network)
            await made(running, by)
            await asyncio.to_thread(server.stop)
            await told_to_come_back(running, by)
            await asyncio.to_thread(server.start)
            assert (await running.client.post(THINGS, json={"name": "after"}, headers=by)).status_code == 201
            assert (await running.client.get("/toy/health/ready")).status_code == 200
            assert (await running.client.get(THINGS, headers=by)).json()["items"]
    finally:
        server.clear()


async def told_to_come_back(running: Running, by: dict[str, str]) -> None:
    for _ in range(3):
        began = time.monotonic()
        answers = [
            await running.client.get(THINGS, headers=by),
            await running.client.post(THINGS, json={"name": "x"}, headers=by),
        ]
        assert time.monotonic() - began < 5
        for answer in answers:
            assert (answer.status_code, kind(answer)) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
    ready = await running.client.get("/toy/health/ready")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["database"])
    assert (await running.client.get("/toy/health/live")).status_code == 200


async def test_a_restarted_database_costs_an_idle_service_no_request(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", fsync=False)
    server.start()
    try:
        url = await harness.fresh_database(server, "toy", prepare)
        async with harness.running(toy.service, ServiceSettings, url, tmp_path / "home") as running:
            by = running.signed_in(admin=True)
            assert (await running.client.get("/toy/v1/me", headers=by)).status_code == 200
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            assert (await running.client.get("/toy/v1/me", headers=by)).status_code == 200
    finally:
        server.clear()


async def test_a_frozen_statement_is_given_up(start: Start, database: str) -> None:
    async with start(statement_timeout="0.3", lock_timeout="0.2") as running:
        network = uuid7()
        await running.sql(
            "insert into networks (id, slug, name, kind, version) values (:id, 'rete', 'r', 'n', 1)", id=network
        )
        by = await running.holder("secretariat", network)
        thing = await made(running, by)
        async with running.context.database.sessions.begin() as session:
            await session.get(toy.Thing, UUID(thing["id"]), with_for_update=True)
            began = time.monotonic()
            answer = await running.client.patch(
                f"/toy/v1/things/{thing['id']}", json={"name": "x"}, headers={**by, "if-match": '"1"'}
            )
            assert time.monotonic() - began < 3
        assert (answer.status_code, kind(answer)) == (503, "unavailable")


def listening(settings: ServiceSettings) -> Service:
    return Service(name="mapping", settings=settings, policy=toy.policy, listens=[access])


@pytest.fixture
async def mapping(postgres: Postgres, nats: Nats, tmp_path: Path) -> AbstractAsyncContextManager[Running]:
    await harness.clear_streams(nats)
    url = await harness.fresh_database(postgres, "toy", prepare)
    return harness.running(listening, ServiceSettings, url, tmp_path / "home", nats)


async def test_networks_grants_and_keys_arrive_and_older_ones_change_nothing(
    mapping: AbstractAsyncContextManager[Running],
) -> None:
    network, person, key = uuid7(), uuid7(), uuid7()

    def grants(version: int, *roles: str) -> GrantsChanged:
        given = tuple(Grant(role=r, network_id=network, since=date(2026, 1, 1)) for r in roles)
        return GrantsChanged(id=person, version=version, grants=given)

    async with mapping as running:
        await running.tell(
            NetworkFounded(id=network, version=1, network_id=network, slug="rete", title="Rete", kind="network"),
            grants(2, "secretariat", "member"),
            grants(1, "coordinator"),
            ApiKeyIssued(
                id=key,
                version=1,
                network_id=network,
                title="t",
                secret_sha256="ab",
                scopes=("mapping:*",),
                per_minute=9,
            ),
        )
        await running.settled()
        assert [r.role for r in await running.sql("select role from grants order by position")] == [
            "secretariat",
            "member",
        ]
        me = (await running.client.get("/mapping/v1/me", headers=running.signed_in(person))).json()
        assert [n["slug"] for n in me["networks"]] == ["rete"]
        assert [list(r.scopes) for r in await running.sql("select scopes from api_keys")] == [["mapping:*"]]
        await running.tell(grants(3))
        await running.tell(grants(2, "secretariat"))
        await running.settled()
        assert await running.sql("select 1 from grants") == []
        lags = (await running.client.get("/mapping/health/ready")).json()["lags"]
        assert lags["consumers"]["mapping-registry-projections"] == 0
        assert set(lags["consumers"].values()) == {0}


async def test_a_read_sees_the_fact_that_it_asks_for(mapping: AbstractAsyncContextManager[Running]) -> None:
    network = uuid7()
    fact = NetworkFounded(id=network, version=1, network_id=network, slug="rete", title="Rete", kind="network")
    async with mapping as running:
        by = running.signed_in(admin=True)
        [fact_id] = await running.tell(fact)
        seen = await running.client.get("/mapping/v1/me", params={"seen": str(fact_id)}, headers=by)
        assert seen.status_code == 200
        never = await running.client.get("/mapping/v1/me", params={"seen": str(uuid4())}, headers=by)
        assert (never.status_code, kind(never)) == (409, "not-yet-known")


async def test_while_nats_is_away_the_service_serves_and_says_so(postgres: Postgres, tmp_path: Path) -> None:
    url = await harness.fresh_database(postgres, "toy", prepare)
    async with harness.running(toy.service, ServiceSettings, url, tmp_path, only="relay") as relay:
        ready = (await relay.client.get("/toy/health/ready")).json()
        assert ready["ready"] is True
        assert ready["checks"]["relay"] != "ok"
        assert (await relay.client.get("/toy/v1/me")).status_code == 404


async def test_a_part_that_fails_for_good_ends_the_process_and_is_named(database: str, tmp_path: Path) -> None:
    async def broken(context: Context) -> None:
        raise ValueError("for good")

    def factory(settings: ServiceSettings) -> Service:
        return Service(name="registry", settings=settings, policy=toy.policy, workers=[broken])

    async with harness.running(factory, ServiceSettings, database, tmp_path, only="listen") as running:

        async def named() -> bool:
            body = (await running.client.get("/registry/health/ready")).json()
            return any("broken" in reason for reason in body["reasons"])

        await harness.until(named, 5, "readiness names the part")


async def test_metrics_count_requests_by_route_and_never_by_id(running: Running, secretary: dict[str, str]) -> None:
    thing = await made(running, secretary)
    await running.client.get(f"/toy/v1/things/{thing['id']}", headers=secretary)
    text = (await running.client.get("/toy/metrics")).text
    assert 'route="/toy/v1/things/{thing_id}"' in text
    assert thing["id"] not in text
    assert 'trama_lag{of="due",service="toy"}' in text or (await running.client.get("/toy/health/ready")).is_success


@pytest.fixture
def json_logs(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Logs as a service's process writes them; gives the lines so far."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("toy", "info")
    yield lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_logs_are_json_with_the_trace_and_without_persons(
    running: Running, secretary: dict[str, str], json_logs: Callable[[], list[dict[str, Any]]]
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {**secretary, "traceparent": parent}
    answer = await running.client.get(THINGS, params={"name": "mario.rossi@example.org"}, headers=headers)
    [line] = [line for line in json_logs() if line["event"] == "request"]
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert line["correlation"] == answer.headers["trama-correlation"]
    assert (line["status"], line["service"]) == (200, "toy")
    assert "mario" not in json.dumps(line)
    assert secretary["authorization"][7:] not in json.dumps(line)


@pytest.mark.parametrize("name", ["token", "authorization", "password", "email"])
def test_a_secret_that_is_logged_by_mistake_is_removed(
    name: str, json_logs: Callable[[], list[dict[str, Any]]]
) -> None:
    structlog.get_logger().info("oops", **{name: "marker-7"})
    logging.getLogger("library").warning("it said %s", "so")
    first, second = json_logs()
    assert (first["event"], first[name]) == ("oops", "[removed]")
    assert (second["event"], second["service"]) == ("it said so", "toy")


def test_the_row_that_a_constraint_refused_is_not_told() -> None:
    error = 'duplicate key value violates "p"\nDETAIL:  Key (email)=(mario@example.org) already exists.'
    assert "mario" not in logs.without_values(error)


async def test_the_openapi_document_says_what_the_edge_adds(running: Running) -> None:
    document = (await running.client.get("/toy/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    post = document["paths"]["/toy/v1/networks/{network}/things"]["post"]
    assert [p["name"] for p in post["parameters"]] == ["network", "Idempotency-Key"]
    assert post["security"] == [{"bearer": []}, {"key": []}]
    patch = document["paths"]["/toy/v1/things/{thing_id}"]["patch"]
    assert "If-Match" in [p["name"] for p in patch["parameters"]]
    assert "application/problem+json" in patch["responses"]["default"]["content"]
    assert "422" not in patch["responses"]


async def test_vocabularies_have_labels_in_both_languages(running: Running) -> None:
    [colours] = (await running.client.get("/toy/v1/vocabularies")).json()["items"]
    assert colours["terms"] == [{"code": "red", "it": "rosso", "en": "red", "source": None}]
