"""How much there is in each territory and by theme: counted where it is written, told as it is now."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from services.mapping.coverage import commands
from services.mapping.coverage.queries import recount
from shared import territories
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


async def stock(inventory: Inventory, **asked: Any) -> dict[str, Any]:
    return {one["territory"]["code"]: one for one in (await inventory.get("coverage/items", **asked))["items"]}


async def faultless(inventory: Inventory) -> bool:
    async with inventory.running.context.database.sessions() as session:
        return await recount(session) == []


async def test_what_is_validated_counts_in_every_territory_that_holds_it_once(inventory: Inventory) -> None:
    member = str(await inventory.member("Auser", "D150"))
    mine = {"organisation_id": member}
    both = {"kind": "professional", "themes": ["housing", "culture"], "territories": ["D150", "D142", "12"], **mine}
    await inventory.validated("resources", {"title": "Due comuni e una regione", **both})
    await inventory.validated("experiences", {"title": "Coro", "themes": ["culture"], "territories": ["D150"], **mine})
    await inventory.validated(
        "places",
        {
            "title": "Laboratorio",
            "kind": "community_laboratory",
            "municipality": "D150",
            "activities": ["housing"],
            **mine,
        },
    )
    regions = await stock(inventory)
    assert len(regions) == 20
    assert regions["03"]["resources"] == {
        "count": 1,
        "kinds": {"professional": 1},
        "themes": {"culture": 1, "housing": 1},
        "activities": {},
    }
    assert regions["03"]["experiences"]["themes"] == {"culture": 1}
    assert regions["03"]["places"] == {
        "count": 1,
        "kinds": {"community_laboratory": 1},
        "themes": {},
        "activities": {"housing": 1},
    }
    assert (regions["12"]["resources"]["count"], regions["12"]["places"]["count"]) == (1, 0)
    assert regions["14"]["resources"] == {
        "count": 0,
        "kinds": {"professional": 0},
        "themes": {"culture": 0, "housing": 0},
        "activities": {},
    }
    assert (regions["14"]["white"], regions["12"]["white"], regions["03"]["white"]) == (True, False, False)
    provinces = await stock(inventory, level="province", white="false")
    assert {code: one["resources"]["count"] for code, one in provinces.items()} == {"019": 1}
    assert await faultless(inventory)


async def test_white_spots_are_where_nothing_of_a_theme_is(inventory: Inventory) -> None:
    member = str(await inventory.member("Auser", "D150"))
    for theme, code in (("housing", "D150"), ("culture", "E507")):
        await inventory.validated(
            "resources",
            {"title": theme, "kind": "relational", "themes": [theme], "territories": [code], "organisation_id": member},
        )
    white = await stock(inventory, level="municipality", within="CR", theme="housing", white="true")
    assert set(white) == {m.code for m in territories.load().within("CR")} - {"D150"}
    full = await stock(inventory, level="municipality", theme="housing", white="false")
    assert set(full) == {"D150"}
    assert full["D150"]["resources"]["themes"] == {"housing": 1}
    only = await stock(inventory, item="experience")
    assert only["03"]["resources"] is None
    assert all(one["white"] for one in only.values())


@pytest.mark.parametrize("step", ["return", "close", "hide", "move", "expire"])
async def test_what_is_no_longer_there_no_longer_counts(inventory: Inventory, step: str) -> None:
    member = str(await inventory.member("Auser", "D150"))
    body = {"title": "Casa", "kind": "clinic", "municipality": "D150", "organisation_id": member}
    place = await inventory.validated("places", body)
    assert (await stock(inventory))["03"]["places"]["count"] == 1
    if step == "return":
        await inventory.step(place, "return", body={"remarks": "Manca il numero"})
    elif step == "close":
        await inventory.step(place, "close")
    elif step == "hide":
        await inventory.change(place, {"visibility": "body"})
    elif step == "move":
        await inventory.change(place, {"municipality": "H501"})
    else:
        await inventory.pass_days(400)
        await inventory.pass_days(60)
    after = await stock(inventory)
    assert after["03"]["places"]["count"] == 0
    assert after["12"]["places"]["count"] == (1 if step == "move" else 0)
    assert await faultless(inventory)


async def test_counting_again_what_has_not_changed_changes_nothing(inventory: Inventory) -> None:
    body = {"title": "Casa", "kind": "clinic", "municipality": "D150"}
    places = [await inventory.validated("places", {**body, "title": f"Casa {n}"}) for n in range(3)]
    ids = [place["id"] for place in places]
    async with inventory.running.context.database.sessions.begin() as session:
        for _ in range(2):
            await commands.items_changed(session, "place", ids)
    assert (await stock(inventory))["03"]["places"]["count"] == 3
    assert await faultless(inventory)


async def test_counters_equal_a_count_from_nothing_after_many_changes(inventory: Inventory) -> None:
    chance = random.Random(77)
    member = str(await inventory.member("Auser", "D150"))
    codes = ["D150", "D142", "E507", "H501", "019", "03", "12"]
    await inventory.post("areas", {"title": "Cremasco", "municipalities": ["D142", "D150"]})
    await inventory.post("areas", {"title": "Provincia", "municipalities": ["CR"]})
    made = []
    for number in range(25):
        body: dict[str, Any] = {
            "title": f"Risorsa {number}",
            "kind": chance.choice(["economic", "knowledge", "relational"]),
            "themes": chance.sample(["housing", "culture", "education"], chance.randint(0, 2)),
            "territories": chance.sample(codes, chance.randint(0, 3)),
            "visibility": chance.choice(["body", "network", "public"]),
            "organisation_id": member,
        }
        made.append(await inventory.validated("resources", body))
    for resource in chance.sample(made, 15):
        match chance.randint(0, 2):
            case 0:
                await inventory.step(resource, "close")
            case 1:
                await inventory.change(resource, {"territories": [chance.choice(codes)], "themes": ["housing"]})
            case _:
                await inventory.change(resource, {"visibility": chance.choice(["body", "public"])})
    assert await faultless(inventory)
    rows = await inventory.running.sql(
        "select count(*) as n from resources where network_id = :id and state = 'validated' and visibility <> 'body'",
        id=inventory.alliance.id,
    )
    counted = await inventory.running.sql(
        "select items from item_coverage where network_id = :id and level = 'country' and item = 'resource'"
        " and facet = ''",
        id=inventory.alliance.id,
    )
    assert counted[0].items == rows[0].n


async def test_a_resource_that_lasts_until_a_day_is_not_counted_from_then_on(inventory: Inventory) -> None:
    member = str(await inventory.member("Auser", "D150"))
    until = (inventory.now + timedelta(days=5)).isoformat()
    body = {"title": "Fino a", "kind": "knowledge", "territories": ["D150"], "until": until, "organisation_id": member}
    await inventory.validated("resources", body)
    assert (await stock(inventory))["03"]["resources"]["count"] == 1
    await inventory.pass_days(6)
    assert (await stock(inventory))["03"]["resources"]["count"] == 0
    assert await faultless(inventory)


@pytest.mark.parametrize(("asked", "path"), [({"item": "need"}, "?item"), ({"within": "area:x"}, "?within")])
async def test_what_cannot_be_counted_is_refused_by_name(
    inventory: Inventory, asked: dict[str, str], path: str
) -> None:
    answer = await inventory.ask("GET", "coverage/items", params=asked)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"].startswith(path)
