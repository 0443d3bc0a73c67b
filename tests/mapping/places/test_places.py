"""A place from its proposal to the map, over HTTP."""

from __future__ import annotations

import pytest

from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

CIVIC = {
    "title": "Centro civico Borgo Loreto",
    "kind": "civic_centre",
    "municipality": "D150",
    "address": "Via Litta 4",
    "phone": "0372 407340",
    "hours": [{"rrule": "FREQ=WEEKLY;BYDAY=MO,WE,FR", "opens": "09:00", "closes": "12:30"}],
}


@pytest.fixture(scope="module")
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


async def test_a_place_is_on_the_map_after_two_looks(inventory: Inventory) -> None:
    runner = await inventory.member("Auser Cremona", "D150")
    proposer = await inventory.person("delegate", organisation_id=runner)
    referent = await inventory.person("referent", organisation_id=runner)
    coordinator = await inventory.person("coordinator", territory="03")
    place = await inventory.post("places", {**CIVIC, "organisation_id": str(runner)}, proposer)
    assert (place["state"], place["endorsed_on"], place["phone"]) == ("proposed", None, "+390372407340")
    assert place["allowed_actions"] == ["change"]
    early = await inventory.step(place, "validate", coordinator)
    assert early.status_code == 409
    assert early.json()["type"].endswith("not-endorsed")
    assert (await inventory.step(place, "endorse", proposer)).status_code == 403
    place = (await inventory.step(place, "endorse", referent)).json()
    assert place["endorsed_on"]
    assert place["state"] == "proposed"
    elsewhere = await inventory.person("coordinator", territory="12")
    assert (await inventory.step(place, "validate", elsewhere)).status_code == 403
    place = (await inventory.step(place, "validate", coordinator)).json()
    assert place["state"] == "validated"
    assert place["freshness"] == {
        "checked_on": inventory.today,
        "score": 1.0,
        "stale": False,
    }
    facts = await inventory.told("place", place["id"])
    assert [(type_, body["state"]) for type_, body in facts] == [
        ("proposed", "proposed"),
        ("changed", "proposed"),
        ("validated", "validated"),
    ]
    assert facts[-1][1]["municipality"] == "D150"
    assert facts[-1][1]["kind"] == "civic_centre"
