"""A network's map in figures: kinds, themes, states and freshness, of what the caller sees."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)
LECCO, CREMA = "E507", "D142"


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


def place(kind: str, municipality: str = LECCO, **more: Any) -> dict[str, Any]:
    return {"title": "Un luogo", "kind": kind, "municipality": municipality, "visibility": "network", **more}


async def resource(inventory: Inventory, kind: str, *themes: str) -> Any:
    owner = str(await inventory.member(f"Ente {kind}"))
    about = {"organisation_id": owner, "territories": [LECCO], "visibility": "network"}
    return await inventory.validated(
        "resources", {"title": "Una risorsa", "kind": kind, "themes": list(themes), **about}
    )


async def figures(inventory: Inventory, *headers: Any, **asked: Any) -> Any:
    return await inventory.get("map/statistics", *headers, **asked)


async def test_items_are_counted_by_kind_theme_and_state(inventory: Inventory) -> None:
    await inventory.validated("places", place("clinic"))
    await inventory.validated("places", place("clinic", CREMA, title="Altro"))
    await inventory.post("places", place("civic_centre"))
    gone = await inventory.validated("places", place("other"))
    assert (await inventory.step(gone, "close")).status_code == 200
    await resource(inventory, "knowledge", "health", "housing")
    await resource(inventory, "economic", "health")
    found = await figures(inventory)
    places = found["places"]
    assert places["total"] == 3
    assert places["kinds"]["clinic"] == {"count": 2, "of": 3, "share": pytest.approx(2 / 3)}
    assert (places["kinds"]["civic_centre"]["count"], places["kinds"]["other"]["count"]) == (1, 0)
    assert (places["states"]["validated"]["count"], places["states"]["proposed"]["count"]) == (2, 1)
    assert "closed" not in places["states"]
    themes = found["resources"]["themes"]
    assert {theme: one["count"] for theme, one in themes.items()} == {"health": 2, "housing": 1}
    assert themes["housing"] == {"count": 1, "of": 2, "share": 0.5}
    assert found["experiences"]["total"] == 0
    assert found["experiences"]["states"]["validated"] == {"count": 0, "of": 0, "share": None}
    assert (await figures(inventory, territory=LECCO))["places"]["total"] == 2
    closed = (await figures(inventory, state="closed"))["places"]
    assert (closed["total"], closed["states"]) == (1, {"closed": {"count": 1, "of": 1, "share": 1.0}})


async def test_a_caller_counts_what_they_see(inventory: Inventory) -> None:
    await inventory.validated("places", place("clinic"))
    await inventory.post("places", place("clinic", title="Bozza", draft=True))
    member = await inventory.person("member")
    assert (await figures(inventory, member))["places"]["total"] == 1
    other = await Inventory.of(await Alliance(inventory.running).founded())
    answer = await inventory.ask("GET", "map/statistics", other.secretariat)
    assert answer.status_code == 403
    assert (await figures(other))["places"]["total"] == 0


async def test_freshness_is_counted_and_its_mean_is_that_of_the_items(inventory: Inventory) -> None:
    first = await inventory.validated("places", place("clinic"))
    await inventory.post("places", place("clinic", title="Mai verificato"))
    today = await figures(inventory)
    assert {name: one["count"] for name, one in today["places"]["freshness"].items()} == {
        "fresh": 1,
        "due": 0,
        "expired": 0,
        "never": 1,
    }
    assert today["places"]["score"] == 1.0
    assert today["resources"]["score"] is None
    await inventory.pass_days(100)
    second = await inventory.validated("places", place("other", CREMA, title="Nuovo"))
    shown = [(await inventory.get(inventory.path(one)))["freshness"]["score"] for one in (first, second)]
    assert (await figures(inventory))["places"]["score"] == pytest.approx(sum(shown) / 2, abs=0.001)
    await inventory.pass_days(90)
    due = (await figures(inventory))["places"]["freshness"]
    assert (due["fresh"]["count"], due["due"]["count"], due["never"]["count"]) == (1, 1, 1)
    stale = await inventory.get("places", stale="true")
    assert [one["id"] for one in stale["items"]] == [first["id"]]
    await inventory.pass_days(40)
    gone = (await figures(inventory))["places"]
    assert (gone["freshness"]["expired"]["count"], gone["states"]["expired"]["count"]) == (1, 1)
