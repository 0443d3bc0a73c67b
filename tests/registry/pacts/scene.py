"""A working group of Lecco with its community makers, a coordinator of Lombardia, and who takes something on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from tests.harness import Running
from tests.registry.conftest import Caller, Room

NAME, CONTACT, NOTES = "Zoraide Marcatelli-Quispe", "333-9182736", "ha perso il lavoro in filanda-xyzzy"
STEP, DEED, OWN = "ottiene la residenza a quagmirex", "presta un alloggio a vexillumz", "frequenta il corso di brumalq"
MARKERS = ("Marcatelli", "9182736", "xyzzy", "quagmirex", "vexillumz", "brumalq")
"""Words that stand nowhere else: who finds one has found what is written about the person."""


@dataclass
class Scene:
    room: Room
    registry: Running
    group: Any
    maker: Caller
    maker_id: str
    mandate: Any
    coordinator: Caller
    holders: dict[str, str] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.registry.context.clock.today()

    def days(self, number: int) -> str:
        return (self.today + timedelta(days=number)).isoformat()

    async def drafted(self, **more: Any) -> Any:
        body = {
            "kind": "household",
            "body_id": self.group["id"],
            "beneficiary": {"name": NAME, "contact": CONTACT, "notes": NOTES},
            **more,
        }
        return await self.maker.made(f"/networks/{self.room.slug}/pacts", body)

    async def obliged(self, pact: Any, **given: Any) -> Any:
        return await self.maker.made(f"/pacts/{pact['id']}/obligations", given)

    async def step(self, pact: Any, days: int = 20, text: str = STEP) -> Any:
        return await self.maker.made(f"/pacts/{pact['id']}/steps", {"text": text, "due": self.days(days)})

    async def complete(self, days: int = 40) -> Any:
        pact = await self.drafted()
        due = self.days(days)
        for field_, holder in (("organisation_id", "comune"), ("organisation_id", "ponti"), ("person_id", "operator")):
            await self.obliged(pact, text=DEED, due=due, **{field_: self.holders[holder]})
        return await self.obliged(pact, side="beneficiary", text=OWN, due=due)

    async def signed(self) -> Any:
        pact = await self.complete()
        pact = await self.step(pact)
        return await self.act(pact, "sign", {"until": self.days(200)})

    async def act(self, pact: Any, action: str, body: Any = None, who: Caller | None = None) -> Any:
        """Does it as the maker, with the version as it is now."""
        answer = await self.tried(pact, action, body, who)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def tried(self, pact: Any, action: str, body: Any = None, who: Caller | None = None) -> Any:
        etag = f'"{await self.version(pact)}"'
        return await (who or self.maker).post(f"/pacts/{pact['id']}/{action}", body, etag=etag)

    async def version(self, pact: Any) -> int:
        rows = await self.registry.sql("select version from pacts where id = :id", id=UUID(pact["id"]))
        return int(rows[0].version)

    async def told(self, pact: Any) -> list[tuple[str, dict[str, Any]]]:
        found = await self.registry.published(f"registry.pact.{pact['id']}.*")
        return [(type_.split(".")[3], body) for type_, body in found]


def caller(registry: Running, person: Any) -> Caller:
    return Caller(registry, registry.signed_in(UUID(person["id"])))


async def organisation(room: Room, name: str, tax_code: str, kind: str, **more: Any) -> str:
    body = {"name": name, "kind": kind, "tax_code": tax_code, "state": "active", **more}
    made = await room.made(f"/networks/{room.slug}/organisations", body)
    return str(made.get("organisation", made)["id"])


async def new_scene(registry: Running, room: Room, makers: int = 1) -> Scene:
    today = registry.context.clock.today().isoformat()
    seats = [{"title": f"Community maker {n + 1}", "role": "community_maker"} for n in range(makers)]
    body = {"name": "Gruppo di Lecco", "kind": "working_group", "territory": "E507", "seats": seats}
    group = await room.made(f"/networks/{room.slug}/bodies", {**body, "needed_role": "community_maker"})
    coordinator = await room.person("Carla", "Conti")
    await room.mandate(coordinator, "coordinator", today, territory="03")
    person, mandate = await new_maker(room, group, 0, today)
    operator = await room.person("Olga", "Operatrice")
    ponti = await room.organisation("Ponti")
    scene = Scene(room, registry, group, caller(registry, person), person["id"], mandate, caller(registry, coordinator))
    scene.holders = {
        "comune": await organisation(room, "Comune di Lecco", "00623530136", "municipality"),
        "ponti": str(ponti.get("organisation", ponti)["id"]),
        "operator": operator["id"],
    }
    return scene


async def new_maker(room: Room, group: Any, seat: int, since: str, **more: Any) -> tuple[Any, Any]:
    seats = (await room.found(f"/bodies/{group['id']}/seats"))["items"]
    person = await room.person("Marta", f"Maker {seat}")
    return person, await room.mandate(person, "community_maker", since, seat_id=seats[seat]["id"], **more)
