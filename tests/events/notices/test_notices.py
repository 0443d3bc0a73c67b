"""Notice as those who convene meet it: asked for by network and body, refused when too short, waived for a reason."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.events.notices.rules import NoticeRule
from services.events.notices.tables import notice_rules
from tests.events.room import Caller, Room, problem

pytestmark = pytest.mark.timeout(120)


async def put(who: Caller, path: str, body: Any, etag: str) -> Any:
    sent = {**who.headers, "if-match": etag}
    return await who.running.client.put(f"/events/v1{path}", json=body, headers=sent)


async def convene(room: Room, draft: Any, body: Any = None) -> Any:
    return await room.post(f"/meetings/{draft['id']}/convene", body, f'"{draft["version"]}"')


async def test_an_assembly_is_convened_eight_days_before_and_not_later(room: Room) -> None:
    assembly = await room.committee(holders=2, kind="assembly")
    soon = await room.meeting(assembly.id, days=7)
    refused = await convene(room, soon)
    assert problem(refused) == (422, "notice-too-short")
    said = refused.json()
    earliest = (room.today + timedelta(days=8)).isoformat()
    by = (room.today - timedelta(days=1)).isoformat()
    assert earliest in said["detail"]
    assert by in said["detail"]
    assert said["errors"] == [
        {"path": "/starts_at", "code": "notice", "accepted": f"not before {earliest}, or an `urgency` that says why"}
    ]
    found = await room.found(f"/meetings/{soon['id']}")
    assert (found["state"], found["version"], found["answers"]["invited"]) == ("draft", 1, 0)
    assert (await convene(room, await room.meeting(assembly.id, days=8))).status_code == 200


async def test_a_shorter_notice_is_taken_for_a_recorded_reason(room: Room) -> None:
    assembly = await room.committee(holders=1, kind="assembly")
    draft = await room.meeting(assembly.id, days=2)
    for empty in ("", "   ", None):
        assert (await convene(room, draft, {"urgency": empty})).status_code == 422
    convened = (await convene(room, draft, {"urgency": "Il bando scade venerdì"})).json()
    assert (convened["state"], convened["urgency"]) == ("convened", "Il bando scade venerdì")
    (invitation,) = await room.invitations(convened)
    seen = await room.person_calling(UUID(invitation["person"]["id"])).found(f"/meetings/{convened['id']}")
    assert seen["urgency"] == "Il bando scade venerdì"


async def test_a_reason_that_was_not_needed_is_not_kept(room: Room) -> None:
    assembly = await room.committee(holders=1, kind="assembly")
    convened = (await convene(room, await room.meeting(assembly.id, days=20), {"urgency": "Prudenza"})).json()
    assert convened["urgency"] is None


async def test_a_meeting_may_ask_for_more_notice_than_the_rules(room: Room) -> None:
    committee = await room.committee(holders=1)
    refused = await convene(room, await room.meeting(committee.id, days=5, notice_days=6))
    assert problem(refused) == (422, "notice-too-short")
    assert (await convene(room, await room.meeting(committee.id, days=7, notice_days=6))).status_code == 200


async def test_moving_to_a_day_too_near_needs_a_reason_of_its_own(room: Room) -> None:
    assembly = await room.committee(holders=1, kind="assembly")
    draft = await room.meeting(assembly.id, days=20)
    meeting = (await convene(room, draft)).json()
    near = room.now + timedelta(days=3)
    changes = {"starts_at": near.isoformat(), "ends_at": (near + timedelta(hours=1)).isoformat()}
    path, etag = f"/meetings/{meeting['id']}", f'"{meeting["version"]}"'
    assert problem(await room.patch(path, changes, etag)) == (422, "notice-too-short")
    assert (await room.found(path))["starts_at"] == meeting["starts_at"]
    moved = await room.patch(path, {**changes, "urgency": "La sala non è più libera"}, etag)
    assert (moved.status_code, moved.json()["urgency"]) == (200, "La sala non è più libera")
    nearer = room.now + timedelta(days=2)
    again = {"starts_at": nearer.isoformat(), "ends_at": (nearer + timedelta(hours=1)).isoformat()}
    refused = await room.patch(path, again, f'"{moved.json()["version"]}"')
    assert problem(refused) == (422, "notice-too-short"), "an old reason is no reason for another move"


async def test_a_second_call_needs_no_notice_of_its_own() -> None:
    """It is announced with the first one: see tests/events/meetings/test_second_call.py, whose calls are minutes apart;
    here the rule alone."""
    from datetime import UTC, datetime

    from services.events.meetings.rules import Meeting, Mode

    starts = datetime(2030, 10, 3, 15, tzinfo=UTC)
    meeting = Meeting(uuid7(), "Assemblea", starts, starts + timedelta(hours=1), Mode.REMOTE, call=2)
    meeting.noticed(8, starts.date(), None, None)
    assert meeting.urgency is None


async def test_a_network_and_its_bodies_ask_for_their_own_notice(room: Room) -> None:
    committee = await room.committee(holders=1)
    path, own = f"/networks/{room.slug}/notice-rule", f"/bodies/{committee.id}/notice-rule"
    first = await room.found(path)
    assert (first["days"], first["assembly_days"], first["own"], first["version"]) == (0, 8, False, 0)
    made = await put(room, path, {"days": 3}, '"0"')
    assert (made.status_code, made.json()["days"], made.json()["version"]) == (200, 3, 1)
    assert (await room.found(own))["days"] == 3
    assert problem(await convene(room, await room.meeting(committee.id, days=2))) == (422, "notice-too-short")
    assert (await put(room, own, {"days": 1}, '"0"')).status_code == 200
    assert (await convene(room, await room.meeting(committee.id, days=2))).status_code == 200
    left = await room.running.client.delete(f"/events/v1{own}", headers={**room.headers, "if-match": '"1"'})
    assert (left.status_code, (await room.found(own))["days"]) == (204, 3)


async def test_a_rule_that_is_taken_away_meanwhile_was_seen_in_an_old_version(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding that there is one and taking it."""
    body = (await room.committee(holders=1)).id
    path = f"/bodies/{body}/notice-rule"
    assert (await put(room, path, {"days": 3}, '"0"')).status_code == 200
    real = AsyncSession.get

    async def taken_away(session: AsyncSession, entity: Any, *args: Any, **kw: Any) -> Any:
        if entity is NoticeRule:
            async with room.running.context.database.sessions.begin() as other:
                await other.execute(delete(NoticeRule).where(notice_rules.c.id == body))
        return await real(session, entity, *args, **kw)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(AsyncSession, "get", taken_away)
        assert problem(await put(room, path, {"days": 4}, '"0"')) == (412, "version-mismatch")
    assert (await put(room, path, {"days": 4}, '"0"')).status_code == 200


async def test_two_who_ask_at_once_are_not_both_believed(room: Room) -> None:
    path = f"/networks/{room.slug}/notice-rule"
    done = await asyncio.gather(*(put(room, path, {"days": days}, '"0"') for days in (3, 4, 5)))
    assert sorted(answer.status_code for answer in done) == [200, 412, 412]


@pytest.mark.parametrize("body", [{}, {"days": -1}, {"days": 91}, {"days": "3"}, {"days": 3, "hours": 1}])
async def test_what_is_no_notice_is_refused(room: Room, body: Any) -> None:
    assert (await put(room, f"/networks/{room.slug}/notice-rule", body, '"0"')).status_code == 422


async def test_the_secretariat_alone_asks_for_notice(room: Room) -> None:
    for role in ("coordinator", "member"):
        caller = await room.caller(role)
        assert problem(await put(caller, f"/networks/{room.slug}/notice-rule", {"days": 3}, '"0"')) == (
            403,
            "forbidden",
        )
    assert problem(await room.get(f"/bodies/{uuid7()}/notice-rule")) == (404, "not-found")
