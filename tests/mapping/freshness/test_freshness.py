"""Is it still so? Asked after six months, answered by link or in the application, or lapsed."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.access import links
from shared.contracts.registry import Grant
from shared.runtime.clock import wall
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

PLACE = {"title": "Consultorio di Lecco", "kind": "clinic", "municipality": "E507", "visibility": "public"}


@pytest.fixture(scope="module")
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


async def asked(inventory: Inventory, **more: Any) -> tuple[Any, Any]:
    """A place that was validated six months ago, and the question about it."""
    place = await inventory.validated("places", {**PLACE, **more})
    await inventory.pass_days(190)
    found = (await inventory.get("freshness", open="true"))["items"]
    return place, next(question for question in found if question["subject"]["id"] == place["id"])


async def referent(inventory: Inventory, organisation: UUID) -> tuple[UUID, Any]:
    person = uuid7()
    grant = Grant(
        role="referent", network_id=inventory.alliance.id, organisation_id=organisation, since=date(2000, 1, 1)
    )
    return person, await inventory.running.grant(person, grant)


def token(inventory: Inventory, question: Any, person: UUID, purpose: str = "freshness") -> str:
    expires = wall() + timedelta(days=30)
    return links.mint(inventory.running.link_key, "mapping", purpose, UUID(question["id"]), expires, person=str(person))


async def test_the_organisation_is_asked_after_six_months_and_not_before(inventory: Inventory) -> None:
    place = await inventory.validated("places", PLACE)
    on = inventory.now
    await inventory.pass_days(180)  # no six months have 180 days
    assert await inventory.told("freshness", "*") == []
    assert (await inventory.get(inventory.path(place)))["freshness"]["stale"] is False
    await inventory.pass_days(5)
    [(fact, body)] = await inventory.told("freshness", "*")
    assert fact == "asked"
    assert (body["item"], body["item_id"], body["answer"]) == ("place", place["id"], None)
    asked_on = date.fromisoformat(body["asked_on"])
    assert asked_on >= on + timedelta(days=181)
    assert date.fromisoformat(body["answer_by"]) == asked_on + timedelta(days=30)
    shown = await inventory.get(inventory.path(place))
    assert shown["freshness"]["stale"] is True
    assert 0 < shown["freshness"]["score"] < 0.2
    assert await inventory.names("places", stale="true") == [place["title"]]
    assert await inventory.names("places", stale="false") == []


async def test_without_an_answer_it_expires_and_the_public_sees_it_no_more(inventory: Inventory) -> None:
    place, question = await asked(inventory, title="Nessuno risponde")
    assert "Nessuno risponde" in await inventory.names("places", {})
    await inventory.pass_days(30)
    assert (await inventory.get(inventory.path(place)))["state"] == "validated"  # the last day is still in time
    await inventory.pass_days(1)
    assert "Nessuno risponde" not in await inventory.names("places", {})
    assert (await inventory.ask("GET", inventory.path(place), {})).status_code == 404
    assert (await inventory.get(inventory.path(place)))["state"] == "expired"
    assert [fact for fact, _ in await inventory.told("place", place["id"])][-1] == "expired"
    assert (await inventory.told("freshness", question["id"]))[-1][1]["answer"] == "lapsed"
    late = await inventory.ask("POST", f"/freshness/{question['id']}/answer", json={"answer": "confirmed"})
    assert late.status_code == 200, late.text
    assert (late.json()["answer"], late.json()["allowed_actions"]) == ("confirmed", [])
    assert "Nessuno risponde" in await inventory.names("places", {})


async def test_a_confirmation_by_link_is_shown_first_and_counts_once(inventory: Inventory) -> None:
    organisation = await inventory.member("Auser Lecco")
    person, _ = await referent(inventory, organisation)
    place, question = await asked(inventory, title="Sportello", organisation_id=str(organisation))
    here = f"/freshness/link?token={token(inventory, question, person)}"
    page = await inventory.ask("GET", here, {}, more={"accept": "text/html"})
    assert page.status_code == 200
    assert "Sportello" in page.text
    assert 'name="phone"' in page.text
    assert (await inventory.get(f"/freshness/{question['id']}"))["answer"] is None  # opening it did nothing
    done = await inventory.ask("POST", here, {}, data={"answer": "confirmed"}, more={"accept": "text/html"})
    assert done.status_code == 200
    assert "registrata" in done.text
    shown = await inventory.get(inventory.path(place))
    assert (shown["freshness"]["checked_on"], shown["freshness"]["score"]) == (inventory.today, 1.0)
    again = await inventory.ask("POST", here, {}, data={"answer": "gone"}, more={"accept": "application/json"})
    assert again.status_code == 409
    assert (await inventory.get(inventory.path(place)))["state"] == "validated"
    [question_fact] = [body for fact, body in await inventory.told("freshness", question["id"]) if fact == "answered"]
    assert question_fact["answer"] == "confirmed"
    assert str(person) not in str(question_fact)


async def test_a_change_by_link_is_taken_and_what_matters_is_looked_at_again(inventory: Inventory) -> None:
    organisation = await inventory.member("Arci Lecco")
    person, headers = await referent(inventory, organisation)
    place, question = await asked(inventory, title="Circolo", organisation_id=str(organisation), phone="0341 481111")
    here = f"/freshness/link?token={token(inventory, question, person)}"
    fields = {"title": "Circolo", "address": "", "phone": "trecento", "email": "", "website": "", "note": ""}
    html = {"accept": "text/html"}
    wrong = await inventory.ask("POST", here, {}, data={"answer": "changed", **fields}, more=html)
    assert wrong.status_code == 422
    assert "trecento" in wrong.text  # what was written is still there
    right = await inventory.ask(
        "POST", here, {}, data={"answer": "changed", **fields, "phone": "0341 482222"}, more=html
    )
    assert right.status_code == 200, right.text
    shown = await inventory.get(inventory.path(place))
    assert (shown["phone"], shown["state"]) == ("+390341482222", "validated")
    assert shown["freshness"]["checked_on"] == inventory.today
    place, question = await asked(inventory, title="Circolo nuovo", organisation_id=str(organisation))
    body = {"answer": "changed", "place": {"address": "Via Roma 1"}}
    answer = await inventory.ask("POST", f"/freshness/{question['id']}/answer", headers, json=body)
    assert answer.status_code == 200, answer.text
    shown = await inventory.get(inventory.path(place))
    assert (shown["state"], shown["address"], shown["validated_on"]) == ("proposed", "Via Roma 1", None)
    assert shown["endorsed_on"] == inventory.today


async def test_what_is_gone_is_closed(inventory: Inventory) -> None:
    place, question = await asked(inventory, title="Chiude")
    body = {"answer": "gone"}
    assert (await inventory.ask("POST", f"/freshness/{question['id']}/answer", json=body)).status_code == 200
    assert (await inventory.get(inventory.path(place)))["state"] == "closed"
    assert [fact for fact, _ in await inventory.told("place", place["id"])][-1] == "closed"


async def test_lines_that_a_browser_ends_in_its_own_way_are_no_change(inventory: Inventory) -> None:
    organisation = await inventory.member("Auser Valmadrera")
    person, _ = await referent(inventory, organisation)
    body = {"title": "Sala", "kind": "economic", "territories": ["E507"], "description": "Per trenta.\nCon cucina."}
    resource = await inventory.validated("resources", {**body, "organisation_id": str(organisation)})
    await inventory.pass_days(190)
    found = (await inventory.get("freshness", open="true"))["items"]
    question = next(question for question in found if question["subject"]["id"] == resource["id"])
    here = f"/freshness/link?token={token(inventory, question, person)}"
    fields = {"title": "Sala", "description": "Per trenta.\r\nCon cucina.", "until": "2099-12-31"}
    answer = await inventory.ask("POST", here, {}, data={"answer": "changed", **fields}, more={"accept": "text/html"})
    assert answer.status_code == 200, answer.text
    shown = await inventory.get(inventory.path(resource))
    assert (shown["state"], shown["until"], shown["description"]) == ("validated", "2100-01-01", body["description"])


async def test_a_link_ends_with_the_mandate_of_whom_it_was_sent_to(inventory: Inventory) -> None:
    organisation = await inventory.member("Acli Lecco")
    person, headers = await referent(inventory, organisation)
    _, question = await asked(inventory, title="Patronato", organisation_id=str(organisation))
    here = f"/freshness/link?token={token(inventory, question, person)}"
    json_ = {"accept": "application/json"}
    assert (await inventory.ask("GET", here, {}, more=json_)).json()["allowed_actions"] == ["answer"]
    await inventory.running.grant(person, version=2)
    assert (await inventory.ask("GET", here, {}, more=json_)).status_code == 410
    assert (await inventory.ask("POST", here, {}, data={"answer": "gone"}, more=json_)).status_code == 410
    other = f"/freshness/link?token={token(inventory, question, person, 'commitment')}"
    assert (await inventory.ask("GET", other, {}, more=json_)).status_code == 400
    assert (await inventory.ask("GET", f"/freshness/{question['id']}", headers)).status_code == 404


async def test_two_answers_at_once_are_one(inventory: Inventory) -> None:
    place, question = await asked(inventory, title="Due insieme")
    path = f"/freshness/{question['id']}/answer"
    answers = await asyncio.gather(
        inventory.ask("POST", path, json={"answer": "confirmed"}),
        inventory.ask("POST", path, json={"answer": "confirmed"}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    facts = [fact for fact, _ in await inventory.told("freshness", question["id"])]
    assert facts == ["asked", "answered"]
    assert [fact for fact, _ in await inventory.told("place", place["id"])] == ["proposed", "validated", "changed"]


async def test_a_network_says_how_often_it_asks(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    assert (await inventory.get("freshness-rule"))["every"] == 6
    place = await inventory.validated("places", PLACE)
    member = await inventory.person("member")
    body = {"every": 2, "days": 5}
    refused = await inventory.ask("PUT", "freshness-rule", member, json=body, more={"if-match": '"0"'})
    assert refused.status_code == 403
    stale = await inventory.ask("PUT", "freshness-rule", json=body, more={"if-match": '"3"'})
    assert stale.status_code == 412
    kept = await inventory.ask("PUT", "freshness-rule", json=body, more={"if-match": '"0"'})
    assert (kept.status_code, kept.json()["every"], kept.json()["version"]) == (200, 2, 1)
    await inventory.pass_days(63)
    [question] = (await inventory.get("freshness", open="true"))["items"]
    assert question["subject"]["id"] == place["id"]
    assert date.fromisoformat(question["answer_by"]) - date.fromisoformat(question["asked_on"]) == timedelta(days=5)
    await inventory.pass_days(6)
    assert (await inventory.get(inventory.path(place)))["state"] == "expired"


async def test_a_confirmation_before_anybody_asks_moves_the_question(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    place = await inventory.validated("places", PLACE)
    await inventory.pass_days(100)
    assert (await inventory.step(place, "confirm")).status_code == 200
    await inventory.pass_days(100)
    assert (await inventory.get("freshness"))["items"] == []
    await inventory.pass_days(90)
    assert len((await inventory.get("freshness"))["items"]) == 1


async def test_a_referent_reads_the_questions_of_their_own_organisation(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    own, other = await inventory.member("Nostra"), await inventory.member("Altra")
    for title, organisation in (("A", own), ("B", other)):
        await inventory.validated("places", {**PLACE, "title": title, "organisation_id": str(organisation)})
    await inventory.pass_days(190)
    _, headers = await referent(inventory, own)
    assert [one["subject"]["name"] for one in (await inventory.get("freshness", headers))["items"]] == ["A"]
    assert len((await inventory.get("freshness"))["items"]) == 2
    hidden = next(one for one in (await inventory.get("freshness"))["items"] if one["subject"]["name"] == "B")
    assert (await inventory.ask("GET", f"/freshness/{hidden['id']}", headers)).status_code == 404
    body = {"answer": "gone"}
    assert (await inventory.ask("POST", f"/freshness/{hidden['id']}/answer", headers, json=body)).status_code == 403
