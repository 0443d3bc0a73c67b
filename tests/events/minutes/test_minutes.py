"""Minutes from the draft to the approval, over HTTP; what is told, and what can never be changed afterwards."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.events.minutes.listens import forget
from shared.contracts.registry import PersonErased
from shared.messaging import Cause, Received
from tests.events.hall import Hall
from tests.events.room import Committee, Room, problem
from tests.harness import Running

pytestmark = pytest.mark.timeout(180)


async def held(room: Room, committee: Committee | None = None, **body: Any) -> Hall:
    """A meeting that was held with a quorum."""
    hall = await (Hall.of(room, committee) if committee else Hall.opened(room, **body))
    await hall.attend("present", "remote", "excused")
    await hall.close()
    return hall


def sections(minutes: Any) -> dict[str, Any]:
    return {section["code"]: section for section in minutes["document"]["sections"]}


async def test_minutes_are_drafted_from_what_the_meeting_left(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot("Si approva il piano?")
    await hall.votes(ballot, "yes", "yes")
    await hall.close_ballot(ballot)
    due = (date.fromisoformat(hall.meeting["day"]) + timedelta(days=9)).isoformat()
    await hall.decide("Aprire una casella", organisation_id=str(hall.members[0].organisation_id), due=due)
    await hall.attend(None, None, "excused")
    await hall.close()
    minutes = await hall.drafted("Interviene il Presidente.")
    assert (minutes["state"], minutes["quorate"], minutes["present"], minutes["entitled"]) == ("draft", True, 2, 3)
    assert (minutes["number"], minutes["allowed_actions"]) == (None, ["write", "submit"])
    found = sections(minutes)
    assert found["attendance"]["items"] == [
        "Presenti (2): Persona Numero 1 per Ente 1; Persona Numero 2 per Ente 2",
        "Assenti giustificati (1): Persona Numero 3 per Ente 3",
        "Assenti (0): nessuno",
    ]
    assert found["ballots"]["items"] == [
        "«Si approva il piano?»: favorevoli 2, contrari 0, astenuti 0, su 3 aventi diritto. Approvata."
    ]
    assert "Aprire una casella (azione), a cura di Ente 1 entro il" in found["decisions"]["items"][0]
    assert found["notes"]["lines"] == ["Interviene il Presidente."]
    assert await room.found(f"/minutes/{minutes['id']}") == minutes
    assert await hall.told("minutes", minutes["id"]) == []


async def test_a_draft_follows_its_decisions_and_its_writer(room: Room) -> None:
    hall = await held(room)
    minutes = await hall.drafted()
    path = f"/minutes/{minutes['id']}"
    made = await hall.decide("Aprire una casella")
    followed = await room.found(path)
    assert followed["version"] > minutes["version"]
    assert sections(followed)["decisions"]["items"] == ["Aprire una casella (azione)"]
    etag = f'"{followed["version"]}"'
    written = await room.patch(path, {"text": "Si chiude alle 17."}, etag)
    assert (written.json()["text"], sections(written.json())["notes"]["lines"]) == (
        "Si chiude alle 17.",
        ["Si chiude alle 17."],
    )
    assert problem(await room.patch(path, {"text": "Altro"}, etag)) == (412, "version-mismatch")
    await room.running.client.delete(f"/events/v1/decisions/{made['id']}", headers={**room.headers, "if-match": '"1"'})
    assert sections(await room.found(path))["decisions"]["lines"] == ["Nessuna decisione."]


async def test_a_text_of_more_lines_than_can_be_printed_in_seconds_is_refused(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.close()
    for end in ("\n", "\r", "\u2028"):
        answer = await room.post(f"{hall.path}/minutes", {"text": f"a{end}" * 1_001})
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/text")
        assert answer.json()["errors"][0]["accepted"] == "at most 1000 lines"
    assert (await hall.drafted("a\n" * 1_000))["version"] == 1


async def test_there_are_no_minutes_of_a_meeting_not_held_and_one_set_of_one_that_was(room: Room) -> None:
    hall = await Hall.opened(room)
    assert problem(await room.post(f"{hall.path}/minutes", {})) == (409, "meeting-not-held")
    await hall.close()
    answers = await asyncio.gather(*(room.post(f"{hall.path}/minutes") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    made = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert problem(refused) == (409, "minutes-exist")
    assert (made in refused.json()["detail"], refused.headers["location"]) == (True, f"/events/v1/minutes/{made}")


async def test_submitted_returned_and_approved_with_their_decisions_in_one_breath(room: Room) -> None:
    hall = await Hall.opened(room)
    due = (date.fromisoformat(hall.meeting["day"]) + timedelta(days=9)).isoformat()
    owner = str(hall.members[0].organisation_id)
    owed = await hall.decide("Aprire una casella", organisation_id=owner, due=due)
    plain = await hall.decide("Ringraziare", kind="communication")
    await hall.attend("present", "present")
    await hall.close()
    minutes = await hall.drafted()
    submitted = await hall.act(minutes, "submit")
    assert (submitted["state"], submitted["allowed_actions"]) == ("in_approval", ["return", "approve"])
    returned = await hall.act(minutes, "return", {"remarks": "Manca un intervento"})
    assert (returned["state"], returned["remarks"]) == ("draft", "Manca un intervento")
    assert await hall.told("decision", owed["id"]) == []
    await hall.act(minutes, "submit")
    approved = await hall.act(minutes, "approve")
    year = hall.meeting["day"][:4]
    assert (approved["state"], approved["number"], approved["allowed_actions"]) == ("approved", f"1/{year}", [])
    assert approved["approved_on"] == room.today.isoformat()
    told = await hall.told("minutes", minutes["id"])
    assert [(fact, body["state"], body["number"]) for fact, body in told] == [
        ("submitted", "in_approval", None),
        ("returned", "draft", None),
        ("submitted", "in_approval", None),
        ("approved", "approved", f"1/{year}"),
    ]
    versions = [body["version"] for _, body in told]
    assert versions == sorted(set(versions))
    last = told[-1][1]
    assert (last["quorate"], last["present"], last["entitled"], last["founding"]) == (True, 2, 3, False)
    assert {"text", "document", "remarks", "name"} & last.keys() == set()
    ((fact, adopted),) = await hall.told("decision", owed["id"])
    assert (fact, adopted["owner_organisation_id"], adopted["due"]) == ("adopted", owner, due)
    assert (adopted["minutes_id"], adopted["decided_on"]) == (minutes["id"], hall.meeting["day"])
    ((_, other),) = await hall.told("decision", plain["id"])
    assert (other["due"], other["kind"]) == (None, "communication")
    register = await room.items(f"/networks/{room.slug}/decisions")
    assert [(item["title"], item["state"]) for item in register] == [
        ("Aprire una casella", "adopted"),
        ("Ringraziare", "adopted"),
    ]


async def test_facts_of_an_approval_name_the_same_cause(room: Room) -> None:
    hall = await Hall.opened(room)
    decision = await hall.decide()
    await hall.attend("present", "present")
    await hall.close()
    minutes = await hall.approved()
    rows = await room.running.sql(
        "select headers->>'correlationid' as cause, tx from log where type in"
        " ('trama.events.minutes.approved.v1', 'trama.events.decision.adopted.v1')"
        " and aggregate_id in (:minutes, :decision)",
        minutes=UUID(minutes["id"]),
        decision=UUID(decision["id"]),
    )
    assert len(rows) == 2
    assert len({row.cause for row in rows}) == len({row.tx for row in rows}) == 1


async def test_without_a_quorum_nothing_is_adopted_and_the_minutes_say_so(room: Room) -> None:
    hall = await Hall.opened(room)
    decision = await hall.decide()
    await hall.attend("present")
    await hall.close()
    minutes = await hall.approved()
    assert (minutes["quorate"], minutes["number"]) == (False, f"1/{hall.meeting['day'][:4]}")
    assert "non è raggiunto (mancano 1)" in sections(minutes)["quorum"]["lines"][1]
    assert (await room.found(f"/decisions/{decision['id']}"))["state"] == "lapsed"
    assert await hall.told("decision", decision["id"]) == []
    assert (await hall.told("minutes", minutes["id"]))[-1][1]["quorate"] is False


async def test_founding_minutes_say_that_they_found_and_with_a_quorum(room: Room) -> None:
    committee = await room.committee(state="forming", kind="regional_coordination", territory="03")
    hall = await Hall.of(room, committee, founding=True)
    await hall.attend("present", "present", "present")
    await hall.close()
    minutes = await hall.approved()
    fact, body = (await hall.told("minutes", minutes["id"]))[-1]
    assert (fact, body["founding"], body["quorate"], body["body_id"]) == ("approved", True, True, str(committee.id))


async def test_numbers_of_a_body_and_year_have_no_gaps_whoever_approves_at_once(room: Room) -> None:
    committee = await room.committee(1)
    drafts = []
    for _ in range(6):
        hall = await Hall.of(room, committee)
        await hall.attend("present")
        await hall.close()
        minutes = await hall.drafted()
        drafts.append((await hall.act(minutes, "submit"))["id"])

    async def approve(id_: str) -> list[Any]:
        etag = (await room.get(f"/minutes/{id_}")).headers["etag"]
        return list(await asyncio.gather(*(room.post(f"/minutes/{id_}/approve", etag=etag) for _ in range(3))))

    answers = [answer for of_one in await asyncio.gather(*map(approve, drafts)) for answer in of_one]
    assert sorted(answer.status_code for answer in answers) == [200] * 6 + [412] * 12
    by_year: dict[str, list[int]] = {}
    for answer in answers:
        if answer.status_code == 200:
            number, year = answer.json()["number"].split("/")
            by_year.setdefault(year, []).append(int(number))
    assert {year: sorted(found) for year, found in by_year.items()} == {
        year: list(range(1, len(found) + 1)) for year, found in by_year.items()
    }


async def test_a_refused_approval_uses_no_number_and_bodies_count_for_themselves(room: Room) -> None:
    committee = await room.committee()
    first = await held(room, committee)
    minutes = await first.drafted()
    refused = await room.post(f"/minutes/{minutes['id']}/approve", etag='"1"')
    assert problem(refused) == (409, "minutes-not-possible-now")
    await first.act(minutes, "submit")
    year = first.meeting["day"][:4]
    assert (await first.act(minutes, "approve"))["number"] == f"1/{year}"
    second = await held(room, committee)
    assert (await second.approved())["number"] == f"2/{second.meeting['day'][:4]}"
    other = await held(room)
    assert (await other.approved())["number"] == f"1/{other.meeting['day'][:4]}"


async def test_approved_minutes_never_change_not_even_in_the_database(room: Room) -> None:
    hall = await Hall.opened(room)
    decision = await hall.decide()
    await hall.attend("present", "present")
    await hall.close()
    minutes = await hall.approved()
    path, etag = f"/minutes/{minutes['id']}", f'"{minutes["version"]}"'
    assert problem(await room.patch(path, {"text": "Altro"}, etag)) == (409, "minutes-not-possible-now")
    for action, body in (("submit", None), ("return", {"remarks": "No"}), ("approve", None)):
        answer = await room.post(f"{path}/{action}", body, etag)
        assert problem(answer) == (409, "minutes-not-possible-now")
    for statement, id_ in (
        ("update minutes set text = 'Altro'", minutes["id"]),
        ("delete from minutes", minutes["id"]),
        ("update decisions set title = 'Altro'", decision["id"]),
        ("delete from decisions", decision["id"]),
    ):
        with pytest.raises(Exception, match="final"):
            await room.running.sql(f"{statement} where id = :id", id=UUID(id_))
    assert await room.found(path) == minutes


async def test_what_was_approved_keeps_the_names_of_that_day(room: Room) -> None:
    """Offices held and approved minutes are retained: a person's erasure or new name does not rewrite them."""
    hall = await held(room)
    minutes = await hall.approved()
    person = room.person("Altro", "Nome").model_copy(update={"id": hall.members[0].person_id, "version": 2})
    await room.tell(person)
    assert (
        "Persona Numero 1 per Ente 1"
        in sections(await room.found(f"/minutes/{minutes['id']}"))["attendance"]["items"][0]
    )


