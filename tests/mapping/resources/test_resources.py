"""Five kinds of resources put at others' disposal: who offers what, to whom, until when, counted once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

KINDS = ("economic", "knowledge", "organisational", "professional", "relational")


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


async def test_a_body_of_mixed_capital_that_offers_everything_is_counted_once(inventory: Inventory) -> None:
    girasole = await inventory.member("Consorzio Girasole", kind="consortium", ownership="mixed")
    school = await inventory.member("Istituto Bertacchi", kind="school", ownership="public")
    firm = await inventory.member("Officina Rossi", kind="firm", ownership="private")
    for kind in KINDS:
        body: dict[str, Any] = {"title": kind, "kind": kind, "organisation_id": str(girasole), "themes": ["work"]}
        if kind == "economic":
            body["amount"] = {"cents": 12_345_678_901}
        await inventory.validated("resources", body)
    for organisation in (school, firm):
        await inventory.validated(
            "resources", {"title": "Aula", "kind": "organisational", "organisation_id": str(organisation)}
        )
    await inventory.post("resources", {"title": "Solo proposta", "kind": "knowledge", "organisation_id": str(firm)})
    found = await inventory.get("resources/summary")
    assert (found["total"]["resources"], found["total"]["organisations"]) == (7, 3)
    assert found["total"]["amount"] == {"cents": 12_345_678_901, "currency": "EUR"}
    by_kind = {one["kind"]: (one["resources"], one["organisations"]) for one in found["kinds"]}
    assert by_kind == {**dict.fromkeys(KINDS, (1, 1)), "organisational": (3, 3)}
    ownerships = {one["ownership"]: one["organisations"] for one in found["ownerships"]}
    assert ownerships == {"mixed": 1, "public": 1, "private": 1}
    assert sum(ownerships.values()) == found["total"]["organisations"]
    kinds = {one["kind"]: one["organisations"] for one in found["organisation_kinds"]}
    assert kinds == {"consortium": 1, "school": 1, "firm": 1}
    assert (await inventory.get("resources/summary", theme="housing"))["total"]["resources"] == 0


async def test_what_is_offered_until_a_day_expires_on_it(inventory: Inventory) -> None:
    owner = await inventory.member("Auser")
    until = (inventory.now + timedelta(days=20)).isoformat()
    body = {"title": "Furgone", "kind": "organisational", "organisation_id": str(owner), "until": until}
    resource = await inventory.validated("resources", body)
    assert resource["until"] == until
    assert await inventory.names("resources", on=inventory.today) == ["Furgone"]
    assert await inventory.names("resources", on=until) == []
    await inventory.pass_days(19)
    assert (await inventory.get(inventory.path(resource)))["state"] == "validated"
    await inventory.pass_days(1)
    expired = await inventory.get(inventory.path(resource))
    assert expired["state"] == "expired"
    late = await inventory.step(expired, "confirm")
    assert late.status_code == 422
    assert late.json()["errors"][0]["path"] == "/expires_on"
    later = (inventory.now + timedelta(days=30)).isoformat()
    changed = (await inventory.change(expired, {"until": later})).json()
    confirmed = await inventory.step(changed, "confirm")
    assert (confirmed.json()["state"], confirmed.json()["until"]) == ("validated", later)
    facts = [(fact, body["expires_on"]) for fact, body in await inventory.told("resource", resource["id"])]
    assert facts == [
        ("proposed", until),
        ("validated", until),
        ("expired", until),
        ("changed", later),
        ("validated", later),
    ]


async def test_lists_answer_for_whom_about_what_and_where(inventory: Inventory) -> None:
    owner = await inventory.member("Auser")
    for title, more in (
        ("per tutti", {"themes": ["housing", "work"], "territories": ["03"]}),
        ("per scuole", {"available_to": ["school"], "themes": ["education"], "territories": ["E507", "D150"]}),
        ("senza territorio", {}),
    ):
        await inventory.validated(
            "resources", {"title": title, "kind": "knowledge", "organisation_id": str(owner), **more}
        )
    assert await inventory.names("resources", available_to="school") == ["per scuole", "per tutti", "senza territorio"]
    assert await inventory.names("resources", available_to="firm") == ["per tutti", "senza territorio"]
    assert await inventory.names("resources", theme="work") == ["per tutti"]
    assert await inventory.names("resources", territory="03") == ["per scuole", "per tutti"]
    assert await inventory.names("resources", territory="CR") == ["per scuole"]  # a region is in none of its provinces
    assert await inventory.names("resources", q="scuole") == ["per scuole"]
    assert await inventory.names("resources", organisation=str(owner), sort="-title") == [
        "senza territorio",
        "per tutti",
        "per scuole",
    ]
    answer = await inventory.ask("GET", "resources", more={"accept": "text/csv"})
    assert [line.split(",")[2] for line in answer.text.splitlines()[1:]] == [
        "per scuole",
        "per tutti",
        "senza territorio",
    ]
    first = await inventory.get("resources", limit=2)
    rest = await inventory.get("resources", limit=2, after=first["next"])
    assert [one["title"] for one in (*first["items"], *rest["items"])] == [
        "per scuole",
        "per tutti",
        "senza territorio",
    ]
    assert (await inventory.ask("GET", "resources", params={"colour": "red"})).status_code == 422
    assert (await inventory.ask("GET", "resources", params={"territory": "ZZ"})).status_code == 422


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"kind": "knowledge", "amount": {"cents": 1}}, "/amount"),
        ({"amount": {"cents": -1}}, "/amount/cents"),
        ({"amount": {"cents": 1.5}}, "/amount/cents"),
        ({"amount": {"cents": 10**14}}, "/amount/cents"),
        ({"amount": {"cents": 1, "currency": "USD"}}, "/amount/currency"),
        ({"until": "2001-01-01"}, "/until"),
        ({"until": "9999-12-31"}, "/until"),
        ({"since": "0001-01-01"}, "/since"),
        ({"territories": ["ZZ"]}, "/territories/0"),
        ({"themes": ["Casa e Lavoro"]}, "/themes/0"),
        ({"title": "a\u0000b"}, "/title"),
        ({"title": " "}, "/title"),
        ({"description": "\u0000"}, "/description"),
        ({"visibility": "all"}, "/visibility"),
        ({"colour": "red"}, "/colour"),
        ({"organisation_id": None}, "/organisation_id"),
    ],
)
async def test_what_cannot_be_is_refused_naming_the_field(
    inventory: Inventory, wrong: dict[str, Any], path: str
) -> None:
    owner = await inventory.member("Auser")
    body = {"title": "x", "kind": "economic", "organisation_id": str(owner), **wrong}
    answer = await inventory.ask("POST", "resources", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path
    assert answer.json()["errors"][0]["accepted"]


async def test_one_proposes_for_ones_own_organisation_only(inventory: Inventory) -> None:
    own, other = await inventory.member("Nostra"), await inventory.member("Altra")
    delegate = await inventory.person("delegate", organisation_id=own)
    body = {"title": "x", "kind": "knowledge", "organisation_id": str(other)}
    assert (await inventory.ask("POST", "resources", delegate, json=body)).status_code == 403
    made = await inventory.post("resources", {**body, "organisation_id": str(own)}, delegate)
    assert (await inventory.change(made, {"organisation_id": str(other)}, delegate)).status_code == 403
    stale = await inventory.ask("PATCH", inventory.path(made), json={"title": "y"}, more={"if-match": '"7"'})
    assert stale.status_code == 412
    assert (await inventory.ask("PATCH", inventory.path(made), json={"title": "y"})).status_code == 428


async def test_an_organisation_that_has_left_offers_nothing_new(inventory: Inventory) -> None:
    alliance = inventory.alliance
    fact = alliance.organisation("Uscita", "E507")
    joined = alliance.membership(fact.id)
    await inventory.running.tell(fact, joined, alliance.membership(fact.id, "withdrawn", joined.id))
    await inventory.running.settled()
    body = {"title": "x", "kind": "knowledge", "organisation_id": str(fact.id)}
    answer = await inventory.ask("POST", "resources", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "/organisation_id"
