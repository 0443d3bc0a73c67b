"""Yardsticks over HTTP: which there are, and what they say of each territory."""

from __future__ import annotations

from typing import Annotated, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict
from starlette.responses import Response

from services.mapping.coverage.routes import LevelIn
from services.mapping.presences.routes import Network
from services.mapping.territories.routes import TerritoryRef, Within
from services.mapping.territories.rules import Level
from services.mapping.yardsticks import commands, queries
from services.mapping.yardsticks.queries import Measured, Shown
from services.mapping.yardsticks.rules import (
    LARGEST,
    LONGEST_SOURCE,
    LONGEST_TITLE,
    BadYardstick,
    CodeTaken,
    OfEverybody,
    Range,
    UnknownYardstick,
)
from shared.runtime.edge import At
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, invalid, not_found, problem

routes = APIRouter(tags=["yardsticks"])

problems: Problems = {
    UnknownYardstick: not_found,
    BadYardstick: invalid,
    OfEverybody: problem(
        "yardstick-of-the-law",
        409,
        it="Parametro di legge\nVale per tutti e non si cambia: la rete può aggiungerne uno suo con lo stesso codice.",
        en="A yardstick of the law\nIt is everybody's and stays: the network may add its own with the same code.",
    ),
    CodeTaken: problem(
        "yardstick-code-taken",
        409,
        it="Codice già usato\nLa rete ha già un parametro «{yardstick}».",
        en="Code already used\nThe network already has a yardstick “{yardstick}”.",
    ),
}

LINE = r"^[^\x00-\x1f]+$"
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TITLE, pattern=LINE)]
Source = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_SOURCE, pattern=LINE)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=50)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=40)]
Item = Literal["place", "resource", "experience"]
Inhabitants = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
EXAMPLE: JsonDict = {
    "code": "civic_centre",
    "title_it": "Centro civico di quartiere",
    "title_en": "Neighbourhood civic centre",
    "item": "place",
    "kind": "civic_centre",
    "inhabitants_from": 5000,
    "inhabitants_to": 8000,
    "source": "Piano di zona 2021-2023",
}


class YardstickBody(BaseModel):
    """One for every `inhabitants_from` to `inhabitants_to` inhabitants of the validated places, resources or
    experiences (`item`) of a kind, of a theme, or of all of them when neither is given."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    code: Code
    title_it: Title
    title_en: Title
    item: Item = "place"
    kind: Word | None = None
    theme: Word | None = None
    inhabitants_from: Inhabitants
    inhabitants_to: Inhabitants
    source: Source


class YardstickChangeBody(BaseModel):
    """Only what is given changes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"inhabitants_to": 9000}]})

    title_it: Title = ""
    title_en: Title = ""
    inhabitants_from: Inhabitants = 1
    inhabitants_to: Inhabitants = 1
    source: Source = ""


NAMES = {"inhabitants_from": "fewest", "inhabitants_to": "most"}


class YardstickOut(BaseModel):
    """Without `network_id` it is of the law, and everybody's."""

    id: UUID
    network_id: UUID | None
    code: str
    title_it: str
    title_en: str
    item: Item
    kind: str | None
    theme: str | None
    inhabitants_from: int
    inhabitants_to: int
    source: str
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown) -> YardstickOut:
        one = shown.yardstick
        facet, _, value = one.facet.partition(":")
        return cls.model_construct(
            id=one.id,
            network_id=one.network_id,
            code=one.code,
            title_it=one.title_it,
            title_en=one.title_en,
            item=cast(Item, one.item),
            kind=value if facet == "kind" else None,
            theme=value if facet == "theme" else None,
            inhabitants_from=one.fewest,
            inhabitants_to=one.most,
            source=one.source,
            href=f"/mapping/v1/yardsticks/{one.id}",
            version=one.version,
            allowed_actions=list(shown.actions),
        )


class RangeOut(BaseModel):
    least: int
    most: int

    @classmethod
    def of(cls, found: Range) -> RangeOut:
        return cls.model_construct(least=found.least, most=found.most)


class MeasuredOut(BaseModel):
    """`needed` is one for each begun `inhabitants_to` at least and for each begun `inhabitants_from` at most; `have`
    counts what is validated; `missing` is what lacks to either."""

    territory: TerritoryRef
    population: int
    needed: RangeOut
    have: int
    missing: RangeOut

    @classmethod
    def of(cls, measured: Measured) -> MeasuredOut:
        return cls.model_construct(
            territory=TerritoryRef.of(measured.territory),
            population=measured.territory.population,
            needed=RangeOut.of(measured.needed),
            have=measured.have,
            missing=RangeOut.of(measured.missing),
        )


@routes.get("/networks/{network}/yardsticks", response_model=PageOut[YardstickOut])
async def yardsticks(network: Network, at: At, after: After = None, limit: Limit = 50) -> Response:
    """Those of the law and the network's own, by code."""
    return await at.page(queries.listed, network, after=after, limit=limit, out=YardstickOut.of)


@routes.post("/networks/{network}/yardsticks", status_code=201, response_model=YardstickOut)
async def set_up(network: Network, body: YardstickBody, at: At) -> Response:
    """A yardstick of the network's own. With the code of one of the law it stands in its place."""
    given = {NAMES.get(name, name): value for name, value in body.model_dump(exclude={"kind", "theme"}).items()}
    if body.kind and body.theme:
        raise BadYardstick("/theme", "kind-or-theme", "a kind or a theme, not both")
    facet = f"kind:{body.kind}" if body.kind else f"theme:{body.theme}" if body.theme else ""
    return await at.command(commands.set_up, network, facet=facet, **given, out=YardstickOut.of, location=_href)


@routes.get("/networks/{network}/yardsticks/{code}/territories", response_model=PageOut[MeasuredOut])
async def measured(
    network: Network,
    code: Annotated[str, Path(max_length=50, examples=["community_house_hub"])],
    at: At,
    level: LevelIn = "region",
    within: Within = [],  # noqa: B006 (FastAPI copies defaults)
    missing: Annotated[
        bool | None, Query(description="Only where the least is not reached, or only where it is")
    ] = None,
    after: After = None,
    limit: Limit = 200,
) -> Response:
    """What every territory of a level needs, has and lacks, by name. JSON, or CSV with `Accept: text/csv`."""
    return await at.page(
        queries.measured,
        network,
        code,
        level=Level(level),
        within=within,
        missing=missing,
        after=after,
        limit=limit,
        out=MeasuredOut.of,
    )


@routes.get("/yardsticks/{yardstick_id}", response_model=YardstickOut)
async def yardstick(yardstick_id: UUID, at: At) -> Response:
    """A yardstick."""
    return await at.read(queries.get, yardstick_id, out=YardstickOut.of)


@routes.patch("/yardsticks/{yardstick_id}", response_model=YardstickOut, openapi_extra=GUARDED)
async def change(yardstick_id: UUID, body: YardstickChangeBody, at: At) -> Response:
    """Changes one of the network's own."""
    given = {NAMES.get(name, name): value for name, value in body.model_dump(exclude_unset=True).items()}
    return await at.command(commands.change, yardstick_id, expected=at.if_match(), **given, out=YardstickOut.of)


@routes.delete("/yardsticks/{yardstick_id}", status_code=204, openapi_extra=GUARDED)
async def remove(yardstick_id: UUID, at: At) -> Response:
    """Removes one of the network's own; one of the law with the same code counts again."""
    return await at.command(commands.remove, yardstick_id, expected=at.if_match())


def _href(shown: Shown) -> str:
    return f"/mapping/v1/yardsticks/{shown.yardstick.id}"
