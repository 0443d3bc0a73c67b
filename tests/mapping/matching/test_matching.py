"""Matches over HTTP, from both sides, for those who may know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    inventory.running.context.state["runner"] = str(await inventory.member("Auser", "D150"))
    return inventory


def runner(inventory: Inventory) -> str:
    return str(inventory.running.context.state["runner"])


async def resource(inventory: Inventory, title: str, **more: Any) -> Any:
    body = {
        "title": title,
        "kind": "organisational",
        "organisation_id": runner(inventory),
        "themes": ["housing"],
        **more,
    }
    return await inventory.validated("resources", body)


async def need(inventory: Inventory, municipality: str = "D150", theme: str = "housing") -> Any:
    place = await inventory.validated(
        "places",
        {
            "title": f"Centro di {municipality}",
            "kind": "civic_centre",
            "municipality": municipality,
            "organisation_id": runner(inventory),
        },
    )
    return await inventory.post("needs", {"place_id": place["id"], "theme": theme, "text": "Una stanza per due mesi"})


async def matches(inventory: Inventory, one: Any, headers: Any = None, **asked: Any) -> list[Any]:
    found: list[Any] = (await inventory.get(f"{inventory.path(one)}/matches", headers, **asked))["items"]
    return found


async def test_a_need_is_answered_by_what_fits_the_best_first_with_the_reasons(inventory: Inventory) -> None:
    asked = await need(inventory)
    await resource(inventory, "In provincia", territories=["019"])
    await resource(inventory, "A Crema", territories=["D142"])
    await resource(inventory, "A Roma", territories=["H501"])
    await resource(inventory, "Per la cultura", themes=["culture"], territories=["019"])
    soon = (inventory.now + timedelta(days=10)).isoformat()
    await resource(inventory, "Ancora per poco", territories=["D150"], until=soon)
    await inventory.post(
        "resources",
        {"title": "Solo proposta", "kind": "relational", "organisation_id": runner(inventory), "themes": ["housing"]},
    )
    found = await matches(inventory, asked)
    assert [(one["resource"]["name"], one["score"]) for one in found[:2]] == [
        ("In provincia", 100),
        ("Ancora per poco", 95),
    ]
    near = found[2]
    assert near["resource"]["name"] == "A Crema"
    assert len(found) == 3
    reasons = {reason["because"]: reason for reason in near["reasons"]}
    assert reasons.keys() == {"theme", "distance", "available", "for_all"}
    assert 30 < reasons["distance"]["km"] < 45
    assert reasons["distance"]["said"] == f"A {reasons['distance']['km']} km"
    assert near["score"] == sum(reason["points"] for reason in near["reasons"])
    english = await inventory.ask("GET", f"{inventory.path(asked)}/matches", more={"accept-language": "en"})
    assert english.json()["items"][0]["reasons"][0]["said"] == "The same theme"
    assert [one["score"] for one in await matches(inventory, asked, least=96)] == [100]
    assert len(await matches(inventory, asked, limit=1)) == 1


async def test_a_resource_shows_the_open_needs_with_the_same_score(inventory: Inventory) -> None:
    here, gone = await need(inventory), await need(inventory, "D142")
    offer = await resource(inventory, "Alloggi", territories=["D150"])
    (mine,) = await matches(inventory, here)
    found = await matches(inventory, offer)
    assert {one["need"]["id"]: one["score"] for one in found}[here["id"]] == mine["score"] == 100
    assert {one["need"]["id"] for one in found} == {here["id"], gone["id"]}
    assert "Una stanza" not in str(found)
    await inventory.step(gone, "withdraw", body={"why": "duplicate"})
    assert [one["need"]["id"] for one in await matches(inventory, offer)] == [here["id"]]


async def test_who_is_to_answer_decides_what_is_for_them(inventory: Inventory) -> None:
    asked = await need(inventory)
    await resource(inventory, "Per imprese", territories=["D150"], available_to=["firm"])
    (maybe,) = await matches(inventory, asked)
    assert maybe["reasons"][-1]["kinds"] == ["firm"]
    assert maybe["reasons"][-1]["because"] == "for_some"
    assigned = await inventory.step(asked, "assign", body={"organisation_id": runner(inventory)})
    assert assigned.status_code == 200, assigned.text
    assert await matches(inventory, asked) == []


async def test_who_does_not_follow_a_need_or_see_a_resource_learns_nothing(inventory: Inventory) -> None:
    asked = await need(inventory)
    offer = await resource(inventory, "Alloggi", territories=["D150"], visibility="public")
    member = await inventory.person("member")
    assert (await inventory.ask("GET", f"{inventory.path(asked)}/matches", member)).status_code == 404
    assert await matches(inventory, offer, member) == []
    other = await Inventory.of(await Alliance(inventory.running).founded())
    assert (await other.ask("GET", f"{inventory.path(asked)}/matches")).status_code == 404
    assert (await other.ask("GET", f"{inventory.path(offer)}/matches")).status_code == 404
    hidden = await resource(inventory, "Nascosta", territories=["D150"], visibility="body")
    coordinator = await inventory.person("coordinator", territory="12")
    shown = [one["resource"]["id"] for one in await matches(inventory, asked)]
    assert hidden["id"] in shown
    assert (await inventory.ask("GET", f"{inventory.path(hidden)}/matches", coordinator)).status_code == 404
