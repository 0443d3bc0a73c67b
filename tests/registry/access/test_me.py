"""Who I am, and the words that the registry uses."""

from __future__ import annotations

from uuid import UUID

from services.registry.mandates.rules import EndReason, State
from services.registry.networks.rules import Kind
from services.registry.policy import Right
from shared.access.roles import Role
from tests.harness import Running
from tests.registry.conftest import Caller, Room


async def test_me_says_who_i_am_what_i_hold_and_what_i_may_do(registry: Running, room: Room) -> None:
    person = await room.person(email="io@example.org")
    today = registry.context.clock.today().isoformat()
    await room.mandate(person, "coordinator", today, territory="03")
    await room.mandate(person, "coordinator", "2199-01-01", territory="05")
    me = await Caller(registry, registry.signed_in(UUID(person["id"]))).found("/me")
    assert me["person"] == {"id": person["id"], "name": "Giulia Serra", "href": f"/registry/v1/people/{person['id']}"}
    assert (me["kind"], me["email"], me["admin"]) == ("person", "io@example.org", False)
    assert [(grant["role"], grant["territory"]) for grant in me["grants"]] == [("coordinator", "03")]
    assert [(network["slug"], network["rights"]) for network in me["networks"]] == [(room.slug, me["rights"])]
    assert {"read_people", "read_mandates"} <= set(me["rights"])
    assert "write_people" not in me["rights"]


async def test_an_administrator_need_not_be_a_person_of_the_registry(admin: Caller) -> None:
    me = await admin.found("/me")
    assert (me["admin"], me["person"], me["email"], me["grants"]) == (True, None, None, [])
    assert me["rights"] == sorted(Right)


async def test_every_word_of_the_interface_has_labels_in_both_languages(registry: Running) -> None:
    answer = await registry.client.get("/registry/v1/vocabularies")
    known = {vocabulary["name"]: vocabulary for vocabulary in answer.json()["items"]}
    for name, words in {
        "roles": Role,
        "mandate_states": State,
        "end_reasons": EndReason,
        "network_kinds": Kind,
    }.items():
        assert {term["code"] for term in known[name]["terms"]} == set(words), name
    for vocabulary in known.values():
        assert all(term["it"] and term["en"] for term in [vocabulary, *vocabulary["terms"]])
