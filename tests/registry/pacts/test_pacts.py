"""Generative pacts over HTTP and facts: drafted, complete, signed, followed, ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.runtime.clock import wall
from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem
from tests.registry.pacts.scene import DEED, NAME, OWN, Scene, organisation

pytestmark = pytest.mark.timeout(180)


async def test_a_pact_is_incomplete_until_the_four_kinds_of_actors_hold_a_concrete_commitment(scene: Scene) -> None:
    pact = await scene.drafted()
    assert pact["code"] == f"PG-{scene.today.year}-0001"
    assert pact["missing"] == ["local_authority", "third_sector", "operator", "beneficiary"]
    due = scene.days(30)
    pact = await scene.obliged(pact, organisation_id=scene.holders["comune"], text=DEED, due=due)
    assert pact["missing"] == ["third_sector", "operator", "beneficiary"]
    pact = await scene.obliged(pact, organisation_id=scene.holders["ponti"], due=due)  # nothing is said of what
    assert pact["missing"] == ["third_sector", "operator", "beneficiary"]
    assert pact["obligations"][1]["concrete"] is False
    pact = await scene.obliged(pact, side="operator", text=DEED, due=due)  # nor here of who
    pact = await scene.obliged(pact, side="beneficiary", text=OWN)  # nor here by when
    assert pact["missing"] == ["third_sector", "operator", "beneficiary"]
    refused = await scene.tried(pact, "sign", {"until": scene.days(200)})
    assert problem(refused) == (409, "pact-incomplete")
    assert "terzo settore, operatori, beneficiari" in refused.json()["detail"]
    assert refused.json()["errors"][0]["accepted"] == ["third_sector", "operator", "beneficiary"]
    for number, given in (
        (2, {"text": DEED}),
        (3, {"person_id": scene.holders["operator"]}),
        (4, {"due": due}),
    ):
        assert pact["state"] == "draft"
        etag = f'"{await scene.version(pact)}"'
        answer = await scene.maker.patch(f"/pacts/{pact['id']}/obligations/{number}", given, etag)
        assert answer.status_code == 200, answer.text
        pact = answer.json()
    assert (pact["state"], pact["missing"]) == ("complete", [])
    assert [one["side"] for one in pact["obligations"]] == [
        "local_authority",
        "third_sector",
        "operator",
        "beneficiary",
    ]
    assert (await scene.told(pact))[-1][1]["missing"] == []
    etag = f'"{await scene.version(pact)}"'
    back = await scene.maker.delete(f"/pacts/{pact['id']}/obligations/1", etag)
    assert (back.json()["state"], back.json()["missing"]) == ("draft", ["local_authority"])


async def test_codes_count_on_within_a_network_and_a_year(scene: Scene) -> None:
    codes = [(await scene.drafted())["code"] for _ in range(3)]
    year = scene.today.year
    assert codes == [f"PG-{year}-0001", f"PG-{year}-0002", f"PG-{year}-0003"]


async def test_a_mixed_body_says_for_whom_it_stands_and_stands_for_one_side_of_a_pact(scene: Scene, room: Room) -> None:
    girasole = await organisation(room, "Consorzio Girasole", "02816500132", "consortium", ownership="mixed")
    pact, due = await scene.drafted(), scene.days(30)
    path = f"/pacts/{pact['id']}/obligations"
    refused = await scene.maker.post(path, {"organisation_id": girasole, "text": DEED, "due": due})
    assert problem(refused) == (422, "pact-invalid")
    (error,) = refused.json()["errors"]
    assert (error["path"], error["accepted"]) == ("/side", "local_authority, third_sector")
    pact = await scene.obliged(pact, organisation_id=girasole, side="third_sector", text=DEED, due=due)
    pact = await scene.obliged(pact, organisation_id=girasole, text=DEED, due=due)  # it has said so
    assert [one["side"] for one in pact["obligations"]] == ["third_sector", "third_sector"]
    refused = await scene.maker.post(path, {"organisation_id": girasole, "side": "local_authority", "text": DEED})
    assert refused.json()["errors"][0]["accepted"] == "third_sector"
    refused = await scene.maker.post(path, {"organisation_id": scene.holders["comune"], "side": "third_sector"})
    assert refused.json()["errors"][0]["accepted"] == "local_authority"


async def test_what_organisations_and_operators_take_on_becomes_commitments_without_a_word_of_the_person(
    scene: Scene, registry: Running
) -> None:
    pact = await scene.signed()
    assert (pact["state"], pact["since"], pact["signed_on"]) == ("signed", scene.days(0), scene.days(0))
    made = await registry.published("registry.commitment.*.made")
    own = [body for _, body in made if body["source"] == "pact" and pact["code"] in body["title"]]
    assert len(own) == 3
    titles = {f"Impegno nel patto {pact['code']}, n. {n}" for n in (1, 2, 3)}
    assert {body["title"] for body in own} >= titles
    ours = [one for one in pact["obligations"] if one["commitment_id"]]
    assert [one["state"] for one in ours] == ["open", "open", "open"]
    assert pact["obligations"][3]["commitment_id"] is None
    commitment = ours[1]["commitment_id"]
    shown = await scene.room.get(f"/commitments/{commitment}")
    done = await scene.room.post(
        f"/commitments/{commitment}/fulfil", {"evidence": "Contratto firmato"}, etag=shown.headers["etag"]
    )
    assert done.status_code == 200, done.text
    again = await scene.maker.found(f"/pacts/{pact['id']}")
    assert again["obligations"][1]["state"] == "fulfilled"
    refused = await scene.tried(pact, "obligations/2/close", {"outcome": "kept"})
    assert problem(refused) == (409, "pact-obligation-is-commitment")
    kept = await scene.act(pact, "obligations/4/close", {"outcome": "partly_kept"})
    assert kept["obligations"][3]["outcome"] == "partly_kept"
    refused = await scene.tried(pact, "obligations/4/close", {"outcome": "kept"})
    assert problem(refused) == (409, "pact-part-closed")
    more = await scene.obliged(pact, organisation_id=scene.holders["ponti"], text=DEED, due=scene.days(60))
    assert more["obligations"][4]["state"] == "open"
    refused = await scene.maker.post(f"/pacts/{pact['id']}/obligations", {"side": "beneficiary", "text": OWN})
    assert refused.json()["errors"][0]["path"] == "/due"


async def test_steps_have_days_and_outcomes_and_what_is_still_due_is_told_as_figures(scene: Scene) -> None:
    pact = await scene.signed()
    pact = await scene.step(pact, 50, "secondo passo")
    etag = f'"{pact["version"]}"'
    moved = await scene.maker.patch(f"/pacts/{pact['id']}/steps/2", {"due": scene.days(70)}, etag)
    assert moved.json()["steps"][1]["due"] == scene.days(70)
    closed = await scene.act(pact, "steps/1/close", {"outcome": "reached", "note": "con lo sportello"})
    assert (closed["steps"][0]["outcome"], closed["steps"][0]["closed_on"]) == ("reached", scene.days(0))
    fact = (await scene.told(pact))[-1][1]
    assert (fact["steps"], fact["steps_done"]) == (2, 1)
    assert fact["due_steps"] == [{"number": 2, "due": scene.days(70)}]
    refused = await scene.tried(pact, "steps/1/close", {"outcome": "dropped"})
    assert problem(refused) == (409, "pact-part-closed")
    refused = await scene.tried(pact, "steps/2/close", {"outcome": "reached", "on": scene.days(1)})
    assert problem(refused) == (422, "pact-invalid")
    assert problem(await scene.tried(pact, "steps/9/close", {"outcome": "reached"}))[0] == 404


async def test_a_pact_is_renewed_and_ended_with_its_outcome_and_nothing_is_owed_by_it_any_more(
    scene: Scene, registry: Running
) -> None:
    pact = await scene.signed()
    refused = await scene.tried(pact, "renew", {"until": pact["until"]})
    assert problem(refused) == (422, "pact-invalid")
    renewed = await scene.act(pact, "renew", {"until": scene.days(400)})
    assert renewed["renewals"] == [
        {"renewed_on": scene.days(0), "until_before": scene.days(200), "until": scene.days(400)}
    ]
    ended = await scene.act(pact, "end", {"outcome": "autonomy", "note": "tutto bene"})
    assert (ended["state"], ended["outcome"], ended["closed_on"]) == ("ended", "autonomy", scene.days(0))
    assert [one["state"] for one in ended["obligations"][:3]] == ["waived"] * 3
    facts = [type_ for type_, _ in await scene.told(pact)]
    assert facts[-2:] == ["changed", "ended"]
    for action, body in (
        ("renew", {"until": scene.days(500)}),
        ("end", {"outcome": "autonomy"}),
        ("break-off", {"reason": "mistake"}),
    ):
        assert problem(await scene.tried(pact, action, body)) == (409, "pact-not-now")
    refused = await scene.maker.post(f"/pacts/{pact['id']}/steps", {"text": "x", "due": scene.days(3)})
    assert problem(refused) == (409, "pact-not-now")


async def test_a_draft_or_a_signed_pact_may_be_broken_off_with_a_reason(scene: Scene) -> None:
    for pact in (await scene.drafted(), await scene.signed()):
        broken = await scene.act(pact, "break-off", {"reason": "unreachable", "note": "non risponde"})
        assert (broken["state"], broken["break_reason"], broken["outcome"]) == ("broken_off", "unreachable", None)
        assert (await scene.told(pact))[-1][1]["outcome"] == "unreachable"


async def test_an_organisation_promotes_pacts_with_its_own_makers(scene: Scene, room: Room, registry: Running) -> None:
    comune = scene.holders["comune"]
    person = await room.person("Nora", "Comunale")
    await room.mandate(person, "community_maker", scene.days(0), organisation_id=comune)
    own = Caller(registry, registry.signed_in(UUID(person["id"])))
    body = {"organisation_id": comune, "territory": "E507", "beneficiary": {"name": NAME}}
    pact = await own.made(f"/networks/{room.slug}/pacts", body)
    assert (pact["organisation"]["name"], pact["maker"]["id"]) == ("Comune di Lecco", person["id"])
    read = await own.post(f"/pacts/{pact['id']}/readings")
    assert read.json()["beneficiary"]["name"] == NAME
    assert problem(await scene.maker.get(f"/pacts/{pact['id']}"))[0] == 404  # of another promoter


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"body_id": None}, "/body_id"),
        ({"organisation_id": "019a0000-0000-7000-8000-000000000001"}, "/body_id"),
        ({"body_id": "019a0000-0000-7000-8000-000000000001"}, "/body_id"),
        ({"maker_id": "019a0000-0000-7000-8000-000000000001"}, "/maker_id"),
        ({"territory": "ZZ99"}, "/territory"),
        ({"beneficiary": {"name": ""}}, "/beneficiary/name"),
        ({"beneficiary": {"name": "a\u0000b"}}, "/beneficiary/name"),
        ({"beneficiary": {"name": "x", "notes": "y" * 10_001}}, "/beneficiary/notes"),
        ({"nonsense": 1}, "/nonsense"),
    ],
)
async def test_what_cannot_be_drafted_is_refused_with_its_field(scene: Scene, given: Any, path: str) -> None:
    body = {"body_id": scene.group["id"], "beneficiary": {"name": NAME}, **given}
    refused = await scene.maker.post(f"/networks/{scene.room.slug}/pacts", body)
    assert refused.status_code == 422, refused.text
    assert [error["path"] for error in refused.json()["errors"]] == [path]


async def test_a_lone_surrogate_is_refused(scene: Scene) -> None:
    content = f'{{"body_id": "{scene.group["id"]}", "beneficiary": {{"name": "\\ud800"}}}}'
    refused = await scene.registry.client.post(
        f"/registry/v1/networks/{scene.room.slug}/pacts",
        content=content,
        headers={**scene.maker.headers, "content-type": "application/json"},
    )
    assert refused.status_code == 422, refused.text


async def test_an_old_version_is_refused(scene: Scene) -> None:
    pact = await scene.drafted()
    await scene.step(pact)
    stale = await scene.maker.patch(f"/pacts/{pact['id']}", {"kind": "person"}, f'"{pact["version"]}"')
    assert problem(stale) == (412, "version-mismatch")
    missing = await scene.maker.patch(f"/pacts/{pact['id']}", {"kind": "person"})
    assert problem(missing) == (428, "if-match-missing")
    changed = await scene.maker.patch(
        f"/pacts/{pact['id']}",
        {"kind": "person", "territory": "097", "beneficiary": {"name": "Altra"}},
        f'"{await scene.version(pact)}"',
    )
    assert (changed.json()["kind"], changed.json()["territory"]) == ("person", "097")
    read = (await scene.maker.post(f"/pacts/{pact['id']}/readings")).json()
    assert read["beneficiary"] == {"name": "Altra", "contact": None, "notes": None}


async def test_lists_are_filtered_and_hold_what_the_caller_may_know_of(
    scene: Scene, room: Room, other_room: Room, registry: Running
) -> None:
    draft, signed = await scene.drafted(), await scene.signed()
    path = f"/networks/{room.slug}/pacts"

    async def codes(who: Caller, **params: Any) -> list[str]:
        return [item["code"] for item in (await who.found(path, **params))["items"]]

    both = [draft["code"], signed["code"]]
    for who in (scene.maker, scene.coordinator, room, room.admin):
        assert await codes(who) == both
    for params, expected in (
        ({"state": "signed"}, [signed["code"]]),
        ({"state": ["signed", "draft"]}, both),
        ({"body": scene.group["id"]}, both),
        ({"maker": scene.maker_id}, both),
        ({"maker": str(uuid7())}, []),
        ({"territory": "097"}, both),
        ({"territory": "01"}, []),
        ({"on": scene.days(3)}, [signed["code"]]),
        ({"on": scene.days(200)}, []),
        ({"q": draft["code"][-4:].lower()}, [draft["code"]]),
        ({"year": scene.today.year}, both),
        ({"kind": "person"}, []),
        ({"sort": "-id"}, both[::-1]),
        ({"sort": "-updated"}, both[::-1]),
        ({"updated_since": (wall() + timedelta(days=1)).isoformat()}, []),
    ):
        assert await codes(room, **params) == expected, params
    elsewhere = Caller(registry, await registry.holder("coordinator", room.id, territory="01"))
    assert await codes(elsewhere) == []
    other_group = Caller(registry, await registry.holder("community_maker", room.id, body_id=uuid7()))
    assert await codes(other_group) == []
    assert problem(await elsewhere.get(f"/pacts/{draft['id']}"))[0] == 404
    assert problem(await other_room.get(path)) == (403, "forbidden")
    member = Caller(registry, await registry.holder("referent", room.id))
    assert problem(await member.get(path)) == (403, "forbidden")
    assert problem(await room.get(path, nonsense=1))[0] == 422
    first = await room.found(path, limit=1)
    assert [item["code"] for item in (await room.found(path, limit=1, after=first["next"]))["items"]] == both[1:]


async def test_who_may_do_what_is_told_and_held(scene: Scene, room: Room, registry: Running) -> None:
    pact = await scene.drafted()
    shown = await scene.maker.found(f"/pacts/{pact['id']}")
    writing = {"change", "oblige", "change_obligation", "step", "break_off", "hand_over", "read"}
    assert set(shown["allowed_actions"]) == writing
    assert set((await scene.coordinator.found(f"/pacts/{pact['id']}"))["allowed_actions"]) == writing
    assert (await room.found(f"/pacts/{pact['id']}"))["allowed_actions"] == []
    colleague = Caller(registry, await registry.holder("community_maker", room.id, body_id=UUID(scene.group["id"])))
    assert (await colleague.found(f"/pacts/{pact['id']}"))["allowed_actions"] == []
    for who in (room, colleague):
        refused = await who.post(f"/pacts/{pact['id']}/steps", {"text": "x", "due": scene.days(3)})
        assert problem(refused) == (403, "forbidden")
    by_coordinator = await scene.coordinator.post(f"/pacts/{pact['id']}/steps", {"text": "x", "due": scene.days(3)})
    assert by_coordinator.status_code == 201


async def test_the_same_request_sent_again_drafts_one_pact(scene: Scene) -> None:
    body = {"body_id": scene.group["id"], "beneficiary": {"name": NAME}}
    path = f"/networks/{scene.room.slug}/pacts"
    once, twice = [await scene.maker.post(path, body, **{"idempotency-key": "uno"}) for _ in range(2)]
    assert once.json()["id"] == twice.json()["id"]


async def test_the_words_are_in_the_vocabularies(scene: Scene) -> None:
    found = {each["name"]: each for each in (await scene.maker.found("/vocabularies"))["items"]}
    assert [term["it"] for term in found["pact_sides"]["terms"]] == [
        "Enti locali",
        "Terzo settore",
        "Operatori",
        "Beneficiari",
    ]
    assert {name for name in found if name.startswith("pact_")} == {
        "pact_states",
        "pact_kinds",
        "pact_sides",
        "pact_outcomes",
        "pact_break_reasons",
        "pact_step_outcomes",
        "pact_obligation_outcomes",
        "pact_reading_reasons",
    }
