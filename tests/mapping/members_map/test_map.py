"""The members' map: everything that one may see, as a list, a table and GeoJSON."""

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


@pytest.fixture(scope="module")
async def inventory(mapping: Running) -> Inventory:
    """A member in Lecco and in all of Lombardia, with a place, a resource and an experience of different visibility."""
    inventory = await Inventory.of(await Alliance(mapping).founded())
    member = str(await inventory.member("Auser", "E507", territories=("03",)))
    mine = {"organisation_id": member}
    own = {"latitude": 45.8566, "longitude": 9.3977}
    await inventory.validated(
        "places", {"title": "Casa", "kind": "community_house_hub", "municipality": "E507", **mine, **own}
    )
    resource = {"title": "Furgone", "kind": "organisational", "themes": ["mobility"], "territories": ["097"], **mine}
    await inventory.validated("resources", resource)
    await inventory.validated(
        "experiences",
        {"title": "=Vicini", "themes": ["housing"], "territories": ["C933"], **mine, "visibility": "public"},
    )
    await inventory.validated(
        "places", {"title": "Nascosta", "kind": "clinic", "municipality": "E507", "visibility": "body"}
    )
    await inventory.post("places", {"title": "Proposta", "kind": "clinic", "municipality": "E507"})
    await inventory.post("areas", {"title": "Lario", "municipalities": ["E507", "C933"]})
    return inventory


async def titles(inventory: Inventory, headers: Any = None, **asked: Any) -> list[tuple[str, str]]:
    items = (await inventory.get("map", headers, **asked))["items"]
    return [(item["subject"], item["title"]) for item in items]


async def test_a_member_sees_everything_that_is_meant_for_the_network(inventory: Inventory) -> None:
    member = await inventory.person("member")
    assert await titles(inventory, member) == [
        ("organisation", "Auser"),
        ("organisation", "Auser"),
        ("place", "Casa"),
        ("resource", "Furgone"),
        ("experience", "=Vicini"),
    ]
    assert ("place", "Nascosta") in await titles(inventory)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"subject": "place"}, ["Casa"]),
        ({"subject": ["place", "resource"]}, ["Casa", "Furgone"]),
        ({"territory": "E507"}, ["Auser", "Casa"]),
        ({"territory": "03"}, ["Auser", "Auser", "Casa", "Furgone", "=Vicini"]),
        ({"territory": "area:lario"}, ["Auser", "Casa", "=Vicini"]),
        ({"kind": "community_house_hub"}, ["Casa"]),
        ({"kind": "association"}, ["Auser", "Auser"]),
        ({"theme": "mobility"}, ["Furgone"]),
        ({"theme": ["mobility", "housing"]}, ["Furgone", "=Vicini"]),
        ({"subject": "organisation", "theme": "mobility"}, []),
        ({"q": "vicini"}, ["=Vicini"]),
        ({"state": "proposed", "subject": "place"}, ["Proposta"]),
        ({"territory": "12"}, []),
    ],
)
async def test_the_map_is_narrowed_by_what_is_asked(
    inventory: Inventory, asked: dict[str, Any], found: list[str]
) -> None:
    member = await inventory.person("member")
    assert [title for _, title in await titles(inventory, member, **asked)] == found


async def test_points_are_its_own_or_inside_the_municipality_or_none(inventory: Inventory) -> None:
    answer = await inventory.ask("GET", "map.geojson", await inventory.person("member"))
    assert answer.headers["content-type"] == "application/geo+json"
    document = answer.json()
    assert document["type"] == "FeatureCollection"
    assert len({feature["id"] for feature in document["features"]}) == 5
    drawn = {
        (feature["properties"]["title"], feature["properties"]["territories"][0]["code"]): feature
        for feature in document["features"]
    }
    lecco, como = territories.load().municipality("E507"), territories.load().municipality("C933")
    assert lecco is not None
    assert como is not None
    assert drawn["Casa", "E507"]["geometry"] == {"type": "Point", "coordinates": [9.3977, 45.8566]}
    assert drawn["Casa", "E507"]["properties"]["exact"] is True
    assert drawn["Auser", "E507"]["geometry"]["coordinates"] == [lecco.lon, lecco.lat]
    assert drawn["=Vicini", "C933"]["geometry"]["coordinates"] == [como.lon, como.lat]
    assert drawn["Auser", "03"]["geometry"] is None
    assert drawn["Furgone", "097"]["geometry"] is None


async def test_pages_hold_everything_once_and_the_table_is_no_formula(inventory: Inventory) -> None:
    member = await inventory.person("member")
    whole = await titles(inventory, member)
    paged: list[Any] = []
    after: dict[str, Any] = {}
    while True:
        page = await inventory.get("map", member, limit=1, **after)
        paged += [(item["subject"], item["title"]) for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert paged == whole
    answer = await inventory.ask("GET", "map", member, more={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["title"] for row in rows] == ["Auser", "Auser", "Casa", "Furgone", "'=Vicini"]
    assert rows[2]["municipality.code"] == "E507"


async def test_the_map_is_for_the_networks_own_people(inventory: Inventory) -> None:
    other = await Inventory.of(await Alliance(inventory.running).founded())
    for path in ("map", "map.geojson"):
        whole = f"/networks/{inventory.alliance.slug}/{path}"
        assert (await other.ask("GET", whole)).status_code == 403
        assert (await inventory.ask("GET", path, {"authorization": ""})).status_code == 401
        wrong = await inventory.ask("GET", path, params={"territory": "area:nessuna"})
        assert wrong.status_code == 422
        assert wrong.json()["errors"][0]["path"] == "?territory"
