"""Who is asked follows mandates until the poll closes, whatever comes first; duplicates and the erased, too."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from shared.contracts.registry import PersonMerged
from tests.events.polls.polling import Polling, options, poll_body
from tests.events.room import Room, problem
from tests.rights.asking import kinds
from tests.rights.asking import told as rights_told

pytestmark = pytest.mark.timeout(120)


async def test_whose_mandate_ends_before_the_dates_is_no_longer_asked_and_the_successor_is(room: Room) -> None:
    polling = await Polling.opened(room, 2)
    await polling.answer(0, "yes", "yes", "yes")
    leaving = polling.committee.members[0]
    ends = room.today + timedelta(days=8)
    successor = room.person("Nuova", "Referente")
    heir = room.mandate(
        successor.id,
        organisation_id=leaving.organisation_id,
        body_id=polling.committee.id,
        seat_id=leaving.seat.id,
        since=ends,
    )
    await room.tell(successor, room.ended(leaving.mandate, ends), heir)
    assert await polling.asked() == ["Persona Numero 2", "Nuova Referente"]
    poll = await polling.now()
    assert (poll["asked"], poll["answered"], polling.tallies()[0]) == (2, 0, (0, 0, 0))
    assert await polling.told("poll_request", polling.requests[0]["id"]) == ["asked", "answered", "withdrawn"]
    gone = await polling.answer(0, "yes", "yes", "yes")
    assert problem(gone) == (410, "poll-request-withdrawn")
    (new,) = [one for one in await room.items(f"{polling.path}/requests") if one["person"]["id"] == str(successor.id)]
    assert await polling.told("poll_request", new["id"]) == ["asked"]


async def test_a_mandate_that_ends_after_the_first_date_still_asks(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    await room.tell(room.ended(polling.committee.members[0].mandate, room.today + timedelta(days=11)))
    assert await polling.asked() == ["Persona Numero 1"]


async def test_who_returns_is_asked_again_from_the_beginning(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    await polling.answer(0, "yes", "yes", "yes")
    member = polling.committee.members[0]
    await room.tell(room.ended(member.mandate, room.today))
    assert await polling.asked() == []
    again = room.mandate(
        member.person_id, organisation_id=member.organisation_id, body_id=polling.committee.id, seat_id=member.seat.id
    )
    await room.tell(again)
    assert await polling.asked("asked") == ["Persona Numero 1"]
    assert (await polling.now())["options"][0]["yes"] == 0
    told = ["asked", "answered", "withdrawn", "asked"]
    assert await polling.told("poll_request", polling.requests[0]["id"]) == told


async def test_who_holds_two_seats_is_asked_once_and_stays_with_one_of_them(room: Room) -> None:
    committee = await room.committee(2)
    both, other = committee.members
    second = room.mandate(
        both.person_id, organisation_id=other.organisation_id, body_id=committee.id, seat_id=other.seat.id
    )
    await room.tell(room.ended(other.mandate, room.today), second)
    poll = await room.made(f"/networks/{room.slug}/polls", poll_body(room, committee.id))
    polling = Polling(room, committee, poll, [])
    assert await polling.asked() == ["Persona Numero 1"]
    await room.tell(room.closed(both.seat, room.today + timedelta(days=1)))
    assert await polling.asked() == ["Persona Numero 1"]
    await room.tell(room.ended(second, room.today))
    assert await polling.asked() == []


async def test_a_seat_that_is_closed_asks_nobody_any_more(room: Room) -> None:
    polling = await Polling.opened(room, 2)
    await room.tell(room.closed(polling.committee.members[0].seat, room.today + timedelta(days=3)))
    assert await polling.asked() == ["Persona Numero 2"]


async def test_a_closed_poll_follows_nobody(room: Room) -> None:
    polling = await Polling.opened(room, 2)
    await polling.act("close")
    await room.tell(room.ended(polling.committee.members[0].mandate, room.today))
    assert await polling.asked() == ["Persona Numero 1", "Persona Numero 2"]


async def test_other_dates_ask_those_who_belong_then(room: Room) -> None:
    polling = await Polling.opened(room, 2, 10, 11)
    await room.tell(room.ended(polling.committee.members[0].mandate, room.today + timedelta(days=15)))
    assert await polling.asked() == ["Persona Numero 1", "Persona Numero 2"]
    changed = await room.patch(polling.path, {"options": options(room, 20, 21)}, f'"{polling.poll["version"]}"')
    assert changed.status_code == 200, changed.text
    assert await polling.asked() == ["Persona Numero 2"]
    assert await polling.told("poll_request", polling.requests[0]["id"]) == ["asked", "withdrawn"]


async def test_people_named_stay_asked_whatever_their_mandates_do(room: Room) -> None:
    committee = await room.committee(2)
    named = [str(committee.members[0].person_id)]
    poll = await room.made(f"/networks/{room.slug}/polls", poll_body(room, None, people=named))
    await room.tell(room.ended(committee.members[0].mandate, room.today))
    assert await Polling(room, committee, poll, []).asked() == ["Persona Numero 1"]


async def merged(room: Room, gone: UUID, into: UUID) -> None:
    await room.tell(PersonMerged(id=gone, version=9, network_id=room.id, into_id=into))


async def test_a_duplicate_gives_their_answers_to_the_one_that_stays(room: Room) -> None:
    polling = await Polling.opened(room, 3)
    gone, stays, apart = (member.person_id for member in polling.committee.members)
    await polling.answer(0, "yes", "no", "yes")
    await merged(room, gone, stays)
    kept = await room.found(f"/poll-requests/{polling.requests[1]['id']}")
    assert (kept["state"], [one["answer"] for one in kept["answers"]].count("yes")) == ("answered", 2)
    assert (await polling.now())["answered"] == 1
    assert await polling.told("poll_request", polling.requests[0]["id"]) == ["asked", "answered", "withdrawn"]
    assert await polling.told("poll_request", polling.requests[1]["id"]) == ["asked", "answered"]
    new = room.person("Altra", "Scheda")
    await room.tell(new)
    await merged(room, apart, new.id)
    facts = await room.running.published(f"events.poll_request.{polling.requests[2]['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts][-1] == "reassigned"
    assert facts[-1][1]["person_id"] == str(new.id)


async def test_of_two_who_have_both_answered_the_one_that_stays_counts(room: Room) -> None:
    polling = await Polling.opened(room, 2)
    await polling.answer(0, "yes", "yes", "yes")
    await polling.answer(1, "no", "no", "no")
    await merged(room, polling.committee.members[0].person_id, polling.committee.members[1].person_id)
    poll = await polling.now()
    assert (poll["asked"], polling.tallies()[0]) == (1, (0, 0, 1))


async def test_whoever_is_erased_is_no_longer_asked_nor_counted(room: Room) -> None:
    polling = await Polling.opened(room, 2)
    await polling.answer(0, "yes", "yes", "yes")
    person = polling.committee.members[0].person_id
    found = kinds(await rights_told(room.running, person, room.id, "erase", 9))
    assert found["polls"] == (4, "erased", None)  # the request, and an answer to each of three dates
    await polling.now()
    assert (polling.poll["asked"], polling.tallies()[0]) == (1, (0, 0, 0))