async def test_an_erased_person_is_in_no_minutes_that_still_can_be_written(room: Room) -> None:
    hall = await held(room)
    draft = await hall.drafted()
    await room.tell(PersonErased(id=hall.members[0].person_id, version=2))
    followed = await room.found(f"/minutes/{draft['id']}")
    assert sections(followed)["attendance"]["items"][0] == "Presenti (1): – per Ente 1"
    assert followed["version"] == draft["version"] + 1
    await hall.act(draft, "submit")
    await room.tell(PersonErased(id=hall.members[1].person_id, version=2))
    approved = await hall.act(draft, "approve")
    assert "Persona" not in str(sections(approved)["attendance"]["items"][:2])
    await room.tell(PersonErased(id=hall.members[2].person_id, version=2))
    assert "Persona Numero 3" in str(sections(await room.found(f"/minutes/{draft['id']}"))["attendance"])


async def test_an_erasure_is_taken_in_though_the_projection_is_still_to_come(room: Room) -> None:
    hall = await held(room)
    draft = await hall.drafted()
    erased = PersonErased(id=hall.members[0].person_id, version=2)
    received = Received(erased, uuid7(), 1, room.now, Cause())
    async with room.running.context.database.sessions.begin() as session:
        await forget(session, [received], room.now)
    assert "Persona Numero 1" not in str((await room.found(f"/minutes/{draft['id']}"))["document"])


