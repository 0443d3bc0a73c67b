"""Ambiti and free areas over HTTP: drawn, counted, asked for, changed, removed."""

from __future__ import annotations

from typing import Any

import pytest

from services.mapping.coverage.queries import recount
from shared import territories
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)
CREMA, CREMONA, CASALMAGGIORE, LECCO = "D142", "D150", "B898", "E507"


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


async def draw(inventory: Inventory, title: str, *municipalities: str, **more: Any) -> Any:
    return await inventory.post("areas", {"title": title, "municipalities": list(municipalities), **more})


async def faultless(inventory: Inventory) -> bool:
    async with inventory.running.context.database.sessions() as session:
        return await recount(session) == []


async def test_an_ambito_is_drawn_by_codes_and_names_and_told(inventory: Inventory) -> None:
    made = await draw(inventory, "Ambito casalasco", CASALMAGGIORE, "Rivarolo del Re ed Uniti", "Castro (LE)", "019036")
    assert made["territory"] == "area:ambito-casalasco"
    assert (made["kind"], made["version"], made["allowed_actions"]) == ("ambito", 1, ["change", "remove"])
    codes = [one["code"] for one in made["municipalities"]]
    assert codes == sorted(codes)
    assert {CASALMAGGIORE, "M261", CREMONA} <= set(codes)
    italy = territories.load()
    assert made["population"] == sum(m.population for c in codes if (m := italy.municipality(c)))
    ((fact, told),) = await inventory.told("area", made["id"])
    assert (fact, told["code"], told["municipalities"]) == ("defined", "area:ambito-casalasco", codes)
    people = await inventory.get(f"/areas/{made['id']}/population")
    assert people["residents"] == made["population"] == sum(age["residents"]["count"] for age in people["ages"])


async def test_one_in_several_areas_is_counted_once_in_their_union(inventory: Inventory) -> None:
    for title, *where in (("Crema", CREMA), ("Cremona", CREMONA), ("Casalmaggiore", CASALMAGGIORE)):
        await draw(inventory, title, *where, kind="free")
    await inventory.member("Ovunque", CREMA, territories=(CREMONA, CASALMAGGIORE))
    await inventory.member("Solo Crema", CREMA)
    await inventory.member("Altrove", LECCO)
    areas = (await inventory.get("areas"))["items"]
    assert {one["title"]: one["organisations"]["count"] for one in areas} == {
        "Crema": 2,
        "Cremona": 1,
        "Casalmaggiore": 1,
    }
    assert {one["organisations"]["of"] for one in areas} == {3}
    union = await inventory.get("coverage/union", territory=[one["territory"] for one in areas])
    assert union == {
        "organisations": {"count": 2, "of": 3, "share": 0.6667},
        "kinds": {"association": 2},
        "summed": 4,
    }
    covered = (await inventory.get("coverage", level="area"))["items"]
    assert [(one["territory"]["code"], one["territory"]["kind"]) for one in covered] == [
        ("area:casalmaggiore", "area"),
        ("area:crema", "area"),
        ("area:cremona", "area"),
    ]
    assert [one["organisations"]["count"] for one in covered] == [1, 2, 1]
    assert await faultless(inventory)


async def test_lists_can_be_asked_for_an_area(inventory: Inventory) -> None:
    await draw(inventory, "Cremasco", CREMA)
    await inventory.member("Qui", CREMA)
    await inventory.member("Là", LECCO)
    place = {"title": "Casa", "kind": "community_house_hub", "municipality": CREMA}
    await inventory.validated("places", place)
    await inventory.validated("places", {**place, "municipality": LECCO, "title": "Altra"})
    here = (await inventory.get("presences", territory="area:cremasco"))["items"]
    assert [one["organisation"]["name"] for one in here] == ["Qui"]
    assert await inventory.names("places", territory="area:cremasco") == ["Casa"]
    assert await inventory.names("places", territory=["area:cremasco", LECCO]) == ["Altra", "Casa"]
    for path in ("presences", "places"):
        answer = await inventory.ask("GET", path, params={"territory": "area:altrove"})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["path"] == "?territory"


async def test_a_presence_in_a_whole_province_is_in_an_area_only_if_the_province_is(inventory: Inventory) -> None:
    await draw(inventory, "Un comune", CREMA)
    await draw(inventory, "Tutta la provincia", "CR")
    await inventory.member("In provincia", None, territories=("019",))
    areas = (await inventory.get("areas"))["items"]
    assert {one["title"]: one["organisations"]["count"] for one in areas} == {"Un comune": 0, "Tutta la provincia": 1}
    assert await faultless(inventory)


