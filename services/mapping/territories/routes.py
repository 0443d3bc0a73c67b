"""Italy's territories over HTTP, for whoever is signed in or holds a key: reference data, the same for all networks."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.mapping.coverage.rules import share
from services.mapping.territories import queries
from services.mapping.territories.queries import Italian, Kind, Past, Territory
from services.mapping.territories.rules import by_group
from shared import territories
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.shapes import Statistic
from shared.runtime.vocabularies import vocabulary
from shared.territories import Period

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
            ("area", "Area della rete", "Area of the network", "D.lgs. 112/1998; L. 328/2000, art. 8"),
        ],
    )
]

Within = Annotated[
    list[Annotated[str, Field(max_length=60)]],
    Query(max_length=50, description="Only what lies in one of these: region, province (code or sigla), municipality"),
]
CENSUS = date(2023, 1, 1)
SOURCE = "ISTAT, popolazione residente al 1° gennaio 2023 (dati provvisori), CC BY 4.0"
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


def statistic(count: int, of: int) -> Statistic:
    return Statistic.model_construct(count=count, of=of, share=share(count, of))


class PeriodOut(BaseModel):
    """A municipality under one name in one province, from `since` until `until` (exclusive; null: to this day)."""

    code: str
    name: str
    province: str = Field(description="The sigla of its time")
    since: date | None = Field(description="Null: since before our sources begin")
    until: date | None

    @classmethod
    def of(cls, period: Period) -> PeriodOut:
        return cls.model_construct(
            code=period.code, name=period.name, province=period.province, since=period.since, until=period.until
        )


class HistoryOut(BaseModel):
    """What a municipality was and what became of it. `then` is what it was on the day asked for, null when it was not
    there; `successors` are of today, and of an old sigla the provinces in which its municipalities lie now."""

    code: str
    in_force: bool
    today: TerritoryRef | None
    periods: list[PeriodOut]
    successors: list[TerritoryRef]
    predecessors: list[PeriodOut] = Field(description="Municipalities that are gone into this one, as they were last")
    on: date | None
    then: PeriodOut | None

    @classmethod
    def of(cls, past: Past, on: date | None) -> HistoryOut:
        return cls.model_construct(
            code=past.code,
            in_force=past.today is not None,
            today=TerritoryRef.of(past.today) if past.today else None,
            periods=[PeriodOut.of(period) for period in past.periods],
            successors=[TerritoryRef.of(one) for one in past.successors],
            predecessors=[PeriodOut.of(one) for one in past.predecessors],
            on=on,
            then=PeriodOut.of(past.then) if past.then else None,
        )


class AgeOut(BaseModel):
    """Residents from one age to another, both included; the last band has no end."""

    first: int
    last: int | None
    residents: Statistic


class PopulationOut(BaseModel):
    """Residents by age on the day `on`. `minors` are under 18, `working_age` 18 to 64, `elderly` 65 and over."""

    territory: TerritoryRef
    on: date
    residents: int
    ages: list[AgeOut]
    minors: Statistic
    working_age: Statistic
    elderly: Statistic
    source: str

    @classmethod
    def of(cls, territory: Territory) -> PopulationOut:
        whole, groups = territory.population, by_group(territories.AGE_BANDS, territory.ages)
        return cls.model_construct(
            territory=TerritoryRef.of(territory),
            on=CENSUS,
            residents=whole,
            ages=[
                AgeOut.model_construct(first=first, last=last, residents=statistic(count, whole))
                for (first, last), count in zip(territories.AGE_BANDS, territory.ages, strict=True)
            ],
            minors=statistic(groups.minors, whole),
            working_age=statistic(groups.working_age, whole),
            elderly=statistic(groups.elderly, whole),
            source=SOURCE,
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
    then: list[PeriodOut] = Field(description="With `on`: what bore this name on that day, under the code of its time")


@routes.get("/territories", response_model=PageOut[TerritoryOut])
async def listed(
    at: At,
    kind: Annotated[list[Italian], Query(max_length=3)] = [],  # noqa: B006 (FastAPI copies defaults)
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
    on: Annotated[date | None, Query(description="The day on which the name was written")] = None,
) -> ResolutionOut:
    """The municipality of today that a file means: bilingual names, lost accents, old names and provinces, mergers."""
    found = territories.load().resolve(name, province, region)
    return ResolutionOut(
        municipality=TerritoryRef.of(queries.known(found.municipality.code)) if found.municipality else None,
        how=found.how,
        certain=found.certain,
        reason=found.reason or None,
        explanation=found.explain(at.language) or None,
        candidates=[TerritoryRef.of(queries.known(candidate.code)) for candidate in found.candidates],
        then=[PeriodOut.of(period) for period in queries.called(name, _sigla(province), on)] if on else [],
    )


def _sigla(province: str | None) -> str | None:
    return province.upper() if province and len(province) == 2 else None


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
    return Response(_geojson(territories.load(), kind, areas), headers=headers, media_type="application/geo+json")


@lru_cache(maxsize=32)
def _geojson(italy: territories.Territories, kind: Italian, within: tuple[str, ...]) -> bytes:  # noqa: ARG001 (the key)
    features = [queries.feature(kind, territory) for territory in queries.listed(kinds=[kind], within=within)]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


@routes.get("/territories/{code}", response_model=TerritoryOut)
async def one(
    _: At, code: Annotated[str, Path(max_length=6, description="E507, 097042, 097, LC, 03", examples=["E507"])]
) -> TerritoryOut:
    """By cadastral or ISTAT code, province code or sigla, region code; population and what it lies in."""
    return TerritoryOut.of(queries.known(code))


Code = Annotated[str, Path(max_length=6, description="E507, 097042, 097, LC, 03", examples=["E507"])]


@routes.get("/territories/{code}/history", response_model=HistoryOut)
async def history(
    _: At,
    code: Code,
    on: Annotated[date | None, Query(description="What it was on this day", examples=["1990-06-30"])] = None,
) -> HistoryOut:
    """Names, provinces, mergers: of a municipality in force, of one that is gone, or of an old sigla (`PS`, `FO`)."""
    return HistoryOut.of(queries.history(code, on), on)


@routes.get("/territories/{code}/population", response_model=PopulationOut)
async def population(_: At, code: Code) -> PopulationOut:
    """Residents by age of a region, a province or a municipality."""
    return PopulationOut.of(queries.known(code))
