"""Voting in a meeting: who may, how often, what comes of it, and what is told of it."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest

from tests.events.hall import Hall, names
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(180)


def result(ballot: Any) -> tuple[int, int, int, int, str]:
    """(in favour, against, abstained, entitled, outcome)"""
    found = ballot["result"]
    return found["in_favour"], found["against"], found["abstained"], ballot["entitled"], found["outcome"]


async def test_votes_are_counted_when_the_ballot_is_closed_and_told_then(room: Room) -> None:
    hall = await Hall.opened(room, holders=4, vacant=1)
    ballot = await hall.ballot("Si approva il piano di lavoro?")
    assert (ballot["open"], ballot["entitled"], ballot["cast"], ballot["result"]) == (True, 5, 0, None)
    await hall.votes(ballot, "yes", "yes", "abstain", "no")
    shown = await room.found(f"/ballots/{ballot['id']}")
    assert (shown["cast"], shown["result"]) == (4, None)
    closed = await hall.close_ballot(ballot)
    assert (result(closed), closed["open"], closed["allowed_actions"]) == ((2, 1, 1, 5, "carried"), False, [])
    (opened, told) = await hall.told("ballot", ballot["id"])
    assert (opened[0], opened[1]["outcome"], opened[1]["in_favour"]) == ("opened", None, 0)
    assert (told[0], told[1]["outcome"], told[1]["in_favour"], told[1]["entitled"]) == ("closed", "carried", 2, 5)
    assert not {"person", "person_id", "votes"} & told[1].keys()


async def test_who_votes_is_there(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    await hall.votes(ballot, "yes", "no")
    assert (await hall.quorum())["present"] == 2
    there = await room.items(f"{hall.path}/attendance", mode="present")
    assert [(item["recorded_by"], item["person"]["id"]) for item in there] == [
        (str(member.person_id), str(member.person_id)) for member in hall.members[:2]
    ]


async def test_a_vote_again_replaces_the_one_before(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    assert (await hall.vote(ballot, 0, "yes")).json()["replaced"] is False
    assert (await hall.vote(ballot, 0, "no")).json()["replaced"] is True
    await hall.vote(ballot, 1, "no")
    assert result(await hall.close_ballot(ballot)) == (0, 2, 0, 3, "rejected")


async def test_without_a_quorum_nothing_is_carried(room: Room) -> None:
    hall = await Hall.opened(room, holders=3)
    ballot = await hall.ballot()
    await hall.votes(ballot, "yes")
    assert result(await hall.close_ballot(ballot)) == (1, 0, 0, 3, "no_quorum")


async def test_a_majority_of_all_who_are_entitled_may_be_asked(room: Room) -> None:
    hall = await Hall.opened(room, holders=5)
    ballot = await hall.ballot(of="entitled")
    await hall.votes(ballot, "yes", "yes", "abstain")
    assert result(await hall.close_ballot(ballot)) == (2, 0, 1, 5, "rejected")
    refused = await room.post(
        f"{hall.path}/ballots", {"question": "Bastano due?", "majority": {"numerator": 2, "denominator": 5}}
    )
    assert problem(refused) == (422, "invalid-majority")
    assert refused.json()["errors"] == [
        {"path": "/majority", "code": "majority", "accepted": "more than half, at least"}
    ]


async def test_nobody_votes_who_is_not_invited(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    body = {"vote": "yes"}
    for caller in (room, await room.caller("member")):
        assert problem(await caller.post(f"/ballots/{ballot['id']}/votes", body)) == (403, "not-your-vote")
    others = {"vote": "yes", "invitation_id": hall.invitation(1)}
    assert problem(await hall.voter(0).post(f"/ballots/{ballot['id']}/votes", others)) == (403, "not-your-vote")
    assert (await room.found(f"/ballots/{ballot['id']}"))["cast"] == 0


@pytest.mark.parametrize(("begun", "reason"), [(False, "withdrawn"), (True, "mandate_over")])
async def test_an_ended_mandate_cannot_vote_and_is_told_why(room: Room, begun: bool, reason: str) -> None:
    hall = await Hall.opened(room, begun=begun)
    ballot = await hall.ballot()
    await room.tell(room.ended(hall.members[0].mandate, room.today))
    refused = await hall.vote(ballot, 0, "yes")
    assert problem(refused) == (403, "no-vote")
    assert reason in refused.json()["detail"]
    assert (await room.found(f"/ballots/{ballot['id']}"))["cast"] == 0


async def test_a_seat_that_has_voted_has_voted_whoever_sits_in_it_now(room: Room) -> None:
    hall = await Hall.opened(room, begun=False)
    ballot = await hall.ballot()
    await hall.votes(ballot, "yes", "yes")
    old, new = hall.members[0], room.person("Marco", "Leone")
    await room.tell(room.ended(old.mandate, room.today), new)
    await room.tell(
        room.mandate(
            new.id,
            organisation_id=old.organisation_id,
            body_id=hall.committee.id,
            seat_id=old.seat.id,
            since=room.today,
        )
    )
    await room.invitations(hall.meeting)
    caller = room.person_calling(new.id)
    assert problem(await caller.post(f"/ballots/{ballot['id']}/votes", {"vote": "no"})) == (409, "seat-has-voted")
    other = await hall.ballot("E questo?")
    assert (await caller.post(f"/ballots/{other['id']}/votes", {"vote": "no"})).status_code == 200
    assert result(await hall.close_ballot(ballot)) == (2, 0, 0, 3, "carried")


async def test_who_is_recorded_as_away_does_not_vote(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    await hall.attend("excused")
    refused = await hall.vote(ballot, 0, "yes")
    assert problem(refused) == (409, "not-there")
    assert "excused" in refused.json()["detail"]


async def test_who_has_voted_is_not_recorded_as_away(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    await hall.votes(ballot, "yes")
    body = {
        "items": [
            {"invitation_id": hall.invitation(1), "mode": "present"},
            {"invitation_id": hall.invitation(0), "mode": "absent"},
        ]
    }
    refused = await room.post(f"{hall.path}/attendance", body)
    assert problem(refused) == (409, "has-voted")
    assert refused.json()["errors"][0]["path"] == "/items/1"
    assert (await hall.quorum())["present"] == 1


async def test_who_stands_for_another_votes_for_them_too(room: Room) -> None:
    hall = await Hall.opened(room, holders=3, proxies=1, begun=False)
    delegate = {"answer": "delegated", "delegate_id": str(hall.members[0].person_id)}
    await hall.voter(1).post(f"/invitations/{hall.invitation(1)}/answer", delegate)
    await hall.begin()
    ballot = await hall.ballot()
    await hall.attend("present", "absent")
    refused = await hall.vote(ballot, 1, "no")
    assert problem(refused) == (409, "vote-delegated")
    assert "Persona Numero 1" in refused.json()["detail"]
    proxy = await hall.vote(ballot, 0, "yes", invitation_id=hall.invitation(1))
    assert proxy.status_code == 200, proxy.text
    await hall.vote(ballot, 0, "yes")
    assert problem(await hall.vote(ballot, 2, "no", invitation_id=hall.invitation(1))) == (403, "not-your-vote")
    cast = await room.items(f"/ballots/{ballot['id']}/votes")
    by = {(item["person"]["name"], item["cast_by"]["name"], item["vote"]) for item in cast}
    assert by == {
        ("Persona Numero 1", "Persona Numero 1", None),
        ("Persona Numero 2", "Persona Numero 1", None),
    }
    assert result(await hall.close_ballot(ballot)) == (2, 0, 0, 3, "carried")


async def test_a_proxy_that_has_voted_is_not_taken_back(room: Room) -> None:
    hall = await Hall.opened(room, holders=3, proxies=1)
    holder = {"invitation_id": hall.invitation(0), "mode": "present"}
    await room.made(f"{hall.path}/attendance", {"items": [{**holder, "proxy_for": hall.invitation(1)}]})
    ballot = await hall.ballot()
    assert (await hall.vote(ballot, 0, "yes", invitation_id=hall.invitation(1))).status_code == 200
    refused = await room.post(f"{hall.path}/attendance", {"items": [{**holder, "proxy_for": []}]})
    assert problem(refused) == (409, "has-voted")
    assert problem(await hall.vote(ballot, 1, "no")) == (409, "seat-has-voted")
    assert (await hall.quorum())["by_proxy"] == 1


async def test_who_voted_is_shown_to_the_coordination_and_how_after_the_count(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    await hall.votes(ballot, "yes", "no")
    path = f"/ballots/{ballot['id']}/votes"
    assert {item["vote"] for item in await room.items(path)} == {None}
    assert problem(await hall.voter(0).get(path)) == (403, "forbidden")
    await hall.close_ballot(ballot)
    cast = await room.items(path)
    assert sorted(zip(names(cast), (item["vote"] for item in cast), strict=True)) == [
        ("Persona Numero 1", "yes"),
        ("Persona Numero 2", "no"),
    ]


async def test_a_ballot_is_held_in_a_meeting_in_course_by_the_coordination(room: Room) -> None:
    hall = await Hall.opened(room)
    question = {"question": "Si approva?"}
    assert problem(await hall.voter(0).post(f"{hall.path}/ballots", question)) == (403, "forbidden")
    draft = await room.meeting(hall.committee.id)
    refused = await room.post(f"/meetings/{draft['id']}/ballots", question)
    assert problem(refused) == (409, "meeting-not-in-course")
    ballot = await hall.ballot()
    stale = await room.post(f"/ballots/{ballot['id']}/close", etag='"9"')
    assert problem(stale) == (412, "version-mismatch")
    await hall.close_ballot(ballot)
    assert problem(await hall.vote(ballot, 0, "yes")) == (409, "ballot-closed")
    again = await room.post(f"/ballots/{ballot['id']}/close", etag='"2"')
    assert problem(again) == (409, "ballot-closed")
    await hall.close()
    assert problem(await room.post(f"{hall.path}/ballots", question)) == (409, "meeting-not-in-course")


async def test_a_storm_of_votes_counts_each_seat_once_and_the_last_vote_of_each(room: Room) -> None:
    """Every voter votes often, all at once; then once more, one after the other."""
    hall = await Hall.opened(room, holders=8)
    ballot = await hall.ballot()
    chance = random.Random(8)
    storm = [(member, chance.choice(["yes", "no", "abstain"])) for member in range(8) for _ in range(6)]
    chance.shuffle(storm)
    answers = await asyncio.gather(*(hall.vote(ballot, member, vote) for member, vote in storm))
    assert {answer.status_code for answer in answers} == {200}
    assert (await room.found(f"/ballots/{ballot['id']}"))["cast"] == 8
    last = [chance.choice(["yes", "no", "abstain"]) for _ in range(8)]
    await hall.votes(ballot, *last)
    closed = result(await hall.close_ballot(ballot))
    assert closed[:3] == (last.count("yes"), last.count("no"), last.count("abstain"))


async def test_no_vote_comes_after_the_count(room: Room) -> None:
    """Votes and the closing race: what was answered 200 is counted, what came too late was refused."""
    hall = await Hall.opened(room, holders=8)
    ballot = await hall.ballot()
    await hall.attend(*["present"] * 8)
    close = room.post(f"/ballots/{ballot['id']}/close", etag=f'"{ballot["version"]}"')
    *votes, closed = await asyncio.gather(*(hall.vote(ballot, member, "yes") for member in range(8)), close)
    assert closed.status_code == 200, closed.text
    taken = [answer.status_code for answer in votes].count(200)
    assert {answer.status_code for answer in votes} <= {200, 409}
    assert closed.json()["result"]["in_favour"] == taken == len(await room.items(f"/ballots/{ballot['id']}/votes"))


async def test_of_two_who_close_at_once_one_counts(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    path, etag = f"/ballots/{ballot['id']}/close", f'"{ballot["version"]}"'
    answers = await asyncio.gather(*(room.post(path, etag=etag) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert [fact for fact, _ in await hall.told("ballot", ballot["id"])] == ["opened", "closed"]


async def test_a_counted_ballot_the_database_lets_nobody_change(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.close_ballot(await hall.ballot())
    for statement in ("update ballots set outcome = 'carried'", "delete from ballots"):
        with pytest.raises(Exception, match="final"):
            await room.running.sql(f"{statement} where id = :id", id=UUID(ballot["id"]))
