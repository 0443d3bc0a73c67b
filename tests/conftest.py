from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from tests import harness

LONGEST = tuple(Path(__file__).parent / name for name in ("system", "faults", "http"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole stories before the many short ones: all workers would wait for whoever began one last."""
    items.sort(key=lambda item: not any(folder in item.path.parents for folder in LONGEST))


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
