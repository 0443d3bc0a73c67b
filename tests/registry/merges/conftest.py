from __future__ import annotations

import pytest

from tests.harness import Running
from tests.registry.desk import Desk


@pytest.fixture
async def desk(registry: Running) -> Desk:
    return await Desk.founded(registry)
