from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem


async def test_a_person_is_entered_in_clean_form_and_told(registry: Running, room: Room) -> None:
    person = await room.person(" Giulia ", "De  Luca", email="Giulia@Example.ORG", phone="0341 123456", language="en")
    assert (person["name"], person["email"], person["phone"]) == (
        "Giulia De Luca",
        "giulia@example.org",
        "+390341123456",
    )
    assert (person["email_verified"], person["version"]) == (False, 1)
    ((type_, body),) = await registry.published(f"registry.person.{person['id']}.*")
    assert type_ == "trama.registry.person.registered.v1"
    assert (body["family_name"], body["email"], body["network_id"]) == ("De Luca", "giulia@example.org", str(room.id))


async def test_several_people_share_a_mailbox_and_some_have_only_a_phone(room: Room) -> None:
    first = await room.person("Giulia", email="info@example.org")
    second = await room.person("Marco", email="info@example.org")
    third = await room.person("Anna", phone="347 1234567")
    fourth = await room.person("Ugo")
    assert len({person["id"] for person in (first, second, third, fourth)}) == 4


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"email": "giulia"}, "/email"),
        ({"email": "x"}, "/email"),
        ({"phone": "casa mia"}, "/phone"),
        ({"language": "de"}, "/language"),
        ({"given_name": "  "}, "/given_name"),
        ({"given_name": "a\u0000"}, "/given_name"),
        ({"family_name": None}, "/family_name"),
        ({"birth_date": "1990-01-01"}, "/birth_date"),
    ],
)
async def test_what_is_wrong_with_a_person_is_named_and_nothing_is_kept(
    room: Room, wrong: dict[str, Any], path: str
) -> None:
    body = {"given_name": "Giulia", "family_name": "Serra", **wrong}
    refused = await room.post(f"/networks/{room.slug}/people", body)
    assert refused.status_code == 422
    assert [error["path"] for error in refused.json()["errors"]] == [path]
    assert (await room.found(f"/networks/{room.slug}/people"))["items"] == []


