"""Nobody gets at contributions and syntheses without a right to them: every operation, about things that exist."""

from __future__ import annotations

from typing import Any

import pytest

from tests.access.matrix import STRANGERS, operations, refused
from tests.events.contributions.test_contributions import THEMES, delegate, opened, write, writer
from tests.events.contributions.test_syntheses import begun, issued, representative
from tests.events.room import Room

pytestmark = pytest.mark.timeout(240)

SOMEBODY = "01936f5e-8a00-7000-8000-0000000000b1"
WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/networks/{network}/collections", {"title": "Fase", "themes": THEMES}),
    ("PATCH", "/collections/{collection_id}", {"title": "Altra"}),
    ("POST", "/collections/{collection_id}/close", None),
    ("POST", "/collections/{collection_id}/open", {}),
    ("POST", "/collections/{collection_id}/contributions", {"theme": "tools", "text": "Sì", "person_id": SOMEBODY}),
    ("POST", "/collections/{collection_id}/contributions", {"theme": "tools", "text": "Sì"}),
    ("PATCH", "/contributions/{contribution_id}", {"text": "Altro"}),
    ("DELETE", "/contributions/{contribution_id}", None),
    ("POST", "/collections/{collection_id}/tags", {"items": [{"contribution_id": SOMEBODY, "tags": []}]}),
    ("POST", "/collections/{collection_id}/synthesis", {"title": "Sintesi"}),
    ("PATCH", "/syntheses/{synthesis_id}", {"text": "Altro"}),
    ("POST", "/syntheses/{synthesis_id}/issue", {}),
]
LINKS = {"GET /syntheses/link", "GET /syntheses/link/pdf"}
OWN = ("/collections", "/contributions", "/syntheses", "/networks/{network}/collections")
READS = ("/contributions/{contribution_id}", "/syntheses/{synthesis_id}/audience")


async def things(room: Room) -> dict[str, str]:
    collection = await opened(room)
    person, _ = await delegate(room)
    contribution = await write(writer(room, person), collection)
    await representative(room, "03")
    synthesis = await begun(room, collection)
    assert (await issued(room, synthesis)).status_code == 200
    return {
        "network": room.slug,
        "collection_id": collection["id"],
        "contribution_id": contribution["id"],
        "synthesis_id": synthesis["id"],
        "number": "1",
    }


@pytest.mark.long  # every change asks the same of all operations at once: tests/events/test_access.py
async def test_strangers_are_refused_whatever_they_ask(room: Room) -> None:
    ids = await things(room)
    every = {operation.name: operation.name.split()[1] for operation in operations(room.running)}
    others = {name for name, path in every.items() if not path.startswith(OWN)} | LINKS
    assert len(every) - len(others) >= 20
    for stranger in STRANGERS:
        await refused(room.running, stranger, network=room.id, public=others, ids=ids)


@pytest.mark.parametrize("role", ["member", "delegate", "representative", "referent"])
async def test_roles_without_the_right_are_refused_every_write(room: Room, role: str) -> None:
    ids = await things(room)
    caller = await room.caller(role)
    for method, path, body in WRITES:
        answer = await room.running.client.request(
            method, "/events/v1" + path.format(**ids), json=body, headers={**caller.headers, "if-match": '"1"'}
        )
        assert answer.status_code == 403, f"{method} {path}: {answer.text}"
    for path in READS:
        assert (await caller.get(path.format(**ids))).status_code == 403, path
