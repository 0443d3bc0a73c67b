"""What tests of the map's items do as people do it: propose, look at, read, each with their own role."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.contracts.registry import SharingGranted
from shared.runtime import clock
from tests.mapping.alliance import SINCE, Alliance

Headers = Mapping[str, str]


class Inventory:
    """A network whose people hold roles."""

    def __init__(self, alliance: Alliance) -> None:
        self.alliance, self.running = alliance, alliance.running
        self.secretariat: Headers = {}

    @classmethod
    async def of(cls, alliance: Alliance) -> Inventory:
        made = cls(alliance)
        made.secretariat = await made.person("secretariat")
        return made

    @property
    def now(self) -> date:
        return self.running.context.clock.today()

    @property
    def today(self) -> str:
        return self.now.isoformat()

    async def member(self, title: str, seat: str | None = "E507", **state: Any) -> UUID:
        """An active member that this service knows."""
        made = await self.alliance.member(title, seat, **state)
        await self.running.settled()
        return made

    async def person(self, role: str, **bounds: Any) -> Headers:
        return await self.running.holder(role, self.alliance.id, **bounds)

    async def share(self, what: str, with_network: UUID) -> None:
        """The network lets another see what it says."""
        fact = SharingGranted(
            id=uuid7(), version=1, network_id=self.alliance.id, with_network_id=with_network, what=(what,), since=SINCE
        )
        await self.running.tell(fact)
        await self.running.settled()

    async def ask(self, method: str, path: str, headers: Headers | None = None, **given: Any) -> Any:
        """`path` is in the network when it does not begin with a slash."""
        path = path if path.startswith("/") else f"/networks/{self.alliance.slug}/{path}"
        headers = self.secretariat if headers is None else headers
        more = given.pop("more", {})
        url = f"/mapping/v1{path}"
        return await self.running.client.request(method, url, headers={**headers, **more}, **given)

    async def post(self, path: str, body: Any, headers: Headers | None = None) -> Any:
        """What was made."""
        answer = await self.ask("POST", path, headers, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def get(self, path: str, headers: Headers | None = None, **params: Any) -> Any:
        answer = await self.ask("GET", path, headers, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def names(self, path: str, headers: Headers | None = None, **params: Any) -> list[str]:
        """The titles of a list."""
        return [item["title"] for item in (await self.get(path, headers, **params))["items"]]

    def path(self, item: Mapping[str, Any]) -> str:
        return str(item["href"]).removeprefix("/mapping/v1")

    async def step(
        self, item: Mapping[str, Any], step: str, headers: Headers | None = None, body: Any = None, version: int = 0
    ) -> Any:
        more = {"if-match": f'"{version or item["version"]}"'}
        return await self.ask("POST", f"{self.path(item)}/{step}", headers, json=body, more=more)

    async def change(self, item: Mapping[str, Any], body: Any, headers: Headers | None = None) -> Any:
        more = {"if-match": f'"{item["version"]}"'}
        return await self.ask("PATCH", self.path(item), headers, json=body, more=more)

    async def validated(self, path: str, body: Any) -> Any:
        """An item that went the whole way, by the secretariat's hand."""
        made = await self.post(path, body)
        answer = await self.step(made, "validate")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def told(self, aggregate: str, id_: str) -> list[tuple[str, dict[str, Any]]]:
        """(fact, body) of an aggregate, in order."""
        found = await self.running.published(f"mapping.{aggregate}.{id_}.>")
        return [(type_.split(".")[-2], body) for type_, body in found]

    async def pass_days(self, days: int) -> None:
        """The clock moves, and everything that falls due is done."""
        at = self.running.context.clock.now() + timedelta(days=days)
        file = self.running.context.settings.clock_file
        assert file is not None
        clock.set(file, at)
        await self.running.settled(60)
