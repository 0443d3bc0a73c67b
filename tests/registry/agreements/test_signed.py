"""Memoranda, conventions and programme agreements: who signs, from when it binds, and what is then owed."""

from __future__ import annotations

import asyncio

from uuid_utils.compat import uuid7

from tests.harness import Running
from tests.registry.agreements.scene import ACT, Agreements, member, speaker
from tests.registry.commitments.scene import commitments, day, let_pass
from tests.registry.conftest import Room, problem


async def test_a_memorandum_binds_when_all_have_signed_and_its_obligations_become_commitments(
    registry: Running, room: Room
) -> None:
    asst, ponti, rive = [await member(room, name) for name in ("ASST", "Ponti", "Rive")]
    (doctor, by_asst), (anna, by_ponti) = await speaker(room, asst, "Dottoressa"), await speaker(room, ponti, "Anna")
    agreement = await Agreements.drafted(room, "memorandum", until=day(registry, 400), territories=["LC"])
    early = await agreement.asks("obligations", {"organisation_id": asst["id"], "title": "Sede", "due": day(registry)})
    assert problem(early) == (422, "invalid-agreement")
    await agreement.signed_by(asst, ponti)
    drafted = await agreement.does(
        "obligations", {"organisation_id": asst["id"], "title": "Mettere la sede", "due": day(registry, 30)}
    )
    assert (drafted["obligations"][0]["commitment"], drafted["state"]) == (None, "draft")
    assert await agreement.told() == []
    await agreement.does("submit")
    foreign = {"organisation_id": rive["id"], "mandate_id": by_ponti["id"]}
    assert (await agreement.asks("signatures", foreign)).status_code == 404
    others = await agreement.asks("signatures", {"organisation_id": ponti["id"], "mandate_id": by_asst["id"]})
    assert (problem(others), others.json()["errors"][0]["path"]) == ((422, "mandate-unfit"), "/mandate_id")
    mine = {"organisation_id": ponti["id"], "mandate_id": by_ponti["id"]}
    assert problem(await agreement.asks("signatures", mine, doctor)) == (403, "forbidden")
    first = await agreement.does("signatures", mine, anna)
    assert (first["state"], [one["by"] and one["by"]["name"] for one in first["signatories"]]) == (
        "signing",
        [None, "Anna Di Prova"],
    )
    twice = await agreement.asks("signatures", mine)
    assert problem(twice) == (409, "signed-already")
    whole = await agreement.does("signatures", {"organisation_id": asst["id"], "mandate_id": by_asst["id"]})
    assert (whole["state"], whole["since"]) == ("in_force", day(registry))
    (obligation,) = whole["obligations"]
    assert (obligation["state"], obligation["commitment"]["name"]) == ("open", "Mettere la sede")
    later = await agreement.does(
        "obligations", {"organisation_id": ponti["id"], "title": "Volontari", "due": day(registry, 2)}
    )
    assert [one["state"] for one in later["obligations"]] == ["open", "open"]
    assert {(one["source"], one["debtor"]["name"]) for one in await commitments(room, room.slug)} == {
        ("agreement", "ASST"),
        ("agreement", "Ponti"),
    }
    assert await agreement.told() == [
        ("opened", "signing"),
        ("changed", "signing"),
        ("advanced", "in_force"),
        ("changed", "in_force"),
    ]
    await let_pass(registry, 3)
    ended = await agreement.does("end", {"reason": "Recesso consensuale"})
    assert (ended["state"], ended["reason"], ended["allowed_actions"]) == ("ended", "Recesso consensuale", [])
    states = {one["title"]: one["state"] for one in await commitments(room, room.slug)}
    assert states == {"Mettere la sede": "waived", "Volontari": "late"}  # what was due stays owed


async def test_all_who_sign_at_once_have_signed_and_nobody_twice(room: Room) -> None:
    parties = [await member(room, f"Parte {number}") for number in range(6)]
    agreement = await Agreements.drafted(room, "memorandum")
    await agreement.signed_by(*parties)
    await agreement.does("submit")
    bodies = [{"organisation_id": one["id"], "mandate_id": (await speaker(room, one))[1]["id"]} for one in parties]
    path = f"{agreement.path}/signatures"
    answers = await asyncio.gather(*(room.post(path, body) for body in (*bodies, bodies[0])))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) == 1
    in_force_meanwhile = (409, "agreement-action-not-possible")
    assert problem(refused[0]) in [(409, "signed-already"), in_force_meanwhile]
    whole = await room.found(agreement.path)
    assert (whole["state"], all(one["signed_on"] for one in whole["signatories"])) == ("in_force", True)


