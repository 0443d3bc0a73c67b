"""What the tests of commitments have in common: days, links, what was told."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from shared.access import links
from shared.runtime import clock
from shared.runtime.clock import ROME
from tests.harness import Running
from tests.registry.conftest import Caller, Room

HTML = {"accept": "text/html,application/xhtml+xml"}


def day(registry: Running, days: int = 0) -> str:
    """A day from today's, by the clock of the platform."""
    return (registry.context.clock.today() + timedelta(days=days)).isoformat()


async def let_pass(registry: Running, days: int) -> None:
    """The clock goes on to the first minute of a later day in Italy."""
    first = datetime.combine(registry.context.clock.today() + timedelta(days=days), time(0, 1), ROME)
    assert registry.context.settings.clock_file is not None
    clock.set(registry.context.settings.clock_file, first)
    await registry.settled()


async def promise(room: Room, organisation: Any, days: int = 10, **more: Any) -> Any:
    """A commitment of a member, due in so many days."""
    body = {"title": "Elenco dei rappresentanti", "kind": "list_of_representatives", "due": day(room.running, days)}
    debtor = {"organisation_id": organisation["id"]} if organisation else {}
    return await room.made(f"/networks/{room.slug}/commitments", {**body, **debtor, **more})


async def rule(room: Room, **more: Any) -> Any:
    body = {"kind": "list_of_representatives", "title": "Elenco dei rappresentanti", **more}
    return await room.made(f"/networks/{room.slug}/commitment-rules", body)


async def commitments(room: Caller, slug: str, **filters: Any) -> list[Any]:
    items: list[Any] = (await room.found(f"/networks/{slug}/commitments", limit=200, **filters))["items"]
    return items


async def told(registry: Running, commitment: Any) -> list[tuple[str, str]]:
    """(fact, state) of everything said about a commitment, in order."""
    facts = await registry.published(f"registry.commitment.{commitment['id']}.*")
    assert [body["version"] for _, body in facts] == sorted({body["version"] for _, body in facts})
    return [(type_.split(".")[3], body["state"]) for type_, body in facts]


async def etag(room: Caller, path: str) -> str:
    return str((await room.get(path)).headers["etag"])


async def acted(room: Caller, path: str, act: str, body: Any = None) -> Any:
    """An act on what is at the path, as somebody does who has just read it."""
    answer = await room.post(f"{path}/{act}", body, await etag(room, path))
    assert answer.status_code == 200, answer.text
    return answer.json()


def link(registry: Running, commitment_id: str, purpose: str, *, minutes: int = 60, **changed: Any) -> str:
    """The whole path of the link as notify mints it: `commitment` or `representatives`."""
    given = {"audience": "registry", "purpose": purpose, "subject": UUID(commitment_id), **changed}
    key = given.pop("key", registry.link_key)
    page = "commitments" if purpose == "commitment" else "representatives"
    token = links.mint(key, **given, expires=datetime.now(UTC) + timedelta(minutes=minutes))
    return f"/registry/v1/{page}/link?token={token}"


async def referent(room: Room, organisation: Any, name: str = "Referente") -> Caller:
    """Whoever speaks for a member, signed in."""
    person = await room.person(name, "Di Prova", email=f"{name.lower()}@example.org")
    await room.mandate(person, "referent", day(room.running), organisation_id=organisation["id"])
    return Caller(room.running, room.running.signed_in(UUID(person["id"])))