async def test_a_redrawn_area_counts_what_is_in_it_now(inventory: Inventory) -> None:
    await inventory.member("Crema", CREMA)
    await inventory.validated("places", {"title": "Casa", "kind": "clinic", "municipality": LECCO})
    made = await draw(inventory, "Mobile", CREMA)
    changed = await inventory.change(made, {"municipalities": [LECCO], "title": "Mossa"})
    assert changed.status_code == 200, changed.text
    after = changed.json()
    assert (after["version"], after["title"], after["territory"]) == (2, "Mossa", "area:mobile")
    assert after["organisations"]["count"] == 0
    (stock,) = (await inventory.get("coverage/items", level="area"))["items"]
    assert stock["places"] == {"count": 1, "kinds": {"clinic": 1}, "themes": {}, "activities": {}}
    stale = await inventory.change(made, {"title": "Tardi"})
    assert stale.status_code == 412
    assert [fact for fact, _ in await inventory.told("area", made["id"])] == ["defined", "changed"]
    same = await inventory.change(after, {"title": "Mossa"})
    assert same.json()["version"] == 2
    assert await faultless(inventory)


async def test_a_removed_area_is_gone_from_filters_and_counters(inventory: Inventory) -> None:
    await inventory.member("Crema", CREMA)
    made = await draw(inventory, "Breve", CREMA)
    missing = await inventory.ask("DELETE", f"/areas/{made['id']}")
    assert missing.status_code == 428
    gone = await inventory.ask("DELETE", f"/areas/{made['id']}", more={"if-match": '"1"'})
    assert gone.status_code == 204
    assert (await inventory.ask("GET", f"/areas/{made['id']}")).status_code == 404
    assert (await inventory.get("coverage", level="area"))["items"] == []
    assert [(fact, told["version"]) for fact, told in await inventory.told("area", made["id"])] == [
        ("defined", 1),
        ("removed", 2),
    ]
    assert await faultless(inventory)
    again = await draw(inventory, "Breve", LECCO)
    assert again["territory"] == made["territory"]


@pytest.mark.parametrize(
    ("body", "status", "path", "accepted"),
    [
        ({"title": "X", "municipalities": ["Atlantide"]}, 422, "/municipalities/0", "E507, Lecco, Castro (LE), LC"),
        (
            {"title": "X", "municipalities": [CREMA, "Castro"]},
            422,
            "/municipalities/1",
            ["C337 Castro (BG)", "M261 Castro (LE)"],
        ),
        ({"title": "X", "municipalities": []}, 422, "/municipalities", None),
        ({"title": "X", "municipalities": ["03", "05"]}, 422, "/municipalities", None),
        ({"title": "\x00", "municipalities": [CREMA]}, 422, "/title", None),
        ({"title": "X", "municipalities": [CREMA], "code": "Non va"}, 422, "/code", "alto-cremasco"),
        ({"title": "X", "municipalities": [CREMA], "kind": "regno"}, 422, "/kind", None),
    ],
)
async def test_what_cannot_be_an_area_is_refused_by_name(
    inventory: Inventory, body: Any, status: int, path: str, accepted: Any
) -> None:
    answer = await inventory.ask("POST", "areas", json=body)
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    assert error["path"] == path
    if accepted is not None:
        assert error["accepted"] == accepted


async def test_a_code_is_taken_once_in_a_network(inventory: Inventory) -> None:
    await draw(inventory, "Crema", CREMA)
    again = await inventory.ask("POST", "areas", json={"title": "Crema", "municipalities": [LECCO]})
    assert (again.status_code, again.json()["type"]) == (409, "urn:trama:problem:area-code-taken")


async def test_only_the_secretariat_draws_and_other_networks_see_nothing(inventory: Inventory) -> None:
    made = await draw(inventory, "Crema", CREMA)
    member = await inventory.person("member")
    assert (
        await inventory.ask("POST", "areas", member, json={"title": "Y", "municipalities": [CREMA]})
    ).status_code == 403
    assert (await inventory.get(f"/areas/{made['id']}", member))["allowed_actions"] == []
    assert (
        await inventory.ask("PATCH", f"/areas/{made['id']}", member, json={"title": "Y"}, more={"if-match": '"1"'})
    ).status_code == 403
    other = await Inventory.of(await Alliance(inventory.running).founded())
    for method, path in (("GET", ""), ("GET", "/population"), ("PATCH", ""), ("DELETE", "")):
        answer = await other.ask(method, f"/areas/{made['id']}{path}", json={}, more={"if-match": '"1"'})
        assert answer.status_code == 404, (method, path)
    assert (await other.ask("GET", "presences", params={"territory": "area:crema"})).status_code == 422
