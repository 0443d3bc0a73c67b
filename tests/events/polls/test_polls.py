"""A poll from its opening to the meeting that comes of it, over HTTP, and what is told of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.runtime import clock
from tests.events.polls.polling import Polling, instant, options, poll_body
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(120)


async def test_those_of_the_body_are_asked_and_told_once_each(room: Room) -> None:
    polling = await Polling.opened(room, 3)
    poll = polling.poll
    assert (poll["state"], poll["asked"], poll["answered"]) == ("open", 3, 0)
    assert [option["number"] for option in poll["options"]] == [1, 2, 3]
    assert await polling.asked("asked") == ["Persona Numero 1", "Persona Numero 2", "Persona Numero 3"]
    ((type_, body),) = await room.running.published(f"events.poll.{poll['id']}.*")
    assert type_ == "trama.events.poll.opened.v1"
    assert [instant(one["starts_at"]) for one in body["options"]] == [
        instant(one["starts_at"]) for one in poll["options"]
    ]
    for request in polling.requests:
        ((type_, body),) = await room.running.published(f"events.poll_request.{request['id']}.*")
        assert (type_, body["state"]) == ("trama.events.poll_request.asked.v1", "asked")
        assert (body["poll_id"], body["person_id"]) == (poll["id"], request["person"]["id"])


async def test_the_last_answers_count_and_make_the_best_date(room: Room) -> None:
    polling = await Polling.opened(room, 3)
    assert (await polling.answer(0, "yes", "no", "yes")).status_code == 200
    assert (await polling.answer(1, "yes", "no", "if_need_be")).status_code == 200
    assert (await polling.answer(2, "no", "no", "yes")).status_code == 200
    await polling.now()
    assert polling.tallies() == [(2, 0, 1), (0, 0, 3), (2, 1, 0)]
    assert [one["best"] for one in polling.poll["options"]] == [False, False, True]
    assert (polling.poll["answered"], polling.poll["tied"]) == (3, False)
    again = await polling.answer(1, "yes", "yes", "no")
    assert again.json()["answered_by"] is None
    await polling.now()
    assert polling.tallies() == [(2, 0, 1), (1, 0, 2), (2, 0, 1)]
    assert ([one["best"] for one in polling.poll["options"]], polling.poll["tied"]) == ([True, False, True], True)
    assert polling.poll["answered"] == 3
    assert await polling.told("poll_request", polling.requests[1]["id"]) == ["asked", "answered", "answered"]


async def test_no_fact_says_what_was_answered(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    await polling.answer(0, "if_need_be", "no", "yes")
    facts = await room.running.published(f"events.poll_request.{polling.requests[0]['id']}.*")
    assert all("answers" not in body and "if_need_be" not in str(body) for _, body in facts)


async def test_an_answer_that_leaves_a_date_out_or_names_another_is_refused_date_by_date(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    short = await polling.answer(0, "yes", None, "no")
    assert problem(short) == (422, "incomplete-answers")
    assert [error["path"] for error in short.json()["errors"]] == [f"/answers/{polling.option(2)}"]
    assert short.json()["errors"][0]["accepted"] == ["yes", "if_need_be", "no"]
    caller = room.person_calling(polling.committee.members[0].person_id)
    strange = polling.answers("yes", "yes", "yes")
    strange["answers"].append({"option_id": str(uuid7()), "answer": "yes"})
    answer = await caller.post(f"{polling.path}/requests/me/answer", strange)
    assert (problem(answer), answer.json()["errors"][0]["code"]) == ((422, "incomplete-answers"), "unknown")
    twice = polling.answers("yes", "yes", "yes")
    twice["answers"].append(twice["answers"][0])
    assert problem(await caller.post(f"{polling.path}/requests/me/answer", twice)) == (422, "invalid")
    for said in ("maybe", "", None):
        wrong: Any = {"answers": [{"option_id": polling.option(1), "answer": said}]}
        assert problem(await caller.post(f"{polling.path}/requests/me/answer", wrong)) == (422, "invalid")
    assert (await polling.now())["answered"] == 0


async def test_the_coordination_enters_answers_and_is_named(room: Room) -> None:
    polling = await Polling.opened(room, 2)
    clerk = await room.caller("secretariat")
    path = f"/poll-requests/{polling.requests[0]['id']}/answer"
    entered = await clerk.made(path, polling.answers("yes", "no", "no"))
    assert entered["answered_by"]["id"] is not None
    own = await polling.answer(0, "no", "yes", "no")
    assert own.json()["answered_by"] is None
    stranger = room.person_calling(polling.committee.members[1].person_id)
    assert problem(await stranger.post(path, polling.answers("yes", "no", "no"))) == (403, "forbidden")
    stale = await clerk.post(path, polling.answers("no", "no", "no"), '"1"')
    assert problem(stale) == (412, "version-mismatch")
    assert [one["answer"] for one in (await room.found(f"/poll-requests/{polling.requests[0]['id']}"))["answers"]] == [
        "no",
        "yes",
        "no",
    ]


async def test_who_is_asked_sees_the_counts_and_nobody_elses_answers(room: Room) -> None:
    polling = await Polling.opened(room, 2)
    await polling.answer(0, "yes", "no", "no")
    second = room.person_calling(polling.committee.members[1].person_id)
    seen = await second.found(polling.path)
    assert (seen["options"][0]["yes"], seen["mine"]["state"], seen["allowed_actions"]) == (1, "asked", ["answer"])
    assert (await second.found(f"{polling.path}/requests/me"))["answers"] == []
    assert problem(await second.get(f"{polling.path}/requests")) == (403, "forbidden")
    assert problem(await second.get(f"/poll-requests/{polling.requests[0]['id']}")) == (403, "forbidden")
    for action in ("close", "withdraw", "choose"):
        body = {"option_id": polling.option(1), "mode": "remote"} if action == "choose" else None
        assert problem(await second.post(f"{polling.path}/{action}", body, '"1"')) == (403, "forbidden")


async def test_it_closes_by_itself_and_takes_no_more_answers(room: Room) -> None:
    polling = await Polling.opened(room, 2)
    await polling.answer(0, "yes", "no", "no")
    file = room.running.context.settings.clock_file
    assert file is not None
    clock.set(file, instant(polling.poll["closes_at"]))
    late = await polling.answer(1, "yes", "yes", "yes")
    assert problem(late) == (410, "poll-closed")
    await room.running.settled()
    assert (await polling.now())["state"] == "closed"
    assert await polling.told("poll", polling.poll["id"]) == ["opened", "closed"]
    assert polling.poll["closed_at"] is not None
    assert polling.poll["allowed_actions"] == ["choose", "withdraw"]


async def test_a_poll_that_is_prolonged_closes_later(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    first, later = instant(polling.poll["closes_at"]), room.now + timedelta(days=8)
    etag = f'"{polling.poll["version"]}"'
    changed = await room.patch(polling.path, {"closes_at": later.isoformat()}, etag)
    assert changed.status_code == 200
    file = room.running.context.settings.clock_file
    assert file is not None
    clock.set(file, first + timedelta(minutes=1))
    await room.running.settled()
    assert (await polling.now())["state"] == "open"
    assert (await polling.answer(0, "yes", "no", "no")).status_code == 200
    clock.set(file, later)
    await room.running.settled()
    assert (await polling.now())["state"] == "closed"


async def test_choosing_a_date_drafts_the_meeting_and_closes_the_poll(room: Room) -> None:
    polling = await Polling.opened(room, 2)
    chosen = await polling.act("choose", {"option_id": polling.option(2), "mode": "remote"})
    assert chosen.status_code == 200, chosen.text
    poll = chosen.json()
    assert (poll["state"], poll["chosen"]) == ("closed", 2)
    meeting = await room.found(poll["meeting"].removeprefix("/events/v1"))
    assert (meeting["state"], meeting["mode"], meeting["title"]) == ("draft", "remote", "Comitato di ottobre")
    assert instant(meeting["starts_at"]) == instant(polling.poll["options"][1]["starts_at"])
    assert instant(meeting["ends_at"]) == instant(polling.poll["options"][1]["ends_at"])
    assert meeting["body"]["id"] == str(polling.committee.id)
    facts = await room.running.published(f"events.poll.{poll['id']}.*")
    assert [(type_.split(".")[3], body["chosen"]) for type_, body in facts] == [("opened", None), ("closed", 2)]
    assert facts[1][1]["meeting_id"] == meeting["id"]
    again = await polling.act("choose", {"option_id": polling.option(1), "mode": "remote"})
    assert problem(again) == (409, "poll-not-possible-now")


async def test_a_date_chosen_after_the_close_is_told_as_a_change(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    assert (await polling.act("close")).json()["state"] == "closed"
    assert problem(await polling.answer(0, "yes", "no", "no")) == (410, "poll-closed")
    assert (await polling.act("choose", {"option_id": polling.option(1), "mode": "remote"})).status_code == 200
    assert await polling.told("poll", polling.poll["id"]) == ["opened", "closed", "changed"]


async def test_choosing_a_date_moves_a_convened_meeting_there(room: Room) -> None:
    committee = await room.committee(2)
    meeting = await room.convened(committee.id, days=30)
    poll = await room.made(f"/networks/{room.slug}/polls", poll_body(room, committee.id, 31, 32))
    etag = (await room.get(f"/polls/{poll['id']}")).headers["etag"]
    option = poll["options"][1]
    chosen = await room.post(
        f"/polls/{poll['id']}/choose", {"option_id": option["id"], "meeting_id": meeting["id"]}, etag
    )
    assert chosen.status_code == 200, chosen.text
    moved = await room.found(f"/meetings/{meeting['id']}")
    assert (instant(moved["starts_at"]), moved["sequence"]) == (instant(option["starts_at"]), 1)
    facts = await room.running.published(f"events.meeting.{meeting['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts] == ["convened", "moved"]


async def test_what_the_meeting_refuses_leaves_the_poll_open(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    refused = await polling.act("choose", {"option_id": polling.option(1), "mode": "remote", "place": "Roma"})
    assert problem(refused) == (422, "meeting-misplaced")
    missing = await polling.act("choose", {"option_id": polling.option(1)})
    assert (problem(missing), missing.json()["errors"][0]["path"]) == ((422, "invalid"), "/mode")
    unknown = await polling.act("choose", {"option_id": str(uuid7()), "mode": "remote"})
    assert (problem(unknown), unknown.json()["errors"][0]["path"]) == ((422, "invalid-poll"), "/option_id")
    other = await room.meeting((await room.committee(1)).id)
    body = {"option_id": polling.option(1), "meeting_id": other["id"]}
    elsewhere = await polling.act("choose", body)
    assert (problem(elsewhere), elsewhere.json()["errors"][0]["path"]) == ((422, "invalid-poll"), "/meeting_id")
    foreign = await (await Room.founded(room.running)).meeting()
    assert problem(await polling.act("choose", {**body, "meeting_id": foreign["id"]})) == (404, "not-found")
    assert (await polling.now())["state"] == "open"


async def test_other_meetings_of_the_body_at_the_same_time_are_flagged(room: Room) -> None:
    polling = await Polling.opened(room, 1, 10, 11)
    first, second = polling.poll["options"]
    begins = instant(first["starts_at"])
    held = await room.meeting(polling.committee.id, starts_at=begins + timedelta(hours=1), title="Bilancio")
    await room.meeting(polling.committee.id, starts_at=instant(second["ends_at"]))  # begins when the option ends
    await room.meeting((await room.committee(1)).id, starts_at=begins)  # of another body
    poll = await polling.now()
    assert [[one["name"] for one in option["conflicts"]] for option in poll["options"]] == [["Bilancio"], []]
    etag = f'"{held["version"]}"'
    await room.made(f"/meetings/{held['id']}/cancel", etag=etag)
    assert [option["conflicts"] for option in (await polling.now())["options"]] == [[], []]


async def test_answers_stay_with_the_dates_that_stay_and_new_ones_are_asked(room: Room) -> None:
    polling = await Polling.opened(room, 2, 10, 11)
    await polling.answer(0, "yes", "no")
    kept = {name: polling.poll["options"][1][name] for name in ("starts_at", "ends_at")}
    new = options(room, 14)
    changed = await room.patch(polling.path, {"options": [*new, kept]}, f'"{polling.poll["version"]}"')
    assert changed.status_code == 200, changed.text
    polling.poll = changed.json()
    assert polling.tallies() == [(0, 0, 1), (0, 0, 0)]
    assert (polling.poll["answered"], polling.poll["version"]) == (0, 2)
    assert await polling.told("poll_request", polling.requests[0]["id"]) == ["asked", "answered", "asked"]
    assert await polling.told("poll_request", polling.requests[1]["id"]) == ["asked"]
    back = await room.patch(
        polling.path,
        {"options": [kept, *options(room, 15)]},
        f'"{polling.poll["version"]}"',
    )
    polling.poll = back.json()
    assert await polling.told("poll_request", polling.requests[0]["id"]) == ["asked", "answered", "asked"]
    await polling.answer(0, "no", "if_need_be")
    await polling.now()
    assert polling.tallies() == [(0, 0, 1), (0, 1, 0)]


async def test_people_named_are_asked_and_others_do_not_see_the_poll(room: Room) -> None:
    committee = await room.committee(3)
    named = [str(member.person_id) for member in committee.members[:2]]
    poll = await room.made(f"/networks/{room.slug}/polls", poll_body(room, None, people=named))
    assert (poll["asked"], poll["body"]) == (2, None)
    asked = await room.caller("referent", committee.members[0].person_id)
    other = await room.caller("referent", committee.members[2].person_id)
    assert (await asked.found(f"/polls/{poll['id']}"))["mine"]["state"] == "asked"
    assert problem(await other.get(f"/polls/{poll['id']}")) == (404, "not-found")
    assert [one["id"] for one in await asked.items(f"/networks/{room.slug}/polls")] == [poll["id"]]
    assert await other.items(f"/networks/{room.slug}/polls") == []
    assert len(await room.items(f"/networks/{room.slug}/polls")) == 1


async def test_the_people_named_are_those_of_the_meeting_that_comes_of_it(room: Room) -> None:
    committee = await room.committee(3)
    named = [str(member.person_id) for member in committee.members[:2]]
    poll = await room.made(f"/networks/{room.slug}/polls", poll_body(room, None, people=named))
    polling = Polling(room, committee, poll, [])
    chosen = await polling.act("choose", {"option_id": polling.option(1), "mode": "remote", "level": "national"})
    assert chosen.status_code == 200, chosen.text
    meeting = await room.found(chosen.json()["meeting"].removeprefix("/events/v1"))
    assert (sorted(meeting["audience"]["people"]), meeting["level"]) == (sorted(named), "national")
    refused = await Polling.opened(room, 1)
    body = {"option_id": refused.option(1), "mode": "remote", "urgency": "Serve subito"}
    answer = await refused.act("choose", body)
    assert (problem(answer), answer.json()["errors"][0]["path"]) == ((422, "invalid"), "/urgency")


@pytest.mark.parametrize(
    ("change", "expected", "path"),
    [
        ({"options": []}, "invalid", "/options"),
        ({"days": (10,)}, "invalid", "/options"),
        ({"days": tuple(range(10, 41))}, "invalid", "/options"),
        ({"days": (10, 10)}, "invalid-poll", "/options/1"),
        ({"days": (-1, 10)}, "invalid-poll", "/options/0/starts_at"),
        ({"closes": 11}, "invalid-poll", "/closes_at"),
        ({"closes": -1}, "invalid-poll", "/closes_at"),
        ({"hours": 0}, "invalid-poll", "/options/0/ends_at"),
        ({"title": "a\x00b"}, "invalid", "/title"),
        ({"title": " "}, "invalid", "/title"),
        ({"note": "a\x00b"}, "invalid", "/note"),
        ({"title": "x" * 301}, "invalid", "/title"),
        ({"people": [str(UUID(int=7))]}, "invalid-poll", "/body_id"),
        ({"body_id": None}, "invalid-poll", "/body_id"),
        ({"body_id": None, "people": [str(UUID(int=7))]}, "invalid-poll", "/people/0"),
        ({"colour": "red"}, "invalid", "/colour"),
    ],
)
async def test_what_is_no_poll_is_refused_with_its_field(
    room: Room, change: dict[str, Any], expected: str, path: str
) -> None:
    committee = await room.committee(1)
    days, closes, hours = change.pop("days", (10, 11)), change.pop("closes", 5), change.pop("hours", 2)
    body = poll_body(room, committee.id)
    body["options"] = options(room, *days, hours=hours)
    body["closes_at"] = (room.now + timedelta(days=closes)).isoformat()
    answer = await room.post(f"/networks/{room.slug}/polls", {**body, **change})
    assert (problem(answer), answer.json()["errors"][0]["path"]) == ((422, expected), path)
    assert await room.items(f"/networks/{room.slug}/polls") == []


async def test_people_of_another_network_are_not_asked_by_name(room: Room) -> None:
    elsewhere = await Room.founded(room.running)
    stranger = (await elsewhere.committee(1)).members[0].person_id
    answer = await room.post(f"/networks/{room.slug}/polls", poll_body(room, None, people=[str(stranger)]))
    assert problem(answer) == (422, "invalid-poll")


async def test_a_body_without_anybody_cannot_be_asked(room: Room) -> None:
    committee = await room.committee(0, vacant=2)
    answer = await room.post(f"/networks/{room.slug}/polls", poll_body(room, committee.id))
    assert problem(answer) == (409, "nobody-to-ask")


async def test_a_withdrawn_poll_asks_for_nothing_more(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    assert (await polling.act("withdraw")).json()["state"] == "withdrawn"
    assert await polling.told("poll", polling.poll["id"]) == ["opened", "withdrawn"]
    assert problem(await polling.answer(0, "yes", "no", "no")) == (410, "poll-withdrawn")
    assert problem(await polling.act("close")) == (409, "poll-not-possible-now")
    overdue = await room.running.sql(
        "select from due where kind = 'poll-close' and subject_id = :id", id=polling.poll["id"]
    )
    assert overdue == []


async def test_two_who_change_at_once_do_not_overwrite_each_other(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    etag = f'"{polling.poll["version"]}"'
    answers = await asyncio.gather(
        *(room.patch(polling.path, {"title": f"Titolo {number}"}, etag) for number in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    assert problem(await room.patch(polling.path, {"title": "Senza versione"})) == (428, "if-match-missing")


async def test_one_choice_of_several_at_once_makes_one_meeting(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    etag = f'"{polling.poll["version"]}"'
    body = {"option_id": polling.option(1), "mode": "remote"}
    answers = await asyncio.gather(*(room.post(f"{polling.path}/choose", body, etag) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert len(await room.items(f"/networks/{room.slug}/meetings")) == 1


async def test_lists_are_filtered_and_given_as_csv(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    other = await Polling.opened(room, 1, title="Assemblea 50%")
    await other.act("close")
    path = f"/networks/{room.slug}/polls"
    assert [one["id"] for one in await room.items(path)] == [other.poll["id"], polling.poll["id"]]
    assert [one["id"] for one in await room.items(path, state="open")] == [polling.poll["id"]]
    assert [one["id"] for one in await room.items(path, q="50%")] == [other.poll["id"]]
    assert [one["id"] for one in await room.items(path, body=str(polling.committee.id))] == [polling.poll["id"]]
    assert problem(await room.get(path, colour="red")) == (422, "invalid")
    page = await room.found(path, limit=1)
    assert len((await room.found(path, limit=1, after=page["next"]))["items"]) == 1
    headers = {**room.headers, "accept": "text/csv"}
    sheet = await room.running.client.get(f"/events/v1{polling.path}/requests", headers=headers)
    assert "Persona Numero 1" in sheet.text
    assert sheet.text.splitlines()[0].startswith("id,poll.id")
