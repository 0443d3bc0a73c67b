"""HTTP of resources."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.mapping.items.queries import Shown
from services.mapping.items.routes import Asked, ItemOut, Network, common, steps, territories_of
from services.mapping.resources import commands, queries
from services.mapping.resources.commands import ResourceBody, ResourceChange
from services.mapping.resources.queries import Count, Summary
from services.mapping.resources.rules import Kind, MoneyElsewhere, Resource
from services.mapping.territories.routes import TerritoryRef
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, problem
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["resources"])
HREF = "/mapping/v1/resources"
Themes = Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Query(alias="theme", max_length=20)]
Kinds = Annotated[list[Kind], Query(alias="kind", max_length=5)]


class MoneyOut(BaseModel):
    cents: int
    currency: str = "EUR"


class ResourceOut(ItemOut):
    """Offered by `organisation`, from `since` until `until` (exclusive), to organisations of the kinds in
    `available_to` (none: to all)."""

    kind: Kind
    description: str | None
    amount: MoneyOut | None
    themes: list[str]
    territories: list[TerritoryRef]
    available_to: list[str]
    since: date | None
    until: date | None

    @classmethod
    def of(cls, shown: Shown[Resource], at: Edge) -> ResourceOut:  # noqa: ARG003 (as every item's)
        one = shown.item
        return cls.model_construct(
            **common(shown, HREF),
            kind=one.kind,
            description=one.description,
            amount=MoneyOut(cents=one.cents) if one.cents is not None else None,
            themes=list(one.themes),
            territories=territories_of(one),
            available_to=list(one.available_to),
            since=one.since,
            until=one.expires_on,
        )


class CountOut(BaseModel):
    """`organisations` are those that offer them, each once."""

    resources: int
    organisations: int
    amount: MoneyOut

    @classmethod
    def of(cls, count: Count) -> CountOut:
        return cls(resources=count.resources, organisations=count.organisations, amount=MoneyOut(cents=count.cents))


class KindCountOut(CountOut):
    kind: str


class OwnershipCountOut(CountOut):
    ownership: str | None = Field(description="public, private or mixed; null when nobody has said")


class SummaryOut(BaseModel):
    """An organisation is once in `total`, whatever it offers. Of those by kind of organisation and by ownership each is
    in one, mixed ones too; by kind of resource it is in each that it offers."""

    total: CountOut
    kinds: list[KindCountOut]
    organisation_kinds: list[KindCountOut]
    ownerships: list[OwnershipCountOut]

    @classmethod
    def of(cls, found: Summary) -> SummaryOut:
        return cls(
            total=CountOut.of(found.total),
            kinds=[KindCountOut(kind=kind, **CountOut.of(n).model_dump()) for kind, n in found.kinds.items()],
            organisation_kinds=[
                KindCountOut(kind=kind, **CountOut.of(n).model_dump())
                for kind, n in sorted(found.organisation_kinds.items())
            ],
            ownerships=[
                OwnershipCountOut(ownership=ownership, **CountOut.of(n).model_dump())
                for ownership, n in sorted(found.ownerships.items(), key=lambda pair: pair[0] or "~")
            ],
        )


@routes.post("/networks/{network}/resources", status_code=201, response_model=ResourceOut)
async def offer(network: Network, body: ResourceBody, at: At) -> Response:
    """Offers a resource of one's organisation, or enters it as a draft."""
    return await at.command(
        commands.offer,
        network,
        body,
        out=lambda shown: ResourceOut.of(shown, at),
        location=lambda shown: f"{HREF}/{shown.item.id}",
    )


@routes.get("/networks/{network}/resources", response_model=PageOut[ResourceOut])
async def listed(
    network: Network,
    at: Anyone,
    asked: Asked,
    kind: Kinds = [],  # noqa: B006 (FastAPI copies defaults)
    theme: Themes = [],  # noqa: B006
    available_to: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=40)]],
        Query(max_length=30, description="Open to this kind of organisation"),
    ] = [],  # noqa: B006
    on: Annotated[date | None, Query(description="Offered on that day")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The resources of a network that the caller may see. JSON, or CSV with `Accept: text/csv`."""
    return await at.page(
        queries.listed,
        network,
        asked,
        kind=kind,
        theme=theme,
        available_to=available_to,
        on=on,
        after=after,
        limit=limit,
        out=lambda shown: ResourceOut.of(shown, at),
        model=ResourceOut,
    )


@routes.get("/networks/{network}/resources/summary", response_model=SummaryOut)
async def summary(
    network: Network,
    at: Anyone,
    asked: Asked,
    kind: Kinds = [],  # noqa: B006
    theme: Themes = [],  # noqa: B006
) -> Response:
    """Counts of the resources that the caller may see, of those that are validated unless `state` says otherwise."""
    return await at.read(queries.summary, network, asked, kind=kind, theme=theme, out=SummaryOut.of)


@routes.get("/resources/{id}", response_model=ResourceOut)
async def one(id: UUID, at: Anyone) -> Response:  # noqa: A002 (the name in the path)
    """A resource."""
    return await at.read(queries.get, id, out=lambda shown: ResourceOut.of(shown, at))


@routes.patch("/resources/{id}", response_model=ResourceOut)
async def change(id: UUID, body: ResourceChange, at: At) -> Response:  # noqa: A002
    """Changes what is given; what matters of a validated resource is looked at again. Needs If-Match."""
    return await at.command(
        commands.change, id, body, expected=at.if_match(), out=lambda shown: ResourceOut.of(shown, at)
    )


steps(routes, "/resources", Resource, ResourceOut, ResourceOut.of)

problems: Problems = {
    MoneyElsewhere: problem(
        "money-elsewhere",
        422,
        it="L'importo è delle risorse economiche\nLe altre risorse non hanno un importo.",
        en="Amounts are of economic resources\nThe other resources have no amount.",
        path="/amount",
        accepted="none, unless kind is economic",
    ),
}

vocabularies = (
    vocabulary(
        "resource_kinds",
        "Tipi di risorsa",
        "Kinds of resource",
        [
            (Kind.ECONOMIC, "Economica", "Economic"),
            (Kind.KNOWLEDGE, "Conoscitiva", "Knowledge"),
            (Kind.ORGANISATIONAL, "Organizzativa", "Organisational"),
            (Kind.PROFESSIONAL, "Professionale", "Professional"),
            (Kind.RELATIONAL, "Relazionale", "Relational"),
        ],
    ),
)
