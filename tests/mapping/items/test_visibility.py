"""Who sees what: four visibilities, three kinds of items, and everybody who might look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.access import keys
from shared.contracts.registry import ApiKeyIssued, BodyConstituted
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Headers, Inventory

BODIES: dict[str, dict[str, Any]] = {
    "places": {"kind": "civic_centre", "municipality": "E507"},
    "resources": {"kind": "knowledge", "territories": ["E507"]},
    "experiences": {"territories": ["E507"]},
}
ALL = ["body", "network", "networks", "public"]


@dataclass
class Scene:
    """An item of each visibility of an association in Lecco, and everybody who might look at them."""

    inventory: Inventory
    viewers: dict[str, Headers]

    async def titles(self, path: str, viewer: str, **params: Any) -> list[str]:
        found = await self.inventory.get(path, self.viewers[viewer], **params)
        return sorted(item["title"] for item in found["items"])


async def key(running: Running, network: Any, scopes: tuple[str, ...]) -> Headers:
    id_ = uuid7()
    shown, digest = keys.issue(id_)
    fact = ApiKeyIssued(
        id=id_,
        version=1,
        network_id=network,
        title="Partner",
        secret_sha256=digest,
        scopes=scopes,
        per_minute=1000,
    )
    await running.tell(fact)
    await running.settled()
    return {"authorization": f"Bearer {shown}"}


@pytest.fixture(scope="module")
async def scene(mapping: Running) -> Scene:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    named, sharing, other = [await Alliance(mapping).founded() for _ in range(3)]
    runner, third = await inventory.member("Auser"), await inventory.member("Arci")
    body = uuid7()
    for path, fields in BODIES.items():
        for visibility in ALL:
            item = {**fields, "title": visibility, "organisation_id": str(runner), "visibility": visibility}
            await inventory.validated(path, item)
        shared = {**fields, "organisation_id": str(runner), "visibility": "networks"}
        await inventory.validated(path, {**shared, "title": "named", "shared_with": [str(named.id)]})
        await inventory.post(path, {**shared, "title": "proposed", "visibility": "public"})
        await inventory.post(path, {**shared, "title": "draft", "visibility": "public", "draft": True})
        closed = await inventory.validated(path, {**shared, "title": "closed", "visibility": "public"})
        await inventory.step(closed, "close")
        await inventory.share(path, sharing.id)
    person, running = inventory.person, inventory.running
    viewers = {
        "anonymous": {},
        "own organisation": await person("delegate", organisation_id=runner),
        "other organisation": await person("delegate", organisation_id=third),
        "body": await person("member", body_id=body),
        "secretariat": inventory.secretariat,
        "coordinator here": await person("coordinator", territory="097"),
        "coordinator elsewhere": await person("coordinator", territory="12"),
        "named network": await running.holder("secretariat", named.id),
        "sharing network": await running.holder("secretariat", sharing.id),
        "other network": await running.holder("secretariat", other.id),
        "administrator": running.signed_in(admin=True),
        "key": await key(running, inventory.alliance.id, ("mapping:see_map",)),
        "key without right": await key(running, inventory.alliance.id, ("mapping:collect_needs",)),
        "key of a named network": await key(running, named.id, ("mapping:see_map",)),
    }
    return Scene(inventory, viewers)


EVERYTHING = sorted([*ALL, "named", "proposed", "draft"])
OF_THE_NETWORK = sorted(["network", "networks", "public", "named", "proposed"])
SEEN = {
    "anonymous": ["public"],
    "own organisation": EVERYTHING,
    "other organisation": OF_THE_NETWORK,
    "body": OF_THE_NETWORK,
    "secretariat": EVERYTHING,
    "coordinator here": sorted([*OF_THE_NETWORK, "body"]),
    "coordinator elsewhere": OF_THE_NETWORK,
    "named network": ["named", "public"],
    "sharing network": ["networks", "public"],
    "other network": ["public"],
    "administrator": EVERYTHING,
    "key": OF_THE_NETWORK,
    "key without right": ["public"],
    "key of a named network": ["named", "public"],
}


@pytest.mark.parametrize("path", sorted(BODIES))
@pytest.mark.parametrize("viewer", sorted(SEEN))
async def test_each_sees_what_is_for_them_in_lists_and_one_by_one(scene: Scene, viewer: str, path: str) -> None:
    assert await scene.titles(path, viewer) == SEEN[viewer]
    for item in (await scene.inventory.get(path))["items"]:
        answer = await scene.inventory.ask("GET", scene.inventory.path(item), scene.viewers[viewer])
        assert answer.status_code == (200 if item["title"] in SEEN[viewer] else 404), item["title"]


@pytest.mark.parametrize("viewer", ["anonymous", "named network", "other network", "key without right"])
async def test_how_an_item_came_about_is_its_networks_own(scene: Scene, viewer: str) -> None:
    for item in (await scene.inventory.get("places", scene.viewers[viewer]))["items"]:
        assert (item["endorsed_on"], item["validated_on"], item["shared_with"], item["allowed_actions"]) == (
            None,
            None,
            [],
            [],
        )


async def test_what_is_closed_is_listed_when_asked_for_and_for_nobody_outside(scene: Scene) -> None:
    assert await scene.titles("places", "secretariat", state="closed") == ["closed"]
    assert await scene.titles("places", "anonymous", state="closed") == []


async def test_a_share_of_other_things_or_that_has_ended_shows_nothing(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    viewer = await Alliance(mapping).founded()
    headers = await mapping.holder("member", viewer.id)
    place = {**BODIES["places"], "title": "Condiviso", "visibility": "networks"}
    await inventory.validated("places", place)
    await inventory.share("resources", viewer.id)
    assert await inventory.names("places", headers) == []
    await inventory.share("places", viewer.id)
    assert await inventory.names("places", headers) == ["Condiviso"]


async def test_what_is_only_for_the_network_is_not_shared_with_others(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    viewer = await Alliance(mapping).founded()
    await inventory.share("places", viewer.id)
    headers = await mapping.holder("member", viewer.id)
    await inventory.validated("places", {**BODIES["places"], "title": "Nostro", "visibility": "network"})
    assert await inventory.names("places", headers) == []


async def test_what_is_for_a_body_is_seen_by_its_people(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    body = BodyConstituted(
        id=uuid7(),
        version=1,
        network_id=inventory.alliance.id,
        title="Gruppo di lavoro",
        kind="working_group",
        state="constituted",
        composition="open",
    )
    await mapping.tell(body)
    await mapping.settled()
    place = {**BODIES["places"], "title": "Del gruppo", "visibility": "body", "body_id": str(body.id)}
    made = await inventory.validated("places", place)
    assert made["body"] == {
        "id": str(body.id),
        "name": "Gruppo di lavoro",
        "href": f"/registry/v1/bodies/{body.id}",
    }
    own, other = await inventory.person("member", body_id=body.id), await inventory.person("member", body_id=uuid7())
    assert await inventory.names("places", own) == ["Del gruppo"]
    assert await inventory.names("places", own, body=str(body.id)) == ["Del gruppo"]
    assert await inventory.names("places", other) == []
    elsewhere = await Inventory.of(await Alliance(mapping).founded())
    refused = await elsewhere.ask("POST", "places", json=place)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"] == "/body_id"
