from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from tests import harness


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
