"""The members' map over HTTP: as a list, a table, and GeoJSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response, StreamingResponse

from services.mapping.items.routes import KnownRef, organisation_ref
from services.mapping.items.rules import State
from services.mapping.members_map import queries
from services.mapping.members_map.queries import Asked
from services.mapping.presences.routes import Codes, Kinds, Network, Territories
from services.mapping.territories.queries import named
from services.mapping.territories.routes import TerritoryRef
from shared.runtime.edge import At
from shared.runtime.paging import LARGEST, After, Limit, PageOut

routes = APIRouter(tags=["map"])

Subject = Literal["organisation", "place", "resource", "experience"]
HREFS = {
    "organisation": "/registry/v1/organisations",
    "place": "/mapping/v1/places",
    "resource": "/mapping/v1/resources",
    "experience": "/mapping/v1/experiences",
}


class MapItemOut(BaseModel):
    """Something on the map. `latitude` and `longitude` are null for what is in no municipality; where `exact` is false
    they are of a point inside it. An organisation is shown once in each territory where it is."""

    subject: Subject
    id: UUID
    title: str
    organisation: KnownRef | None
    kind: str | None
    themes: list[str] = Field(description="Of a laboratory its activities")
    municipality: TerritoryRef | None
    territories: list[TerritoryRef]
    latitude: float | None
    longitude: float | None
    exact: bool
    state: str
    visibility: str
    checked_on: date | None
    updated_at: datetime
    href: str

    @classmethod
    def of(cls, row: Any) -> MapItemOut:
        at, exact = queries.position(row)
        return cls.model_construct(
            subject=row.subject,
            id=row.id,
            title=row.title,
            organisation=organisation_ref(row.organisation_id, row.organisation),
            kind=row.kind,
            themes=list(row.themes),
            municipality=TerritoryRef.of(named(row.municipality)) if row.municipality else None,
            territories=[TerritoryRef.of(named(code)) for code in row.territories],
            latitude=at[0] if at else None,
            longitude=at[1] if at else None,
            exact=exact,
            state=row.state,
            visibility=row.visibility,
            checked_on=row.checked_on,
            updated_at=row.updated_at,
            href=f"{HREFS[row.subject]}/{row.id}",
        )


def asked(
    territory: Territories = [],  # noqa: B006 (FastAPI copies defaults)
    subject: Annotated[list[Subject], Query(max_length=4)] = [],  # noqa: B006
    kind: Kinds = [],  # noqa: B006
    theme: Annotated[Codes, Query(max_length=20)] = [],  # noqa: B006
    state: Annotated[list[State], Query(max_length=6, description="Of items; validated ones unless asked")] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    q: Annotated[str | None, Query(max_length=100, description="Words of the name, without minding accents")] = None,
    updated_since: AwareDatetime | None = None,
) -> Asked:
    return Asked(subject, territory, kind, theme, state or (State.VALIDATED,), organisation, q, updated_since)


Wanted = Annotated[Asked, Depends(asked)]


@routes.get("/networks/{network}/map", response_model=PageOut[MapItemOut])
async def members_map(network: Network, at: At, wanted: Wanted, after: After = None, limit: Limit = 200) -> Response:
    """Organisations, places, resources and experiences that the caller sees, by name. JSON, or all of them as CSV with
    `Accept: text/csv`."""
    return await at.page(queries.listed, network, wanted, after=after, limit=limit, out=MapItemOut.of)


@routes.get(
    "/networks/{network}/map.geojson",
    response_class=Response,
    responses={200: {"content": {"application/geo+json": {}}, "description": "The map as GeoJSON, RFC 7946"}},
)
async def geojson(network: Network, at: At, wanted: Wanted) -> Response:
    """All of it as one FeatureCollection. What is in no municipality has no geometry."""
    first = await at.query(queries.listed, network, wanted, after=None, limit=LARGEST)  # a refusal is still a problem

    async def text() -> AsyncIterator[bytes]:
        yield b'{"type":"FeatureCollection","features":['
        page, comma = first, b""
        while True:
            for row in page.items:
                yield comma + feature(row)
                comma = b",\n"
            if page.next is None:
                break
            page = await at.query(queries.listed, network, wanted, after=page.next, limit=LARGEST)
        yield b"]}"

    return StreamingResponse(text(), media_type="application/geo+json", headers={"cache-control": "private, no-store"})


def feature(row: Any) -> bytes:
    item = MapItemOut.of(row)
    at = None if item.latitude is None else {"type": "Point", "coordinates": [item.longitude, item.latitude]}
    shown = item.model_dump(mode="json", exclude={"latitude", "longitude", "id"})
    where = row.at and f"@{row.at}"
    return orjson.dumps({"type": "Feature", "id": f"{item.id}{where}", "geometry": at, "properties": shown})
