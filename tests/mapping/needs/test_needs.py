"""A need at a civic centre: collected, assigned, answered, with times; what was asked is for few and not for ever."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import Grant
from shared.runtime import clock
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Headers, Inventory

ASKED = "Cerca una stanza per due mesi"


class Centre:
    """A civic centre in Cremona that an association runs, and the people around it."""

    runner: UUID
    helper: UUID
    place: Any
    collector: Headers
    coordinator: Headers
    referent: Headers

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory

    @classmethod
    async def of(cls, mapping: Running) -> Centre:
        self = cls(await Inventory.of(await Alliance(mapping).founded()))
        inventory = self.inventory
        self.runner = await inventory.member("Auser Cremona", "D150")
        self.helper = await inventory.member("Cooperativa Nazareth", "D150")
        self.place = await inventory.validated(
            "places",
            {
                "title": "Centro civico",
                "kind": "civic_centre",
                "municipality": "D150",
                "organisation_id": str(self.runner),
            },
        )
        self.collector = await inventory.person("delegate", organisation_id=self.runner)
        self.coordinator = await inventory.person("coordinator", territory="03")
        self.referent = await inventory.person("referent", organisation_id=self.helper)
        return self

    async def collect(self, text: str = ASKED, theme: str = "housing") -> Any:
        body = {"place_id": self.place["id"], "theme": theme, "text": text}
        return await self.inventory.post("needs", body, self.collector)

    async def read(self, need: Any, headers: Any) -> Any:
        return await self.inventory.ask("GET", self.inventory.path(need), headers)

    async def assign(self, need: Any, headers: Any = None, **body: Any) -> Any:
        return await self.inventory.step(need, "assign", headers or self.collector, body)

    async def hours(self, hours: float) -> None:
        at = self.inventory.running.context.clock.now() + timedelta(hours=hours)
        file = self.inventory.running.context.settings.clock_file
        assert file is not None
        clock.set(file, at)


@pytest.fixture(scope="module")
async def centre(mapping: Running) -> Centre:
    return await Centre.of(mapping)


async def test_a_need_goes_from_hand_to_hand(centre: Centre) -> None:
    need = await centre.collect()
    assert (need["state"], need["place"]["name"], need["allowed_actions"]) == (
        "collected",
        "Centro civico",
        ["assign", "withdraw"],
    )
    need = (await centre.assign(need, organisation_id=str(centre.helper))).json()
    assert (need["state"], need["organisation"]["name"]) == ("assigned", "Cooperativa Nazareth")
    early = await centre.inventory.step(need, "answer", centre.collector, {"answer": "fatto"})
    assert early.status_code == 403  # who collected it is not who answers
    need = (await centre.inventory.step(need, "answer", centre.referent, {"answer": "Stanza trovata"})).json()
    assert need["state"] == "answered"
    again = await centre.inventory.step(need, "answer", centre.referent, {"answer": "ancora"})
    assert again.status_code == 409
    facts = await centre.inventory.told("need", need["id"])
    assert [fact for fact, _ in facts] == ["collected", "assigned", "answered"]
    assert facts[-1][1]["answered_on"] == centre.inventory.today
    assert ASKED not in str(facts)
    assert "Stanza" not in str(facts)


async def test_what_was_asked_is_read_by_three_and_by_nobody_else(centre: Centre) -> None:
    inventory = centre.inventory
    need = (await centre.assign(await centre.collect(), organisation_id=str(centre.helper))).json()
    for headers in (centre.collector, centre.referent, centre.coordinator):
        answer = await centre.read(need, headers)
        assert (answer.json()["text"], answer.json()["readable"]) == (ASKED, True)
    admin = inventory.running.signed_in(admin=True)
    maker = await inventory.person("community_maker", territory="019")
    for headers in (inventory.secretariat, admin, maker):
        answer = await centre.read(need, headers)
        assert (answer.status_code, answer.json()["text"], answer.json()["readable"]) == (200, None, False)
        assert ASKED not in answer.text
    stranger = await inventory.person("member")
    elsewhere = await inventory.person("coordinator", territory="12")
    third = await inventory.person("referent", organisation_id=await inventory.member("Terzi"))
    for headers in (stranger, elsewhere, third):
        assert (await centre.read(need, headers)).status_code == 404
        assert (await inventory.get("needs", headers))["items"] == []
    listed = await inventory.ask("GET", "needs", centre.coordinator)
    assert need["id"] in listed.text
    assert ASKED not in listed.text
    csv = await inventory.ask("GET", "needs", centre.coordinator, more={"accept": "text/csv"})
    assert ASKED not in csv.text
    assert csv.text.splitlines()[0].startswith("id,network_id,place.id")


async def test_the_text_is_not_kept_under_an_idempotency_key(centre: Centre) -> None:
    body = {"place_id": centre.place["id"], "theme": "housing", "text": "Segreto di qualcuno"}
    key = {"idempotency-key": uuid7().hex}
    first = await centre.inventory.ask("POST", "needs", centre.collector, json=body, more=key)
    second = await centre.inventory.ask("POST", "needs", centre.collector, json=body, more=key)
    assert first.json()["id"] == second.json()["id"]
    rows = await centre.inventory.running.sql("select convert_from(body, 'UTF8') as body from idempotency")
    assert rows
    assert not any("Segreto" in row.body for row in rows)


async def test_the_text_is_erased_some_days_after_the_answer(mapping: Running) -> None:
    centre = await Centre.of(mapping)
    need = (await centre.assign(await centre.collect(), organisation_id=str(centre.helper))).json()
    need = (await centre.inventory.step(need, "answer", centre.referent, {"answer": "Trovata"})).json()
    left = await centre.collect("Resta")
    await centre.inventory.pass_days(89)
    assert (await centre.read(need, centre.collector)).json()["text"] == ASKED
    await centre.inventory.pass_days(1)
    full = (await centre.read(need, centre.collector)).json()
    assert (full["text"], full["answer"], full["state"]) == (None, None, "answered")
    assert full["text_erased_at"] is not None
    assert (await centre.read(left, centre.collector)).json()["text"] == "Resta"
    [row] = await mapping.sql("select n::text as row from needs n where id = :id", id=need["id"])
    assert "stanza" not in row.row
    assert "Trovata" not in row.row


async def test_a_network_shortens_how_long_the_text_is_kept(mapping: Running) -> None:
    centre = await Centre.of(mapping)
    need = await centre.collect()
    need = (await centre.inventory.step(need, "withdraw", centre.collector, {"why": "by_the_person"})).json()
    assert need["withdrawal"] == "by_the_person"
    first = {"if-match": '"0"'}
    refused = await centre.inventory.ask("PUT", "need-rule", centre.coordinator, json={"days_kept": 3}, more=first)
    assert refused.status_code == 403
    assert (await centre.inventory.ask("PUT", "need-rule", json={"days_kept": 3}, more=first)).status_code == 200
    await centre.inventory.pass_days(2)
    assert (await centre.read(need, centre.collector)).json()["text"] == ASKED
    await centre.inventory.pass_days(1)
    assert (await centre.read(need, centre.collector)).json()["text"] is None


async def test_times_are_counted_and_undefined_ones_are_null(mapping: Running) -> None:
    centre = await Centre.of(mapping)
    empty = (await centre.inventory.get("needs/statistics"))["whole"]
    assert (empty["total"], empty["states"]["answered"]) == (0, {"count": 0, "of": 0, "share": None})
    assert empty["hours_to_answer"] == {"n": 0, "median": None, "mean": None}
    needs = [await centre.collect(theme=theme) for theme in ("housing", "housing", "work")]
    for need, hours in zip(needs, (2, 4, 6), strict=True):
        await centre.hours(hours)
        need = (await centre.assign(need, organisation_id=str(centre.helper))).json()
        if need["theme"] == "housing":
            await centre.inventory.step(need, "answer", centre.referent, {"answer": "sì"})
    found = await centre.inventory.get("needs/statistics")
    assert found["whole"]["states"]["answered"] == {"count": 2, "of": 3, "share": 2 / 3}
    assert found["whole"]["hours_to_assign"]["n"] == 3
    assert found["whole"]["hours_to_assign"]["median"] == pytest.approx(6, abs=0.05)  # 2, 6 and 12 hours
    assert found["whole"]["hours_to_assign"]["mean"] == pytest.approx(20 / 3, abs=0.05)
    assert found["whole"]["hours_to_answer"]["median"] == pytest.approx(4, abs=0.05)
    themes = {one["theme"]: one["total"] for one in found["themes"]}
    assert themes == {"housing": 2, "work": 1}
    assert [(one["place"]["name"], one["total"]) for one in found["places"]] == [("Centro civico", 3)]
    none = await centre.inventory.get("needs/statistics", since="2199-01-01")
    assert none["whole"]["total"] == 0
    assert (await centre.inventory.get("needs/statistics", territory="12"))["whole"]["total"] == 0
    assert (await centre.inventory.get("needs/statistics", territory="D150"))["whole"]["total"] == 3


async def test_the_first_assignment_is_the_one_that_counts(centre: Centre) -> None:
    need = (await centre.assign(await centre.collect(), organisation_id=str(centre.helper))).json()
    person = uuid7()
    grant = Grant(role="member", network_id=centre.inventory.alliance.id, since=date(2000, 1, 1))
    headers = await centre.inventory.running.grant(person, grant)
    await centre.hours(5)
    again = (await centre.assign(need, person_id=str(person))).json()
    assert (again["assigned_at"], again["organisation"]) == (need["assigned_at"], None)
    assert again["person"]["id"] == str(person)
    assert (await centre.read(again, headers)).json()["text"] == ASKED
    assert (await centre.read(again, centre.referent)).status_code == 404  # it is theirs no more
    same = (await centre.assign(again, person_id=str(person))).json()
    assert same["version"] == again["version"]
    assert [fact for fact, _ in await centre.inventory.told("need", need["id"])] == [
        "collected",
        "assigned",
        "assigned",
    ]


async def test_what_cannot_be_is_refused_with_what_would_do(centre: Centre) -> None:
    inventory, need = centre.inventory, await centre.collect()
    nobody = await centre.assign(need)
    assert nobody.status_code == 422
    assert nobody.json()["type"].endswith("assignee-missing")
    unknown = await centre.assign(need, person_id=str(uuid7()))
    assert unknown.json()["errors"][0]["path"] == "/person_id"
    stale = await inventory.step(need, "assign", centre.collector, {"organisation_id": str(centre.helper)}, version=9)
    assert stale.status_code == 412
    body = {"place_id": str(uuid7()), "theme": "housing", "text": "x"}
    assert (await inventory.ask("POST", "needs", centre.collector, json=body)).status_code == 422
    outsider = await inventory.person("delegate", organisation_id=centre.helper)
    body["place_id"] = centre.place["id"]
    assert (await inventory.ask("POST", "needs", outsider, json=body)).status_code == 403
    for bad in ({"theme": "Casa!"}, {"text": " "}, {"text": "\0"}, {"text": "x" * 5001}, {"place_id": "x"}):
        answer = await inventory.ask("POST", "needs", centre.collector, json={**body, **bad})
        assert answer.status_code == 422, bad
    surrogate = await inventory.ask(
        "POST",
        "needs",
        {**centre.collector, "content-type": "application/json"},
        content=b'{"place_id": "%s", "theme": "housing", "text": "\\ud800"}' % str(centre.place["id"]).encode(),
    )
    assert surrogate.status_code == 422


async def test_a_closed_centre_collects_nothing(mapping: Running) -> None:
    centre = await Centre.of(mapping)
    await centre.inventory.step(centre.place, "close")
    body = {"place_id": centre.place["id"], "theme": "housing", "text": "x"}
    assert (await centre.inventory.ask("POST", "needs", centre.collector, json=body)).status_code == 422


async def test_whose_mandate_has_ended_reads_no_more_of_what_they_collected(centre: Centre) -> None:
    person, inventory = uuid7(), centre.inventory
    grant = Grant(
        role="delegate", network_id=inventory.alliance.id, organisation_id=centre.runner, since=date(2000, 1, 1)
    )
    headers = await inventory.running.grant(person, grant)
    body = {"place_id": centre.place["id"], "theme": "housing", "text": ASKED}
    need = await inventory.post("needs", body, headers)
    need = (await centre.assign(need, headers, person_id=str(person))).json()
    assert (await centre.read(need, headers)).json()["text"] == ASKED
    headers = await inventory.running.grant(person, version=2)
    assert (await centre.read(need, headers)).status_code == 404
    assert (await inventory.step(need, "answer", headers, {"answer": "x"})).status_code == 403
    assert (await centre.assign(need, headers, organisation_id=str(centre.helper))).status_code == 403