async def test_it_ends_on_its_day_and_what_is_owed_stays_so(registry: Running, room: Room) -> None:
    first, second = await member(room, "Uno"), await member(room, "Due")
    (_, by_first), (_, by_second) = await speaker(room, first, "Prima"), await speaker(room, second, "Seconda")
    agreement = await Agreements.drafted(room, "convention", until=day(registry, 2))
    await agreement.signed_by(first, second)
    await agreement.does("obligations", {"organisation_id": first["id"], "title": "Fare", "due": day(registry, 50)})
    await agreement.does("submit")
    for one, mandate in ((first, by_first), (second, by_second)):
        await agreement.does("signatures", {"organisation_id": one["id"], "mandate_id": mandate["id"]})
    moved = await agreement.changed(until=day(registry, 3))
    assert moved.json()["until"] == day(registry, 3)
    assert problem(await agreement.changed(title="Altro")) == (422, "invalid-agreement")
    last = day(registry, 3)
    await let_pass(registry, 2)
    assert (await room.found(agreement.path))["state"] == "in_force"
    await let_pass(registry, 1)
    found = await room.found(agreement.path)
    assert (found["state"], found["closed_on"]) == ("ended", last)
    assert (await agreement.told())[-1] == ("advanced", "ended")
    assert [one["state"] for one in await commitments(room, room.slug)] == ["open"]
    refused = await agreement.asks("end", {"reason": "Ancora"})
    assert problem(refused) == (409, "agreement-action-not-possible")


async def test_a_programme_agreement_is_promoted_by_who_signs_it_and_carries_a_plan(
    registry: Running, room: Room
) -> None:
    lead, partner, out = [await member(room, name) for name in ("Comune", "Coop", "Altro")]
    plan = await room.made(
        f"/networks/{room.slug}/plans", {"title": "Piano", "since": "2021-01-01", "last_day": "2023-12-31"}
    )
    agreement = await Agreements.drafted(
        room, "programme_agreement", plan_id=plan["id"], act={**ACT, "day": day(registry)}
    )
    await agreement.signed_by(lead, partner)
    refused = await agreement.asks("submit")
    assert refused.json()["errors"][0]["path"] == "/authority_id"
    for wrong in (str(uuid7()), out["id"]):
        await agreement.changed(authority_id=wrong)
        assert (await agreement.asks("submit")).status_code == 422
    changed = await agreement.changed(authority_id=lead["id"])
    assert (changed.json()["authority"]["name"], changed.json()["plan"]["name"]) == ("Comune", "Piano")
    assert (await agreement.does("submit"))["state"] == "signing"
    found = await room.found(f"/networks/{room.slug}/agreements", plan=plan["id"])
    assert [one["id"] for one in found["items"]] == [agreement.one["id"]]
    withdrawn = await agreement.does("withdraw", {"reason": "Mancano i fondi"})
    assert (withdrawn["state"], withdrawn["closed_on"]) == ("withdrawn", day(registry))


async def test_a_member_that_leaves_before_the_last_signature_owes_nothing(registry: Running, room: Room) -> None:
    stays, leaves = await member(room, "Resta"), await member(room, "Parte")
    (_, by_stays), (_, by_leaves) = await speaker(room, stays, "Resta"), await speaker(room, leaves, "Parte")
    agreement = await Agreements.drafted(room, "memorandum")
    await agreement.signed_by(stays, leaves)
    for one in (stays, leaves):
        await agreement.does("obligations", {"organisation_id": one["id"], "title": "Fare", "due": day(registry, 9)})
    await agreement.does("submit")
    await agreement.does("signatures", {"organisation_id": leaves["id"], "mandate_id": by_leaves["id"]})
    membership = f"/memberships/{leaves['membership']['id']}"
    tag = (await room.get(membership)).headers["etag"]
    assert (await room.post(f"{membership}/withdraw", {}, tag)).status_code == 200
    whole = await agreement.does("signatures", {"organisation_id": stays["id"], "mandate_id": by_stays["id"]})
    assert {one["organisation"]["name"]: one["state"] for one in whole["obligations"]} == {
        "Resta": "open",
        "Parte": None,
    }


async def test_a_draft_can_be_thrown_away_and_is_nobody_elses(registry: Running, room: Room, other_room: Room) -> None:
    one, two = await member(room, "Uno"), await member(room, "Due")
    reader, _ = await speaker(room, one)
    agreement = await Agreements.drafted(room, "memorandum")
    await agreement.signed_by(one, two)
    await agreement.does("obligations", {"organisation_id": one["id"], "title": "Fare", "due": day(registry, 9)})
    assert problem(await reader.get(agreement.path)) == (403, "forbidden")
    assert (await reader.found(f"/networks/{room.slug}/agreements"))["items"] == []
    assert problem(await other_room.get(agreement.path)) == (403, "forbidden")
    obligation = (await room.found(agreement.path))["obligations"][0]
    gone = await room.delete(f"{agreement.path}/obligations/{obligation['id']}", await agreement.tag())
    assert gone.json()["obligations"] == []
    assert problem(await room.delete(agreement.path)) == (428, "if-match-missing")
    assert (await room.delete(agreement.path, await agreement.tag())).status_code == 204
    assert (await room.get(agreement.path)).status_code == 404
