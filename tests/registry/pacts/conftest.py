from __future__ import annotations

import pytest

from tests.harness import Running
from tests.registry.conftest import Room
from tests.registry.pacts.scene import Scene, new_scene


@pytest.fixture
async def scene(registry: Running, room: Room) -> Scene:
    return await new_scene(registry, room)
