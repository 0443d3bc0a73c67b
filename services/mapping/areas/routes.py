"""Areas of a network over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from services.mapping.areas import commands, queries
from services.mapping.areas.queries import Drawn, Union
from services.mapping.areas.rules import (
    LONGEST_CODE,
    LONGEST_TITLE,
    MOST,
    PREFIX,
    BadArea,
    CodeTaken,
    Kind,
    UnknownArea,
)
from services.mapping.presences.routes import Network, Territories
from services.mapping.territories.queries import named
from services.mapping.territories.routes import PopulationOut, TerritoryRef, statistic
from shared.runtime.edge import At
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, invalid, not_found, problem
from shared.runtime.shapes import Statistic, line
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["areas"])

vocabularies = [
    vocabulary(
        "area_kinds",
        "Tipi di area della rete",
        "Kinds of area of a network",
        [
            ("ambito", "Ambito territoriale sociale", "Social services district", "L. 328/2000, art. 8"),
            ("free", "Area scelta dalla rete", "Area of the network's own choice"),
        ],
    )
]

problems: Problems = {
    UnknownArea: not_found,
    BadArea: invalid,
    CodeTaken: problem(
        "area-code-taken",
        409,
        it="Codice già usato\nLa rete ha già un'area «{area}».",
        en="Code already used\nThe network already has an area “{area}”.",
    ),
}

Title = Annotated[
    str,
    line(LONGEST_TITLE),
]
Municipality = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Municipalities = Annotated[list[Municipality], Field(min_length=1, max_length=MOST)]


class AreaBody(BaseModel):
    """Municipalities by code (`D142`) or by name (`Crema`, `Castro (LE)`); a province or region stands for all of its
    own. Without a `code` one is made of the title; it never changes."""

    model_config = ConfigDict(extra="forbid")

    title: Title = Field(examples=["Ambito cremasco"])
    kind: Kind = Kind.AMBITO
    code: str | None = Field(default=None, max_length=LONGEST_CODE, examples=["cremasco"])
    municipalities: Municipalities = Field(examples=[["D142", "Castelleone", "Soncino"]])


class AreaChangeBody(BaseModel):
    """Only what is given changes; `municipalities` are then the whole new list."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = Field(default=None, examples=["Ambito cremasco"])
    kind: Kind | None = None
    municipalities: Municipalities | None = None


class AreaOut(BaseModel):
    """`territory` is how filters name it: `?territory=area:cremasco`."""

    id: UUID
    network_id: UUID
    territory: str
    title: str
    kind: Kind
    municipalities: list[TerritoryRef]
    population: int
    organisations: Statistic = Field(description="Members present in it, each once, of those present anywhere")
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, drawn: Drawn) -> AreaOut:
        area = drawn.area
        return cls.model_construct(
            id=area.id,
            network_id=area.network_id,
            territory=PREFIX + area.code,
            title=area.title,
            kind=area.kind,
            municipalities=[TerritoryRef.of(named(code)) for code in drawn.municipalities],
            population=drawn.territory.population,
            organisations=statistic(drawn.organisations, drawn.members),
            href=f"/mapping/v1/areas/{area.id}",
            version=area.version,
            allowed_actions=list(drawn.actions),
        )


class UnionOut(BaseModel):
    """The members present in any of the territories, each counted once; `summed` counts a member again in each of them,
    which is what adding the territories up would say."""

    organisations: Statistic
    kinds: dict[str, int]
    summed: int

    @classmethod
    def of(cls, union: Union) -> UnionOut:
        return cls.model_construct(
            organisations=statistic(union.organisations, union.members),
            kinds=dict(union.kinds),
            summed=union.summed,
        )


@routes.post("/networks/{network}/areas", status_code=201, response_model=AreaOut)
async def define(network: Network, body: AreaBody, at: At) -> Response:
    """Draws an area: an ambito or any other group of municipalities. Each name must mean exactly one municipality."""
    return await at.command(commands.define, network, **body.model_dump(), out=AreaOut.of, location=_href)


@routes.get("/networks/{network}/areas", response_model=PageOut[AreaOut])
async def areas(
    network: Network,
    at: At,
    kind: Annotated[list[Kind], Query(max_length=2)] = [],  # noqa: B006 (FastAPI copies defaults)
    q: Annotated[str | None, Query(max_length=100, description="Words of the title, without minding accents")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The areas of a network by title."""
    return await at.page(queries.drawn_of, network, kinds=kind, q=q, after=after, limit=limit, out=AreaOut.of)


@routes.get("/networks/{network}/coverage/union", response_model=UnionOut)
async def union(network: Network, at: At, territory: Territories) -> Response:
    """How many members are in any of some territories or areas: whoever is in several counts once."""
    return await at.read(queries.union, network, territory, out=UnionOut.of)


@routes.get("/areas/{area_id}", response_model=AreaOut)
async def area(area_id: UUID, at: At) -> Response:
    """An area with its municipalities."""
    return await at.read(queries.get, area_id, out=AreaOut.of)


@routes.get("/areas/{area_id}/population", response_model=PopulationOut)
async def population(area_id: UUID, at: At) -> Response:
    """The residents of its municipalities by age."""
    return await at.read(queries.get, area_id, out=lambda drawn: PopulationOut.of(drawn.territory))


@routes.patch("/areas/{area_id}", response_model=AreaOut, openapi_extra=GUARDED)
async def change(area_id: UUID, body: AreaChangeBody, at: At) -> Response:
    """Changes title, kind or municipalities."""
    given = body.model_dump(exclude_unset=True)
    return await at.command(commands.change, area_id, **given, expected=at.if_match(), out=AreaOut.of)


@routes.delete("/areas/{area_id}", status_code=204, openapi_extra=GUARDED)
async def remove(area_id: UUID, at: At) -> Response:
    """Filters that name it are refused from then on; what lies in it stays as it is."""
    return await at.command(commands.remove, area_id, expected=at.if_match())


def _href(drawn: Drawn) -> str:
    return f"/mapping/v1/areas/{drawn.area.id}"
