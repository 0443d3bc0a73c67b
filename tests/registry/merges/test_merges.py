"""Two records of one organisation become one: over HTTP, with the facts that other services hear."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.mapping import AbsenceDeclared
from tests.registry.conftest import problem
from tests.registry.desk import Desk, table, tax_code


async def preview(desk: Desk, one: Any, into: Any, expect: int = 200, headers: Any = None) -> Any:
    answer = await desk.ask(
        "GET", f"/organisations/{one['id']}/merge", params={"into": into["id"]}, headers=headers or {}
    )
    assert answer.status_code == expect, answer.text
    return answer.json()


async def merge(
    desk: Desk, one: Any, into: Any, expect: int = 200, headers: Any = None, version: int | None = None
) -> Any:
    answer = await desk.ask(
        "POST",
        f"/organisations/{one['id']}/merge",
        json={"into_id": into["id"]},
        headers={"if-match": f'"{version or one["version"]}"', **(headers or {})},
    )
    assert answer.status_code == expect, answer.text
    return answer.json()


async def made(desk: Desk, path: str, **body: Any) -> Any:
    answer = await desk.ask("POST", path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def person(desk: Desk, given: str, family: str = "Serra") -> Any:
    return await made(desk, f"/networks/{desk.slug}/people", given_name=given, family_name=family)


async def referent(desk: Desk, who: Any, of: Any, since: str = "2025-01-01", **more: Any) -> Any:
    body = {"person_id": who["id"], "organisation_id": of["id"], "role": "referent", "since": since, **more}
    return await made(desk, f"/networks/{desk.slug}/mandates", **body)


async def ended(desk: Desk, mandate: Any, on: str) -> Any:
    await desk.running.settled()  # its turns have been told: they move its version
    mandate = await desk.get(f"/mandates/{mandate['id']}")
    answer = await desk.ask(
        "POST",
        f"/mandates/{mandate['id']}/end",
        json={"reason": "resigned", "on": on},
        headers={"if-match": f'"{mandate["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def two(desk: Desk, **more: Any) -> tuple[Any, Any]:
    one = await desk.register(name="Ass. Ponti", state="active", since="2019-05-01", **more)
    into = await desk.register(name="Associazione Ponti", state="active", since="2022-01-01")
    return one, into


async def test_what_named_the_duplicate_names_the_other_one(desk: Desk) -> None:
    one, into = await two(desk, pec="ponti@pec.example.org", notes="vecchia scheda")
    affiliate = await desk.register(name="Affiliata", parent_id=one["id"])
    ada = await person(desk, "Ada")
    mandate = await referent(desk, ada, one)
    owed = await made(
        desk,
        f"/networks/{desk.slug}/commitments",
        title="Logo",
        kind="action",
        due="2190-01-01",
        organisation_id=one["id"],
    )
    plan = await preview(desk, one, into)
    assert (plan["conflicts"], plan["memberships"][0]["combined"]) == ([], True)
    assert {move["what"]: move["rows"] for move in plan["moves"]} == {
        "commitments": 1,
        "mandates": 1,
        "memberships": 1,
        "organisations": 1,
    }
    assert (await desk.get(f"/organisations/{one['id']}"))["name"] == "Ass. Ponti"  # nothing has moved
    assert (await merge(desk, one, into))["into"]["id"] == into["id"]
    assert (await desk.get(f"/mandates/{mandate['id']}"))["organisation"]["id"] == into["id"]
    assert (await desk.get(f"/commitments/{owed['id']}"))["debtor"]["id"] == into["id"]
    assert (await desk.get(f"/organisations/{affiliate['id']}"))["parent"]["id"] == into["id"]
    membership = (await desk.get(f"/organisations/{into['id']}"))["membership"]
    assert (membership["since"], membership["pec"], membership["notes"]) == (
        "2019-05-01", "ponti@pec.example.org", "vecchia scheda",
    )  # fmt: skip
    assert [found["name"] for found in await desk.members()] == ["Affiliata", "Associazione Ponti"]
    assert [found["name"] for found in await desk.members(q="ponti")] == ["Associazione Ponti"]


async def test_the_old_address_says_where_it_is_now(desk: Desk) -> None:
    one, into = await two(desk)
    await merge(desk, one, into)
    for method in ("GET", "PATCH"):
        answer = await desk.ask(
            method, f"/organisations/{one['id']}", json={} if method == "PATCH" else None, headers={"if-match": '"1"'}
        )
        assert problem(answer) == (410, "merged")
        assert answer.json()["into"]["id"] == into["id"]
        assert answer.headers["location"].endswith(into["id"])
    assert (await desk.ask("GET", f"/memberships/{one['membership']['id']}")).status_code == 404
    stranger = await Desk.founded(desk.running)
    assert (await stranger.ask("GET", f"/organisations/{one['id']}")).status_code == 404
    assert (await preview(desk, one, into, expect=410))["type"].endswith("merged")


async def test_its_tax_code_finds_the_other_one(desk: Desk) -> None:
    one, into = await two(desk)
    await merge(desk, one, into)
    refused = await desk.register(expect=409, tax_code=one["tax_code"])
    assert refused["type"].endswith("already-member")
    assert into["id"] in refused["detail"]
    other = await Desk.founded(desk.running)
    assert (await other.register(tax_code=one["tax_code"]))["id"] == into["id"]


async def test_no_file_makes_the_duplicate_anew(desk: Desk) -> None:
    one, into = await two(desk)
    await merge(desk, one, into)
    fresh = tax_code()
    state = await desk.upload(
        table(
            [
                (one["tax_code"], "Ass. Ponti", "Lecco", "LC"),
                (into["tax_code"], "Associazione Ponti", "Lecco", "LC"),
                (fresh, "Nuova", "Lecco", "LC"),
            ]
        )
    )
    assert state["created"] == 1
    assert sorted(found["tax_code"] for found in await desk.members()) == sorted([into["tax_code"], fresh])


async def test_a_merge_of_merged_ones_is_carried_along(desk: Desk) -> None:
    one, into = await two(desk)
    third = await desk.register(name="Ponti", state="active")
    await merge(desk, one, into)
    await merge(desk, into, third, version=(await desk.get(f"/organisations/{into['id']}"))["version"])
    answer = await desk.ask("GET", f"/organisations/{one['id']}")
    assert answer.json()["into"]["id"] == third["id"]


async def test_a_group_without_code_takes_the_code_and_what_else_it_lacks(desk: Desk) -> None:
    group = await desk.register(name="Gruppo", kind="informal_group", tax_code=None, state="active")
    one = await desk.register(name="Gruppo", kind="association", municipality="E507", website="https://g.example.org")
    plan = await merge(desk, one, group)
    assert plan["fills"] == ["municipality", "tax_code", "website"]
    found = await desk.get(f"/organisations/{group['id']}")
    assert (found["tax_code"], found["municipality"]["code"]) == (one["tax_code"], "E507")
    assert (found["membership"]["state"], found["name"]) == ("active", "Gruppo")


async def test_others_hear_what_is_gone_and_what_names_the_other_one(desk: Desk) -> None:
    one, into = await two(desk)
    mandate = await referent(desk, await person(desk, "Ada"), one)
    await merge(desk, one, into)
    facts = await desk.running.published("registry.>")
    gone = [(type_.split(".")[-2], body) for type_, body in facts if body["id"] == one["id"]]
    assert [(step, body["version"]) for step, body in gone] == [("registered", 1), ("merged", 2)]
    assert gone[-1][1]["into_id"] == into["id"]
    members = [(type_.split(".")[-2], body) for type_, body in facts if body["id"] == one["membership"]["id"]]
    assert [(step, body["version"]) for step, body in members] == [("activated", 1), ("merged", 2)]
    assert members[-1][1]["into_id"] == into["membership"]["id"]
    told = [body for _, body in facts if body["id"] == into["membership"]["id"]]
    assert [(body["version"], body["since"]) for body in told] == [(1, "2022-01-01"), (2, "2019-05-01")]
    moved = [body for _, body in facts if body["id"] == mandate["id"]]
    assert (moved[-1]["organisation_id"], moved[-1]["version"]) == (into["id"], max(b["version"] for b in moved))
    grants = [body["grants"] for type_, body in facts if type_ == "trama.registry.grant.changed.v1"]
    assert grants[-1][0]["organisation_id"] == into["id"]


async def test_two_people_in_one_office_are_named_and_nothing_moves(desk: Desk) -> None:
    one, into = await two(desk)
    ada, ugo = await person(desk, "Ada"), await person(desk, "Ugo")
    mine, theirs = await referent(desk, ada, one), await referent(desk, ugo, into)
    refused = await merge(desk, one, into, expect=409)
    assert refused["type"].endswith("merge-conflict")
    (conflict,) = refused["conflicts"]
    assert (conflict["code"], conflict["going"], conflict["staying"]) == ("two_holders", mine["id"], theirs["id"])
    assert "Ada Serra" in refused["detail"]
    assert "Ugo Serra" in refused["detail"]
    assert (await desk.get(f"/mandates/{mine['id']}"))["organisation"]["id"] == one["id"]
    (shown,) = (await preview(desk, one, into))["conflicts"]
    assert shown["code"] == "two_holders"
    await ended(desk, mine, "2026-01-01")
    await merge(desk, one, into)


async def test_what_was_held_side_by_side_stays_as_it_was(desk: Desk) -> None:
    one, into = await two(desk)
    ada, ugo, ines = await person(desk, "Ada"), await person(desk, "Ugo"), await person(desk, "Ines")
    past = await ended(desk, await referent(desk, ada, one, "2023-01-01"), "2025-01-01")
    now = await referent(desk, ugo, into, "2024-01-01")
    await merge(desk, one, into)
    on = await desk.get(f"/networks/{desk.slug}/mandates", on="2024-06-01", role="referent")
    assert {found["person"]["name"] for found in on["items"]} == {"Ada Serra", "Ugo Serra"}
    assert (await desk.get(f"/mandates/{past['id']}"))["ended_on"] == "2025-01-01"
    body = {"person_id": ines["id"], "organisation_id": into["id"], "role": "referent", "since": "2026-10-01"}
    answer = await desk.ask("POST", f"/networks/{desk.slug}/mandates", json=body)
    assert problem(answer) == (409, "office-taken")  # the one in office still is the only one
    await desk.running.settled()
    now = await desk.get(f"/mandates/{now['id']}")
    answer = await desk.ask(
        "POST",
        f"/mandates/{now['id']}/replace",
        json={"person_id": ines["id"], "since": "2026-10-01"},
        headers={"if-match": f'"{now["version"]}"'},
    )
    assert answer.status_code in {200, 201}, answer.text


async def test_who_speaks_for_both_goes_on_once(desk: Desk) -> None:
    one, into = await two(desk)
    ada = await person(desk, "Ada")
    mine, stays = await referent(desk, ada, one), await referent(desk, ada, into, "2025-06-01")
    plan = await merge(desk, one, into)
    assert plan["ends"] == [mine["id"]]
    assert (await desk.get(f"/mandates/{mine['id']}"))["state"] == "ended"
    assert (await desk.get(f"/mandates/{stays['id']}"))["state"] == "in_office"


async def test_one_seat_and_one_commitment_are_left(desk: Desk) -> None:
    one, into = await two(desk)
    committee = await made(desk, f"/networks/{desk.slug}/bodies", name="Comitato", kind="executive_committee")
    rule = await made(
        desk,
        f"/networks/{desk.slug}/commitment-rules",
        kind="list_of_representatives",
        title="Elenco",
        due="2190-01-01",
    )
    ada = await person(desk, "Ada")
    seats = await desk.get(f"/bodies/{committee['id']}/seats")
    mine = next(seat for seat in seats["items"] if seat["organisation"]["id"] == one["id"])
    await made(
        desk,
        f"/networks/{desk.slug}/mandates",
        person_id=ada["id"],
        role="referent",
        since="2190-01-01",
        seat_id=mine["id"],
    )
    plan = await merge(desk, one, into)
    assert len(plan["closes"]) == len(plan["waives"]) == 1
    assert plan["closes"] != [mine["id"]]  # the held one stays
    left = [s for s in (await desk.get(f"/bodies/{committee['id']}/seats"))["items"] if not s["until"]]
    assert [(seat["id"], seat["organisation"]["id"]) for seat in left] == [(mine["id"], into["id"])]
    owed = await desk.get(f"/networks/{desk.slug}/commitments", state="open")
    assert [found["debtor"]["id"] for found in owed["items"]] == [into["id"]]
    assert rule["id"]


async def test_what_others_still_say_of_the_duplicate_counts_for_the_other_one(desk: Desk) -> None:
    one, into = await two(desk)
    await made(
        desk,
        f"/networks/{desk.slug}/commitment-rules",
        kind="report_of_experiences",
        title="Esperienze",
        due="2190-01-01",
    )
    await merge(desk, one, into)
    absence = AbsenceDeclared(
        id=uuid7(),
        version=1,
        network_id=desk.network_id,
        organisation_id=UUID(one["id"]),
        declared_on=date(2026, 1, 1),
    )
    await desk.running.tell(absence)
    await desk.running.settled()
    kept = await desk.get(f"/networks/{desk.slug}/commitments", state="fulfilled")
    assert [found["debtor"]["id"] for found in kept["items"]] == [into["id"]]


async def test_in_another_network_the_membership_moves_as_it_is(desk: Desk) -> None:
    other = await Desk.founded(desk.running)
    one, into = await two(desk)
    there = await other.register(tax_code=one["tax_code"], state="active", email="la@example.org")
    admin = desk.running.signed_in(admin=True)
    refused = await merge(desk, one, into, expect=403)
    assert refused["detail"].count("admin") == 1
    assert (await preview(desk, one, into, expect=403))["type"].endswith("forbidden")
    await merge(desk, one, into, headers=admin)
    moved = await other.get(f"/memberships/{there['membership']['id']}")
    assert (moved["organisation"]["id"], moved["email"], moved["state"]) == (into["id"], "la@example.org", "active")
    assert [found["id"] for found in await other.members()] == [into["id"]]


async def test_only_who_keeps_the_members_merges(desk: Desk) -> None:
    one, into = await two(desk)
    member = await desk.running.holder("member", desk.network_id)
    await merge(desk, one, into, expect=403, headers=member)
    stranger = await Desk.founded(desk.running)
    await merge(stranger, one, into, expect=404)
    theirs = await stranger.register(name="Ponti")
    await merge(desk, one, theirs, expect=404)
    assert (await merge(desk, one, one, expect=422))["type"].endswith("same-organisation")
    await merge(desk, one, into, expect=412, version=9)
    answer = await desk.ask("POST", f"/organisations/{one['id']}/merge", json={"into_id": into["id"]})
    assert answer.status_code == 428


async def test_an_affiliate_of_its_own_affiliate_is_not_made(desk: Desk) -> None:
    top = await desk.register(name="Sopra", state="active")
    middle = await desk.register(name="In mezzo", state="active", parent_id=top["id"])
    below = await desk.register(name="Sotto", state="active", parent_id=middle["id"])
    refused = await merge(desk, top, below, expect=409)
    assert [conflict["code"] for conflict in refused["conflicts"]] == ["circle"]
    await merge(desk, top, middle)  # its own affiliate takes its place
    assert (await desk.get(f"/organisations/{middle['id']}"))["parent"] is None
    assert (await desk.get(f"/organisations/{below['id']}"))["parent"]["id"] == middle["id"]


async def test_candidates_are_named_with_their_reasons(desk: Desk) -> None:
    await desk.register(name="Associazione Il Ponte", municipality="E507", pec="p@pec.example.org")
    await desk.register(name="Associazione il pónte", municipality="E507", pec="P@pec.example.org")
    await desk.register(name="Associazione Il Ponte ODV", municipality="E507")
    await desk.register(name="Associazione Il Ponte", municipality="C933")  # elsewhere: another one
    await desk.register(name="Caritas", municipality="E507")
    await desk.register(name="Caritas")
    await desk.register(name="Ditta Rossi", kind="firm", tax_code="RSSMRA80A01F205X", municipality="E507")
    await desk.register(name="Rossi Mario", kind="firm", tax_code="RSSMRA80A01F20RS", municipality="E507")
    found = (await desk.get(f"/networks/{desk.slug}/duplicates"))["items"]
    pairs = {frozenset((p["first"]["name"], p["second"]["name"])): set(p["reasons"]) for p in found}
    assert pairs[frozenset(("Associazione Il Ponte", "Associazione il pónte"))] == {
        "same_name",
        "same_municipality",
        "same_pec",
    }
    assert pairs[frozenset(("Associazione Il Ponte", "Associazione Il Ponte ODV"))] == {
        "similar_name",
        "same_municipality",
    }
    assert "same_name" in pairs[frozenset(("Caritas",))]
    assert "tax_code_variant" in pairs[frozenset(("Ditta Rossi", "Rossi Mario"))]
    assert len(found) == 5
    member = await desk.running.holder("member", desk.network_id)
    assert (await desk.ask("GET", f"/networks/{desk.slug}/duplicates", headers=member)).status_code == 403


async def test_candidates_are_read_page_by_page(desk: Desk) -> None:
    for n in range(4):
        for _ in range(2):
            await desk.register(name=f"Ente numero {n * 1111}", municipality="E507")
    seen: list[Any] = []
    after: dict[str, str] = {}
    while True:
        page = await desk.get(f"/networks/{desk.slug}/duplicates", limit=3, **after)
        seen += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    exact = [pair for pair in seen if "same_name" in pair["reasons"]]
    assert len(exact) == 4
    assert len({(p["first"]["id"], p["second"]["id"]) for p in seen}) == len(seen)


@pytest.mark.parametrize("body", [{}, {"into_id": "no"}, {"into_id": None}, {"into_id": tax_code(), "x": 1}])
async def test_what_is_no_merge_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    one = await desk.register()
    answer = await desk.ask("POST", f"/organisations/{one['id']}/merge", json=body, headers={"if-match": '"1"'})
    assert answer.status_code == 422
