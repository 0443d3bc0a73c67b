"""Those who were there say whether the minutes are right: by the body's rule, by link and signed in, in time or not;
and minutes that a later meeting approves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.runtime import clock
from tests.events.hall import Hall
from tests.events.room import Caller, Room, problem

pytestmark = pytest.mark.timeout(180)


async def ruled(hall: Hall, approval: str = "attendees", **more: Any) -> Any:
    path = f"/bodies/{hall.committee.id}/minutes-rule"
    read = await hall.room.get(path)
    sent = {**hall.room.headers, "if-match": read.headers["etag"]}
    answer = await hall.room.running.client.put(f"/events/v1{path}", json={"approval": approval, **more}, headers=sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def submitted(room: Room, there: int = 3, **rule: Any) -> tuple[Hall, Any]:
    """Minutes in approval by those who were there, of a meeting that so many attended and one was excused from."""
    hall = await Hall.opened(room, holders=there + 1)
    await ruled(hall, **rule)
    await hall.attend(*["present", "remote", "present", "present"][:there], "excused")
    await hall.close()
    minutes = await hall.drafted("Interviene il Presidente.")
    return hall, await hall.act(minutes, "submit")


async def asked_of(hall: Hall, minutes: Any) -> dict[UUID, Any]:
    """By person, how they were asked."""
    found = await hall.room.items(f"/minutes/{minutes['id']}/approvals")
    return {UUID(one["person"]["id"]): one for one in found}


async def answer(hall: Hall, minutes: Any, member: int, **body: Any) -> Any:
    return await hall.voter(member).post(f"/minutes/{minutes['id']}/approvals/me", body)


async def later(room: Room, days: float) -> None:
    file = room.running.context.settings.clock_file
    assert file is not None
    clock.set(file, room.now + timedelta(days=days))
    await room.running.settled()


async def test_without_a_rule_the_coordination_approves_and_who_sets_one_must_have_seen_the_last(room: Room) -> None:
    hall = await Hall.opened(room)
    path = f"/bodies/{hall.committee.id}/minutes-rule"
    read = await room.get(path)
    assert (read.json()["approval"], read.json()["version"]) == ("coordination", 0)
    made = await ruled(hall, share={"numerator": 2, "denominator": 3}, days=10, silence=False)
    assert (made["approval"], made["share"], made["days"], made["silence"]) == (
        "attendees", {"numerator": 2, "denominator": 3}, 10, False,
    )  # fmt: skip
    stale = {**room.headers, "if-match": read.headers["etag"]}
    body = {"approval": "coordination"}
    assert problem(await room.running.client.put(f"/events/v1{path}", json=body, headers=stale))[0] == 412
    unseen = await room.running.client.put(f"/events/v1{path}", json=body, headers=room.headers)
    assert problem(unseen)[0] == 428
    member = await room.caller("referent")
    asked = {**member.headers, "if-match": f'"{made["version"]}"'}
    assert problem(await room.running.client.put(f"/events/v1{path}", json=body, headers=asked))[0] == 403
    assert (await member.found(path))["approval"] == "attendees"
    for wrong in ({"days": 61}, {"share": {"numerator": 3, "denominator": 2}}, {"approval": "nobody"}):
        sent = {**room.headers, "if-match": f'"{made["version"]}"'}
        refused = await room.running.client.put(
            f"/events/v1{path}", json={"approval": "attendees", **wrong}, headers=sent
        )
        assert refused.status_code == 422, wrong
    unknown = await room.get(f"/bodies/{uuid7()}/minutes-rule")
    assert problem(unknown)[0] == 409


async def test_enough_of_those_who_were_there_approve_and_the_others_are_asked_no_more(room: Room) -> None:
    hall, minutes = await submitted(room, share={"numerator": 1, "denominator": 2})
    assert (minutes["approval"], minutes["allowed_actions"]) == ("attendees", ["return"])
    assert minutes["approvals"] | {"until": None} == {
        "asked": 3, "needed": 2, "approved": 0, "objected": 0, "silence": True, "until": None,
    }  # fmt: skip
    etag = f'"{minutes["version"]}"'
    refused = await room.post(f"/minutes/{minutes['id']}/approve", None, etag)
    assert problem(refused) == (409, "minutes-others-approve")
    asked = await asked_of(hall, minutes)
    assert set(asked) == {member.person_id for member in hall.members[:3]}, "not who was excused"
    one = asked[hall.members[0].person_id]
    assert await hall.told("minutes_approval", one["id"]) == [
        ("asked", {**(await hall.told("minutes_approval", one["id"]))[0][1], "state": "asked"})
    ]
    first = await answer(hall, minutes, 0, answer="approve")
    assert (first.json()["state"], first.json()["approvals"]["approved"]) == ("in_approval", 1)
    again = await answer(hall, minutes, 0, answer="approve")
    assert again.json()["approvals"]["approved"] == 1, "a person agrees once"
    last = await answer(hall, minutes, 1, answer="approve")
    assert (last.json()["state"], last.json()["number"]) == ("approved", f"1/{hall.meeting['day'][:4]}")
    states = {person: one["state"] for person, one in (await asked_of(hall, minutes)).items()}
    assert [states[member.person_id] for member in hall.members[:3]] == ["approved", "approved", "withdrawn"]
    facts = await hall.told("minutes", minutes["id"])
    assert [(fact, body["approval"], body["needed"], body["approvals"]) for fact, body in facts] == [
        ("submitted", "attendees", 2, 0),
        ("approved", "attendees", 2, 2),
    ]
    assert facts[-1][1]["sha256"] == last.json()["sha256"]
    third = asked[hall.members[2].person_id]["id"]
    assert [fact for fact, _ in await hall.told("minutes_approval", third)] == ["asked", "withdrawn"]
    assert problem(await answer(hall, minutes, 2, answer="approve")) == (409, "minutes-not-asked")
    assert (await answer(hall, minutes, 3, answer="approve")).status_code == 409, "who was excused is not asked"


async def test_so_many_objections_that_the_rest_cannot_be_enough_send_them_back(room: Room) -> None:
    hall, minutes = await submitted(room, share={"numerator": 2, "denominator": 3})
    bare = await answer(hall, minutes, 0, answer="object")
    assert problem(bare) == (422, "objection-without-reason")
    assert bare.json()["errors"][0]["path"] == "/reason"
    first = await answer(hall, minutes, 0, answer="object", reason="Non ho detto questo")
    assert (first.json()["state"], first.json()["approvals"]["objected"]) == ("in_approval", 1)
    changed = await answer(hall, minutes, 0, answer="approve")
    assert changed.json()["approvals"] | {"until": None} == {
        "asked": 3, "needed": 2, "approved": 1, "objected": 0, "silence": True, "until": None,
    }  # fmt: skip
    await answer(hall, minutes, 0, answer="object", reason="Non ho detto questo")
    last = await answer(hall, minutes, 1, answer="object", reason="Manca la mia astensione")
    assert last.json()["state"] == "draft"
    assert "Obiezioni: 2 su 3" in last.json()["remarks"]
    found = await asked_of(hall, minutes)
    assert {one["reason"] for one in found.values()} == {"Non ho detto questo", "Manca la mia astensione", None}
    stranger = await hall.voter(2).get(f"/minutes/{minutes['id']}/approvals")
    assert problem(stranger)[0] == 403, "reasons are for those who write the minutes"
    reasons = [body for one in found.values() for _, body in await hall.told("minutes_approval", one["id"])]
    assert all("reason" not in body for body in reasons)
    again = await hall.act(minutes, "submit")
    assert again["approvals"]["asked"] == 3
    asked_again = await asked_of(hall, minutes)
    assert {one["state"] for one in asked_again.values()} == {"asked"}
    assert not {one["id"] for one in asked_again.values()} & {one["id"] for one in found.values()}


async def test_when_the_time_is_over_silence_agrees_where_the_rule_says_so(room: Room) -> None:
    _, minutes = await submitted(room, share={"numerator": 1, "denominator": 1}, days=5)
    await later(room, 4)
    assert (await room.found(f"/minutes/{minutes['id']}"))["state"] == "in_approval"
    await later(room, 2)
    approved = await room.found(f"/minutes/{minutes['id']}")
    assert (approved["state"], approved["approved_by"], approved["approvals"]["approved"]) == ("approved", None, 0)
    page = await room.running.client.get(
        f"/events/v1/minutes/{minutes['id']}", headers={**room.headers, "accept": "text/html"}
    )
    assert "chi non ha risposto entro il termine ha acconsentito" in page.text
    assert approved["sha256"] in page.text


async def test_when_the_time_is_over_silence_counts_for_nothing_where_the_rule_says_so(room: Room) -> None:
    hall, minutes = await submitted(room, share={"numerator": 1, "denominator": 2}, days=5, silence=False)
    await answer(hall, minutes, 0, answer="approve")
    await later(room, 6)
    returned = await room.found(f"/minutes/{minutes['id']}")
    assert (returned["state"], returned["number"]) == ("draft", None)
    assert "hanno approvato 1 presenti su 3: ne servivano 2" in returned["remarks"]
    assert [fact for fact, _ in await hall.told("minutes", minutes["id"])] == ["submitted", "returned"]


async def test_returned_by_hand_nothing_falls_due_any_more(room: Room) -> None:
    hall, minutes = await submitted(room, days=5)
    await hall.act(minutes, "return", {"remarks": "Da correggere"})
    await later(room, 6)
    assert (await room.found(f"/minutes/{minutes['id']}"))["state"] == "draft"


async def test_a_link_shows_the_text_and_takes_the_answer_of_whom_it_was_sent_to(room: Room) -> None:
    hall, minutes = await submitted(room, share={"numerator": 1, "denominator": 1})
    asked = await asked_of(hall, minutes)
    one = asked[hall.members[0].person_id]
    token = room.link("approval", one["id"])
    client, path = room.running.client, "/events/v1/minutes/approval/link"
    page = await client.get(path, params={"token": token})
    assert page.status_code == 200, page.text
    assert "Interviene il Presidente." in page.text
    assert "Persona Numero 1" in page.text
    assert (await asked_of(hall, minutes))[hall.members[0].person_id]["state"] == "asked", "opening it does nothing"
    bare = await client.post(path, params={"token": token}, data={"answer": "object"})
    assert (bare.status_code, "Manca il motivo" in bare.text) == (422, True)
    neither = await client.post(path, params={"token": token}, data={"answer": "perhaps"})
    assert neither.status_code == 422
    done = await client.post(path, params={"token": token}, data={"answer": "object", "reason": "Non ho detto questo"})
    assert done.status_code == 200, done.text
    # one objection of three where all must agree sends them back at once
    returned = await room.found(f"/minutes/{minutes['id']}")
    assert returned["state"] == "draft"
    closed = await client.get(path, params={"token": token})
    assert (closed.status_code, "non si risponde più" in closed.text) == (200, True)
    late = await client.post(path, params={"token": token}, data={"answer": "approve"})
    assert late.status_code == 409
    program = await client.get(path, params={"token": token}, headers={"accept": "application/json"})
    assert (program.json()["open"], program.json()["state"]) == (False, "objected")


@pytest.mark.parametrize("wrong", ["purpose", "subject", "expired", "forged"])
async def test_a_link_that_is_not_for_this_opens_nothing(room: Room, wrong: str) -> None:
    hall, minutes = await submitted(room)
    one = next(iter((await asked_of(hall, minutes)).values()))
    token = {
        "purpose": room.link("rsvp", one["id"]),
        "subject": room.link("approval", minutes["id"]),
        "expired": room.link("approval", one["id"], hours=-1),
        "forged": room.link("approval", one["id"])[:-4] + "AAAA",
    }[wrong]
    for method in ("GET", "POST"):
        refused = await room.running.client.request(
            method, "/events/v1/minutes/approval/link", params={"token": token}, data={"answer": "approve"}
        )
        assert 400 <= refused.status_code < 500, (wrong, method)
    assert (await room.found(f"/minutes/{minutes['id']}"))["approvals"]["approved"] == 0


async def test_a_later_meeting_approves_by_its_motion(room: Room) -> None:
    hall = await Hall.opened(room)
    await ruled(hall, "next_meeting")
    before = await hall.ballot("Si approva il verbale?")
    await hall.votes(before, "yes", "yes")
    before = await hall.close_ballot(before)
    await hall.close()
    minutes = await hall.act(await hall.drafted(), "submit")
    path = f"/minutes/{minutes['id']}"

    async def approve(ballot: Any) -> Any:
        return await room.post(f"{path}/approve", ballot and {"ballot_id": ballot["id"]}, f'"{minutes["version"]}"')

    assert problem(await approve(None)) == (422, "minutes-approving-ballot")
    assert problem(await approve(before)) == (422, "minutes-approving-ballot"), "of the same meeting"
    next_ = await Hall.of(room, hall.committee)
    lost = await next_.ballot("Si approva il verbale?")
    await next_.votes(lost, "no", "no", "yes")
    lost = await next_.close_ballot(lost)
    assert problem(await approve(lost)) == (422, "minutes-approving-ballot"), "it was not carried"
    others = await Hall.opened(room)
    foreign = await others.ballot("Si approva il verbale?")
    await others.votes(foreign, "yes", "yes")
    foreign = await others.close_ballot(foreign)
    assert problem(await approve(foreign)) == (422, "minutes-approving-ballot"), "of another body"
    carried = await next_.ballot("Si approva il verbale?")
    await next_.votes(carried, "yes", "yes", "no")
    carried = await next_.close_ballot(carried)
    approved = await approve(carried)
    assert approved.status_code == 200, approved.text
    assert (approved.json()["state"], approved.json()["approved_in"]) == ("approved", carried["id"])


async def test_a_section_is_added_to_or_written_instead_and_says_when_it_is_out_of_date(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.attend("present", "present")
    await hall.close()
    minutes = await hall.drafted()
    path = f"/minutes/{minutes['id']}"

    async def put(code: str, text: str, *, instead: bool, by: Caller = room) -> Any:
        etag = (await room.get(path)).headers["etag"]
        sent = {**by.headers, "if-match": etag}
        body = {"text": text, "instead": instead}
        return await room.running.client.put(f"/events/v1{path}/sections/{code}", json=body, headers=sent)

    def section(answer: Any, code: str) -> Any:
        return next(one for one in answer.json()["document"]["sections"] if one["code"] == code)

    added = section(await put("ballots", "Si è discusso a lungo.\nPoi nulla.", instead=False), "ballots")
    assert (added["lines"], added["added"]) == (["Nessuna votazione."], ["Si è discusso a lungo.", "Poi nulla."])
    refused = await put("decisions", "Decise altre cose.", instead=True)
    assert problem(refused) == (422, "minutes-section-composed")
    assert problem(await put("sconosciuta", "Testo", instead=False))[0] == 404
    assert problem(await put("agenda", "Testo", instead=True, by=await room.caller("referent")))[0] == 403
    instead = section(await put("attendance", "Presenti quasi tutti.", instead=True), "attendance")
    assert (instead["lines"], instead["items"], instead["instead"], instead["outdated"]) == (
        ["Presenti quasi tutti."], [], True, False,
    )  # fmt: skip
    assert instead["table"]["rows"][0] == ["Ente 1", "1", "0", "0", "0"], "figures stay"
    stale = await room.running.client.put(
        f"/events/v1{path}/sections/agenda",
        json={"text": "x"},
        headers={**room.headers, "if-match": f'"{minutes["version"]}"'},
    )
    assert problem(stale)[0] == 412
    back = section(await put("attendance", "", instead=True), "attendance")
    assert (back["instead"], back["items"][0][:12]) == (False, "Presenti (2)")
    await hall.act(minutes, "submit")
    assert problem(await put("agenda", "Testo", instead=True)) == (409, "minutes-not-possible-now")
