"""Who may change what is there: its own people, not all who might propose something too."""

from __future__ import annotations

from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import BodyConstituted
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "places": ({"kind": "civic_centre", "municipality": "E507"}, {"website": "https://elsewhere.example"}),
    "resources": ({"kind": "knowledge", "territories": ["E507"]}, {"description": "Altro"}),
    "experiences": ({"territories": ["E507"]}, {"results": "Altri"}),
}


@pytest.mark.parametrize("path", sorted(KINDS))
async def test_what_an_organisation_proposed_is_changed_by_its_own_people_only(mapping: Running, path: str) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    runner = await inventory.member("Auser")
    fields, change = KINDS[path]
    body: dict[str, Any] = {**fields, "title": "Nostro", "organisation_id": str(runner), "visibility": "public"}
    public = await inventory.validated(path, body)
    draft = await inventory.post(path, {**body, "title": "Bozza", "visibility": "body", "draft": True})
    strangers = [
        await inventory.person("member", body_id=uuid7()),
        await inventory.person("community_maker"),
        await inventory.person("delegate"),
    ]
    for stranger in strangers:
        assert (await inventory.get(inventory.path(public), stranger))["allowed_actions"] == []
        for item in (public, draft):
            refused = await inventory.change(item, change, stranger)
            assert refused.status_code == 403, refused.text
            assert "mapping:validate" in refused.text
        for step in ("propose", "close"):
            assert (await inventory.step(draft, step, stranger)).status_code == 403, step
    own = await inventory.person("delegate", organisation_id=runner)
    assert (await inventory.change(public, change, own)).status_code == 200
    assert (await inventory.step(draft, "propose", own)).status_code == 200


async def test_who_proposed_something_for_another_organisation_goes_on_with_it(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    runner = await inventory.member("Auser")
    maker = await inventory.person("community_maker")
    body = {**KINDS["places"][0], "title": "Sede", "organisation_id": str(runner), "draft": True}
    made = await inventory.post("places", body, maker)
    assert made["allowed_actions"] == ["change", "propose", "close"]
    assert (await inventory.change(made, {"phone": "0341 123456"}, maker)).status_code == 200


async def test_what_is_of_a_body_is_changed_by_its_people(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    group = uuid7()
    told = BodyConstituted(
        id=group,
        version=1,
        network_id=inventory.alliance.id,
        title="Gruppo di lavoro",
        kind="working_group",
        state="constituted",
        composition="open",
    )
    await mapping.tell(told)
    await mapping.settled()
    place = await inventory.validated("places", {**KINDS["places"][0], "title": "Sede", "body_id": str(group)})
    change = KINDS["places"][1]
    other = await inventory.person("member", body_id=uuid7())
    assert (await inventory.change(place, change, other)).status_code == 403
    own = await inventory.person("member", body_id=group)
    assert (await inventory.change(place, change, own)).status_code == 200
