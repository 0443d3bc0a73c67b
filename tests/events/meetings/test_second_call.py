"""A first call that fails, and the second one that follows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.contracts.registry import Quorum
from tests.events.hall import Hall
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(120)

TWICE: dict[str, Any] = {"second_call": Quorum(numerator=1, denominator=3, exceeded=False)}


def times(meeting: Any, hours: float) -> dict[str, str]:
    """Two hours, so many hours after the meeting ends."""
    starts = datetime.fromisoformat(meeting["ends_at"]) + timedelta(hours=hours)
    return {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=2)).isoformat()}


async def failed(room: Room) -> tuple[Hall, Any]:
    """A first call that nobody came to, closed."""
    hall = await Hall.opened(room, 3, **TWICE)
    found = await room.found(hall.path)
    await room.made(f"{hall.path}/close", etag=f'"{found["version"]}"')
    return hall, await room.found(hall.path)


async def test_a_first_call_without_quorum_is_followed_by_a_second(room: Room) -> None:
    hall, first = await failed(room)
    assert (first["state"], first["quorate"], first["allowed_actions"]) == ("held", False, ["second_call"])
    body = times(first, 24)
    second = await room.made(f"{hall.path}/second-call", body, f'"{first["version"]}"')
    assert (second["call"], second["first_call_id"], second["state"]) == (2, first["id"], "convened")
    assert [second[name] for name in ("title", "place", "mode", "body")] == [
        first[name] for name in ("title", "place", "mode", "body")
    ]
    assert datetime.fromisoformat(second["starts_at"]) == datetime.fromisoformat(body["starts_at"])
    assert len(await room.invitations(second)) == 3
    told = await room.running.published(f"events.meeting.{second['id']}.*")
    assert [(type_.split(".")[3], fact["call"]) for type_, fact in told] == [("convened", 2)]


async def test_there_is_one_second_call_unless_it_is_cancelled(room: Room) -> None:
    hall, first = await failed(room)
    path, seen = f"{hall.path}/second-call", f'"{first["version"]}"'
    second = await room.made(path, times(first, 24), seen)
    again = await room.post(path, times(first, 48), seen)
    assert problem(again) == (409, "second-call-made")
    assert second["id"] in again.json()["detail"]
    await room.made(f"/meetings/{second['id']}/cancel", etag=f'"{second["version"]}"')
    assert (await room.post(path, times(first, 48), seen)).status_code == 201


async def test_a_second_call_comes_after_the_first(room: Room) -> None:
    hall, first = await failed(room)
    answer = await room.post(f"{hall.path}/second-call", times(first, -1), f'"{first["version"]}"')
    assert problem(answer) == (422, "invalid-times")
    assert answer.json()["errors"][0]["path"] == "/starts_at"


async def test_a_referent_convenes_no_second_call(room: Room) -> None:
    hall, first = await failed(room)
    referent = await room.caller("referent", hall.members[0].person_id)
    answer = await referent.post(f"{hall.path}/second-call", times(first, 24), f'"{first["version"]}"')
    assert problem(answer) == (403, "forbidden")
