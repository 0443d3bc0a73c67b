from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from tests import harness


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end of the run: walking it again and again in search of garbage
    takes a tenth of the run's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = harness.start_postgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.clear()


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """With the shipped users and permissions; each password is the user's name."""
    server = harness.start_nats(tmp_path_factory.mktemp("nats"))
    yield server
    server.clear()
