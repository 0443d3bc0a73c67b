"""Pacts pass on when the mandate of the community maker who follows them ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.registry.pacts.commands import Beneficiary, Draft, draft
from shared.access.actor import Actor
from shared.runtime import clock
from tests import harness
from tests.harness import Running
from tests.registry.conftest import Room, problem
from tests.registry.pacts.scene import NAME, Scene, caller, new_maker, new_scene

pytestmark = pytest.mark.timeout(180)


async def leave(room: Room, mandate: Any, **more: Any) -> None:
    await room.running.settled()
    shown = await room.get(f"/mandates/{mandate['id']}")
    etag = shown.headers["etag"].split("-")[0] + '"'
    ended = await room.post(f"/mandates/{mandate['id']}/end", {"reason": "resigned", **more}, etag=etag)
    assert ended.status_code == 200, ended.text


async def makers_of(scene: Scene, pact: Any) -> list[str | None]:
    """As the facts have told them, one after the other."""
    told = [body["maker_id"] for _, body in await scene.told(pact)]
    return [maker for n, maker in enumerate(told) if n == 0 or told[n - 1] != maker]


async def test_until_a_new_maker_is_named_nobody_but_the_coordinator_reads_and_then_the_new_one(
    scene: Scene, room: Room, registry: Running
) -> None:
    pacts = [await scene.drafted(), await scene.signed()]
    closed = await scene.act(await scene.drafted(), "break-off", {"reason": "mistake"})
    await leave(room, scene.mandate)
    await registry.settled()
    for pact in pacts:
        shown = await scene.coordinator.found(f"/pacts/{pact['id']}")
        assert shown["maker"] is None
        assert problem(await room.post(f"/pacts/{pact['id']}/readings", {"reason": "no_maker"})) == (403, "forbidden")
        read = await scene.coordinator.post(f"/pacts/{pact['id']}/readings", {"reason": "no_maker"})
        assert read.status_code == 201
    person, _ = await new_maker(room, scene.group, 0, scene.days(0))
    await registry.settled()
    heir = caller(registry, person)
    for pact in pacts:
        assert (await heir.found(f"/pacts/{pact['id']}"))["maker"]["id"] == person["id"]
        assert (await heir.post(f"/pacts/{pact['id']}/readings")).json()["beneficiary"]["name"] == NAME
        assert await makers_of(scene, pact) == [scene.maker_id, None, person["id"]]
    assert await makers_of(scene, closed) == [scene.maker_id]  # what is closed passes to nobody
    assert problem(await heir.post(f"/pacts/{closed['id']}/readings")) == (403, "forbidden")


async def test_who_is_replaced_in_the_seat_hands_everything_to_the_successor(registry: Running, room: Room) -> None:
    scene = await new_scene(registry, room, makers=2)
    await new_maker(room, scene.group, 1, scene.days(0))
    pact = await scene.drafted()
    heir = await room.person("Erica", "Erede")
    await registry.settled()
    shown = await room.get(f"/mandates/{scene.mandate['id']}")
    etag = shown.headers["etag"].split("-")[0] + '"'
    replaced = await room.post(
        f"/mandates/{scene.mandate['id']}/replace", {"person_id": heir["id"], "since": scene.days(1)}, etag=etag
    )
    assert replaced.status_code in (200, 201), replaced.text
    await registry.settled()
    assert await makers_of(scene, pact) == [scene.maker_id]
    file = registry.context.settings.clock_file
    assert file is not None
    clock.set(file, registry.context.clock.now() + timedelta(days=1, hours=1))
    await registry.settled()
    assert await makers_of(scene, pact) == [scene.maker_id, heir["id"]]
    read = await caller(registry, heir).post(f"/pacts/{pact['id']}/readings")
    assert read.status_code == 201, read.text


async def test_the_pacts_of_who_leaves_are_shared_out_among_those_who_stay(registry: Running, room: Room) -> None:
    scene = await new_scene(registry, room, makers=3)
    stay = [await new_maker(room, scene.group, seat, scene.days(0)) for seat in (1, 2)]
    pacts = [await scene.drafted() for _ in range(5)]
    await leave(room, scene.mandate)
    await registry.settled()
    found = [(await scene.coordinator.found(f"/pacts/{pact['id']}"))["maker"]["id"] for pact in pacts]
    assert set(found) == {person["id"] for person, _ in stay}
    assert sorted(found.count(person["id"]) for person, _ in stay) == [2, 3]


async def test_a_mandate_that_ends_by_time_passes_its_pacts_on_once(
    scene: Scene, room: Room, registry: Running
) -> None:
    pact = await scene.drafted()
    await leave(room, scene.mandate, on=scene.days(9))
    person, _ = await new_maker(room, scene.group, 0, scene.days(9))
    file = registry.context.settings.clock_file
    assert file is not None
    clock.set(file, registry.context.clock.now() + timedelta(days=30))
    await registry.settled()
    await registry.settled()
    told = [body["maker_id"] for type_, body in await scene.told(pact) if type_ == "handed_over"]
    assert told[-1] == person["id"]
    assert len(told) == len(set(told))
    looks = await registry.sql("select 1 from pact_looks")
    assert looks == []


async def test_only_a_maker_in_office_there_can_be_named(scene: Scene, room: Room) -> None:
    pact, stranger = await scene.drafted(), await room.person()
    refused = await scene.tried(pact, "hand-over", {"maker_id": stranger["id"]})
    assert problem(refused) == (422, "pact-invalid")
    assert refused.json()["errors"][0]["path"] == "/maker_id"


async def test_a_draft_looks_at_its_makers_again_once_it_is_committed(scene: Scene, registry: Running) -> None:
    """Whichever commits last, the draft or the end of the mandate: the pact passes on."""
    mandate = UUID(scene.mandate["id"])
    await registry.settled()
    async with registry.context.database.sessions() as session:
        pact = await draft(
            session,
            Actor(person_id=UUID(scene.maker_id), admin=True),
            scene.room.slug,
            Draft(body_id=UUID(scene.group["id"]), beneficiary=Beneficiary(name=NAME)),
            vault=registry.context.settings.pact_vault,  # type: ignore[attr-defined]
            now=registry.context.clock.now(),
        )
        etag = (await scene.room.get(f"/mandates/{mandate}")).headers["etag"].split("-")[0] + '"'
        await scene.room.post(f"/mandates/{mandate}/end", {"reason": "resigned"}, etag=etag)  # while it is under way
        await harness.until(lambda: _looked(registry), 20, "the due table has looked")
        await session.commit()
    await registry.settled()
    assert await makers_of(scene, {"id": str(pact.pact.id)}) == [scene.maker_id, None]


async def _looked(registry: Running) -> bool:
    return await registry.sql("select 1 from pact_looks") == []
