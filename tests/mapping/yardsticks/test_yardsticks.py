"""Yardsticks over HTTP: those of the law, a network's own, and what territories lack by them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from shared import territories
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)
OWN = {
    "code": "civic_centre",
    "title_it": "Centro civico",
    "title_en": "Civic centre",
    "kind": "civic_centre",
    "inhabitants_from": 5_000,
    "inhabitants_to": 8_000,
    "source": "Piano di zona",
}


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


async def measured(inventory: Inventory, code: str, **asked: Any) -> dict[str, Any]:
    items = (await inventory.get(f"yardsticks/{code}/territories", **asked))["items"]
    return {item["territory"]["code"]: item for item in items}


async def hub(inventory: Inventory, municipality: str, title: str, kind: str = "community_house_hub") -> Any:
    return await inventory.validated("places", {"title": title, "kind": kind, "municipality": municipality})


async def test_a_province_needs_a_hub_for_every_forty_to_fifty_thousand_inhabitants(inventory: Inventory) -> None:
    for number in range(3):
        await hub(inventory, "D142", f"Hub {number}")
    await hub(inventory, "D142", "Spoke", "community_house_spoke")
    proposed = {"title": "Non ancora", "kind": "community_house_hub", "municipality": "D142"}
    await inventory.post("places", proposed)
    hidden = await inventory.validated("places", {**proposed, "title": "Nascosta", "visibility": "body"})
    assert hidden["state"] == "validated"
    cremona = (await measured(inventory, "community_house_hub", level="province", within="03"))["019"]
    people = sum(m.population for m in territories.load().within("CR"))
    assert cremona["population"] == people
    need = {"least": -(-people // 50_000), "most": -(-people // 40_000)}
    assert (cremona["needed"], cremona["have"]) == (need, 3)
    assert cremona["missing"] == {name: n - 3 for name, n in need.items()}
    crema = (await measured(inventory, "community_house_hub", level="municipality", within="CR"))["D142"]
    assert (crema["have"], crema["missing"]) == (3, {"least": 0, "most": 0})


async def test_every_region_lacks_what_it_needs_where_nothing_is(inventory: Inventory) -> None:
    regions = await measured(inventory, "community_house_hub")
    assert len(regions) == 20
    assert all(one["missing"] == one["needed"] and one["needed"]["least"] > 0 for one in regions.values())
    assert await measured(inventory, "community_house_hub", missing="false") == {}


async def test_the_law_names_its_source_and_is_changed_by_nobody(inventory: Inventory) -> None:
    items = (await inventory.get("yardsticks"))["items"]
    hubs = next(one for one in items if one["code"] == "community_house_hub")
    assert (hubs["inhabitants_from"], hubs["inhabitants_to"]) == (40_000, 50_000)
    assert (hubs["source"], hubs["network_id"], hubs["allowed_actions"]) == ("DM 77/2022, allegato 1", None, [])
    answer = await inventory.change(hubs, {"inhabitants_to": 60_000})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:trama:problem:yardstick-of-the-law")


async def test_a_network_adds_its_own_and_may_replace_one_of_the_law(inventory: Inventory) -> None:
    made = await inventory.post("yardsticks", OWN)
    assert made["allowed_actions"] == ["change", "remove"]
    area = await inventory.post("areas", {"title": "Cremasco", "municipalities": ["D142"]})
    await hub(inventory, "D142", "Centro", "civic_centre")
    here = (await measured(inventory, "civic_centre", level="area"))[area["territory"]]
    assert here["needed"] == {"least": -(-area["population"] // 8_000), "most": -(-area["population"] // 5_000)}
    assert here["have"] == 1
    changed = await inventory.change(made, {"inhabitants_to": 5_000})
    assert (changed.json()["version"], changed.json()["inhabitants_to"]) == (2, 5_000)
    assert (await inventory.change(made, {"inhabitants_to": 6_000})).status_code == 412
    rural = {**OWN, "code": "community_house_hub", "kind": "community_house_hub", "inhabitants_to": 10_000}
    await inventory.post("yardsticks", rural)
    lombardia = (await measured(inventory, "community_house_hub"))["03"]
    assert lombardia["needed"]["least"] == -(-lombardia["population"] // 10_000)
    gone = await inventory.ask("DELETE", inventory.path(made), more={"if-match": '"2"'})
    assert gone.status_code == 204
    assert (await inventory.ask("GET", "yardsticks/civic_centre/territories")).status_code == 404


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"inhabitants_from": 0}, "/inhabitants_from"),
        ({"inhabitants_to": 4_999}, "/inhabitants_to"),
        ({"theme": "casa"}, "/theme"),
        ({"code": "Non va"}, "/code"),
        ({"source": ""}, "/source"),
        ({"item": "nulla"}, "/item"),
    ],
)
async def test_a_yardstick_without_sense_is_refused_by_name(inventory: Inventory, change: Any, path: str) -> None:
    answer = await inventory.ask("POST", "yardsticks", json={**OWN, **change})
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == [path]


async def test_others_neither_see_nor_change_a_networks_own(inventory: Inventory) -> None:
    made = await inventory.post("yardsticks", OWN)
    again = await inventory.ask("POST", "yardsticks", json=OWN)
    assert (again.status_code, again.json()["type"]) == (409, "urn:trama:problem:yardstick-code-taken")
    member = await inventory.person("member")
    assert (await inventory.ask("POST", "yardsticks", member, json={**OWN, "code": "x"})).status_code == 403
    assert (await inventory.change(made, {"source": "Y"}, member)).status_code == 403
    other = await Inventory.of(await Alliance(inventory.running).founded())
    assert (await other.ask("GET", inventory.path(made))).status_code == 404
    assert OWN["code"] not in {one["code"] for one in (await other.get("yardsticks"))["items"]}


async def test_what_lacks_can_be_had_as_a_table(inventory: Inventory) -> None:
    answer = await inventory.ask("GET", "yardsticks/community_house_hub/territories", more={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 20
    assert {"territory.code", "needed.least", "have", "missing.most"} <= rows[0].keys()
