"""Nobody gets at what a meeting left without a right to it: every operation, asked about things that exist."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.access.matrix import STRANGERS, operations, refused
from tests.events.hall import Hall
from tests.events.room import Room
from tests.events.test_access import PUBLIC

pytestmark = pytest.mark.timeout(240)

ABOUT = re.compile(r"minutes|attendance|quorum|check-in|signature|decisions|\{ballot_id\}|/close$")
"""The paths of what a meeting leaves."""
SOMEBODY = "01936f5e-8a00-7000-8000-0000000000b1"
WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/meetings/{meeting_id}/attendance", {"items": [{"person_id": SOMEBODY, "mode": "present"}]}),
    ("POST", "/meetings/{meeting_id}/close", None),
    ("POST", "/meetings/{meeting_id}/ballots", {"question": "Si approva?"}),
    ("POST", "/ballots/{ballot_id}/votes", {"vote": "yes"}),
    ("POST", "/ballots/{ballot_id}/close", None),
    ("POST", "/meetings/{meeting_id}/decisions", {"title": "Aprire", "kind": "action"}),
    ("PATCH", "/decisions/{decision_id}", {"title": "Altro"}),
    ("DELETE", "/decisions/{decision_id}", None),
    ("POST", "/meetings/{meeting_id}/minutes", {}),
    ("PATCH", "/minutes/{minutes_id}", {"text": "Altro"}),
    ("PUT", "/minutes/{minutes_id}/sections/agenda", {"text": "Altro", "instead": True}),
    ("POST", "/minutes/{minutes_id}/approvals/me", {"answer": "approve"}),
    ("POST", "/minutes/{minutes_id}/submit", None),
    ("POST", "/minutes/{minutes_id}/return", {"remarks": "No"}),
    ("POST", "/minutes/{minutes_id}/approve", None),
]


async def left(room: Room) -> dict[str, str]:
    """Ids of what two meetings left: one held, with minutes, and one in course, with a ballot."""
    hall = await Hall.opened(room)
    decision = await hall.decide()
    await hall.attend("present", "present")
    await hall.close()
    minutes = await hall.drafted()
    other = await Hall.of(room, hall.committee)
    ballot = await other.ballot()
    return {
        "meeting_id": other.meeting["id"],
        "invitation_id": other.invitation(0),
        "ballot_id": ballot["id"],
        "decision_id": decision["id"],
        "minutes_id": minutes["id"],
    }


@pytest.mark.long  # every change asks the same of all operations at once: tests/events/test_access.py
async def test_strangers_are_refused_whatever_they_ask(room: Room) -> None:
    ids = await left(room)
    every = {operation.name: operation.name.split()[1] for operation in operations(room.running)}
    others = {name for name, path in every.items() if not ABOUT.search(path)} | set(PUBLIC)
    assert len(every) - len(others) >= 35
    for stranger in STRANGERS:
        await refused(room.running, stranger, network=room.id, public=others, ids=ids)


@pytest.mark.parametrize("role", ["member", "delegate", "representative", "referent"])
async def test_roles_without_the_right_are_refused_every_write(room: Room, role: str) -> None:
    ids = await left(room)
    caller = await room.caller(role)
    for method, path, body in WRITES:
        answer = await room.running.client.request(
            method,
            "/events/v1" + path.format(**ids),
            json=body,
            headers={**caller.headers, "if-match": '"1"'},
        )
        assert answer.status_code == 403, f"{method} {path}: {answer.text}"
