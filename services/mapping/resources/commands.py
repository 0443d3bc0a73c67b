"""Offering resources and changing what is offered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.items import commands as items
from services.mapping.items.commands import Networks, Prose, Territories, Themes, Title, plain
from services.mapping.items.queries import Shown
from services.mapping.items.rules import Visibility
from services.mapping.resources.rules import MOST_CENTS, Kind, Resource
from shared.access import loading
from shared.access.actor import Actor
from shared.runtime.shapes import Request

Kinds = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=r"^[a-z_]+$", max_length=40)], ...], Field(max_length=30)
]
EXAMPLE: dict[str, Any] = {
    "title": "Sala riunioni da 40 posti, la sera",
    "kind": "organisational",
    "organisation_id": "019a0000-0000-7000-8000-000000000001",
    "description": "Con proiettore; si chiede con una settimana di anticipo",
    "themes": ["community-networks"],
    "territories": ["E507"],
    "until": "2027-06-30",
}


class Money(BaseModel):
    """Whole cents of euro."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"cents": 500000}]})

    cents: Annotated[int, Field(ge=0, le=MOST_CENTS, strict=True)]
    currency: Annotated[str, Field(pattern="^EUR$")] = "EUR"


class ResourceBody(Request):
    """`organisation_id` offers it, in `territories` (none: wherever the network is), from `since` until `until`
    (exclusive), to organisations of the kinds in `available_to` (none: to all). An amount is for economic ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    title: Title
    kind: Kind
    organisation_id: UUID
    description: Prose | None = None
    amount: Money | None = None
    themes: Themes = ()
    territories: Territories = ()
    available_to: Kinds = ()
    since: date | None = None
    until: date | None = None
    body_id: UUID | None = None
    visibility: Visibility = Visibility.NETWORK
    shared_with: Networks = ()
    draft: bool = False


class ResourceChange(Request):
    """Only what is given changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"until": "2027-12-31"}]})

    title: Title = ""
    kind: Kind = Kind.ORGANISATIONAL
    organisation_id: UUID | None = None
    description: Prose | None = None
    amount: Money | None = None
    themes: Themes = ()
    territories: Territories = ()
    available_to: Kinds = ()
    since: date | None = None
    until: date | None = None
    body_id: UUID | None = None
    visibility: Visibility = Visibility.NETWORK
    shared_with: Networks = ()


async def offer(
    session: AsyncSession, actor: Actor, ref: str, request: ResourceBody, *, now: datetime
) -> Shown[Resource]:
    """Raises OrganisationMissing, MoneyElsewhere, InvalidDay and what `items.create` does."""
    network_id = await loading.network_id(session, ref)
    resource = Resource(network_id=network_id, **fields(request, whole=True))
    return await items.create(session, actor, resource, draft=request.draft, now=now)


async def change(
    session: AsyncSession,
    actor: Actor,
    resource_id: UUID,
    request: ResourceChange,
    *,
    expected: int | None,
    now: datetime,
    confirms: bool = False,
) -> Shown[Resource]:
    """Raises what `offer` does, and Closed."""
    given = fields(request)
    return await items.change(
        session, actor, Resource, resource_id, given, expected=expected, now=now, confirms=confirms
    )


def fields(request: ResourceBody | ResourceChange, *, whole: bool = False) -> dict[str, Any]:
    """What was given, as the entity has it. Raises UnknownTerritory."""
    given = plain(request.model_dump(exclude_unset=not whole, exclude={"draft"}))
    if "until" in given:
        given["expires_on"] = given.pop("until")
    if "amount" in given:
        amount = given.pop("amount")
        given["cents"] = amount and amount["cents"]
    return given
