"""A secret ballot: who voted is known, what is not, and nothing that is kept links the two."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.ballots.rules import Ballot, Kind, put_in, taken_out
from tests.events.ballots.forum import OTHERS, SMALL, Forum, put
from tests.events.hall import Hall
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(240)


async def test_who_voted_is_known_and_how_is_counted(room: Room) -> None:
    forum = await Forum.small(room, 6)
    ballot = await forum.ballot(secret=True)
    for number, vote in enumerate(["yes", "yes", "no", "abstain", "yes"]):
        answer = await forum.cast(ballot, number, vote=vote)
        assert (answer["state"], answer["vote"], answer["cast_at"]) == ("cast", None, None)
    cast = await room.items(f"/ballots/{ballot['id']}/votes")
    assert {(one["vote"], one["cast_at"]) for one in cast} == {(None, None)}
    assert {one["person"]["id"] for one in cast} == {str(one.person_id) for one in forum.delegates[:5]}
    states = Counter(one["state"] for one in await forum.voters(ballot))
    assert states == {"voted": 5, "called": 1}
    closed = await forum.close(ballot)
    found = closed["result"]
    assert (found["in_favour"], found["against"], found["abstained"], found["outcome"]) == (3, 1, 1, "carried")
    assert (closed["cast"], closed["entitled"]) == (5, 6)
    assert {one["vote"] for one in await room.items(f"/ballots/{ballot['id']}/votes")} == {None}


async def test_nothing_that_is_kept_holds_a_voter_and_a_vote_together(room: Room) -> None:
    """All rows of all tables of the service: beside a voter there is neither a mark nor an instant of the vote."""
    forum = await Forum.small(room, 5)
    ballot = await forum.ballot(secret=True)
    for number in (3, 0, 4, 1, 2):
        await forum.cast(ballot, number, vote="yes" if number % 2 else "no")
    id_ = UUID(ballot["id"])
    rows = await room.running.sql("select vote, marks, cast_at, entered_by from votes where ballot_id = :id", id=id_)
    assert [tuple(row) for row in rows] == [(None, None, None, None)] * 5
    assert await room.running.sql("select 1 from paper_drafts where ballot_id = :id", id=id_) == []
    ((papers, voices),) = await room.running.sql("select papers, voices from urns where ballot_id = :id", id=id_)
    assert (len(papers), voices) == (10, 5)
    assert Counter(papers[1::2]) == {1: 2, 2: 3}
    transactions = await room.running.sql("select distinct xmin::text from urns where ballot_id = :id", id=id_)
    assert len(transactions) == 1
    told = [body for _, body in await forum.told("voter")]
    assert all(not {"vote", "marks", "cast_at"} & body.keys() for body in told)
    kept = await room.running.sql("select body::text from log where subject like 'events.voter.%.voted'")
    assert all('"yes"' not in row[0] and '"no"' not in row[0] for row in kept)


async def test_a_secret_vote_is_final_has_no_draft_and_is_nobodys_to_enter(room: Room) -> None:
    forum = await Forum.small(room, 2)
    ballot = await forum.grid(secret=True)
    cells = {"1.1.1": 5}
    assert problem(await forum.put(ballot, 0, {"state": "draft", "cells": cells})) == (409, "secret-vote")
    await forum.cast(ballot, 0, cells=cells)
    assert problem(await forum.put(ballot, 0, {"state": "cast", "cells": cells}, 1)) == (409, "secret-vote-final")
    voter = (await forum.voters(ballot, state="called"))[0]["id"]
    path = f"/ballots/{ballot['id']}/papers"
    assert problem(await put(room, f"{path}/{voter}", {"state": "cast", "cells": cells})) == (409, "secret-vote")
    files = {"file": ("a.csv", b"voter,field,need,resource,score\n1,1,1,1,1\n", "text/csv")}
    answer = await room.running.client.post(f"/events/v1{path}/file", files=files, headers=room.headers)
    assert problem(answer) == (409, "secret-vote")
    motion = await forum.ballot(secret=True)
    by_post = await forum.delegates[0].caller.post(f"/ballots/{motion['id']}/votes", {"vote": "yes"})
    assert problem(by_post) == (409, "wrong-kind-of-ballot")


async def test_secret_votes_at_once_all_are_in_the_urn_and_each_once(room: Room) -> None:
    forum = await Forum.small(room, 8)
    ballot = await forum.ballot(secret=True)
    body = {"state": "cast", "vote": "yes"}
    answers = await asyncio.gather(*(forum.put(ballot, number % 8, body) for number in range(24)))
    counts = Counter(answer.status_code for answer in answers)
    assert counts == {200: 8, 409: 16}
    closed = await forum.close(ballot)
    assert (closed["result"]["in_favour"], closed["cast"]) == (8, 8)


async def test_small_cohorts_of_a_secret_ballot_are_not_shown(room: Room) -> None:
    forum = await Forum.of(room, [{"kind": "foundation"}] * 2 + [{}] * 6)
    cohorts = [{"code": "foundations", "title": "Fondazioni", "kinds": ["foundation"]}, OTHERS]
    ballot = await forum.grid(SMALL, secret=True, cohorts=cohorts)
    for number in range(8):
        await forum.cast(ballot, number, cells={"1.1.1": 10 if number < 2 else 4})
    await forum.close(ballot)
    found = await room.found(f"/ballots/{ballot['id']}/results")
    assert [(one["code"], one["cast"]["count"], one["best"] is None) for one in found["groups"]] == [
        ("all", 8, False),
        ("foundations", 2, True),
        ("others", 6, True),
    ]
    shown = {one["cohort"] for one in await room.items(f"/ballots/{ballot['id']}/results/cells")}
    assert shown == {"all"}


async def test_a_seat_votes_once_in_secret_whoever_sits_in_it(room: Room) -> None:
    hall = await Hall.opened(room, holders=3)
    ballot = await room.made(f"{hall.path}/ballots", {"question": "Chi presiede?", "secret": True})
    path = f"/ballots/{ballot['id']}/papers/me"
    for member in range(2):
        assert (await put(hall.voter(member), path, {"state": "cast", "vote": "yes"})).status_code == 200
    closed = await hall.close_ballot(ballot)
    assert (closed["result"]["in_favour"], closed["result"]["outcome"]) == (2, "carried")


async def test_weights_are_as_many_papers_of_one_vote(room: Room) -> None:
    forum = await Forum.small(room, 3)
    heavy = {"organisation_id": str(forum.delegates[0].organisation_id), "votes": 3}
    weights = {"ground": "Statuto, art. 12", "organisations": [heavy]}
    ballot = await forum.ballot(secret=True, weights=weights)
    for number, vote in enumerate(["yes", "no", "no"]):
        await forum.cast(ballot, number, vote=vote)
    closed = await forum.close(ballot)
    assert (closed["result"]["in_favour"], closed["result"]["against"], closed["cast"]) == (3, 2, 3)
    assert (closed["entitled"], closed["entitled_votes"]) == (3, 5)


papers = st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 255), min_size=2, max_size=2)), max_size=30)


@given(papers, st.integers(0, 2**32))
def test_every_paper_that_is_put_in_is_taken_out(cast: list[tuple[int, list[int]]], seed: int) -> None:
    lot, urn = random.Random(seed), b""
    for cohort, marks in cast:
        urn = put_in(urn, bytes([cohort, *marks]), lot=lot)
    found = taken_out(urn, 2, ["a", "b", "c"])
    assert Counter((one.cohort, one.marks) for one in found) == Counter(
        ("abc"[cohort], bytes(marks)) for cohort, marks in cast
    )


def test_the_place_of_a_paper_in_the_urn_says_nothing_of_its_turn() -> None:
    """Of 2,000 urns of four papers each paper lies at each place about as often."""
    lot, places = random.Random(7), Counter[tuple[int, int]]()
    for _ in range(2000):
        urn = b""
        for paper in range(4):
            urn = put_in(urn, bytes([0, paper]), lot=lot)
        places.update((paper, place) for place, paper in enumerate(urn[1::2]))
    assert all(400 < places[paper, place] < 600 for paper in range(4) for place in range(4))


def test_a_ballot_knows_how_wide_its_papers_are() -> None:
    of: dict[str, Any] = {"meeting_id": None, "network_id": UUID(int=1), "question": "?", "opened_at": None}
    assert Ballot(**of).width == 1
    assert Ballot(**of, kind=Kind.CHOICE, options=["a", "b", "c"]).width == 3
    assert Ballot(**of, kind=Kind.GRID, grid=json.loads(json.dumps(SMALL))).width == 8
