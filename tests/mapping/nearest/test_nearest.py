"""The nearest places and who works in a municipality, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import BodyEstablished
from shared.runtime import clock
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)
MONDAY = [{"rrule": "FREQ=WEEKLY;BYDAY=MO", "opens": "09:00", "closes": "12:30"}]


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


async def place(inventory: Inventory, title: str, municipality: str, **more: Any) -> Any:
    return await inventory.validated(
        "places", {"title": title, "kind": "civic_centre", "municipality": municipality, **more}
    )


async def near(inventory: Inventory, headers: Any = None, **asked: Any) -> list[Any]:
    found: list[Any] = (await inventory.get("nearest", headers, **asked))["items"]
    return found


async def test_places_come_in_order_of_distance_by_their_own_position_where_it_is_known(inventory: Inventory) -> None:
    await place(inventory, "A Roma", "H501")
    await place(inventory, "A Como", "C933")
    await place(inventory, "A Lecco", "E507")
    await place(inventory, "A Lecco, sul lago", "E507", latitude=45.8566, longitude=9.3977)
    await place(inventory, "Laboratorio", "E507", kind="community_laboratory", activities=["housing"])
    found = await near(inventory, municipality="Lecco")
    assert [one["place"]["name"] for one in found] == [
        "A Lecco",
        "Laboratorio",
        "A Lecco, sul lago",
        "A Como",
        "A Roma",
    ]
    assert [one["exact"] for one in found] == [False, False, True, False, False]
    assert found[0]["km"] == 0
    assert 20 < found[3]["km"] < 35
    assert 460 < found[4]["km"] < 520
    assert [one["place"]["name"] for one in await near(inventory, municipality="E507", limit=1)] == ["A Lecco"]
    own = await near(inventory, latitude=45.8566, longitude=9.3977, limit=1)
    assert [(one["place"]["name"], one["km"]) for one in own] == [("A Lecco, sul lago", 0)]
    laboratories = await near(inventory, municipality="E507", kind="community_laboratory", activity="housing")
    assert [one["place"]["name"] for one in laboratories] == ["Laboratorio"]


async def test_only_what_is_open_now_when_asked(inventory: Inventory) -> None:
    settings = inventory.running.context.settings
    assert settings.clock_file is not None
    clock.set(settings.clock_file, datetime(2027, 3, 1, 10, tzinfo=UTC))  # a Monday, eleven in Rome
    await place(inventory, "Aperto", "E507", hours=MONDAY)
    await place(inventory, "Chiuso", "E507", hours=[{**MONDAY[0], "rrule": "FREQ=WEEKLY;BYDAY=TU"}])
    await place(inventory, "Non si sa", "E507")
    assert {one["place"]["name"]: one["open_now"] for one in await near(inventory, municipality="E507")} == {
        "Aperto": True,
        "Chiuso": False,
        "Non si sa": None,
    }
    assert [one["place"]["name"] for one in await near(inventory, municipality="E507", open_now="true")] == ["Aperto"]
    assert [one["place"]["name"] for one in await near(inventory, municipality="E507", open_now="false")] == ["Chiuso"]


async def test_nobody_finds_what_they_may_not_see(inventory: Inventory) -> None:
    await place(inventory, "Di tutti", "E507")
    await place(inventory, "Nascosto", "E507", visibility="body")
    await inventory.post("places", {"title": "Proposto", "kind": "clinic", "municipality": "E507"})
    member = await inventory.person("member")
    assert [one["place"]["name"] for one in await near(inventory, member, municipality="E507")] == ["Di tutti"]
    other = await Inventory.of(await Alliance(inventory.running).founded())
    assert await near(other, municipality="E507") == []
    foreign = await other.ask("GET", f"/networks/{inventory.alliance.slug}/nearest", params={"municipality": "E507"})
    assert foreign.status_code == 403


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({}, "?municipality"),
        ({"municipality": "Castro"}, "?municipality"),
        ({"municipality": "LC"}, "?municipality"),
        ({"municipality": "E507", "latitude": "45"}, "?municipality"),
        ({"latitude": "45"}, "?municipality"),
        ({"latitude": "91", "longitude": "9"}, "?latitude"),
        ({"latitude": "nan", "longitude": "9"}, "?latitude"),
        ({"municipality": "E507", "kind": "castle"}, "?kind"),
    ],
)
async def test_what_is_no_place_to_ask_from_is_refused_by_name(
    inventory: Inventory, asked: dict[str, str], path: str
) -> None:
    answer = await inventory.ask("GET", "nearest", params=asked)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"].startswith(path)


async def test_who_works_in_a_municipality_is_told_from_the_nearest_territory_on(inventory: Inventory) -> None:
    alliance = inventory.alliance
    here = await inventory.member("Qui", "E507", territories=("03",))
    province = await inventory.member("In provincia", "A745", territories=("097",))
    await inventory.member("Altrove", "H501")
    body = BodyEstablished(
        id=uuid7(),
        version=1,
        network_id=alliance.id,
        title="Coordinamento Lombardia",
        kind="regional_coordination",
        state="constituted",
        composition="by_territory",
        territory="03",
    )
    gone = body.model_copy(update={"id": uuid7(), "state": "dissolved"})
    elsewhere = body.model_copy(update={"id": uuid7(), "territory": "12"})
    await inventory.running.tell(body, gone, elsewhere)
    await inventory.running.settled()
    await inventory.post("areas", {"title": "Lario", "municipalities": ["E507"]})
    await inventory.person("coordinator", territory="03")
    await inventory.person("coordinator", territory="12")
    await inventory.person("referent", territory="03")
    found = await inventory.get("municipalities/Lecco/who")
    assert found["municipality"]["code"] == "E507"
    assert found["areas"] == [{"code": "area:lario", "name": "Lario"}]
    assert [(one["organisation"]["id"], one["territory"]["code"]) for one in found["organisations"]] == [
        (str(here), "E507"),
        (str(province), "097"),
    ]
    assert [(one["body"]["name"], one["territory"]["code"]) for one in found["bodies"]] == [
        ("Coordinamento Lombardia", "03")
    ]
    assert [one["territory"]["code"] for one in found["coordinators"]] == ["03"]
    assert "name" not in found["coordinators"][0]
    other = await Inventory.of(await Alliance(inventory.running).founded())
    empty = await other.get("municipalities/E507/who")
    assert (empty["organisations"], empty["bodies"], empty["coordinators"], empty["areas"]) == ([], [], [], [])
    refused = await other.ask("GET", f"/networks/{alliance.slug}/municipalities/E507/who")
    assert refused.status_code == 403
    assert (await inventory.ask("GET", "municipalities/Castro/who")).status_code == 422
