"""A network on its way to regional coordinations, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.contracts.events import MinutesApproved
from shared.runtime import clock
from shared.runtime.clock import ROME
from tests.harness import Running
from tests.registry.conftest import Room

SEATS = {"03": "E507", "09": "D612", "12": "H501", "15": "F839", "01": "L219", "08": "A944", "05": "L736", "04": "L378"}
"""A municipality of each region, where a representative is."""
INSTITUTIONS = {"04": ("021", "022")}


@dataclass
class Scene:
    """Three members with a person each, and what they do for a region."""

    room: Room
    members: list[tuple[Any, Any]] = field(default_factory=list)

    @property
    def running(self) -> Running:
        return self.room.running

    @classmethod
    async def of(cls, room: Room, members: int = 3) -> Scene:
        made = [(await room.organisation(f"Ente {n}"), await room.person("Ada", f"Neri {n}")) for n in range(members)]
        return cls(room, made)

    def today(self) -> date:
        return self.running.context.clock.today()

    async def at(self, year: int, month: int, day: int, hour: int = 9, minute: int = 0) -> None:
        """The clock goes on to that hour in Italy, and what falls due until then has happened."""
        file = self.running.context.settings.clock_file
        assert file is not None
        clock.set(file, datetime(year, month, day, hour, minute, tzinfo=ROME))
        await self.running.settled()

    async def path(self, region: str, **more: Any) -> Any:
        body = {"territory": region, **more}
        return await self.room.made(f"/networks/{self.room.slug}/constitutions", body)

    async def represented(self, region: str, members: int = 3, since: date | None = None) -> list[Any]:
        day = (since or self.today()).isoformat()
        return [
            await self.room.mandate(
                person, "representative", day, organisation_id=organisation["id"], territory=SEATS[region]
            )
            for organisation, person in self.members[:members]
        ]

    async def coordinated(self, region: str, since: date | None = None) -> Any:
        day = (since or self.today()).isoformat()
        return await self.room.mandate(self.members[0][1], "coordinator", day, territory=region)

    async def recorded(self, region: str, offices: tuple[str, ...] = ("president", "giunta")) -> list[Any]:
        return [
            await self.room.made(
                f"/networks/{self.room.slug}/interlocutors", {"institution": institution, "office": office}
            )
            for institution in INSTITUTIONS.get(region, (region,))
            for office in offices
        ]

    def minutes(self, body_id: str, **more: Any) -> MinutesApproved:
        fields = {
            "id": uuid7(),
            "version": 3,
            "network_id": self.room.id,
            "meeting_id": uuid7(),
            "body_id": UUID(body_id),
            "founding": True,
            "number": "1/2024",
            "state": "approved",
            "quorate": True,
            "present": 3,
            "entitled": 4,
            "held_on": self.today(),
            "approved_on": self.today(),
            **more,
        }
        return MinutesApproved(**fields)

    async def minuted(self, path: Any, **more: Any) -> None:
        """The minutes of the founding meeting are approved, and have arrived."""
        await self.running.tell(self.minutes(path["body"]["id"], **more))
        await self.running.settled()

    async def constituted(self, region: str) -> Any:
        """Everything that a region needs, today: its path, completed."""
        path = await self.path(region)
        await self.represented(region)
        await self.coordinated(region)
        await self.recorded(region)
        await self.minuted(path)
        return await self.read(path)

    async def read(self, path: Any) -> Any:
        """The path as it stands, once everything has been looked at."""
        await self.running.settled()
        return await self.room.found(f"/constitutions/{path['id']}")

    async def told(self, aggregate: str, id_: str) -> list[str]:
        """The facts about an aggregate, in order; their versions rise."""
        facts = await self.running.published(f"registry.{aggregate}.{id_}.*")
        versions = [body["version"] for _, body in facts]
        assert versions == sorted(set(versions))
        return [type_.split(".")[3] for type_, _ in facts]


def missing(path: Any) -> list[str]:
    found: list[str] = path["missing"]
    return found


def figures(path: Any) -> dict[str, tuple[int, int]]:
    return {each["code"]: (each["have"], each["need"]) for each in path["requirements"]}
