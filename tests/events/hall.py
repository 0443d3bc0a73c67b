"""A meeting in course, as those who sit in it and who writes its minutes have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from shared.runtime import clock
from tests.events.room import Caller, Committee, Member, Room


@dataclass
class Hall:
    """A convened meeting of a committee, its clock at the beginning of it."""

    room: Room
    committee: Committee
    meeting: Any
    invitations: dict[UUID, str]
    by_seat: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    async def opened(cls, room: Room, holders: int = 3, vacant: int = 0, *, begun: bool = True, **body: Any) -> Hall:
        return await cls.of(room, await room.committee(holders, vacant, **body), begun=begun)

    @classmethod
    async def of(cls, room: Room, committee: Committee, *, begun: bool = True, **meeting: Any) -> Hall:
        if "starts_at" not in meeting:  # a body is in one meeting at a time
            before = await room.items(f"/networks/{room.slug}/meetings", body=str(committee.id))
            ends = [datetime.fromisoformat(one["ends_at"]) for one in before]
            meeting["starts_at"] = max([room.now + timedelta(days=0.01), *ends])
        made = await room.convened(committee.id, **meeting)
        invited = await room.invitations(made)
        hall = cls(room, committee, made, {UUID(one["person"]["id"]): one["id"] for one in invited})
        if begun:
            await hall.begin()
        return hall

    async def begin(self) -> None:
        """The clock goes on to the first minute of the meeting."""
        starts = datetime.fromisoformat(self.meeting["starts_at"]) + timedelta(minutes=1)
        file = self.room.running.context.settings.clock_file
        assert file is not None
        if self.room.now < starts:
            clock.set(file, starts)
        await self.room.running.settled()

    @property
    def path(self) -> str:
        return f"/meetings/{self.meeting['id']}"

    @property
    def members(self) -> list[Member]:
        return self.committee.members

    def invitation(self, member: Member | int) -> str:
        one = self.members[member] if isinstance(member, int) else member
        return self.invitations[one.person_id]

    def voter(self, member: int) -> Caller:
        return self.room.person_calling(self.members[member].person_id)

    async def attend(self, *modes: str | None) -> Any:
        """Records the members' modes in their order (None: nothing), as the secretariat."""
        items = [{"invitation_id": self.invitation(place), "mode": mode} for place, mode in enumerate(modes) if mode]
        return await self.room.made(f"{self.path}/attendance", {"items": items})

    async def quorum(self) -> Any:
        return await self.room.found(f"{self.path}/quorum")

    async def ballot(self, question: str = "Si approva il piano?", **majority: Any) -> Any:
        more = {"majority": majority} if majority else {}
        return await self.room.made(f"{self.path}/ballots", {"question": question, **more})

    async def vote(self, ballot: Any, member: int, vote: str, **more: Any) -> httpx.Response:
        return await self.voter(member).post(f"/ballots/{ballot['id']}/votes", {"vote": vote, **more})

    async def votes(self, ballot: Any, *votes: str | None) -> None:
        for member, vote in enumerate(votes):
            if vote:
                answer = await self.vote(ballot, member, vote)
                assert answer.status_code == 200, answer.text

    async def close_ballot(self, ballot: Any) -> Any:
        return await self.room.made(f"/ballots/{ballot['id']}/close", etag=f'"{ballot["version"]}"')

    async def decide(self, title: str = "Aprire una casella di posta", kind: str = "action", **more: Any) -> Any:
        return await self.room.made(f"{self.path}/decisions", {"title": title, "kind": kind, **more})

    async def etag(self) -> str:
        return str((await self.room.get(self.path)).headers["etag"])

    async def close(self) -> Any:
        return await self.room.made(f"{self.path}/close", etag=await self.etag())

    async def drafted(self, text: str = "") -> Any:
        return await self.room.made(f"{self.path}/minutes", {"text": text})

    async def act(self, minutes: Any, action: str, body: Any = None) -> Any:
        path = f"/minutes/{minutes['id']}"
        etag = (await self.room.get(path)).headers["etag"]
        return await self.room.made(f"{path}/{action}", body, etag)

    async def approved(self, text: str = "") -> Any:
        """From the draft to the approval."""
        minutes = await self.drafted(text)
        await self.act(minutes, "submit")
        return await self.act(minutes, "approve")

    async def told(self, aggregate: str, id_: Any) -> list[tuple[str, Any]]:
        """(fact, body) of what was told about an aggregate of events."""
        facts = await self.room.running.published(f"events.{aggregate}.{id_}.*")
        return [(type_.split(".")[3], body) for type_, body in facts]


def names(items: Sequence[Any]) -> list[str]:
    return [item["person"]["name"] for item in items]
