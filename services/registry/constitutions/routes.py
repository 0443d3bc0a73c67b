"""HTTP of constitution paths."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.registry.constitutions import commands, queries
from services.registry.constitutions.commands import Opening
from services.registry.constitutions.queries import Path
from services.registry.constitutions.rules import (
    MINIMUM_MEMBERS,
    MOST_MEMBERS,
    Code,
    CoordinationExists,
    NoRegion,
    Requirement,
    State,
    UnknownConstitution,
    name_of,
)
from shared.runtime.edge import At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref, line
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["constitutions"])

Name = Annotated[str, line(200)]

REQUIREMENTS = vocabulary(
    "constitution_requirements",
    "Requisiti di costituzione",
    "Requirements of a constitution",
    [
        (Code.MEMBERS, "Enti aderenti con referenti regionali", "Members with referents in the region"),
        (Code.MINUTES, "Verbale di costituzione approvato", "Approved founding minutes"),
        (Code.COORDINATOR, "Coordinatore in carica", "Coordinator in office"),
        (Code.INTERLOCUTORS, "Interlocutori registrati", "Interlocutors recorded"),
    ],
)
LABELS = {term.code: {"it": term.it, "en": term.en} for term in REQUIREMENTS.terms}


class OpeningBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    territory: str = Field(max_length=3, examples=["03"], description="A region")
    name: Name | None = Field(default=None, examples=["Coordinamento regionale Lombardia"])
    minimum_members: int = Field(default=MINIMUM_MEMBERS, ge=1, le=MOST_MEMBERS)


class RequirementOut(BaseModel):
    """`have` of `need`, when something last changed."""

    code: Code
    label: str
    met: bool
    have: int
    need: int

    @classmethod
    def of(cls, requirement: Requirement, language: str) -> RequirementOut:
        return cls(
            code=requirement.code,
            label=LABELS[requirement.code][language],
            met=requirement.met,
            have=requirement.have,
            need=requirement.need,
        )


class TerritoryRef(BaseModel):
    code: str
    name: str


class ConstitutionOut(BaseModel):
    """The path of a body. `abandoned`: the body was dissolved before it was constituted."""

    id: UUID
    network_id: UUID
    body: Ref
    territory: str
    region: TerritoryRef
    requirements: list[RequirementOut]
    missing: list[Code]
    state: State
    opened_on: date
    completed_on: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, path: Path, at: Edge) -> ConstitutionOut:
        held = path.constitution
        return cls(
            id=held.id,
            network_id=held.network_id,
            body=Ref(id=held.body_id, name=path.body, href=f"/registry/v1/bodies/{held.body_id}"),
            territory=held.territory,
            region=TerritoryRef(code=held.territory, name=name_of(held.territory)),
            requirements=[RequirementOut.of(each, at.language) for each in held.requirements],
            missing=[each.code for each in held.requirements if not each.met],
            state=path.state,
            opened_on=held.opened_on,
            completed_on=held.completed_on,
            href=f"/registry/v1/constitutions/{held.id}",
            version=held.version,
            allowed_actions=[],  # it goes on by what happens elsewhere, and by nobody's say
        )


@routes.post("/networks/{network}/constitutions", status_code=201, response_model=ConstitutionOut)
async def open_path(network: str, body: OpeningBody, at: At) -> Response:
    """Begins a regional coordination: a forming body with the list of what it needs before it is constituted, which
    then happens by itself. A forming body of that region without a path gets this one."""
    return await at.command(
        commands.open_path,
        network,
        Opening(**body.model_dump()),
        out=lambda path: ConstitutionOut.of(path, at),
        location=lambda path: f"/registry/v1/constitutions/{path.constitution.id}",
    )


@routes.get("/networks/{network}/constitutions", response_model=PageOut[ConstitutionOut])
async def constitutions(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    territory: Annotated[list[str], Query(description="Regions")] = [],  # noqa: B006
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The paths of a network, in the order in which they were opened."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        territory=territory,
        body=body,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda path: ConstitutionOut.of(path, at),
        model=ConstitutionOut,
    )


@routes.get("/constitutions/{constitution_id}", response_model=ConstitutionOut)
async def constitution(constitution_id: UUID, at: At) -> Response:
    """A path."""
    return await at.read(queries.get, constitution_id, out=lambda path: ConstitutionOut.of(path, at))


problems = {
    UnknownConstitution: not_found,
    NoRegion: problem(
        "no-region",
        422,
        it="Non è una regione\nUn percorso di costituzione porta al coordinamento di una regione: si accettano i "
        "codici da 01 a 20.",
        en="Not a region\nA constitution path leads to the coordination of a region: the codes 01 to 20 are accepted.",
        path="/territory",
        accepted="01-20",
    ),
    CoordinationExists: problem(
        "region-coordinated",
        409,
        it="La regione ha già un coordinamento\nÈ l'organo {body_id}, costituito o in formazione.",
        en="The region has a coordination already\nIt is the body {body_id}, constituted or forming.",
        path="/territory",
        accepted="a region without a coordination",
    ),
}
vocabularies = (
    REQUIREMENTS,
    vocabulary(
        "constitution_states",
        "Stati del percorso di costituzione",
        "States of a constitution path",
        [
            (State.OPEN, "In corso", "Open"),
            (State.COMPLETED, "Completato", "Completed"),
            (State.ABANDONED, "Abbandonato", "Abandoned"),
        ],
    ),
)
