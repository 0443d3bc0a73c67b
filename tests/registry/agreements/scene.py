"""What the tests of agreements have in common: an agreement and whoever asks, who reads it again before each act."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.registry.commitments.scene import day
from tests.registry.conftest import Caller, Room

ACT = {"number": "Determina 45/2026", "day": "2026-03-02", "authority": "Comune di Lecco"}


class Agreements:
    def __init__(self, room: Room, one: Any) -> None:
        self.room, self.one, self.path = room, one, f"/agreements/{one['id']}"

    @classmethod
    async def drafted(cls, room: Room, kind: str, **more: Any) -> Agreements:
        body = {"kind": kind, "title": kind.replace("_", " ").title(), **more}
        return cls(room, await room.made(f"/networks/{room.slug}/agreements", body))

    async def tag(self) -> str:
        return str((await self.room.get(self.path)).headers["etag"])

    async def asks(self, act: str, body: Any = None, who: Caller | None = None) -> Any:
        return await (who or self.room).post(f"{self.path}/{act}", body, await self.tag())

    async def does(self, act: str, body: Any = None, who: Caller | None = None) -> Any:
        answer = await self.asks(act, body, who)
        assert answer.status_code in (200, 201), answer.text
        self.one = answer.json() if "/interests" not in str(answer.url) else self.one
        return answer.json()

    async def changed(self, **fields: Any) -> Any:
        return await self.room.patch(self.path, fields, await self.tag())

    async def signed_by(self, *organisations: Any) -> Any:
        headers = {**self.room.headers, "if-match": await self.tag()}
        body = {"organisation_ids": [one["id"] for one in organisations]}
        client = self.room.running.client
        answer = await client.put(f"/registry/v1{self.path}/signatories", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def comes(self, organisation: Any, who: Caller | None = None, **more: Any) -> Any:
        return await (who or self.room).post(f"{self.path}/interests", {"organisation_id": organisation["id"], **more})

    async def evaluates(self, interest: Any, outcome: str, **more: Any) -> Any:
        path = f"/interests/{interest['id']}"
        tag = str((await self.room.get(path)).headers["etag"])
        return await self.room.post(f"{path}/evaluate", {"outcome": outcome, **more}, tag)

    async def told(self) -> list[tuple[str, str]]:
        facts = await self.room.running.published(f"registry.agreement.{self.one['id']}.*")
        versions = [body["version"] for _, body in facts]
        assert versions == sorted(set(versions))
        return [(type_.split(".")[3], body["state"]) for type_, body in facts]


async def member(room: Room, name: str, kind: str = "informal_group", **more: Any) -> Any:
    body = {"name": name, "kind": kind, "state": "active", **more}
    return await room.made(f"/networks/{room.slug}/organisations", body)


async def speaker(room: Room, organisation: Any, name: str = "Referente") -> tuple[Caller, Any]:
    """Whoever speaks for a member, signed in, and the mandate."""
    person = await room.person(name, "Di Prova")
    mandate = await room.mandate(person, "referent", day(room.running), organisation_id=organisation["id"])
    return Caller(room.running, room.running.signed_in(UUID(person["id"]))), mandate


async def procedure(room: Room, kind: str = "co_design", **more: Any) -> tuple[Agreements, Any]:
    """A procedure with all that its notice must say, and the authority that calls."""
    authority = await member(room, "Comune di prova")
    _, officer = await speaker(room, authority, "Funzionaria")
    notice = {
        "authority_id": authority["id"],
        "act": {**ACT, "day": day(room.running)},
        "published_on": day(room.running),
        "deadline": day(room.running, 10),
        "officer_mandate_id": officer["id"],
        **more,
    }
    return await Agreements.drafted(room, kind, **notice), authority


def tax_code(number: int) -> str:
    """Eleven digits, the last of which is right."""
    digits = [int(digit) for digit in f"970000{number:04d}"]
    doubled = [sum(divmod(2 * digit, 10)) if place % 2 else digit for place, digit in enumerate(digits)]
    return "".join(map(str, digits)) + str(-sum(doubled) % 10)