async def test_only_what_is_given_changes_and_null_takes_away(registry: Running, room: Room) -> None:
    person = await room.person(email="a@example.org", phone="0341 123456")
    url = f"/people/{person['id']}"
    assert problem(await room.patch(url, {"given_name": "Anna"})) == (428, "if-match-missing")
    changed = await room.patch(url, {"given_name": "Anna", "phone": None}, '"1"')
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["name"], changed.json()["email"], changed.json()["phone"]) == (
        "Anna Serra",
        "a@example.org",
        None,
    )
    assert problem(await room.patch(url, {"given_name": "Eva"}, '"1"')) == (412, "version-mismatch")
    facts = await registry.published(f"registry.person.{person['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts] == ["registered", "changed"]


async def test_people_are_found_by_any_part_of_name_or_address_without_accents(room: Room) -> None:
    for given, family, email in (
        ("Nicolò", "D'Amico", "nico@example.org"),
        ("Marta", "Bassi", None),
        ("Ada", "Nico_lai", None),
    ):
        await room.person(given, family, **({"email": email} if email else {}))

    async def names(**filters: Any) -> list[str]:
        return [item["name"] for item in (await room.found(f"/networks/{room.slug}/people", **filters))["items"]]

    assert await names(q="NICOLO") == ["Nicolò D'Amico"]
    assert await names(q="nicolò d'am") == ["Nicolò D'Amico"]
    assert await names(q="bassi marta") == ["Marta Bassi"]
    assert await names(q="nico@example.org") == ["Nicolò D'Amico"]
    assert await names(q="o_l") == ["Ada Nico_lai"]
    assert await names(q="%") == []
    assert await names(language="en") == []
    assert await names(sort="name") == ["Marta Bassi", "Nicolò D'Amico", "Ada Nico_lai"]
    first = await room.found(f"/networks/{room.slug}/people", sort="name", limit=1)
    assert await names(sort="name", after=first["next"]) == ["Nicolò D'Amico", "Ada Nico_lai"]
    assert len(await names(updated_since="2020-01-01T00:00:00Z")) == 3
    assert await names(updated_since="2999-01-01T00:00:00Z") == []
    assert problem(await room.get(f"/networks/{room.slug}/people", colour="red")) == (422, "invalid")


async def test_a_person_is_seen_by_their_networks_and_themselves_only(
    registry: Running, room: Room, other_room: Room
) -> None:
    person = await room.person()
    url = f"/people/{person['id']}"
    themselves = Caller(registry, registry.signed_in(UUID(person["id"])))
    assert (await themselves.found(url))["allowed_actions"] == ["change"]
    assert (await room.found(url))["allowed_actions"] == ["change", "erase"]
    assert problem(await other_room.get(url)) == (404, "not-found")
    assert problem(await other_room.patch(url, {"given_name": "Eva"}, '"1"')) == (404, "not-found")
    coordinator = Caller(registry, await registry.holder("coordinator", room.id))
    assert (await coordinator.found(url))["allowed_actions"] == []
    assert problem(await coordinator.patch(url, {"given_name": "Eva"}, '"1"')) == (403, "forbidden")
    assert (await themselves.patch(url, {"phone": "0341 123456"}, '"1"')).status_code == 200
    assert problem(await themselves.delete(url, '"2"')) == (403, "forbidden")
    assert problem(await room.get(f"/people/{uuid4()}")) == (404, "not-found")


async def test_an_erased_person_is_a_row_without_a_name_everywhere(registry: Running, room: Room) -> None:
    body = {"given_name": "Zenobia", "family_name": "Marcatore", "email": "zenobia@example.org", "phone": "0341 987654"}
    person = (await room.post(f"/networks/{room.slug}/people", body, **{"idempotency-key": "zenobia"})).json()
    await room.mandate(person, "secretariat", "2020-01-01", until="2021-01-01")  # offices held remain
    gone = await room.delete(f"/people/{person['id']}", '"1"')
    assert gone.status_code == 200, gone.text
    assert (gone.json()["name"], gone.json()["email"], gone.json()["allowed_actions"]) == ("", None, [])
    assert (await room.found(f"/networks/{room.slug}/people"))["items"] == []
    facts = await registry.published(f"registry.person.{person['id']}.*")
    assert facts[-1][0] == "trama.registry.person.erased.v1"
    assert facts[-1][1] == {"id": person["id"], "version": 2, "network_id": str(room.id)}
    told = await registry.sql("select type, body from log where aggregate_id = :id order by seq", id=UUID(person["id"]))
    assert [row.type.split(".")[2] for row in told] == ["person", "grant", "person"]
    assert [json.loads(row.body)["version"] for row in told] == [1, 1, 2]
    assert await registry.sql("select 1 from mandates where person_id = :id", id=UUID(person["id"]))
    for table in ("people", "log", "idempotency", "sign_in_requests"):
        rows = await registry.sql(f"select t::text as row from {table} t")
        traces = ("zenobia", "marcatore", "987654", b"enobia".hex())
        assert not any(trace in row.row.lower() for trace in traces for row in rows), table
    assert problem(await room.patch(f"/people/{person['id']}", {"given_name": "Eva"}, '"2"')) == (404, "not-found")
    assert problem(await room.delete(f"/people/{person['id']}", '"2"')) == (404, "not-found")


async def test_who_holds_an_office_is_retained_with_the_ground(registry: Running, room: Room) -> None:
    person = await room.person()
    mandate = await room.mandate(person, "secretariat", registry.context.clock.today().isoformat())
    refused = await room.delete(f"/people/{person['id']}", '"1"')
    assert problem(refused) == (409, "person-retained")
    assert mandate["id"] in refused.json()["detail"]
    await registry.settled()
    tag = (await room.get(f"/mandates/{mandate['id']}")).headers["etag"]
    await room.post(f"/mandates/{mandate['id']}/end", {"reason": "resigned"}, tag)
    assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200
    assert (await room.found(f"/mandates/{mandate['id']}"))["person"]["name"] == ""


async def test_a_designation_retains_until_it_is_declined_whatever_its_first_day(registry: Running, room: Room) -> None:
    person, today = await room.person(), registry.context.clock.today()
    mandate = await room.mandate(person, "secretariat", (today + timedelta(days=30)).isoformat())
    url = f"/people/{person['id']}"
    assert problem(await room.delete(url, '"1"')) == (409, "person-retained")
    await room.post(f"/mandates/{mandate['id']}/end", {"reason": "declined"}, '"1"')
    assert (await room.delete(url, '"1"')).status_code == 200
    facts = await registry.published(f"registry.mandate.{mandate['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts] == ["designated", "ended"]


async def test_who_is_erased_owes_nothing_any_more(registry: Running, room: Room) -> None:
    person, member = await room.person(), await room.organisation()
    body = {"title": "Verbale", "kind": "action", "due": registry.context.clock.today().isoformat()}
    owed, done = [
        await room.made(f"/networks/{room.slug}/commitments", {**body, "person_id": person["id"]}) for _ in range(2)
    ]
    theirs = await room.made(f"/networks/{room.slug}/commitments", {**body, "organisation_id": member["id"]})
    await room.post(f"/commitments/{done['id']}/fulfil", {"evidence": "Fatto"}, '"1"')
    assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200
    after = await room.found(f"/commitments/{owed['id']}")
    assert (after["state"], after["waived"], after["debtor"]["name"], after["version"]) == (
        "waived",
        {"code": "person_erased", "reason": None},
        "",
        2,
    )
    assert (await room.found(f"/commitments/{done['id']}"))["state"] == "fulfilled"
    assert (await room.found(f"/commitments/{theirs['id']}"))["state"] == "open"
    facts = await registry.published(f"registry.commitment.{owed['id']}.*")
    assert [(type_.split(".")[3], told["state"]) for type_, told in facts] == [("made", "open"), ("waived", "waived")]
    again = await room.post(f"/networks/{room.slug}/commitments", {**body, "person_id": person["id"]})
    assert problem(again) == (422, "debtor-unknown")
    assert again.json()["errors"][0]["accepted"] == "somebody whom the network knows"


async def test_a_list_of_people_is_taken_into_a_spreadsheet_without_formulas(room: Room) -> None:
    await room.person("=HYPERLINK(1)", email="a@example.org")
    room.headers = {**room.headers, "accept": "text/csv"}
    answer = await room.get(f"/networks/{room.slug}/people")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "'=HYPERLINK(1)" in answer.text


async def test_who_has_no_mailbox_is_shown_as_somebody_to_call_or_to_nobodys_reach(room: Room) -> None:
    mailed = await room.person("Ada", email="casa@example.org", phone="0341 123456")
    shared = await room.person("Bea", email="casa@example.org")  # one mailbox, two people
    called = await room.person("Carla", phone="0341 123456")
    nobody = await room.person("Dora")
    found = {one["id"]: one["reach"] for one in (await room.found(f"/networks/{room.slug}/people"))["items"]}
    assert found == {
        mailed["id"]: "email", shared["id"]: "email", called["id"]: "phone", nobody["id"]: "unreachable",
    }  # fmt: skip
    for reach, people in (("email", [mailed, shared]), ("phone", [called]), ("unreachable", [nobody])):
        listed = (await room.found(f"/networks/{room.slug}/people", reach=reach))["items"]
        assert [one["id"] for one in listed] == [one["id"] for one in people]
    assert (await room.get(f"/networks/{room.slug}/people", reach="pigeon")).status_code == 422
