"""The stores by themselves: closed to each other, on ports that are free, whole again after a kill."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local import postgres as module
from deploy.local.nats import Nats, plain_config
from deploy.local.postgres import EXTENSIONS, Postgres
from deploy.local.processes import StartError, free_port


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """As root runs it from a clone that is closed to others: from a copy of the binaries."""
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as taken:
        patch.setattr(module, "_is_open", lambda path: path in (Path("/var/lib"), Path("/var/tmp")))
        server = Postgres(tmp_path_factory.mktemp("cluster"), taken.getsockname()[1], fsync=False)
        server.start()
        assert server.port != taken.getsockname()[1]
        server.ensure_databases(["registry", "mapping"])
        yield server
        server.clear()
        assert not server.data.exists()


async def test_a_role_owns_its_database_and_enters_no_other(cluster: Postgres) -> None:
    own = await asyncpg.connect(cluster.dsn("registry", "registry"))
    await own.execute("create table things (it text)")
    found = {row["extname"] for row in await own.fetch("select extname from pg_extension")}
    assert set(EXTENSIONS) <= found
    assert await own.fetchval("select datlocale from pg_database where datname = 'registry'") == "C.UTF-8"
    await own.close()
    for database in ("mapping", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(cluster.dsn(database, "registry"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(cluster.dsn("registry", "registry").replace("registry:", "registry:x"))


async def test_what_was_committed_survives_a_kill_on_the_same_port(cluster: Postgres) -> None:
    port = cluster.port
    cluster.psql("create table kept (it int); insert into kept values (7)", "mapping")
    cluster.kill()
    cluster.start()
    assert cluster.port == port
    assert cluster.psql("select it from kept", "mapping").strip() == "7"
    cluster.ensure_databases(["registry", "mapping"])  # done again it changes nothing
    assert cluster.psql("select it from kept", "mapping").strip() == "7"


def test_a_script_that_fails_says_why(cluster: Postgres) -> None:
    with pytest.raises(StartError, match="does not exist"):
        cluster.psql("select * from nothing")


def test_nats_keeps_its_ports_and_refuses_to_lose(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="sync_interval"):
        Nats(tmp_path, lambda port, *_: f"port: {port}").start()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Nats(tmp_path, plain_config, port=taken.getsockname()[1])
        server.start()
        assert server.port != taken.getsockname()[1]
    ports = server.port, server.monitor_port
    server.kill()
    server.start()
    assert (server.port, server.monitor_port) == ports
    server.clear()
    assert not (tmp_path / "nats").exists()


def test_free_ports_lie_below_those_of_outgoing_connections() -> None:
    assert all(20_000 <= free_port() < 32_768 for _ in range(20))
