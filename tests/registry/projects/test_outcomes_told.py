"""Each outcome is told by itself: recorded, shown by a file, removed; those of before by the migration."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.harness import Running
from tests.registry.conftest import Room
from tests.registry.projects.test_projects import PDF, Desk

MIGRATION = import_module("services.registry.migrations.versions.0022_outcomes")


async def told(room: Room, outcome: str) -> list[tuple[str, dict[str, Any]]]:
    facts = await room.running.published(f"registry.outcome.{outcome}.*")
    return [(type_.split(".")[3], body) for type_, body in facts]


async def orchard(desk: Desk) -> dict[str, Any]:
    made: dict[str, Any] = await desk.did("POST", "/outcomes", {
        "kind": "intervention", "title": "Orto di comunità", "on": desk.today.isoformat(), "territory": "D142",
        "link": "https://example.org/orto",
    })  # fmt: skip
    return made


async def test_an_outcome_is_told_when_recorded_shown_and_removed(registry: Running, room: Room) -> None:
    desk = await Desk.opened(room)
    one = await orchard(desk)
    url, headers = f"/registry/v1{desk.url}/outcomes/{one['id']}/file", dict(room.headers)
    for _ in range(2):  # the same file once more is told once more
        headers["if-match"] = f'"{desk.version}"'
        sent = await registry.client.post(url, files={"file": ("Orto.pdf", PDF)}, headers=headers)
        assert sent.status_code == 200, sent.text
        desk.version = int(sent.headers["etag"].strip('"'))
    await desk.did("DELETE", f"/outcomes/{one['id']}")
    facts = await told(room, one["id"])
    assert [(fact, body["version"]) for fact, body in facts] == [
        ("recorded", 1), ("recorded", 2), ("recorded", 3), ("removed", 4),
    ]  # fmt: skip
    assert [body["evidenced"] for _, body in facts[:3]] == [False, True, True]
    assert facts[0][1] == {
        "id": one["id"], "version": 1, "network_id": str(room.id), "project_id": desk.shown["id"], "action_id": None,
        "kind": "intervention", "title": "Orto di comunità", "body_id": None, "territory": "D142",
        "on": desk.today.isoformat(), "evidenced": False,
    }  # fmt: skip
    assert facts[3][1] == {"id": one["id"], "version": 4, "network_id": str(room.id)}


async def test_what_is_refused_tells_nothing(room: Room) -> None:
    desk = await Desk.opened(room)
    one = await orchard(desk)
    desk.version -= 1
    assert (await desk.send("DELETE", f"/outcomes/{one['id']}")).status_code == 412
    assert [fact for fact, _ in await told(room, one["id"])] == ["recorded"]


async def test_the_migration_tells_those_of_before_as_recording_does(room: Room) -> None:
    desk = await Desk.opened(room)
    one = await orchard(desk)
    before = await told(room, one["id"])
    await room.running.sql(MIGRATION.TELL)
    again = await told(room, one["id"])
    assert again == [*before, *before]
