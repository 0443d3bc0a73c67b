"""What cannot be convened, and what the refusal says: a body in two places, a quorum nobody can make, an agenda longer
than its meeting, an audience that is none."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import Quorum
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(120)


async def convene(room: Room, draft: Any) -> Any:
    return await room.post(f"/meetings/{draft['id']}/convene", etag=f'"{draft["version"]}"')


def during(meeting: Any, room: Room, **delta: float) -> dict[str, str]:
    """Two hours, beginning so long after another meeting's beginning."""
    from datetime import datetime

    starts = datetime.fromisoformat(meeting["starts_at"]) + timedelta(**delta)
    return {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=2)).isoformat()}


def new(body_id: Any, **more: Any) -> dict[str, Any]:
    return {"title": "Riunione", "body_id": body_id and str(body_id), "mode": "in_person", "place": "Roma", **more}


@pytest.mark.parametrize("minutes", [-119, -60, 0, 60, 119])
async def test_a_body_is_in_one_meeting_at_a_time(room: Room, minutes: int) -> None:
    committee = await room.committee(holders=1)
    first = await room.convened(committee.id)
    body = new(committee.id, **during(first, room, minutes=minutes))
    refused = await room.post(f"/networks/{room.slug}/meetings", body)
    assert problem(refused) == (409, "meeting-overlaps")
    assert first["id"] in refused.json()["detail"]
    assert refused.json()["errors"][0]["path"] == "/starts_at"


@pytest.mark.parametrize("minutes", [-120, 120])
async def test_a_meeting_may_follow_another_at_once(room: Room, minutes: int) -> None:
    committee = await room.committee(holders=1)
    first = await room.convened(committee.id)
    body = new(committee.id, **during(first, room, minutes=minutes))
    made = await room.made(f"/networks/{room.slug}/meetings", body)
    assert (await convene(room, made)).status_code == 200


async def test_another_body_the_network_and_a_cancelled_meeting_do_not_overlap(room: Room) -> None:
    one, other = await room.committee(holders=1), await room.committee(holders=1)
    first = await room.convened(one.id)
    for body_id in (other.id, None):
        made = await room.made(f"/networks/{room.slug}/meetings", new(body_id, **during(first, room, minutes=30)))
        assert (await convene(room, made)).status_code == 200
    cancelled = await room.made(f"/meetings/{first['id']}/cancel", etag=f'"{first["version"]}"')
    assert cancelled["state"] == "cancelled"
    again = await room.made(f"/networks/{room.slug}/meetings", new(one.id, **during(first, room, minutes=0)))
    assert (await convene(room, again)).status_code == 200


async def test_drafts_may_compete_and_the_first_that_is_convened_stands(room: Room) -> None:
    committee = await room.committee(holders=3)
    starts = room.now + timedelta(days=9)
    drafts = [await room.meeting(committee.id, starts_at=starts) for _ in range(4)]
    done = await asyncio.gather(*(convene(room, draft) for draft in drafts))
    assert sorted(answer.status_code for answer in done) == [200, 409, 409, 409]
    assert {problem(answer) for answer in done if answer.status_code == 409} == {(409, "meeting-overlaps")}
    facts = await room.running.published("events.meeting.*.convened")
    assert sum(body["body_id"] == str(committee.id) for _, body in facts) == 1


async def test_a_meeting_is_not_moved_onto_another_of_its_body(room: Room) -> None:
    committee = await room.committee(holders=1)
    first = await room.convened(committee.id)
    second = await room.convened(committee.id, days=12)
    refused = await room.patch(f"/meetings/{second['id']}", during(first, room, minutes=30), f'"{second["version"]}"')
    assert problem(refused) == (409, "meeting-overlaps")
    assert (await room.found(f"/meetings/{second['id']}"))["starts_at"] == second["starts_at"]
    own = await room.patch(f"/meetings/{second['id']}", during(second, room, minutes=30), f'"{second["version"]}"')
    assert own.status_code == 200, "a meeting does not overlap itself"


