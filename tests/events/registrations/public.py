"""A public meeting, as people from outside have it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from shared.runtime import clock
from tests.events.room import Room

HTML = {"accept": "text/html"}
JSON = {"accept": "application/json"}


@dataclass
class Fair:
    """A convened meeting that is open to the public."""

    room: Room
    meeting: Any

    @classmethod
    async def opened(cls, room: Room, places: int | None = None, **meeting: Any) -> Fair:
        committee = await room.committee(holders=1)
        more = {"title": "Festa <della> Casa", "open_to_public": True, **meeting}
        fair = cls(room, await room.convened(committee.id, **more))
        if places is not None:
            assert (await fair.bound(places)).status_code == 200
        return fair

    @property
    def page(self) -> str:
        return f"/events/v1/registrations/{self.meeting['id']}"

    @property
    def path(self) -> str:
        return f"/meetings/{self.meeting['id']}/registrations"

    async def bound(self, places: int | None, etag: str | None = None) -> httpx.Response:
        path = f"/meetings/{self.meeting['id']}/public-places"
        if etag is None:
            etag = (await self.room.get(path)).headers["etag"]
        return await self.room._send("PUT", path, {"places": places}, etag)

    async def counts(self) -> tuple[int, int, int, int]:
        found = (await self.room.found(f"/meetings/{self.meeting['id']}/public-places"))["registered"]
        return found["confirmed"], found["waiting"], found["cancelled"], found["attended"]

    async def send(self, headers: dict[str, str] = JSON, **fields: str) -> httpx.Response:
        return await self.room.running.client.post(self.page, data=fields, headers=headers)

    async def registered(self, name: str = "Anna Rota", **fields: str) -> str:
        """The code of a new registration."""
        answer = await self.send(JSON, name=name, **fields)
        assert answer.status_code == 201, answer.text
        return code_of(answer.json()["manage_url"])

    async def manage(self, code: str, headers: dict[str, str] = JSON, **more: Any) -> httpx.Response:
        client = self.room.running.client
        return await client.get("/events/v1/registrations/manage", params={"code": code}, headers=headers, **more)

    async def state(self, code: str) -> str:
        return str((await self.manage(code)).json()["state"])

    async def give_up(self, code: str, headers: dict[str, str] = JSON) -> httpx.Response:
        client = self.room.running.client
        return await client.post("/events/v1/registrations/manage", params={"code": code}, headers=headers)

    async def at(self, when: datetime) -> None:
        """The clock goes on to that instant."""
        file = self.room.running.context.settings.clock_file
        assert file is not None
        clock.set(file, when)
        await self.room.running.settled()

    async def begin(self) -> None:
        await self.at(datetime.fromisoformat(self.meeting["starts_at"]) + timedelta(minutes=1))

    async def end(self, **later: float) -> None:
        await self.at(datetime.fromisoformat(self.meeting["ends_at"]) + timedelta(**later))


def code_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["code"][0]
