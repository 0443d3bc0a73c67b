"""Networks that learn from each other: told by facts, used over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.contracts.mapping import ExperienceState, ExperienceValidated
from shared.contracts.registry import BodyEstablished, MembershipActivated, OrganisationRegistered
from tests.learning.school import School

IDEA: dict[str, Any] = {
    "title": "Portierato sociale di quartiere",
    "themes": ["housing", "community-networks"],
    "territory": "LC",
    "problem": "Nei palazzi gli anziani restano soli.",
    "done": "Un portiere di comunità ascolta, ripara, accompagna.",
    "contact": "Segreteria del consorzio",
}
TRIED: dict[str, Any] = {
    **IDEA,
    "stage": "tried",
    "results": "Dodici famiglie seguite.",
    "trials": [{"place": "E507", "result": "Dodici famiglie in sei mesi.", "since": "2025-09-01"}],
}


class Commons(School):
    """A school whose members and bodies share what they do."""

    async def member(self, title: str = "Cooperativa Arcobaleno", municipality: str = "E507") -> UUID:
        organisation = OrganisationRegistered(
            id=uuid7(), version=1, title=title, kind="cooperative", municipality=municipality
        )
        membership = MembershipActivated(
            id=uuid7(),
            version=1,
            network_id=self.id,
            organisation_id=organisation.id,
            state="active",
            since=self.running.context.clock.today(),
        )
        await self.tell(organisation, membership)
        return organisation.id

    async def body(self, title: str = "Comunità di pratica 1", territory: str | None = "03") -> UUID:
        body = BodyEstablished(
            id=uuid7(),
            version=1,
            network_id=self.id,
            title=title,
            kind="community",
            state="constituted",
            composition="open",
            territory=territory,
        )
        await self.tell(body)
        return body.id

    async def experience(self, **more: Any) -> ExperienceState:
        given = {
            "title": "Il portiere di via Seminario",
            "municipality": "E507",
            "themes": ("housing",),
            "state": "validated",
            "visibility": "network",
            **more,
        }
        fact = ExperienceValidated(id=uuid7(), version=1, network_id=self.id, **given)
        await self.tell(fact)
        return fact

    async def written(self, expect: int = 201, as_: Any = None, **body: Any) -> Any:
        return await self.done("POST", f"/networks/{self.slug}/practices", expect, as_=as_, json={**IDEA, **body})

    async def on(self, practice: Any, action: str, expect: int = 200, as_: Any = None, **body: Any) -> Any:
        path = f"/practices/{practice['id']}/{action}"
        version = None if action in ("comments", "adoptions") else practice["version"]
        return await self.done("POST", path, expect, as_=as_, version=version, json=body or None)

    async def published(self, as_: Any = None, **body: Any) -> Any:
        """Written by somebody of the network, approved by its secretariat."""
        author = as_ or await self.running.holder("representative", self.id)
        draft = await self.written(as_=author, **body)
        return await self.on(await self.on(draft, "submit", as_=author), "approve")

    async def adopted(self, practice: Any, by: Commons, expect: int = 201, **body: Any) -> Any:
        return await by.on(practice, "adoptions", expect, network=by.slug, **body)

    async def register(self, as_: Any = None, **params: Any) -> list[str]:
        page = await self.done("GET", f"/networks/{self.slug}/practices", as_=as_, params=params)
        return [item["title"] for item in page["items"]]
