from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from tests.http.served import SERVICES, Served, served


@pytest.fixture(scope="module", params=SERVICES)
async def service(
    request: pytest.FixtureRequest, postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """Each of the five in turn."""
    async with served(request.param, postgres, nats, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of requests are not told one by one; errors are."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**before)
