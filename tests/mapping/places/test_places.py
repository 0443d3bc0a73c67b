"""A place from its proposal to the map, over HTTP."""

from __future__ import annotations

from typing import Any

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


async def test_a_place_says_whether_it_is_open_and_when_it_will_be(inventory: Inventory) -> None:
    place = await inventory.validated("places", {**CIVIC, "visibility": "public"})
    path = f"{inventory.path(place)}/hours"
    monday = await inventory.get(path, {}, at="2026-03-02T08:30:00Z")
    assert (monday["open"], monday["monday"]) == (True, "2026-03-02")
    assert monday["next"] == {"opens_at": "2026-03-02T09:00:00+01:00", "closes_at": "2026-03-02T12:30:00+01:00"}
    assert [one["opens_at"][:10] for one in monday["week"]] == ["2026-03-02", "2026-03-04", "2026-03-06"]
    evening = await inventory.get(path, {}, at="2026-07-03T18:00:00Z")  # a Friday, in summer
    assert evening["open"] is False
    assert evening["next"]["opens_at"] == "2026-07-06T09:00:00+02:00"
    assert isinstance((await inventory.get(inventory.path(place), {}))["open_now"], bool)
    silent = await inventory.validated("places", {**CIVIC, "title": "Senza orari", "hours": [], "visibility": "public"})
    assert (await inventory.get(f"{inventory.path(silent)}/hours", {}))["open"] is None
    naive = await inventory.ask("GET", path, {}, params={"at": "2026-03-02T08:30:00"})
    assert naive.status_code == 422
    for end in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z"):
        refused = await inventory.ask("GET", path, {}, params={"at": end})
        assert refused.status_code == 422, end
        assert refused.json()["errors"][0]["path"] == "?at"


async def test_laboratories_have_four_activities_and_are_counted_by_them(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    laboratory = {"kind": "community_laboratory", "municipality": "D150"}
    await inventory.validated("places", {**laboratory, "title": "A", "activities": ["housing", "family_work"]})
    await inventory.validated("places", {**laboratory, "title": "B", "activities": ["housing", "housing"]})
    await inventory.validated("places", {"title": "C", "kind": "community_house_hub", "municipality": "D142"})
    await inventory.post("places", {**laboratory, "title": "Solo proposto", "activities": ["urban_animation"]})
    found = await inventory.get("places/summary")
    assert found["total"] == 3
    assert {one["kind"]: one["places"] for one in found["kinds"] if one["places"]} == {
        "community_laboratory": 2,
        "community_house_hub": 1,
    }
    assert {one["activity"]: one["places"] for one in found["activities"]} == {
        "family_work": 1,
        "solidarity_purchasing": 0,
        "housing": 2,
        "urban_animation": 0,
    }
    assert await inventory.names("places", activity="family_work", state="validated") == ["A"]
    assert await inventory.names("places", kind="community_house_hub") == ["C"]
    assert await inventory.names("places", territory="D150", state="validated") == ["A", "B"]
    elsewhere = await inventory.ask("POST", "places", json={**CIVIC, "activities": ["housing"]})
    assert elsewhere.json()["type"].endswith("activities-elsewhere")


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"hours": [{"rrule": "FREQ=SECONDLY", "opens": "09:00", "closes": "10:00"}]}, "/hours/0/rrule"),
        ({"hours": [{"rrule": "FREQ=DAILY", "opens": "9", "closes": "10:00"}]}, "/hours/0/opens"),
        ({"hours": [{"rrule": "FREQ=DAILY", "opens": "10:00", "closes": "09:00"}]}, "/hours/0/closes"),
        ({"municipality": "03"}, "/municipality"),
        ({"municipality": "ZZZZ"}, "/municipality"),
        ({"phone": "trecento"}, "/phone"),
        ({"email": "nessuno"}, "/email"),
        ({"website": "javascript:alert(1)"}, "/website"),
        ({"postcode": "123"}, "/postcode"),
        ({"latitude": 45.0}, "/latitude"),
        ({"latitude": 91, "longitude": 9}, "/latitude"),
        ({"kind": "bar"}, "/kind"),
        ({"hours": [{"rrule": "FREQ=DAILY", "opens": "09:00", "closes": "10:00"}] * 51}, "/hours"),
    ],
)
async def test_what_cannot_be_is_refused_naming_the_field(
    inventory: Inventory, wrong: dict[str, Any], path: str
) -> None:
    answer = await inventory.ask("POST", "places", json={**CIVIC, **wrong})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path
    assert answer.json()["errors"][0]["accepted"]


async def test_a_place_that_moves_is_found_where_it_is(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    place = await inventory.validated("places", CIVIC)
    moved = (await inventory.change(place, {"municipality": "097042"})).json()  # Lecco, by its ISTAT code
    assert (moved["municipality"]["code"], moved["state"]) == ("E507", "validated")
    assert await inventory.names("places", territory="CR") == []
    assert await inventory.names("places", territory="LC") == [CIVIC["title"]]
    since = moved["updated_at"]
    assert await inventory.names("places", updated_since=since) == [CIVIC["title"]]
    assert await inventory.names("places", updated_since="2199-01-01T00:00:00Z") == []
    assert [body["municipality"] for _, body in await inventory.told("place", place["id"])] == ["D150", "D150", "E507"]
