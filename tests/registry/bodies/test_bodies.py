"""Bodies as the secretariat makes them: over HTTP, with what the other services are told."""

from __future__ import annotations

from tests.harness import Running
from tests.registry.conftest import Room


async def test_a_committee_has_a_seat_for_each_active_member(registry: Running, room: Room) -> None:
    names = ["Acli", "CNCA", "MoVI"]
    for name in names:
        await room.organisation(name)
    body = await room.made(
        f"/networks/{room.slug}/bodies", {"name": "Comitato esecutivo", "kind": "executive_committee"}
    )
    assert (body["state"], body["composition"], body["roles"]) == ("constituted", "one_per_member", ["referent"])
    assert body["seats"] == {"count": 0, "of": 3, "share": 0.0}
    assert [seat["name"] for seat in body["vacant"]] == names
    assert (await room.found(f"/bodies/{body['id']}")) == body
