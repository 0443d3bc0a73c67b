"""Italy's territories over HTTP, for whoever is signed in or holds a key: reference data, the same for all networks."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.mapping.territories import queries
from services.mapping.territories.queries import Kind, Territory
from shared import territories
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["territories"])

vocabularies = [
    vocabulary(
        "levels",
        "Livelli del territorio",
        "Levels of territory",
        [
            ("region", "Regione", "Region", "Costituzione, art. 131"),
            ("province", "Provincia o unità territoriale sovracomunale", "Province or supra-municipal unit", "ISTAT"),
            ("municipality", "Comune", "Municipality", "ISTAT"),
        ],
    )
]

Within = Annotated[
    list[Annotated[str, Field(max_length=6)]],
    Query(max_length=50, description="Only what lies in one of these: region, province (code or sigla), municipality"),
]
LECCO = {
    "code": "E507",
    "name": "Lecco",
    "kind": "municipality",
    "istat": "097042",
    "province": "LC",
    "region": "03",
    "href": "/mapping/v1/territories/E507",
}


class TerritoryRef(BaseModel, json_schema_extra={"examples": [LECCO]}):
    """A region by its two digits, a province or UTS by its three, a municipality by its cadastral code."""

    code: str
    name: str
    kind: Kind
    istat: str | None
    province: str | None = Field(description="The sigla of the province that it is or lies in")
    region: str | None
    href: str

    @classmethod
    def of(cls, territory: Territory) -> TerritoryRef:
        return cls.model_construct(
            code=territory.code,
            name=territory.name,
            kind=territory.kind,
            istat=territory.istat,
            province=territory.sigla,
            region=territory.area.region,
            href=f"/mapping/v1/territories/{territory.code}",
        )


class TerritoryOut(BaseModel):
    """With its residents on 1 January 2023 and what it lies in, the smallest first."""

    code: str
    name: str
    kind: Kind
    istat: str | None
    province: str | None
    region: str | None
    population: int
    latitude: float | None = Field(description="WGS 84 degrees of a point inside a municipality")
    longitude: float | None
    lies_in: list[TerritoryRef]

    @classmethod
    def of(cls, territory: Territory) -> TerritoryOut:
        latitude, longitude = territory.at or (None, None)
        return cls.model_construct(
            **TerritoryRef.of(territory).model_dump(exclude={"href"}),
            population=territory.population,
            latitude=latitude,
            longitude=longitude,
            lies_in=[TerritoryRef.of(parent) for parent in queries.parents(territory)],
        )


class ResolutionOut(BaseModel):
    """What a name means. `how` is the step that found it; `certain` says whether the name itself was found.

    When `municipality` is null, `reason` says why and `explanation` says it to a person.
    """

    municipality: TerritoryRef | None
    how: str
    certain: bool
    reason: str | None
    explanation: str | None
    candidates: list[TerritoryRef]


@routes.get("/territories", response_model=PageOut[TerritoryOut])
async def listed(
    at: At,
    kind: Annotated[list[Kind], Query(max_length=3)] = [],  # noqa: B006 (FastAPI copies defaults)
    within: Within = [],  # noqa: B006
    q: Annotated[str | None, Query(max_length=100, description="Part of the name, without minding accents")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Regions, then provinces, then municipalities, each by name."""
    return await at.page(
        queries.page, kinds=kind, within=within, q=q, after=after, limit=limit, out=TerritoryOut.of, model=TerritoryOut
    )


@routes.get("/territories/resolve", response_model=ResolutionOut)
async def resolved(
    at: At,
    name: Annotated[str, Query(min_length=1, max_length=200, examples=["S. Angelo Lodigiano"])],
    province: Annotated[str | None, Query(max_length=100, description="Sigla or name")] = None,
    region: Annotated[str | None, Query(max_length=100, description="Name or code")] = None,
) -> ResolutionOut:
    """The municipality that a file means: bilingual names, lost accents, old names and provinces, mergers."""
    found = territories.load().resolve(name, province, region)
    return ResolutionOut(
        municipality=TerritoryRef.of(queries.known(found.municipality.code)) if found.municipality else None,
        how=found.how,
        certain=found.certain,
        reason=found.reason or None,
        explanation=found.explain(at.language) or None,
        candidates=[TerritoryRef.of(queries.known(candidate.code)) for candidate in found.candidates],
    )


class Feature(BaseModel):
    type: Literal["Feature"]
    id: str
    geometry: dict[str, object] | None
    properties: dict[str, object]


class FeatureCollection(BaseModel):
    """GeoJSON, RFC 7946: WGS 84, longitude before latitude."""

    type: Literal["FeatureCollection"]
    features: list[Feature]


@routes.get(
    "/territories/boundaries",
    response_model=FeatureCollection,
    responses={200: {"content": {"application/geo+json": {}}, "description": "Simplified boundaries, RFC 7946"}},
)
async def boundaries(_: At, kind: Literal["region", "province"] = "region", within: Within = []) -> Response:  # noqa: B006
    """The simplified boundaries of all regions, or of the provinces of some; neighbours share theirs exactly."""
    areas = tuple(sorted(queries.areas(within, "?within")))
    headers = {"cache-control": "private, max-age=86400"}
    return Response(_geojson(kind, areas), headers=headers, media_type="application/geo+json")


@lru_cache(maxsize=32)
def _geojson(kind: Kind, within: tuple[str, ...]) -> bytes:
    features = [queries.feature(territory) for territory in queries.listed(kinds=[kind], within=within)]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


@routes.get("/territories/{code}", response_model=TerritoryOut)
async def one(
    _: At, code: Annotated[str, Path(max_length=6, description="E507, 097042, 097, LC, 03", examples=["E507"])]
) -> TerritoryOut:
    """By cadastral or ISTAT code, province code or sigla, region code; population and what it lies in."""
    return TerritoryOut.of(queries.known(code))
