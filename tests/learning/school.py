"""A network that teaches: told by facts as the registry tells it, used over HTTP as people use it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import httpx
from uuid_utils.compat import uuid7

from shared.access import links
from shared.contracts.registry import (
    MandateDesignated,
    MandateEnded,
    MandateHeldOver,
    MandateStarted,
    MandateState,
    NetworkFounded,
    PersonErased,
    PersonRegistered,
)
from shared.runtime import clock
from shared.runtime.clock import ROME
from tests.harness import Running

FACTS: dict[str, type[MandateState]] = {
    "designated": MandateDesignated,
    "in_office": MandateStarted,
    "holding_over": MandateHeldOver,
    "ended": MandateEnded,
}
UNITS = [
    {"title": "Che cos'è una Casa della comunità", "text": "Leggere.\n\nPoi parlarne.", "minutes": 20},
    {"title": "Il DM 77/2022", "url": "https://example.org/dm-77-2022"},
    {"title": "Parlare con il distretto"},
]


class School:
    def __init__(self, running: Running) -> None:
        self.running = running
        self.id = uuid7()
        self.slug = f"rete-{self.id.hex[-12:]}"
        self.versions: dict[UUID, int] = {}
        self.secretariat: dict[str, str] = {}

    async def founded(self, logo: str | None = None) -> School:
        fact = NetworkFounded(
            id=self.id, version=1, network_id=self.id, slug=self.slug, title="Rete", kind="alliance", logo=logo
        )
        await self.running.tell(fact)
        await self.running.settled()
        self.secretariat = await self.running.holder("secretariat", self.id)
        return self

    # --- facts

    def next(self, aggregate: UUID) -> int:
        self.versions[aggregate] = self.versions.get(aggregate, 0) + 1
        return self.versions[aggregate]

    def person(self, given: str = "Giulia", family: str = "Serra", network: UUID | None = None) -> PersonRegistered:
        id_ = uuid7()
        return PersonRegistered(
            id=id_, version=self.next(id_), network_id=network or self.id, given_name=given, family_name=family
        )

    def erased(self, person: UUID) -> PersonErased:
        return PersonErased(id=person, version=self.next(person), network_id=self.id)

    def mandate(
        self, person: UUID, role: str = "representative", state: str = "in_office", of: MandateState | None = None
    ) -> MandateState:
        """The next fact of a mandate; `of` an earlier one of it."""
        id_ = of.id if of else uuid7()
        today = self.running.context.clock.today()
        return FACTS[state](
            id=id_,
            version=self.next(id_),
            network_id=self.id,
            person_id=of.person_id if of else person,
            role=of.role if of else role,
            since=of.since if of else today,
            ended_on=today if state == "ended" else None,
            state=state,
        )

    def ended(self, mandate: MandateState) -> MandateState:
        return self.mandate(mandate.person_id, state="ended", of=mandate)

    async def tell(self, *facts: Any) -> None:
        await self.running.tell(*facts)
        await self.running.settled()

    async def appointed(
        self, role: str = "representative", given: str = "Giulia", family: str = "Serra"
    ) -> tuple[UUID, MandateState]:
        """A person with a mandate that was designated and started today."""
        person = self.person(given, family)
        designated = self.mandate(person.id, role, "designated")
        started = self.mandate(person.id, of=designated)
        await self.tell(person, designated, started)
        return person.id, started

    async def let_pass(self, days: int) -> None:
        first = datetime.combine(self.running.context.clock.today() + timedelta(days=days), time(0, 1), ROME)
        assert self.running.context.settings.clock_file is not None
        clock.set(self.running.context.settings.clock_file, first)
        await self.running.settled()

    def today(self, days: int = 0) -> str:
        return (self.running.context.clock.today() + timedelta(days=days)).isoformat()

    # --- HTTP

    async def ask(
        self, method: str, path: str, as_: dict[str, str] | UUID | None = None, version: int | None = None, **more: Any
    ) -> httpx.Response:
        """As the secretariat, unless `as_` says who (a person's id, or headers)."""
        headers = self.running.signed_in(as_) if isinstance(as_, UUID) else (self.secretariat if as_ is None else as_)
        if version is not None:
            headers = {**headers, "if-match": f'"{version}"'}
        headers = {**headers, **more.pop("headers", {})}
        return await self.running.client.request(method, f"/learning/v1{path}", headers=headers, **more)

    async def done(self, method: str, path: str, expect: int = 200, **more: Any) -> Any:
        answer = await self.ask(method, path, **more)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def draft(self, expect: int = 201, **body: Any) -> Any:
        body = {
            "title": "Rappresentare",
            "audience": "representatives",
            "enrolment": "rule",
            "units": UNITS,
            **body,
        }
        return await self.done("POST", f"/networks/{self.slug}/paths", expect, json=body)

    async def path(self, **body: Any) -> Any:
        """A published path."""
        return await self.act(await self.draft(**body), "publish")

    async def act(self, path: Any, action: str, expect: int = 200) -> Any:
        return await self.done("POST", f"/paths/{path['id']}/{action}", expect, version=path["version"])

    async def change(self, path: Any, expect: int = 200, **body: Any) -> Any:
        return await self.done("PATCH", f"/paths/{path['id']}", expect, version=path["version"], json=body)

    async def enrolled(self, **filters: Any) -> Sequence[Any]:
        page = await self.done("GET", f"/networks/{self.slug}/enrolments", params=filters)
        found: Sequence[Any] = page["items"]
        return found

    async def enrol(
        self, path: Any, person: UUID | None = None, expect: int = 200, as_: dict[str, str] | UUID | None = None
    ) -> Any:
        body = {"person_id": str(person)} if person else {}
        return await self.done("POST", f"/paths/{path['id']}/enrolments", expect, as_=as_, json=body)

    async def mark(self, enrolment: Any, unit: Any, person: UUID, expect: int = 200) -> Any:
        return await self.done("POST", f"/enrolments/{enrolment['id']}/units/{unit['id']}/done", expect, as_=person)

    async def progress(self, path: Any) -> Any:
        page = await self.done("GET", f"/networks/{self.slug}/progress")
        return next(item for item in page["items"] if item["path"]["id"] == path["id"])

    def link(self, enrolment: Any, purpose: str = "learn", days: int = 30) -> str:
        """The address behind a mailed link, as notify signs it (its expiry is wall time)."""
        expires = datetime.now(UTC) + timedelta(days=days)
        token = links.mint(self.running.link_key, "learning", purpose, UUID(enrolment["id"]), expires)
        return f"/learning/v1/enrolments/link?token={token}"

    async def told(self, aggregate: Any) -> list[tuple[str, str]]:
        """(fact, state) of everything said about a path or an enrolment, in order."""
        facts = await self.running.published(f"learning.*.{aggregate['id']}.*")
        assert [body["version"] for _, body in facts] == sorted({body["version"] for _, body in facts})
        return [(type_.split(".")[3], body["state"]) for type_, body in facts]


def day(text: str) -> date:
    return date.fromisoformat(text)
