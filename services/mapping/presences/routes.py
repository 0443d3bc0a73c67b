"""Who is where, over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from services.mapping.presences import queries
from services.mapping.territories.queries import named
from services.mapping.territories.routes import TerritoryRef
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["presences"])

vocabularies = [
    vocabulary(
        "sources",
        "Perché un ente è in un territorio",
        "Why an organisation is in a territory",
        [
            ("seat", "Vi ha la sede", "Its seat is there"),
            ("works", "Vi opera", "It works there"),
            (
                "mandate",
                "Una persona vi ha un mandato in carica per l'ente",
                "A person has a mandate in office there for it",
            ),
            ("place", "Vi gestisce un luogo validato", "It runs a validated place there"),
        ],
    )
]

SourceName = Literal["seat", "works", "mandate", "place"]

Network = Annotated[str, Path(max_length=64, description="Slug or id of the network")]
Codes = list[Annotated[str, Field(min_length=1, max_length=64)]]
Territories = Annotated[
    Codes, Query(alias="territory", max_length=50, description="In one of these or in what lies in them")
]
Kinds = Annotated[
    Codes, Query(alias="kind", max_length=50, description="Kinds of organisation, as the registry names them")
]


class OrganisationRef(BaseModel):
    id: UUID
    name: str
    href: str


class PresenceOut(BaseModel):
    """An organisation in a territory, once, with every reason for it: its seat, that it works there, a mandate, a place
    that it runs."""

    organisation: OrganisationRef
    territory: TerritoryRef
    sources: list[SourceName]
    kind: str
    sections: list[str] = Field(description="Sections of the RUNTS, as entered; dates are the registry's")
    tax_code: str | None
    updated_at: datetime

    @classmethod
    def of(cls, row: Any) -> PresenceOut:
        organisation = OrganisationRef.model_construct(
            id=row.organisation_id, name=row.title, href=f"/registry/v1/organisations/{row.organisation_id}"
        )
        return cls.model_construct(
            organisation=organisation,
            territory=TerritoryRef.of(named(row.territory)),
            sources=list(row.sources),
            kind=row.kind,
            sections=[entry["section"] for entry in row.sections],
            tax_code=row.tax_code,
            updated_at=row.changed_at,
        )


@routes.get("/networks/{network}/presences", response_model=PageOut[PresenceOut])
async def presences(
    network: Network,
    at: At,
    territory: Territories = [],  # noqa: B006 (FastAPI copies defaults)
    kind: Kinds = [],  # noqa: B006
    section: Annotated[Codes, Query(max_length=50, description="In force today")] = [],  # noqa: B006
    source: Annotated[list[SourceName], Query(max_length=4)] = [],  # noqa: B006
    q: Annotated[str | None, Query(max_length=100, description="Words of the name, without minding accents")] = None,
    updated_since: Annotated[AwareDatetime | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The network's active members on the map, by name. JSON, or CSV with `Accept: text/csv`."""
    return await at.page(
        queries.presences_of,
        network,
        territories=territory,
        kinds=kind,
        sections=section,
        sources=source,
        q=q,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=PresenceOut.of,
        model=PresenceOut,
    )
