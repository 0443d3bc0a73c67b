"""A network as the registry would tell it to events: bodies, seats, mandates; and those who speak in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from uuid_utils.compat import uuid7

from shared.access import links
from shared.contracts import Fact
from shared.contracts.registry import (
    BodyChanged,
    BodyEstablished,
    Grant,
    MandateChanged,
    MandateDesignated,
    MandateEnded,
    NetworkFounded,
    OrganisationRegistered,
    PersonRegistered,
    SeatClosed,
    SeatCreated,
)
from tests.harness import Running

LONG_AGO = date(2000, 1, 1)


@dataclass
class Caller:
    """Somebody who speaks to events: JSON in, JSON out."""

    running: Running
    headers: dict[str, str]

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.running.client.get(f"/events/v1{path}", params=params, headers=self.headers)

    async def post(self, path: str, body: Any = None, etag: str | None = None) -> httpx.Response:
        return await self._send("POST", path, body, etag)

    async def patch(self, path: str, body: Any, etag: str | None = None) -> httpx.Response:
        return await self._send("PATCH", path, body, etag)

    async def found(self, path: str, **params: Any) -> Any:
        answer = await self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def items(self, path: str, **params: Any) -> list[Any]:
        """All items of a list, page by page."""
        page = await self.found(path, limit=200, **params)
        items = list(page["items"])
        while page["next"]:
            page = await self.found(path, limit=200, after=page["next"], **params)
            items += page["items"]
        return items

    async def made(self, path: str, body: Any = None, etag: str | None = None) -> Any:
        answer = await self.post(path, body, etag)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def _send(self, method: str, path: str, body: Any, etag: str | None) -> httpx.Response:
        sent = {**self.headers, **({"if-match": etag} if etag else {})}
        return await self.running.client.request(method, f"/events/v1{path}", json=body, headers=sent)


@dataclass
class Room(Caller):
    """A network of its own, spoken to by its secretariat. What is `told` is known here when it returns."""

    id: UUID
    slug: str
    versions: dict[UUID, int] = field(default_factory=dict)

    @classmethod
    async def founded(cls, events: Running) -> Room:
        id_ = uuid7()
        room = cls(events, await events.holder("secretariat", id_), id_, f"rete-{id_.hex[-12:]}")
        await room.tell(
            NetworkFounded(id=id_, version=1, network_id=id_, slug=room.slug, title="Rete di prova", kind="alliance")
        )
        return room

    async def tell(self, *facts: Fact) -> None:
        await self.running.tell(*facts)
        await self.running.settled()

    def next(self, aggregate: UUID) -> int:
        self.versions[aggregate] = self.versions.get(aggregate, 0) + 1
        return self.versions[aggregate]

    @property
    def now(self) -> datetime:
        return self.running.context.clock.now()

    @property
    def today(self) -> date:
        return self.running.context.clock.today()

    # Facts of the registry, to be told

    def person(self, given: str = "Giulia", family: str = "Serra", **more: Any) -> PersonRegistered:
        id_ = uuid7()
        return PersonRegistered(
            id=id_, version=self.next(id_), network_id=self.id, given_name=given, family_name=family, **more
        )

    def organisation(self, title: str = "Ponti") -> OrganisationRegistered:
        id_ = uuid7()
        return OrganisationRegistered(id=id_, version=self.next(id_), title=title, kind="association")

    def body(self, composition: str = "fixed", id_: UUID | None = None, **state: Any) -> BodyEstablished | BodyChanged:
        """A body, constituted unless said otherwise; with `id_` the same one, changed."""
        made = BodyChanged if id_ else BodyEstablished
        id_ = id_ or uuid7()
        known = {"title": "Comitato esecutivo", "kind": "executive_committee", "state": "constituted"}
        given = {**known, "composition": composition, **state}
        return made(id=id_, version=self.next(id_), network_id=self.id, **given)

    def seat(self, body_id: UUID, title: str = "Seggio", **state: Any) -> SeatCreated:
        id_ = uuid7()
        given = {"role": "referent", "since": LONG_AGO, **state}
        return SeatCreated(id=id_, version=self.next(id_), network_id=self.id, body_id=body_id, title=title, **given)

    def closed(self, seat: SeatCreated, until: date) -> SeatClosed:
        return SeatClosed(**{**seat.model_dump(), "version": self.next(seat.id), "until": until})

    def mandate(self, person_id: UUID, role: str = "referent", **state: Any) -> MandateDesignated:
        id_ = uuid7()
        given = {"since": LONG_AGO, "state": "designated", **state}
        return MandateDesignated(
            id=id_, version=self.next(id_), network_id=self.id, person_id=person_id, role=role, **given
        )

    def ended(self, mandate: MandateDesignated, on: date) -> MandateEnded | MandateChanged:
        """The end of a mandate: reached by now, or decided for a later day."""
        made, state = (MandateEnded, "ended") if on <= self.today else (MandateChanged, mandate.state)
        told = {**mandate.model_dump(), "version": self.next(mandate.id), "ended_on": on, "state": state}
        return made(**told)

    # Whole situations, told

    async def committee(self, holders: int = 3, vacant: int = 0, **state: Any) -> Committee:
        """A body with a seat for each of so many organisations, the first ones held by their referents."""
        body = self.body(**{"composition": "one_per_member", **state})
        facts: list[Fact] = [body]
        members = []
        for number in range(holders + vacant):
            organisation = self.organisation(f"Ente {number + 1}")
            seat = self.seat(body.id, organisation.title, organisation_id=organisation.id)
            facts += [organisation, seat]
            if number < holders:
                person = self.person("Persona", f"Numero {number + 1}")
                mandate = self.mandate(person.id, organisation_id=organisation.id, body_id=body.id, seat_id=seat.id)
                facts += [person, mandate]
                members.append(Member(person.id, mandate, seat, organisation.id))
        await self.tell(*facts)
        return Committee(body.id, members)

    async def meeting(self, body_id: UUID | None = None, *, days: float = 10, **more: Any) -> Any:
        """A draft, in person, so many days from now, two hours long."""
        starts = more.pop("starts_at", self.now + timedelta(days=days))
        body = {
            "title": "Riunione",
            "body_id": body_id and str(body_id),
            "starts_at": starts.isoformat(),
            "ends_at": (starts + timedelta(hours=2)).isoformat(),
            "mode": "in_person",
            "place": "Roma, via Marcora 18",
            **more,
        }
        return await self.made(f"/networks/{self.slug}/meetings", body)

    async def convened(self, body_id: UUID | None = None, **more: Any) -> Any:
        draft = await self.meeting(body_id, **more)
        return await self.made(f"/meetings/{draft['id']}/convene", etag=f'"{draft["version"]}"')

    async def invitations(self, meeting: Any, **params: Any) -> list[Any]:
        """The invitations in force, once everything told has been followed."""
        await self.running.settled()
        return await self.items(f"/meetings/{meeting['id']}/invitations", **{"state": "issued", **params})

    # Who speaks

    async def caller(self, role: str, person_id: UUID | None = None, **bounds: Any) -> Caller:
        """Somebody with one grant in this network; a given person, or anybody."""
        grant = Grant(role=role, network_id=self.id, **{"since": LONG_AGO, **bounds})
        return Caller(self.running, await self.running.grant(person_id or uuid7(), grant))

    def person_calling(self, person_id: UUID) -> Caller:
        """A person with whatever grants they have, or none."""
        return Caller(self.running, self.running.signed_in(person_id))

    def link(self, purpose: str, subject: UUID | str, *, hours: float = 1, **claims: Any) -> str:
        """The token of a signed link for events, as notify mints it."""
        expires = datetime.now(UTC) + timedelta(hours=hours)
        return links.mint(self.running.link_key, "events", purpose, UUID(str(subject)), expires, **claims)


@dataclass
class Member:
    """Who sits in a committee, by which mandate, for whom."""

    person_id: UUID
    mandate: MandateDesignated
    seat: SeatCreated
    organisation_id: UUID


@dataclass
class Committee:
    id: UUID
    members: list[Member]


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The status and the type of a problem."""
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    return answer.status_code, answer.json()["type"].removeprefix("urn:trama:problem:")
