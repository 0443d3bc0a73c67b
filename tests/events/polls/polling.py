"""A poll in a room, as those who hold it and those who are asked have it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from tests.events.room import Committee, Room


def options(room: Room, *days: float, hours: float = 2) -> list[dict[str, str]]:
    """A date so many days from now for each."""
    first = room.now.replace(microsecond=0)
    return [
        {
            "starts_at": (first + timedelta(days=day)).isoformat(),
            "ends_at": (first + timedelta(days=day, hours=hours)).isoformat(),
        }
        for day in days
    ]


def poll_body(room: Room, body_id: UUID | None, *days: float, **more: Any) -> dict[str, Any]:
    return {
        "title": "Comitato di ottobre",
        "body_id": body_id and str(body_id),
        "options": options(room, *(days or (10, 11, 12))),
        "closes_at": (room.now + timedelta(days=5)).isoformat(),
        **more,
    }


@dataclass
class Polling:
    """An open poll of a committee; `requests` are those who are asked, in the order of its members."""

    room: Room
    committee: Committee
    poll: Any
    requests: list[Any]

    @classmethod
    async def opened(cls, room: Room, holders: int = 3, *days: float, **more: Any) -> Polling:
        committee = await room.committee(holders)
        poll = await room.made(f"/networks/{room.slug}/polls", poll_body(room, committee.id, *days, **more))
        by_person = {one["person"]["id"]: one for one in await room.items(f"/polls/{poll['id']}/requests")}
        return cls(room, committee, poll, [by_person[str(member.person_id)] for member in committee.members])

    @property
    def path(self) -> str:
        return f"/polls/{self.poll['id']}"

    def option(self, number: int) -> str:
        return str(self.poll["options"][number - 1]["id"])

    def answers(self, *said: str | None) -> dict[str, Any]:
        """The body of answers, in the order of the options (None: left out)."""
        pairs = zip(self.poll["options"], said, strict=False)
        return {"answers": [{"option_id": option["id"], "answer": answer} for option, answer in pairs if answer]}

    def form(self, *said: str | None) -> dict[str, str]:
        return {one["option_id"]: one["answer"] for one in self.answers(*said)["answers"]}

    async def answer(self, member: int, *said: str | None, **more: Any) -> httpx.Response:
        caller = self.room.person_calling(self.committee.members[member].person_id)
        return await caller.post(f"{self.path}/requests/me/answer", self.answers(*said), **more)

    async def now(self) -> Any:
        self.poll = await self.room.found(self.path)
        return self.poll

    async def act(self, action: str, body: Any = None) -> httpx.Response:
        etag = (await self.room.get(self.path)).headers["etag"]
        return await self.room.post(f"{self.path}/{action}", body, etag)

    async def asked(self, *states: str) -> list[str]:
        """The names of those in these states, in the order in which they were asked."""
        await self.room.running.settled()
        items = await self.room.items(f"{self.path}/requests", state=list(states or ("asked", "answered")))
        return [item["person"]["name"] for item in items]

    async def told(self, aggregate: str, id_: Any) -> list[str]:
        facts = await self.room.running.published(f"events.{aggregate}.{id_}.*")
        return [type_.split(".")[3] for type_, _ in facts]

    def link(self, member: int, **more: Any) -> str:
        return self.room.link("poll", self.requests[member]["id"], **more)

    def tallies(self) -> list[tuple[int, int, int]]:
        return [(one["yes"], one["if_need_be"], one["no"]) for one in self.poll["options"]]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
