"""The one-shots that prepare the stores, run against real ones."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy import operate
from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from shared.messaging import provision, topology
from tests import harness

SCRIPT = Path(__file__).parents[2] / "deploy" / "postgres" / "databases.sh"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server of its own: the script makes databases by the services' names."""
    started = harness.start_postgres(tmp_path_factory.mktemp("postgres"))
    yield started
    started.clear()


@pytest.fixture
def secrets(tmp_path: Path, server: Postgres) -> Path:
    operate.make_secrets(tmp_path, "smtp://mail:1025")
    (tmp_path / "postgres-password").write_text(server.dsn().split(":")[2].split("@")[0])
    return tmp_path


def prepared(server: Postgres, secrets: Path) -> str:
    tools = {"PATH": f"{server.binary('psql').parent}{os.pathsep}{os.environ['PATH']}"}
    where = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "SECRETS": str(secrets)}
    done = subprocess.run(
        ["sh", str(SCRIPT)], env={**os.environ, **tools, **where}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def connected(server: Postgres, secrets: Path, service: str, database: str) -> asyncpg.Connection:
    url = (secrets / f"{service}-database-url").read_text().strip()
    return await asyncpg.connect(url.replace(f"@postgres/{service}", f"@127.0.0.1:{server.port}/{database}"))


async def test_each_service_gets_a_database_and_may_enter_no_other(server: Postgres, secrets: Path) -> None:
    assert prepared(server, secrets).splitlines() == [f"database {name} is there" for name in sorted(topology.SERVICES)]
    for service in topology.SERVICES:
        connection = await connected(server, secrets, service, service)
        await connection.execute("create table if not exists own (id int)")
        assert await connection.fetchval("select similarity('trama', 'trama')") == 1
        order = "select datlocprovider::text || datlocale from pg_database where datname = current_database()"
        assert await connection.fetchval(order) == "bC.UTF-8"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"create role {service}_too")
        await connection.close()
        for other in ("postgres", *topology.SERVICES):
            if other != service:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connected(server, secrets, service, other)


async def test_done_again_it_keeps_what_is_there_and_takes_a_new_password(server: Postgres, secrets: Path) -> None:
    prepared(server, secrets)
    connection = await connected(server, secrets, "mapping", "mapping")
    await connection.execute("create table if not exists kept (id int)")
    await connection.close()
    old = (secrets / "mapping-database-url").read_text()
    (secrets / "mapping-database-url").unlink()
    operate.make_secrets(secrets, None)
    prepared(server, secrets)
    connection = await connected(server, secrets, "mapping", "mapping")
    assert await connection.fetchval("select count(*) from kept") == 0
    await connection.close()
    (secrets / "mapping-database-url").write_text(old)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connected(server, secrets, "mapping", "mapping")


async def test_streams_and_consumers_are_made_from_a_mounted_url(nats: Nats, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(harness.nats_url(nats, topology.PROVISIONING) + "\n")
    await harness.clear_streams(nats)
    url, replicas = provision.settings({"TRAMA_PROVISIONING_NATS_URL_FILE": str(file)})
    for _ in range(2):
        await provision.provision(url, replicas)
    client = await harness.connected(nats, harness.ADMIN)
    for consumer in topology.all_consumers():
        assert (await client.jetstream().consumer_info(consumer.stream, consumer.name)).name == consumer.name
    await client.close()


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, "TRAMA_PROVISIONING_NATS_URL:"),
        ({"TRAMA_PROVISIONING_NATS_URL": "http://secret"}, "TRAMA_PROVISIONING_NATS_URL:"),
        ({"TRAMA_PROVISIONING_NATS_URL_FILE": "/nowhere/secret"}, "TRAMA_PROVISIONING_NATS_URL_FILE:"),
        ({"TRAMA_PROVISIONING_NATS_URL": "nats://secret", "TRAMA_STREAM_REPLICAS": "2"}, "TRAMA_STREAM_REPLICAS:"),
        (
            {"TRAMA_PROVISIONING_NATS_URL": "nats://secret", "TRAMA_PROVISIONING_NATS_URL_FILE": "/secret"},
            "TRAMA_PROVISIONING_NATS_URL:",
        ),
    ],
)
def test_a_bad_variable_of_provisioning_is_named(
    env: dict[str, str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert provision.main(env) == provision.BAD_SETTINGS
    said = capsys.readouterr().err
    assert said.startswith(named)
    assert "secret" not in said


def test_a_password_that_nats_refuses_ends_it(
    nats: Nats, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(provision, "PATIENCE", 1.0)
    wrong = harness.nats_url(nats, topology.PROVISIONING).replace(f":{topology.PROVISIONING}@", ":wrong@")
    assert provision.main({"TRAMA_PROVISIONING_NATS_URL": wrong}) == provision.FAILED
    assert "did not take us" in capsys.readouterr().err
    assert "Authorization Violation" in caplog.text