async def test_what_was_written_instead_of_a_section_in_which_an_erased_person_stood_goes(room: Room) -> None:
    hall = await held(room)
    draft = await hall.drafted()
    path = f"/minutes/{draft['id']}"
    for code, text in (("attendance", "C'era Persona Numero 1."), ("agenda", "Si discute dei costi.")):
        etag = (await room.get(path)).headers["etag"]
        body = {"text": text, "instead": True}
        sent = {**room.headers, "if-match": etag}
        put = await room.running.client.put(f"/events/v1{path}/sections/{code}", json=body, headers=sent)
        assert put.status_code == 200, put.text
    erased = PersonErased(id=hall.members[0].person_id, version=2)
    received = Received(erased, uuid7(), 1, room.now, Cause())
    async with room.running.context.database.sessions.begin() as session:
        await forget(session, [received], room.now)
    found = sections(await room.found(path))
    assert "Persona Numero 1" not in str(found)
    assert (found["attendance"]["instead"], found["agenda"]["lines"]) == (False, ["Si discute dei costi."])


async def test_an_approval_that_dies_before_its_commit_leaves_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No number is used, no decision adopted, nothing told; then the same approval goes through as number one."""
    hall = await Hall.opened(room)
    decision = await hall.decide()
    await hall.attend("present", "present")
    await hall.close()
    minutes = await hall.act(await hall.drafted(), "submit")

    async def killed(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr("services.events.minutes.commands.stage", killed)
        with pytest.raises(asyncio.CancelledError):
            await hall.act(minutes, "approve")
    assert (await room.found(f"/minutes/{minutes['id']}"))["state"] == "in_approval"
    assert (await room.found(f"/decisions/{decision['id']}"))["state"] == "proposed"
    assert [fact for fact, _ in await hall.told("minutes", minutes["id"])] == ["submitted"]
    assert (await hall.act(minutes, "approve"))["number"] == f"1/{hall.meeting['day'][:4]}"
    assert len(await hall.told("decision", decision["id"])) == 1


async def test_minutes_are_read_as_a_page_and_as_text(room: Room) -> None:
    hall = await held(room)
    minutes = await hall.approved("<b>Interviene</b> il Presidente.")
    url = f"/events/v1/minutes/{minutes['id']}"
    page = await room.running.client.get(url, headers={**room.headers, "accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<h2 id="attendance">Presenze</h2>' in page.text
    assert f"Verbale n. {minutes['number']}, approvato " in page.text
    assert "&lt;b&gt;Interviene&lt;/b&gt;" in page.text
    text = await room.running.client.get(url, headers={**room.headers, "accept": "text/plain"})
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert f"(n. {minutes['number']})" in text.text.splitlines()[0]
    assert "NUMERO LEGALE\nAventi diritto: 3." in text.text
    tag = (await room.running.client.get(url, headers=room.headers)).headers["etag"]
    again = await room.running.client.get(url, headers={**room.headers, "if-none-match": tag})
    assert again.status_code == 304


async def test_who_reads_which_minutes(room: Room, events: Running) -> None:
    hall = await held(room)
    minutes = await hall.drafted()
    path, listed = f"/minutes/{minutes['id']}", f"/networks/{room.slug}/minutes"
    member, invited = await room.caller("member"), await room.caller("referent", hall.members[0].person_id)
    assert problem(await member.get(path)) == (403, "forbidden")
    assert await member.items(listed) == []
    assert [item["id"] for item in await invited.items(listed)] == [minutes["id"]]
    assert (await invited.get(path)).status_code == 200
    await hall.act(minutes, "submit")
    await hall.act(minutes, "approve")
    assert (await member.get(path)).status_code == 200
    assert [item["number"] for item in await member.items(listed, state="approved")] == [f"1/{hall.meeting['day'][:4]}"]
    assert await room.items(listed, year=1999) == []
    assert [item["id"] for item in await room.items(listed, meeting=hall.meeting["id"])] == [minutes["id"]]
    stranger = await Room.founded(events)
    assert problem(await stranger.get(path)) == (403, "forbidden")


async def test_a_coordinator_approves_in_their_territory_alone(room: Room) -> None:
    hall = await held(room, territory="03", kind="regional_coordination")
    minutes = await hall.act(await hall.drafted(), "submit")
    path, etag = f"/minutes/{minutes['id']}/approve", f'"{minutes["version"]}"'
    elsewhere = await room.caller("coordinator", territory="09")
    assert problem(await elsewhere.post(path, etag=etag)) == (403, "forbidden")
    assert problem(await hall.voter(0).post(path, etag=etag)) == (403, "forbidden")
    there = await room.caller("coordinator", territory="03")
    approved = await there.post(path, etag=etag)
    assert approved.status_code == 200, approved.text
    whole = await held(room)
    other = await whole.act(await whole.drafted(), "submit")
    refused = await there.post(f"/minutes/{other['id']}/approve", etag=f'"{other["version"]}"')
    assert problem(refused) == (403, "forbidden")


async def test_a_decision_written_while_minutes_are_submitted_is_in_them_or_refused(room: Room) -> None:
    """Whichever comes first, the document and the decisions agree."""
    hall = await held(room)
    minutes = await hall.drafted()
    etag = (await room.get(f"/minutes/{minutes['id']}")).headers["etag"]
    submit = room.post(f"/minutes/{minutes['id']}/submit", etag=etag)
    writes = [room.post(f"{hall.path}/decisions", {"title": f"Voce {n}", "kind": "action"}) for n in range(4)]
    submitted, *written = await asyncio.gather(submit, *writes)
    assert submitted.status_code in (200, 412)
    assert {answer.status_code for answer in written} <= {201, 409}
    kept = await room.items(f"{hall.path}/decisions")
    found = sections(await room.found(f"/minutes/{minutes['id']}"))["decisions"]["items"]
    assert sorted(found) == sorted(f"{item['title']} (azione)" for item in kept)
    assert len(kept) == [answer.status_code for answer in written].count(201)
