from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


MEMORY, ROOM = Path("/dev/shm"), 8 << 30


@contextmanager
def place(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """Where a server of the run keeps its data: in memory where there is room, since the processors wait for the disk
    otherwise. What lasts is proved over the platform's own servers, on disk."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        yield tmp_path_factory.mktemp(name)
        return
    with tempfile.TemporaryDirectory(prefix=f"trama-{name}-", dir=MEMORY, ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)  # the servers may run as somebody else
        yield Path(made)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with place(tmp_path_factory, "postgres") as home:
        server = harness.start_postgres(home)
        yield server
        server.clear()


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """With the shipped users and permissions; each password is the user's name."""
    with place(tmp_path_factory, "nats") as home:
        server = harness.start_nats(home)
        yield server
        server.clear()
