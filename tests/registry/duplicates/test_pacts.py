"""A community maker who was entered twice follows their pacts on, and the pacts tell so."""

from __future__ import annotations

import pytest

from tests.harness import Running
from tests.registry.conftest import Room
from tests.registry.pacts.scene import Scene, caller, new_scene


@pytest.fixture
async def scene(registry: Running, room: Room) -> Scene:
    return await new_scene(registry, room)


async def test_the_pacts_of_a_duplicate_are_followed_by_who_stands_for_both(
    scene: Scene, registry: Running, room: Room
) -> None:
    pact = await scene.drafted()
    staying = await room.person("Marta", "Maker", phone="0341 123456")
    await registry.settled()
    going = await room.get(f"/people/{scene.maker_id}")
    done = await room.post(f"/people/{scene.maker_id}/merge", {"into_id": staying["id"]}, going.headers["etag"])
    assert done.status_code == 200, done.text
    await registry.settled()
    heir = caller(registry, staying)
    assert (await heir.found(f"/pacts/{pact['id']}"))["maker"]["id"] == staying["id"]
    assert (await heir.post(f"/pacts/{pact['id']}/readings")).status_code == 201
    fact, told = (await scene.told(pact))[-1]
    assert (fact, told["maker_id"]) == ("changed", staying["id"])
    versions = [body["version"] for _, body in await scene.told(pact)]
    assert versions == sorted(set(versions))
