"""How many pacts, without telling of anybody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem
from tests.registry.pacts.scene import NAME, Scene

pytestmark = pytest.mark.timeout(180)


async def many(scene: Scene, number: int, **more: Any) -> list[Any]:
    return [await scene.drafted(**more) for _ in range(number)]


async def counted(room: Room) -> Any:
    return await room.found(f"/networks/{room.slug}/pact-statistics")


async def test_nothing_is_told_of_fewer_than_five(scene: Scene, room: Room) -> None:
    for number in range(5):
        told = await counted(room)
        assert (told["total"], told["fewest"]) == (None, 5), number
        assert all(told[table] == {"withheld": True, "cells": []} for table in ("by_state", "by_year", "by_territory"))
        assert told["promoters"] == []
        await scene.drafted()
    told = await counted(room)
    assert told["total"] == 5
    assert told["by_state"]["cells"] == [{"key": "draft", "name": None, "count": 5}]
    assert told["by_year"]["cells"] == [{"key": str(scene.today.year), "name": None, "count": 5}]
    assert told["by_territory"]["cells"] == [{"key": "097", "name": None, "count": 5}]
    (lecco,) = told["promoters"]
    assert lecco["promoters"]["cells"] == [{"key": scene.group["id"], "name": "Gruppo di Lecco", "count": 5}]


async def test_states_and_outcomes_are_one_table_in_which_small_counts_hide_with_others(
    scene: Scene, room: Room
) -> None:
    pacts = await many(scene, 9)
    for pact in pacts[:3]:
        await scene.act(pact, "break-off", {"reason": "mistake"})
    told = await counted(room)
    assert told["by_state"] == {"withheld": True, "cells": []}  # with the total, six would tell three
    await many(scene, 5, territory="097")
    for pact in pacts[3:8]:
        await scene.act(pact, "break-off", {"reason": "mistake"})
    told = await counted(room)
    assert told["total"] == 14
    cells = {cell["key"]: cell["count"] for cell in told["by_state"]["cells"]}
    assert cells == {"broken_off": 8, "draft": 6}


async def test_figures_are_the_networks_own_and_need_a_right_in_it(
    scene: Scene, room: Room, other_room: Room, registry: Running
) -> None:
    await many(scene, 5)
    referent = Caller(registry, await registry.holder("referent", room.id))
    assert (await referent.found(f"/networks/{room.slug}/pact-statistics"))["total"] == 5
    refused = await other_room.get(f"/networks/{room.slug}/pact-statistics")
    assert problem(refused) == (403, "forbidden")
    assert (await counted(other_room))["total"] is None
    refused = await referent.get(f"/networks/{room.slug}/pact-statistics", territory="097")
    assert refused.status_code == 422  # there are no filters, on purpose
    assert NAME not in (await referent.get(f"/networks/{room.slug}/pact-statistics")).text


async def test_erasure_leaves_the_figures(scene: Scene, room: Room, registry: Running) -> None:
    pacts = await many(scene, 6)
    await scene.act(pacts[0], "break-off", {"reason": "mistake"})
    before = await counted(room)
    await scene.act(pacts[0], "erase", who=scene.coordinator)
    assert await counted(room) == before
    rows = await registry.sql("select sealed from pacts where id = :id", id=UUID(pacts[0]["id"]))
    assert rows[0].sealed is None
