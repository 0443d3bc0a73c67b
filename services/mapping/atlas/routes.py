"""Open data: what networks show to everybody, as JSON, CSV and GeoJSON (RFC 7946), for any site and without a key.

Licence: CC BY 4.0, told in each answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response, StreamingResponse

from services.mapping.atlas import queries
from services.mapping.items.rules import Subject
from services.mapping.territories.queries import named
from services.mapping.territories.routes import TerritoryRef
from shared.runtime.edge import Anyone
from shared.runtime.paging import LARGEST, After, Limit, PageOut

routes = APIRouter(tags=["open data"])

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
OPEN = {
    "access-control-allow-origin": "*",
    "cache-control": "public, max-age=60",
    "link": f'<{LICENCE}>; rel="license"',
}
"""A minute: a change is seen without anybody's doing, and an embedded map asks little."""


class PublicItemOut(BaseModel):
    """Something that a network shows to everybody. `kind` is of places and resources; `themes` of a place are its
    activities; the position is a place's own."""

    id: UUID
    subject: Subject
    network: str
    title: str
    organisation: str | None
    kind: str | None
    themes: list[str]
    municipality: TerritoryRef | None
    territories: list[TerritoryRef]
    address: str | None
    latitude: float | None
    longitude: float | None
    phone: str | None
    website: str | None
    description: str | None
    results: str | None
    since: date | None
    checked_on: date | None
    updated_at: AwareDatetime

    @classmethod
    def of(cls, row: Any) -> PublicItemOut:
        return cls(
            id=row.id,
            subject=row.subject,
            network=row.network,
            title=row.title,
            organisation=row.organisation,
            kind=row.kind,
            themes=list(row.themes or ()),
            municipality=TerritoryRef.of(named(row.municipality)) if row.municipality else None,
            territories=[TerritoryRef.of(named(code)) for code in row.territories],
            address=row.address,
            latitude=row.latitude,
            longitude=row.longitude,
            phone=row.phone,
            website=row.website,
            description=row.description,
            results=row.results,
            since=row.since,
            checked_on=row.checked_on,
            updated_at=row.updated_at,
        )


Network = Annotated[str | None, Query(max_length=63, description="Slug or id; without it all that show something")]
Subjects = Annotated[list[Subject], Query()]
Territories = Annotated[list[str], Query(description="Codes of regions, provinces or municipalities")]
Themes = Annotated[list[str], Query()]
Words = Annotated[str | None, Query(max_length=200)]


@routes.get("/atlas/items", response_model=PageOut[PublicItemOut])
async def items(
    at: Anyone,
    network: Network = None,
    subject: Subjects = [],  # noqa: B006 (FastAPI copies it)
    territory: Territories = [],  # noqa: B006
    theme: Themes = [],  # noqa: B006
    q: Words = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What is public of the networks' maps: validated, and meant for everybody. CSV with `Accept: text/csv`."""
    at.identity = None  # nobody sees more here than anybody
    answer = await at.page(
        queries.listed,
        network=network,
        subject=subject,
        territory=territory,
        theme=theme,
        q=q,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=PublicItemOut.of,
    )
    answer.headers.update(OPEN)
    return answer


@routes.get("/atlas/items.geojson", response_class=Response, responses={200: {"content": {"application/geo+json": {}}}})
async def geojson(
    at: Anyone,
    network: Network = None,
    subject: Subjects = [],  # noqa: B006
    territory: Territories = [],  # noqa: B006
    theme: Themes = [],  # noqa: B006
    q: Words = None,
) -> Response:
    """The same as one FeatureCollection; an item without a position of its own is put into its municipality, and says
    so (`exact`: false). What is in no municipality has no geometry."""
    at.identity = None
    asked = {"network": network, "subject": subject, "territory": territory, "theme": theme, "q": q}
    first = await at.query(queries.listed, **asked, limit=LARGEST)  # before the status: a refusal is still a problem

    async def text() -> AsyncIterator[bytes]:
        yield b'{"type":"FeatureCollection","license":' + orjson.dumps(LICENCE) + b',"features":['
        page, comma = first, b""
        while True:
            for row in page.items:
                yield comma + orjson.dumps(feature(row))
                comma = b",\n"
            if page.next is None:
                break
            page = await at.query(queries.listed, **asked, after=page.next, limit=LARGEST)
        yield b"]}"

    return StreamingResponse(text(), headers=OPEN, media_type="application/geo+json")


def feature(row: Any) -> Mapping[str, Any]:
    """A GeoJSON feature: WGS 84, longitude first."""
    shown = PublicItemOut.of(row).model_dump(mode="json", exclude={"latitude", "longitude", "id"})
    at, exact = (row.longitude, row.latitude), row.longitude is not None
    if not exact:
        place = named(row.municipality).at if row.municipality else None
        at = (place[1], place[0]) if place else (None, None)
    geometry = {"type": "Point", "coordinates": list(at)} if at[0] is not None else None
    return {"type": "Feature", "id": str(row.id), "geometry": geometry, "properties": {**shown, "exact": exact}}


class CountOut(BaseModel):
    """How much of each subject is public in a territory, zeroes included."""

    territory: TerritoryRef
    places: int
    resources: int
    experiences: int


class CountsOut(BaseModel):
    items: list[CountOut]


@routes.get("/atlas/figures", response_model=CountsOut)
async def figures(
    at: Anyone,
    network: Network = None,
    region: Annotated[str | None, Query(max_length=2, description="By province of this region")] = None,
) -> Response:
    """How much is public in each region, or in each province of a region."""
    at.identity = None
    sheet = await at.query(queries.sheet, network, region)
    made = CountsOut(
        items=[
            CountOut(
                territory=TerritoryRef.of(territory),
                places=sheet.figures.of(territory.code, [Subject.PLACE]),
                resources=sheet.figures.of(territory.code, [Subject.RESOURCE]),
                experiences=sheet.figures.of(territory.code, [Subject.EXPERIENCE]),
            )
            for territory in queries.parts(region)
        ]
    )
    return Response(made.model_dump_json(), headers=OPEN, media_type="application/json")
