"""How many members are in each territory, over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.mapping.coverage import queries
from services.mapping.coverage.queries import Covered
from services.mapping.presences.routes import Kinds, Network
from services.mapping.territories.routes import Statistic, TerritoryRef, Within
from services.mapping.territories.rules import Level
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut

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
            organisations=Statistic.made(here.organisations, covered.members),
            organised=Statistic.made(here.organised, here.organisations),
            kinds={kind: covered.here.of(kind).organisations for kind in covered.kinds},
            white=not here.organisations,
        )


@routes.get("/networks/{network}/coverage", response_model=PageOut[CoverageOut])
async def coverage(
    network: Network,
    at: At,
    level: Literal["region", "province", "municipality"] = "region",
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
