"""Experiences from their telling to the map, and the declaration that there are none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

PORTER: dict[str, Any] = {
    "title": "Portierato sociale",
    "description": "Un punto di ascolto",
    "results": "120 famiglie",
    "themes": ["housing"],
    "territories": ["D150"],
    "since": "2024-03-01",
}


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


async def test_a_draft_is_its_own_peoples_until_it_is_proposed(inventory: Inventory) -> None:
    own = await inventory.member("Nazareth", "D150")
    writer = await inventory.person("representative", organisation_id=own)
    reader = await inventory.person("member")
    draft = await inventory.post("experiences", {**PORTER, "organisation_id": str(own), "draft": True}, writer)
    assert (draft["state"], draft["proposed_on"]) == ("draft", None)
    assert await inventory.names("experiences", reader) == []
    assert await inventory.told("experience", draft["id"]) == []
    changed = (await inventory.change(draft, {"results": "150 famiglie"}, writer)).json()
    assert await inventory.told("experience", draft["id"]) == []
    proposed = (await inventory.step(changed, "propose", writer)).json()
    assert proposed["state"] == "proposed"
    assert await inventory.names("experiences", reader) == ["Portierato sociale"]
    [(fact, body)] = await inventory.told("experience", draft["id"])
    assert (fact, body["themes"], body["since"]) == ("proposed", ["housing"], "2024-03-01")
    assert "famiglie" not in str(body)


async def test_what_is_returned_comes_back_with_its_remarks(inventory: Inventory) -> None:
    own = await inventory.member("Solco", "D150")
    referent = await inventory.person("referent", organisation_id=own)
    coordinator = await inventory.person("coordinator", territory="03")
    made = await inventory.post("experiences", {**PORTER, "organisation_id": str(own)}, referent)
    assert made["endorsed_on"] == inventory.today  # who proposes it speaks for the organisation
    silent = await inventory.step(made, "return", coordinator, {"remarks": " "})
    assert silent.status_code == 422
    returned = (await inventory.step(made, "return", coordinator, {"remarks": "Mancano i risultati"})).json()
    assert (returned["state"], returned["remarks"]) == ("returned", "Mancano i risultati")
    assert (await inventory.step(returned, "validate", coordinator)).status_code == 409
    again = (await inventory.step(returned, "propose", referent)).json()
    done = (await inventory.step(again, "validate", coordinator)).json()
    assert (done["state"], done["remarks"]) == ("validated", None)
    facts = await inventory.told("experience", made["id"])
    assert [fact for fact, _ in facts] == ["proposed", "returned", "proposed", "validated"]
    assert "Mancano" not in str(facts)


async def test_an_edit_that_matters_is_looked_at_again_and_another_is_not(inventory: Inventory) -> None:
    own = await inventory.member("Arcobaleno", "D150")
    writer = await inventory.person("delegate", organisation_id=own)
    made = await inventory.validated("experiences", {**PORTER, "organisation_id": str(own)})
    linked = (await inventory.change(made, {"link": "https://example.org/x"}, writer)).json()
    assert linked["state"] == "validated"
    changed = (await inventory.change(linked, {"results": "Altro"}, writer)).json()
    assert (changed["state"], changed["endorsed_on"], changed["validated_on"]) == ("proposed", None, None)
    anonymous = await inventory.names("experiences", {})
    assert anonymous == []
    same = (await inventory.change(changed, {"results": "Altro"}, writer)).json()
    assert same["version"] == changed["version"]


async def test_an_absence_is_declared_once_by_who_speaks_for_the_organisation(inventory: Inventory) -> None:
    own, other = await inventory.member("Acli"), await inventory.member("Auser")
    referent = await inventory.person("referent", organisation_id=own)
    body = {"organisation_id": str(own)}
    delegate = await inventory.person("delegate", organisation_id=own)
    assert (await inventory.ask("POST", "absences", delegate, json=body)).status_code == 403
    wrong = await inventory.ask("POST", "absences", referent, json={"organisation_id": str(other)})
    assert wrong.status_code == 403
    answers = await asyncio.gather(*(inventory.ask("POST", "absences", referent, json=body) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    [listed] = (await inventory.get("absences", referent))["items"]
    assert (listed["organisation"]["name"], listed["declared_on"]) == ("Acli", inventory.today)
    [(fact, told)] = await inventory.told("absence", listed["id"])
    assert (fact, told["organisation_id"], told["declared_on"]) == ("declared", str(own), inventory.today)
    nobody = await inventory.ask("POST", "absences", json={"organisation_id": str(uuid7())})
    assert nobody.status_code == 409
    assert nobody.json()["type"].endswith("not-yet-known")


async def test_who_has_experiences_on_the_map_cannot_say_that_there_are_none(inventory: Inventory) -> None:
    own = await inventory.member("Legacoop", "D150")
    await inventory.validated("experiences", {**PORTER, "organisation_id": str(own)})
    answer = await inventory.ask("POST", "absences", json={"organisation_id": str(own)})
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("has-experiences")


async def test_what_goes_on_is_listed_on_a_day_within_it(inventory: Inventory) -> None:
    own = await inventory.member("Cisvol", "D150")
    body = {**PORTER, "organisation_id": str(own), "until": "2025-01-01"}
    await inventory.validated("experiences", body)
    assert await inventory.names("experiences", on="2024-12-31") == ["Portierato sociale"]
    assert await inventory.names("experiences", on="2025-01-01") == []
    assert await inventory.names("experiences", on="2024-02-29") == []
    tomorrow = {**PORTER, "organisation_id": str(own), "since": "2199-01-01"}
    assert (await inventory.ask("POST", "experiences", json=tomorrow)).json()["errors"][0]["path"] == "/since"
