"""Ballots without a meeting: who is called, choices, weights, quorums; and voters that follow mandates."""

from __future__ import annotations

from typing import Any

import pytest
from uuid_utils.compat import uuid7

from tests.events.ballots.forum import SMALL, Forum, an_organisation, axis
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(240)
OPTIONS = ["Lecco", "Cremona", "Crema"]


async def test_each_voter_is_called_once_and_told_that_they_have_voted(room: Room) -> None:
    forum = await Forum.small(room, 3)
    ballot = await forum.ballot()
    called = [body for fact, body in await forum.told("voter") if fact == "called"]
    assert {body["person_id"] for body in called} == {str(one.person_id) for one in forum.delegates}
    assert {body["ballot_id"] for body in called} == {ballot["id"]}
    (before,) = [one for one in called if one["person_id"] == str(forum.delegates[0].person_id)]
    await forum.cast(ballot, 0, vote="yes")
    ((_, _), (fact, voted)) = await forum.told("voter", before["id"])
    assert (fact, voted["state"], voted["version"]) == ("voted", "voted", 2)
    assert not {"vote", "cast_at"} & voted.keys()
    mine = await forum.delegates[0].caller.found(f"/ballots/{ballot['id']}")
    assert mine["allowed_actions"] == ["vote"]


async def test_whose_mandate_ends_votes_no_longer_and_a_successor_is_called(room: Room) -> None:
    forum = await Forum.small(room, 2)
    ballot = await forum.ballot(per="organisation")
    old = forum.delegates[0]
    new = room.person("Nuova", "Delegata")
    mandate = room.mandate(new.id, "delegate", organisation_id=old.organisation_id, since=room.today)
    await room.tell(room.ended(old.mandate, room.today), new, mandate)
    refused = await forum.put(ballot, 0, {"state": "cast", "vote": "yes"})
    assert problem(refused) == (403, "no-vote")
    states = {one["person"]["id"]: one["state"] for one in await forum.voters(ballot)}
    assert (states[str(old.person_id)], states[str(new.id)]) == ("withdrawn", "called")
    facts = [fact for fact, body in await forum.told("voter") if body["person_id"] == str(old.person_id)]
    assert facts == ["called", "withdrawn"]
    body = {"state": "cast", "vote": "yes"}
    assert (await forum.put(ballot, 0, body, by=room.person_calling(new.id))).status_code == 200
    assert (await forum.close(ballot))["entitled"] == 2


async def test_an_organisation_that_has_voted_has_voted_whoever_is_its_delegate(room: Room) -> None:
    forum = await Forum.small(room, 2)
    ballot = await forum.ballot(per="organisation")
    await forum.cast(ballot, 0, vote="yes")
    old = forum.delegates[0]
    new = room.person("Nuova", "Delegata")
    mandate = room.mandate(new.id, "delegate", organisation_id=old.organisation_id, since=room.today)
    await room.tell(room.ended(old.mandate, room.today), new, mandate)
    assert {one["person"]["id"] for one in await forum.voters(ballot)} == {
        str(one.person_id) for one in forum.delegates
    }
    body = {"state": "cast", "vote": "no"}
    assert (await forum.put(ballot, 0, body, by=room.person_calling(new.id))).status_code == 403
    closed = await forum.close(ballot)
    assert (closed["result"]["in_favour"], closed["cast"], closed["entitled"]) == (1, 1, 2)


