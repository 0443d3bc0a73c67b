"""HTTP of experiences and of declared absences."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.mapping.experiences import commands, queries
from services.mapping.experiences.commands import AbsenceBody, ExperienceBody, ExperienceChange
from services.mapping.experiences.rules import Absence, AlreadyDeclared, Experience, HasExperiences
from services.mapping.items.queries import Shown
from services.mapping.items.routes import (
    Asked,
    ItemOut,
    KnownRef,
    Network,
    common,
    organisation_ref,
    steps,
    territories_of,
)
from services.mapping.territories.routes import TerritoryRef
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, problem

routes = APIRouter(tags=["experiences"])
HREF = "/mapping/v1/experiences"
Themes = Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Query(alias="theme", max_length=20)]


class ExperienceOut(ItemOut):
    """What was done: by `organisation`, with `partners`, in `territories`, from `since` until `until` (exclusive; null
    while it goes on)."""

    description: str | None
    partners: str | None
    results: str | None
    link: str | None
    themes: list[str]
    territories: list[TerritoryRef]
    since: date | None
    until: date | None

    @classmethod
    def of(cls, shown: Shown[Experience], at: Edge) -> ExperienceOut:  # noqa: ARG003 (as every item's)
        one = shown.item
        return cls.model_construct(
            **common(shown, HREF),
            description=one.description,
            partners=one.partners,
            results=one.results,
            link=one.link,
            themes=list(one.themes),
            territories=territories_of(one),
            since=one.since,
            until=one.until,
        )


class AbsenceOut(BaseModel):
    """The organisation said that it had no experience to report."""

    id: UUID
    network_id: UUID
    organisation: KnownRef | None
    declared_on: date
    version: int

    @classmethod
    def of(cls, row: Any) -> AbsenceOut:
        name = getattr(row, "organisation", None)
        organisation = organisation_ref(row.organisation_id, name)
        return cls.model_construct(
            id=row.id,
            network_id=row.network_id,
            organisation=organisation,
            declared_on=row.declared_on,
            version=row.version,
        )


@routes.post("/networks/{network}/experiences", status_code=201, response_model=ExperienceOut)
async def tell(network: Network, body: ExperienceBody, at: At) -> Response:
    """Tells an experience of one's organisation, or enters it as a draft."""
    return await at.command(
        commands.tell,
        network,
        body,
        out=lambda shown: ExperienceOut.of(shown, at),
        location=lambda shown: f"{HREF}/{shown.item.id}",
    )


@routes.get("/networks/{network}/experiences", response_model=PageOut[ExperienceOut])
async def listed(
    network: Network,
    at: Anyone,
    asked: Asked,
    theme: Themes = [],  # noqa: B006 (FastAPI copies defaults)
    on: Annotated[date | None, Query(description="Going on that day")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The experiences of a network that the caller may see. JSON, or CSV with `Accept: text/csv`."""
    return await at.page(
        queries.listed,
        network,
        asked,
        theme=theme,
        on=on,
        after=after,
        limit=limit,
        out=lambda shown: ExperienceOut.of(shown, at),
        model=ExperienceOut,
    )


@routes.get("/experiences/{id}", response_model=ExperienceOut)
async def one(id: UUID, at: Anyone) -> Response:  # noqa: A002 (the name in the path)
    """An experience."""
    return await at.read(queries.get, id, out=lambda shown: ExperienceOut.of(shown, at))


@routes.patch("/experiences/{id}", response_model=ExperienceOut)
async def change(id: UUID, body: ExperienceChange, at: At) -> Response:  # noqa: A002
    """Changes what is given; what matters of a validated experience is looked at again. Needs If-Match."""
    return await at.command(
        commands.change, id, body, expected=at.if_match(), out=lambda shown: ExperienceOut.of(shown, at)
    )


steps(routes, "/experiences", Experience, ExperienceOut, ExperienceOut.of)


@routes.post("/networks/{network}/absences", status_code=201, response_model=AbsenceOut)
async def declare_absence(network: Network, body: AbsenceBody, at: At) -> Response:
    """The organisation's referent declares that it has no experience to report: so nobody waits for its report."""

    def out(absence: Absence) -> AbsenceOut:
        return AbsenceOut.of(absence)

    return await at.command(commands.declare_absence, network, body, out=out)


@routes.get("/networks/{network}/absences", response_model=PageOut[AbsenceOut])
async def absences(
    network: Network,
    at: At,
    organisation: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Which organisations have declared that they have nothing to report."""
    return await at.page(
        queries.absences_of, network, organisation=organisation, after=after, limit=limit, out=AbsenceOut.of
    )


problems: Problems = {
    AlreadyDeclared: problem(
        "absence-declared",
        409,
        it="È già dichiarato\nL'ente ha già dichiarato di non avere esperienze da segnalare.",
        en="Declared already\nThe organisation has declared already that it has no experience to report.",
    ),
    HasExperiences: problem(
        "has-experiences",
        409,
        it="L'ente ha esperienze sulla mappa\nChi ne ha di convalidate non può dichiarare di non averne.",
        en="The organisation has experiences on the map\nWho has validated ones cannot declare that there are none.",
    ),
}