async def test_a_quorum_beyond_those_entitled_is_refused_with_the_figures(room: Room) -> None:
    asked = Quorum(numerator=1, denominator=2, exceeded=True, at_least=5)
    committee = await room.committee(holders=2, vacant=1, first_call=asked)
    draft = await room.meeting(committee.id)
    refused = await convene(room, draft)
    assert problem(refused) == (409, "quorum-impossible")
    assert "Servono 5 presenti e gli aventi diritto sono 3." in refused.json()["detail"]
    assert (await room.found(f"/meetings/{draft['id']}"))["state"] == "draft"
    assert await room.invitations(draft) == []
    reachable = await room.committee(holders=2, vacant=1, first_call=asked.model_copy(update={"at_least": 3}))
    assert (await convene(room, await room.meeting(reachable.id))).status_code == 200


async def test_an_agenda_has_the_time_of_its_meeting(room: Room) -> None:
    starts = room.now + timedelta(days=3)
    body = new(None, starts_at=starts.isoformat(), ends_at=(starts + timedelta(minutes=90)).isoformat())
    path = f"/networks/{room.slug}/meetings"
    long = [{"title": "Uno", "minutes": 60}, {"title": "Due", "minutes": 31}]
    refused = await room.post(path, {**body, "agenda": long})
    assert problem(refused) == (422, "agenda-too-long")
    assert refused.json()["errors"] == [
        {"path": "/agenda", "code": "too_long", "accepted": "at most 90 minutes in all"}
    ]
    made = await room.made(path, {**body, "agenda": [{"title": "Uno", "minutes": 60}, {"title": "Due", "minutes": 30}]})
    shorter = {"ends_at": (starts + timedelta(minutes=89)).isoformat()}
    assert problem(await room.patch(f"/meetings/{made['id']}", shorter, '"1"')) == (422, "agenda-too-long")


@pytest.mark.parametrize(
    ("audience", "path"),
    [
        ({}, "/audience"),
        ({"territories": ["99"]}, "/audience/territories/0"),
        ({"territories": ["03", "Milano"]}, "/audience/territories/1"),
        ({"kinds": ["Fondazioni"]}, "/audience/kinds/0"),
        ({"people": ["chi"]}, "/audience/people/0"),
        ({"everybody": True}, "/audience/everybody"),
    ],
)
async def test_an_audience_that_is_none_is_refused(room: Room, audience: Any, path: str) -> None:
    starts = room.now + timedelta(days=3)
    body = new(None, starts_at=starts.isoformat(), ends_at=(starts + timedelta(hours=1)).isoformat())
    refused = await room.post(f"/networks/{room.slug}/meetings", {**body, "audience": audience})
    assert refused.status_code == 422
    assert [error["path"] for error in refused.json()["errors"]] == [path]


async def test_a_body_meets_as_it_is_composed(room: Room) -> None:
    committee = await room.committee(holders=1)
    starts = room.now + timedelta(days=3)
    body = new(committee.id, starts_at=starts.isoformat(), ends_at=(starts + timedelta(hours=1)).isoformat())
    refused = await room.post(f"/networks/{room.slug}/meetings", {**body, "audience": {"territories": ["03"]}})
    assert problem(refused) == (422, "invalid-audience")


async def test_a_body_of_another_network_and_somebody_unknown_are_no_audience(room: Room) -> None:
    elsewhere = await (await Room.founded(room.running)).committee(holders=1)
    starts = room.now + timedelta(days=3)
    body = new(None, starts_at=starts.isoformat(), ends_at=(starts + timedelta(hours=1)).isoformat())
    path = f"/networks/{room.slug}/meetings"
    refused = await room.post(path, {**body, "audience": {"bodies": [str(elsewhere.id)]}})
    assert problem(refused) == (422, "invalid-audience")
    unknown = await room.post(path, {**body, "audience": {"people": [str(uuid7())]}})
    assert problem(unknown) == (409, "not-yet-known")