async def test_who_begins_a_mandate_is_called_to_what_is_open(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.ballot()
    organisation, person = an_organisation("Nuovo ente"), room.person("Anna", "Nuova")
    await room.tell(organisation, person, room.mandate(person.id, "delegate", organisation_id=organisation.id))
    assert [one["person"]["name"] for one in await forum.voters(ballot)] == ["Delegata Numero 1", "Anna Nuova"]
    await forum.close(ballot)
    other = room.person("Marco", "Dopo")
    await room.tell(other, room.mandate(other.id, "delegate", organisation_id=organisation.id))
    assert len(await forum.voters(ballot)) == 2


async def test_a_choice_has_its_winners_or_is_tied(room: Room) -> None:
    forum = await Forum.small(room, 4)
    choice: dict[str, Any] = {"kind": "choice", "options": OPTIONS, "most": 2}
    ballot = await forum.ballot(**choice, winners=2)
    for number, chosen in enumerate([[1, 2], [1, 3], [2, 1], []]):
        await forum.cast(ballot, number, choice=chosen)
    closed = await forum.close(ballot)
    assert (closed["result"]["outcome"], closed["cast"]) == ("chosen", 4)
    found = await room.found(f"/ballots/{ballot['id']}/results")
    assert (found["winners"], found["groups"][0]["votes"]) == ([1, 2], [3, 2, 1])
    (_, _), (_, told) = await forum.told("ballot", ballot["id"])
    assert [(one["title"], one["votes"]) for one in told["options"]] == list(zip(OPTIONS, [3, 2, 1], strict=True))
    tied = await forum.ballot(**choice)
    for number, chosen in enumerate([[1], [2]]):
        await forum.cast(tied, number, choice=chosen)
    assert (await forum.close(tied))["result"]["outcome"] == "tied"
    assert (await room.found(f"/ballots/{tied['id']}/results"))["winners"] == []


@pytest.mark.parametrize(
    ("chosen", "path", "code"),
    [
        ([0], "/choice/0", "choice"),
        ([4], "/choice/0", "choice"),
        ([1, 1], "/choice/1", "duplicate"),
        (["1"], "/choice/0", "choice"),
        ([True], "/choice/0", "choice"),
        ([1.0], "/choice/0", "choice"),
        ([1, 2, 3], "/choice", "too_many"),
    ],
)
async def test_a_choice_that_cannot_be_is_refused(room: Room, chosen: Any, path: str, code: str) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.ballot(kind="choice", options=OPTIONS, most=2)
    refused = await forum.put(ballot, 0, {"state": "cast", "choice": chosen})
    assert problem(refused) == (422, "paper-refused")
    assert [(one["path"], one["code"]) for one in refused.json()["errors"]] == [(path, code)]


async def test_an_organisation_has_as_many_votes_as_the_statute_gives_it(room: Room) -> None:
    forum = await Forum.small(room, 3)
    heavy = {"organisation_id": str(forum.delegates[0].organisation_id), "votes": 5}
    ballot = await forum.ballot(weights={"ground": "Statuto, art. 12", "organisations": [heavy]})
    assert (ballot["entitled"], ballot["entitled_votes"], ballot["ground"]) == (3, 7, "Statuto, art. 12")
    for number, vote in enumerate(["yes", "no", "no"]):
        await forum.cast(ballot, number, vote=vote)
    closed = await forum.close(ballot)
    assert (closed["result"]["in_favour"], closed["result"]["against"], closed["cast"]) == (5, 2, 3)


async def test_too_few_papers_are_no_quorum_and_an_impossible_one_is_refused(room: Room) -> None:
    forum = await Forum.small(room, 3)
    half = {"numerator": 1, "denominator": 2, "exceeded": True}
    ballot = await forum.ballot(quorum=half)
    assert ballot["needed"] == 2
    await forum.cast(ballot, 0, vote="yes")
    assert (await forum.close(ballot))["result"]["outcome"] == "no_quorum"
    refused = await forum.called(quorum={"at_least": 4})
    assert problem(refused) == (422, "ballot-quorum-impossible")
    assert problem(await forum.called(roles=["secretariat"])) == (422, "nobody-entitled")


async def test_what_was_opened_in_error_is_cancelled(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    await forum.cast(ballot, 0, cells={"1.1.1": 3})
    assert problem(await room.get(f"/ballots/{ballot['id']}/results")) == (409, "ballot-open")
    done = await room.made(f"/ballots/{ballot['id']}/cancel", etag=f'"{ballot["version"]}"')
    assert (done["result"]["outcome"], done["open"]) == ("cancelled", False)
    assert problem(await forum.put(ballot, 0, {"state": "cast", "cells": {}}, 1)) == (409, "ballot-closed")
    assert (await forum.told("ballot", ballot["id"]))[-1][1]["outcome"] == "cancelled"
    assert [one for _, one in await forum.told("ballot_papers") if one["ballot_id"] == ballot["id"]] == []


async def test_voters_are_parted_by_kind_section_territory_and_name(room: Room) -> None:
    forum = await Forum.of(room, [{"sections": ["aps"]}, {"kind": "foundation"}, {}, {"kind": "csv"}])
    lombard = room.person("Lia", "Lombarda")
    await room.tell(lombard, room.mandate(lombard.id, "delegate", territory="03"))
    cohorts = [
        {"code": "named", "title": "Per nome", "organisations": [str(forum.delegates[2].organisation_id)]},
        {"code": "aps", "title": "APS", "sections": ["aps"]},
        {"code": "lombardia", "title": "Lombardia", "territories": ["03"]},
        {"code": "foundations", "title": "Fondazioni", "kinds": ["foundation", "community_foundation"]},
    ]
    ballot = await forum.ballot(cohorts=cohorts)
    voters = {one["person"]["id"]: one["cohort"] for one in await forum.voters(ballot)}
    people = [*(str(one.person_id) for one in forum.delegates), str(lombard.id)]
    assert [voters[id_] for id_ in people] == ["aps", "foundations", "named", None, "lombardia"]
    assert [one["entitled"] for one in ballot["cohorts"]] == [1, 1, 1, 1]
    only = await forum.ballot(cohorts=cohorts[:2], only_cohorts=True)
    assert (only["entitled"], len(await forum.voters(only))) == (2, 2)


GRID = {"kind": "grid", "grid": SMALL}


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"closes_at": "2020-01-01T10:00:00Z"}, "/closes_at"),
        ({"closes_at": "9999-12-31T23:59:59-12:00"}, "/closes_at"),
        ({"closes_at": None}, "/closes_at"),
        ({"kind": "choice", "options": ["Una"]}, "/options"),
        ({"kind": "choice", "options": ["Una", "una"]}, "/options/1"),
        ({"kind": "choice", "options": OPTIONS, "most": 4}, "/most"),
        ({"options": OPTIONS}, "/options"),
        ({"kind": "grid"}, "/grid"),
        ({**GRID, "grid": {**SMALL, "fields": ["A", "a"]}}, "/grid/fields/1"),
        ({**GRID, "grid": {**SMALL, "fields": []}}, "/grid/fields"),
        ({**GRID, "grid": {**SMALL, "lowest": 5, "highest": 5}}, "/grid/highest"),
        ({**GRID, "grid": {**SMALL, "needs": axis("Bisogno", 50), "resources": axis("Fonte", 50)}}, "/grid"),
        ({**GRID, "majority": {"numerator": 2, "denominator": 3}}, "/majority"),
        ({"cohorts": [{"code": "a", "title": "A"}, {"code": "a", "title": "B"}]}, "/cohorts/1/code"),
        ({"cohorts": [{"code": "a", "title": "A", "territories": ["99999"]}]}, "/cohorts/0/territories/0"),
        ({"weights": {"organisations": [{"organisation_id": str(uuid7()), "votes": 2}]}}, "/weights/ground"),
        ({"weights": {"ground": "x", "organisations": [{"organisation_id": str(uuid7()), "votes": 6}]}},
         "/weights/organisations/0/votes"),
        ({"weights": {"ground": "x", "organisations": [{"organisation_id": str(uuid7()), "votes": 0}]}},
         "/weights/organisations/0/votes"),
        ({"question": "a\u0000b"}, "/question"),
        ({"level": "spid"}, "/level"),
        ({"quorum": {"denominator": 0}}, "/quorum/denominator"),
    ],
)  # fmt: skip
async def test_a_ballot_that_cannot_be_is_refused(room: Room, asked: dict[str, Any], path: str) -> None:
    forum = await Forum.small(room, 1)
    refused = await forum.called(**asked)
    assert refused.status_code == 422, refused.text
    assert path in [one["path"] for one in refused.json()["errors"]]


async def test_the_ballots_of_a_network_are_listed_and_opened_by_its_coordination(room: Room) -> None:
    forum = await Forum.small(room, 1)
    first, second = await forum.ballot(), await forum.grid()
    await forum.close(first)
    path = f"/networks/{room.slug}/ballots"
    assert [one["id"] for one in await room.items(path)] == [second["id"], first["id"]]
    assert [one["id"] for one in await room.items(path, state="open")] == [second["id"]]
    assert [one["id"] for one in await room.items(path, kind="motion")] == [first["id"]]
    body = {"question": "Posso?", "closes_at": second["closes_at"]}
    assert problem(await forum.delegates[0].caller.post(path, body)) == (403, "forbidden")
