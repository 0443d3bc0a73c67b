"""Organisations and memberships over HTTP, and the facts that they publish."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.registry.desk import Desk, tax_code


async def step(desk: Desk, membership: dict[str, Any], name: str, expect: int = 200, **body: str) -> Any:
    answer = await desk.ask(
        "POST", f"/memberships/{membership['id']}/{name}", json=body, headers={"if-match": f'"{membership["version"]}"'}
    )
    assert answer.status_code == expect, answer.text
    return answer.json()


async def test_a_registered_organisation_is_read_back_as_it_was_given(desk: Desk) -> None:
    code = tax_code()
    made = await desk.register(
        name="  Consorzio   Il Girasole ",
        tax_code=f"IT{code}",
        kind="consortium",
        ownership="mixed",
        sections=[{"code": "social_enterprise", "since": "2022-11-07"}],
        municipality="E507",
        territories=["LC", "03"],
        website="https://girasole.example.org",
        pec="girasole@pec.example.org",
        notes="Capitale misto",
    )
    found = await desk.get(f"/organisations/{made['id']}")
    assert found == made
    assert (found["name"], found["tax_code"], found["ownership"]) == ("Consorzio Il Girasole", code, "mixed")
    assert found["sections"] == [{"code": "social_enterprise", "since": "2022-11-07", "until": None}]
    assert found["municipality"]["name"] == "Lecco"
    assert found["territories"] == ["03", "097"]
    assert found["allowed_actions"] == ["change"]
    membership = found["membership"]
    assert (membership["state"], membership["notes"]) == ("candidate", "Capitale misto")
    assert membership["allowed_actions"] == ["change", "activate", "withdraw"]


async def test_registering_tells_the_organisation_and_its_membership(desk: Desk) -> None:
    made = await desk.register(state="active", municipality="E507", since="2025-05-01")
    told = [(t, b) for t, b in await desk.told("organisation") if b["id"] == made["id"]]
    assert [(t, b["version"], b["municipality"]) for t, b in told] == [
        ("trama.registry.organisation.registered.v1", 1, "E507")
    ]
    ((type_, membership),) = await desk.told("membership")
    assert type_ == "trama.registry.membership.activated.v1"
    assert (membership["organisation_id"], membership["state"], membership["since"]) == (
        made["id"], "active", "2025-05-01",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "type_", "path"),
    [
        ({"tax_code": "12345678901"}, "tax-code-invalid", "/tax_code"),
        ({"tax_code": None}, "organisation-invalid", "/tax_code"),
        ({"municipality": "Z999"}, "organisation-invalid", "/municipality"),
        ({"territories": ["XX"]}, "organisation-invalid", "/territories"),
        ({"kind": "club"}, "invalid", "/kind"),
        ({"name": "   "}, "organisation-invalid", "/title"),
        ({"sections": [{"code": "odv"}, {"code": "aps"}]}, "organisation-invalid", "/sections"),
        ({"state": "withdrawn"}, "organisation-invalid", "/state"),
        ({"parent_id": "00000000-0000-7000-8000-000000000000"}, "organisation-invalid", "/parent_id"),
        ({"colour": "red"}, "invalid", "/colour"),
        ({"email": "nessuno"}, "invalid", "/email"),
    ],
)
async def test_what_is_wrong_is_refused_with_its_place_and_nothing_is_kept(
    desk: Desk, body: dict[str, Any], type_: str, path: str
) -> None:
    problem = await desk.register(expect=422, **body)
    assert problem["type"] == f"urn:trama:problem:{type_}"
    assert problem["errors"][0]["path"].removeprefix("/body") in {path, "/name"}
    assert await desk.members() == []


async def test_a_known_tax_code_joins_the_organisation_that_bears_it(desk: Desk) -> None:
    other = await Desk.founded(desk.running)
    made = await desk.register(name="Uno")
    joined = await other.register(name="Due", tax_code=made["tax_code"])
    assert (joined["id"], joined["name"]) == (made["id"], "Uno")
    assert joined["membership"]["network_id"] == str(other.network_id)
    problem = await desk.register(expect=409, tax_code=made["tax_code"])
    assert problem["type"] == "urn:trama:problem:already-member"
    assert made["id"] in problem["detail"]


async def test_what_a_network_notes_of_a_member_is_not_seen_from_another(desk: Desk) -> None:
    other = await Desk.founded(desk.running)
    made = await desk.register(email="uno@example.org", notes="riservato")
    await other.register(tax_code=made["tax_code"])
    there = await other.get(f"/organisations/{made['id']}")
    assert (there["membership"]["email"], there["membership"]["notes"]) == (None, None)
    answer = await other.ask("GET", f"/memberships/{made['membership']['id']}")
    assert answer.status_code == 404


async def test_an_organisation_of_no_network_of_the_reader_is_not_found(desk: Desk) -> None:
    other = await Desk.founded(desk.running)
    made = await desk.register()
    for method in ("GET", "PATCH"):
        answer = await other.ask(
            method, f"/organisations/{made['id']}", json={} if method == "PATCH" else None, headers={"if-match": '"1"'}
        )
        assert answer.status_code == 404


async def test_members_read_and_only_the_secretariat_writes(desk: Desk) -> None:
    made = await desk.register(notes="riservato")
    member = await desk.running.holder("member", desk.network_id)
    answer = await desk.ask("GET", f"/organisations/{made['id']}", headers=member)
    assert answer.json()["allowed_actions"] == answer.json()["membership"]["allowed_actions"] == []
    assert answer.json()["membership"]["notes"] is None
    for method, path in (
        ("POST", f"/networks/{desk.slug}/organisations"),
        ("PATCH", f"/organisations/{made['id']}"),
        ("PATCH", f"/memberships/{made['membership']['id']}"),
        ("POST", f"/memberships/{made['membership']['id']}/activate"),
    ):
        body = {"name": "Ente", "tax_code": tax_code()} if path.endswith("organisations") else {}
        answer = await desk.ask(method, path, json=body, headers={**member, "if-match": '"1"'})
        assert answer.status_code == 403, path


async def test_a_change_needs_the_version_that_was_seen_and_is_told(desk: Desk) -> None:
    made = await desk.register(name="Prima")
    path = f"/organisations/{made['id']}"
    assert (await desk.ask("PATCH", path, json={"name": "Dopo"})).status_code == 428
    answer = await desk.ask("PATCH", path, json={"name": "Dopo"}, headers={"if-match": '"1"'})
    assert (answer.status_code, answer.json()["name"], answer.headers["etag"]) == (200, "Dopo", '"2"')
    stale = await desk.ask("PATCH", path, json={"name": "Altro"}, headers={"if-match": '"1"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
    same = await desk.ask("PATCH", path, json={"name": "Dopo"}, headers={"if-match": '"2"'})
    assert same.headers["etag"] == '"2"'
    told = [(t, b["title"], b["version"]) for t, b in await desk.told("organisation") if b["id"] == made["id"]]
    assert told == [
        ("trama.registry.organisation.registered.v1", "Prima", 1),
        ("trama.registry.organisation.changed.v1", "Dopo", 2),
    ]


async def test_a_tax_code_that_another_bears_is_refused(desk: Desk) -> None:
    one, other = await desk.register(), await desk.register()
    answer = await desk.ask(
        "PATCH", f"/organisations/{one['id']}", json={"tax_code": other["tax_code"]}, headers={"if-match": '"1"'}
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:trama:problem:tax-code-taken")


async def test_parents_do_not_go_in_circles(desk: Desk) -> None:
    top = await desk.register(name="Nazionale")
    below = await desk.register(name="Regionale", parent_id=top["id"])
    assert below["parent"] == {
        "id": top["id"], "name": "Nazionale", "href": f"/registry/v1/organisations/{top['id']}",
    }  # fmt: skip
    answer = await desk.ask(
        "PATCH", f"/organisations/{top['id']}", json={"parent_id": below["id"]}, headers={"if-match": '"1"'}
    )
    assert answer.json()["errors"][0]["code"] == "circle"
    assert [m["id"] for m in await desk.members(parent=top["id"])] == [below["id"]]


async def test_a_membership_lives_through_its_states_and_each_is_told(desk: Desk) -> None:
    one = (await desk.register(since="2026-01-01"))["membership"]
    one = await step(desk, one, "activate", since="2026-02-01")
    one = await step(desk, one, "suspend", since="2026-03-01")
    one = await step(desk, one, "resume", since="2026-04-01")
    one = await step(desk, one, "withdraw", since="2026-05-01")
    assert [past["state"] for past in one["history"]] == ["candidate", "active", "suspended", "active"]
    assert (one["state"], one["allowed_actions"]) == ("withdrawn", ["change"])
    assert [(type_.split(".")[3], body["version"]) for type_, body in await desk.told("membership")] == [
        ("proposed", 1), ("activated", 2), ("suspended", 3), ("activated", 4), ("withdrawn", 5),
    ]  # fmt: skip
    again = await desk.register(tax_code=(await desk.members())[0]["tax_code"], since="2026-06-01")
    assert (again["membership"]["id"], again["membership"]["state"]) == (one["id"], "candidate")


async def test_a_step_that_does_not_lead_on_or_comes_too_early_is_refused(desk: Desk) -> None:
    one = (await desk.register(since="2026-01-01"))["membership"]
    assert (await step(desk, one, "suspend", expect=409))["type"] == "urn:trama:problem:wrong-state"
    too_early = await step(desk, one, "activate", expect=422, since="2025-12-31")
    assert too_early["type"] == "urn:trama:problem:too-early"
    assert (await step(desk, {**one, "version": 7}, "activate", expect=412))["type"].endswith("version-mismatch")


async def test_contacts_and_notes_are_changed_on_the_membership(desk: Desk) -> None:
    one = (await desk.register(email="uno@example.org"))["membership"]
    answer = await desk.ask(
        "PATCH", f"/memberships/{one['id']}", json={"pec": "a@pec.example.org"}, headers={"if-match": '"1"'}
    )
    changed = answer.json()
    assert (changed["email"], changed["pec"], changed["version"]) == ("uno@example.org", "a@pec.example.org", 2)
    [_, told] = await desk.told("membership")
    assert told[1]["pec"] == "a@pec.example.org"
    assert "uno@example.org" not in str(told)  # nobody outside knows the other contacts
    await desk.ask("PATCH", f"/memberships/{one['id']}", json={"phone": "037112345"}, headers={"if-match": '"2"'})
    assert len(await desk.told("membership")) == 2


async def names(desk: Desk, **filters: Any) -> list[str]:
    return [member["name"] for member in await desk.members(**filters)]


@pytest.fixture
async def full(desk: Desk) -> Desk:
    await desk.register(
        name="Arci Città", kind="association", municipality="F205", sections=[{"code": "aps", "since": "2024-01-01"}]
    )
    await desk.register(name="Banco 100%", kind="foundation", municipality="E507", state="active")
    await desk.register(name="caritas", kind="religious", municipality="H501", territories=["LC"])
    await desk.register(name="Èlan Cremona", kind="association", municipality="D150", since="2026-03-01")
    return desk


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["Arci Città", "Banco 100%", "caritas", "Èlan Cremona"]),
        ({"sort": "-name"}, ["Èlan Cremona", "caritas", "Banco 100%", "Arci Città"]),
        ({"sort": "updated"}, ["Arci Città", "Banco 100%", "caritas", "Èlan Cremona"]),
        ({"kind": ["association", "religious"]}, ["Arci Città", "caritas", "Èlan Cremona"]),
        ({"kind": "association", "territory": "D150"}, ["Èlan Cremona"]),
        ({"territory": "03"}, ["Arci Città", "Banco 100%", "caritas", "Èlan Cremona"]),
        ({"territory": "097"}, ["Banco 100%", "caritas"]),
        ({"territory": "LC"}, ["Banco 100%", "caritas"]),
        ({"territory": "E507"}, ["Banco 100%"]),
        ({"territory": ["12", "CR"]}, ["caritas", "Èlan Cremona"]),
        ({"section": "aps"}, ["Arci Città"]),
        ({"section": "aps", "on": "2023-12-31"}, []),
        ({"state": "active"}, ["Banco 100%"]),
        ({"state": "candidate", "on": "2026-02-28"}, []),
        ({"on": "2026-03-02"}, ["Èlan Cremona"]),
        ({"q": "citta"}, ["Arci Città"]),
        ({"q": "ELAN"}, ["Èlan Cremona"]),
        ({"q": "cremonna"}, ["Èlan Cremona"]),
        ({"q": "100%"}, ["Banco 100%"]),
        ({"q": "%"}, ["Banco 100%"]),
        ({"q": "zzzz"}, []),
        ({"updated_since": "2000-01-01T00:00:00Z"}, ["Arci Città", "Banco 100%", "caritas", "Èlan Cremona"]),
        ({"updated_since": "2100-01-01T00:00:00Z"}, []),
    ],
)
async def test_members_are_filtered(full: Desk, filters: dict[str, Any], found: list[str]) -> None:
    assert await names(full, **filters) == found


async def test_an_unknown_filter_or_territory_is_refused(desk: Desk) -> None:
    for filters in ({"colour": "red"}, {"territory": "XX"}, {"kind": "club"}):
        answer = await desk.ask("GET", f"/networks/{desk.slug}/organisations", params=filters)
        assert answer.status_code == 422, filters


async def test_the_pages_of_a_list_follow_each_other_without_gap_or_repetition(desk: Desk) -> None:
    for number in range(7):
        await desk.register(name=f"Ente {number % 3}")
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await desk.get(f"/networks/{desk.slug}/organisations", limit=2, **after)
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert len(found) == len(set(found)) == 7


async def test_a_list_can_be_had_as_csv(desk: Desk) -> None:
    await desk.register(name="=1+1", municipality="E507", sections=[{"code": "aps"}])
    answer = await desk.ask("GET", f"/networks/{desk.slug}/organisations", headers={"accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["name"], row["municipality.code"], row["sections"]) == ("'=1+1", "E507", "aps")
    assert row["membership.state"] == "candidate"


async def test_memberships_are_listed_by_state_and_organisation(full: Desk) -> None:
    path = f"/networks/{full.slug}/memberships"
    active = (await full.get(path, state="active"))["items"]
    assert [one["organisation"]["name"] for one in active] == ["Banco 100%"]
    one = (await full.get(path, organisation=active[0]["organisation"]["id"]))["items"]
    assert one == active


async def test_the_vocabularies_name_every_kind_section_and_state_in_both_languages(desk: Desk) -> None:
    found = {one["name"]: one["terms"] for one in (await desk.get("/vocabularies"))["items"]}
    assert {"organisation_kinds", "runts_sections", "membership_states", "import_outcomes"} <= set(found)
    for term in found["organisation_kinds"]:
        assert term["it"]
        assert term["en"]


async def test_the_same_request_with_the_same_key_registers_once(desk: Desk) -> None:
    body = {"name": "Ente", "tax_code": tax_code()}
    path, key = f"/networks/{desk.slug}/organisations", {"idempotency-key": "una"}
    first = await desk.ask("POST", path, json=body, headers=key)
    second = await desk.ask("POST", path, json=body, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
