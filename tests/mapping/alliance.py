"""A network as the registry would tell it: its organisations, who belongs to it, and who acts where for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.contracts import Fact
from shared.contracts.registry import (
    MandateEnded,
    MandateStarted,
    MembershipActivated,
    MembershipSuspended,
    NetworkFounded,
    OrganisationChanged,
    OrganisationRegistered,
    Section,
)
from tests.harness import Running

SINCE = date(2026, 1, 1)


class Alliance:
    """Each method tells facts; nothing is on the map before `settled`."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.id = uuid7()
        self.slug = f"alleanza-{self.id.hex[-12:]}"
        self.versions: dict[UUID, int] = {}

    async def founded(self) -> Alliance:
        fact = NetworkFounded(
            id=self.id, version=1, network_id=self.id, slug=self.slug, title="Alleanza", kind="alliance"
        )
        await self.running.tell(fact)
        await self.running.settled()
        return self

    def next(self, aggregate: UUID) -> int:
        self.versions[aggregate] = self.versions.get(aggregate, 0) + 1
        return self.versions[aggregate]

    def organisation(self, title: str, seat: str | None, id_: UUID | None = None, **state: Any) -> Fact:
        made = OrganisationChanged if id_ else OrganisationRegistered
        id_ = id_ or uuid7()
        sections = tuple(Section(section=name) for name in state.pop("sections", ()))
        state = {"kind": "association", **state}
        return made(id=id_, version=self.next(id_), title=title, municipality=seat, sections=sections, **state)

    def membership(self, organisation: UUID, state: str = "active", id_: UUID | None = None) -> Fact:
        id_ = id_ or uuid7()
        made = MembershipActivated if state == "active" else MembershipSuspended
        return made(
            id=id_, version=self.next(id_), network_id=self.id, organisation_id=organisation, state=state, since=SINCE
        )

    def mandate(
        self, organisation: UUID | None, territory: str | None, state: str = "in_office", id_: UUID | None = None
    ) -> Fact:
        id_ = id_ or uuid7()
        made = MandateEnded if state == "ended" else MandateStarted
        return made(
            id=id_,
            version=self.next(id_),
            network_id=self.id,
            person_id=uuid7(),
            organisation_id=organisation,
            role="referent",
            territory=territory,
            since=SINCE,
            state=state,
        )

    async def member(self, title: str, seat: str | None, **state: Any) -> UUID:
        """An active member, told and on its way to the map."""
        fact = self.organisation(title, seat, **state)
        await self.running.tell(fact, self.membership(fact.id))
        return fact.id

    async def get(self, path: str, headers: Mapping[str, str] | None = None, **params: Any) -> Any:
        """The answer for a member of the network; with `headers` for somebody else."""
        headers = headers or await self.running.holder("member", self.id)
        return await self.running.client.get(f"/mapping/v1/networks/{self.slug}/{path}", params=params, headers=headers)

    async def items(self, path: str, **params: Any) -> Sequence[Any]:
        """The items of a page, once everything told is on the map."""
        await self.running.settled()
        answer = await self.get(path, **params)
        assert answer.status_code == 200, answer.text
        found: Sequence[Any] = answer.json()["items"]
        return found
