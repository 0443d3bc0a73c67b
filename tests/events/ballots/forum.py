"""The delegates of an alliance, called to vote without a meeting; and a grid for them to score."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from uuid_utils.compat import uuid7

from shared.contracts import Fact
from shared.contracts.registry import MandateDesignated, OrganisationRegistered, Section
from shared.runtime import clock
from tests.events.room import Caller, Room

APS_ODV = {"code": "aps_odv", "title": "APS e ODV", "sections": ["aps", "odv"]}
OTHERS = {"code": "others", "title": "Fondazioni, CSV e altri"}
MOTION = {"question": "Si approva il programma?", "kind": "motion"}
SMALL = {"fields": ["Abitare", "Lavoro"], "needs": ["Ascolto", "Casa"], "resources": ["Bandi", "Fondazioni"]}


def axis(name: str, count: int) -> list[str]:
    return [f"{name} {number}" for number in range(1, count + 1)]


LARGE = {"fields": axis("Campo", 4), "needs": axis("Bisogno", 6), "resources": axis("Fonte", 5)}


def keys(grid: Mapping[str, Any]) -> list[str]:
    axes = (range(1, len(grid[name]) + 1) for name in ("fields", "needs", "resources"))
    fields, needs, resources = axes
    return [f"{f}.{n}.{r}" for f in fields for n in needs for r in resources]


def scored(grid: Mapping[str, Any], luck: random.Random) -> dict[str, int]:
    return {key: luck.randint(1, 10) for key in keys(grid)}


@dataclass
class Delegate:
    person_id: UUID
    organisation_id: UUID
    mandate: MandateDesignated
    caller: Caller


@dataclass
class Forum:
    """A network whose organisations have a delegate each."""

    room: Room
    delegates: list[Delegate] = field(default_factory=list)

    @classmethod
    async def of(cls, room: Room, organisations: Sequence[Mapping[str, Any]]) -> Forum:
        """`organisations`: the kind and sections of each."""
        forum, facts = cls(room), []
        for number, given in enumerate(organisations, 1):
            organisation = an_organisation(f"Ente {number}", **given)
            person = room.person("Delegata", f"Numero {number}")
            mandate = room.mandate(person.id, "delegate", organisation_id=organisation.id)
            facts += [organisation, person, mandate]
            caller = room.person_calling(person.id)
            forum.delegates.append(Delegate(person.id, organisation.id, mandate, caller))
        await forum.tell(facts)
        return forum

    @classmethod
    async def small(cls, room: Room, count: int = 3) -> Forum:
        return await cls.of(room, [{} for _ in range(count)])

    async def tell(self, facts: Sequence[Fact]) -> None:
        await self.room.tell(*facts)

    async def called(self, hours: float = 48, **asked: Any) -> httpx.Response:
        closes_at = (self.room.now + timedelta(hours=hours)).isoformat()
        body = {"closes_at": closes_at, "roles": ["delegate"], **MOTION, **asked}
        return await self.room.post(f"/networks/{self.room.slug}/ballots", body)

    async def ballot(self, **asked: Any) -> Any:
        answer = await self.called(**asked)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def grid(self, grid: Mapping[str, Any] = SMALL, **asked: Any) -> Any:
        return await self.ballot(kind="grid", question="Quale fonte per quale bisogno?", grid=grid, **asked)

    async def put(
        self, ballot: Any, number: int, body: Any, version: int | None = 0, by: Caller | None = None
    ) -> httpx.Response:
        """The paper of the delegate of that number, from 0."""
        caller = by or self.delegates[number].caller
        return await put(caller, f"/ballots/{ballot['id']}/papers/me", body, version)

    async def cast(self, ballot: Any, number: int, **paper: Any) -> Any:
        answer = await self.put(ballot, number, {"state": "cast", **paper})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def paper(self, ballot: Any, number: int) -> Any:
        return await self.delegates[number].caller.found(f"/ballots/{ballot['id']}/papers/me")

    async def close(self, ballot: Any) -> Any:
        etag = (await self.room.get(f"/ballots/{ballot['id']}")).headers["etag"]
        return await self.room.made(f"/ballots/{ballot['id']}/close", etag=etag)

    async def voters(self, ballot: Any, **asked: Any) -> list[Any]:
        return await self.room.items(f"/ballots/{ballot['id']}/voters", **asked)

    async def later(self, **by: float) -> None:
        """The clock goes on, and what is due then is done."""
        file = self.room.running.context.settings.clock_file
        assert file is not None
        clock.set(file, self.room.now + timedelta(**by))
        await self.room.running.settled()

    async def told(self, aggregate: str, id_: Any = "*") -> list[tuple[str, Any]]:
        facts = await self.room.running.published(f"events.{aggregate}.{id_}.*")
        return [(type_.split(".")[3], body) for type_, body in facts if body["network_id"] == str(self.room.id)]


async def put(caller: Caller, path: str, body: Any, version: int | None = 0) -> httpx.Response:
    guard = {"if-match": f'"{version}"'} if version is not None else {}
    headers = {**caller.headers, **guard, "content-type": "application/json"}
    content = {"content": body} if isinstance(body, str | bytes) else {"json": body}
    return await caller.running.client.put(f"/events/v1{path}", headers=headers, **content)


def an_organisation(title: str, kind: str = "association", sections: Sequence[str] = ()) -> OrganisationRegistered:
    return OrganisationRegistered(
        id=uuid7(), version=1, title=title, kind=kind, sections=tuple(Section(section=one) for one in sections)
    )
