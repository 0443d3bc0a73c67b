"""How many members are in each territory, over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.mapping.coverage import queries
from services.mapping.coverage.queries import Counts, Covered, Stocked
from services.mapping.presences.routes import Codes, Kinds, Network
from services.mapping.territories.routes import TerritoryRef, Within, statistic
from services.mapping.territories.rules import Level
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.shapes import Statistic

routes = APIRouter(tags=["coverage"])


class CoverageOut(BaseModel):
    """A territory with the members in it, each counted once however many places it has there."""

    territory: TerritoryRef
    population: int
    organisations: Statistic = Field(description="Members present here, of those present anywhere")
    organised: Statistic = Field(description="Of the members present here, those with a mandate in office here")
    kinds: dict[str, int] = Field(description="By kind, with zeroes for the kinds that are only elsewhere")
    white: bool = Field(description="A white spot: nobody is here")

    @classmethod
    def of(cls, covered: Covered) -> CoverageOut:
        here = covered.here.total
        return cls.model_construct(
            territory=TerritoryRef.of(covered.territory),
            population=covered.territory.population,
            organisations=statistic(here.organisations, covered.members),
            organised=statistic(here.organised, here.organisations),
            kinds={kind: covered.here.of(kind).organisations for kind in covered.kinds},
            white=not here.organisations,
        )


class ItemsOut(BaseModel):
    """How many there are: all of them, by kind, by theme, by activity; with zeroes for what is only elsewhere."""

    count: int
    kinds: dict[str, int]
    themes: dict[str, int]
    activities: dict[str, int]

    @classmethod
    def of(cls, counts: Counts) -> ItemsOut:
        def only(facet: str) -> dict[str, int]:
            return {name.partition(":")[2]: n for name, n in counts.facets.items() if name.startswith(f"{facet}:")}

        return cls.model_construct(
            count=counts.count, kinds=only("kind"), themes=only("theme"), activities=only("activity")
        )


class StockOut(BaseModel):
    """A territory with the validated places, resources and experiences in it, each counted once in every territory that
    holds it; what only a body sees is not counted. Null for what was not asked for."""

    territory: TerritoryRef
    population: int
    places: ItemsOut | None
    resources: ItemsOut | None
    experiences: ItemsOut | None
    white: bool = Field(description="A white spot: nothing of what was asked for is here")

    @classmethod
    def of(cls, stocked: Stocked) -> StockOut:
        def shown(item: str) -> ItemsOut | None:
            return ItemsOut.of(stocked.items[item]) if item in stocked.items else None

        return cls.model_construct(
            territory=TerritoryRef.of(stocked.territory),
            population=stocked.territory.population,
            places=shown("place"),
            resources=shown("resource"),
            experiences=shown("experience"),
            white=stocked.white,
        )


LevelIn = Annotated[
    Literal["region", "province", "municipality", "area"],
    Query(description="`area`: the areas that the network has drawn"),
]


@routes.get("/networks/{network}/coverage/items", response_model=PageOut[StockOut])
async def items(
    network: Network,
    at: At,
    level: LevelIn = "region",
    within: Within = [],  # noqa: B006
    item: Annotated[list[Literal["place", "resource", "experience"]], Query(max_length=3)] = [],  # noqa: B006
    kind: Annotated[Codes, Query(max_length=50, description="Kinds of place or of resource")] = [],  # noqa: B006
    theme: Annotated[Codes, Query(max_length=50)] = [],  # noqa: B006
    activity: Annotated[Codes, Query(max_length=50, description="Of community laboratories")] = [],  # noqa: B006
    white: Annotated[bool | None, Query(description="Only white spots, or only the others")] = None,
    after: After = None,
    limit: Limit = 200,
) -> Response:
    """What there is in every territory of a level, zeroes included. JSON, or CSV with `Accept: text/csv`."""
    facets = [
        f"{name}:{value}"
        for name, values in (("kind", kind), ("theme", theme), ("activity", activity))
        for value in values
    ]
    return await at.page(
        queries.items_of,
        network,
        level=Level(level),
        within=within,
        items=item,
        facets=facets,
        white=white,
        after=after,
        limit=limit,
        out=StockOut.of,
    )


@routes.get("/networks/{network}/coverage", response_model=PageOut[CoverageOut])
async def coverage(
    network: Network,
    at: At,
    level: LevelIn = "region",
    within: Within = [],  # noqa: B006 (FastAPI copies defaults)
    kind: Kinds = [],  # noqa: B006
    white: Annotated[bool | None, Query(description="Only white spots, or only the others")] = None,
    after: After = None,
    limit: Limit = 200,
) -> Response:
    """Every territory of a level, by name, zeroes included: 20 regions or 110 provinces are one page.

    JSON, or CSV with `Accept: text/csv`.
    """
    return await at.page(
        queries.coverage_of,
        network,
        level=Level(level),
        within=within,
        kinds=kind,
        white=white,
        after=after,
        limit=limit,
        out=CoverageOut.of,
    )
