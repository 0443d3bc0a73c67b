"""HTTP of paths, and the public page of an open one."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.learning.courses.routes import UnitOut
from services.learning.paths import commands, pages, queries
from services.learning.paths.commands import PathBody, PathChange
from services.learning.paths.rules import (
    Admission,
    Audience,
    FixedOncePublished,
    NotPossibleNow,
    Path,
    State,
    UnknownPath,
)
from services.learning.policy import Right, policy
from shared.access.roles import Role
from shared.runtime.browsers import HTML, answered, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["paths"])


class PathOut(BaseModel):
    """`page` is the address of its public page, for a path that is open."""

    id: UUID
    network_id: UUID
    title: str
    description: str
    audience: Audience
    enrolment: Admission
    roles: list[Role]
    territories: list[str]
    bodies: list[UUID]
    due_days: int | None
    renewed_after_months: int | None
    units: list[UnitOut]
    state: State
    published_on: date | None
    page: str | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, path: Path, at: Edge) -> PathOut:
        open_ = path.enrolment is Admission.OPEN
        rights = policy.allowed(at.actor, network=path.network_id, on=at.now)
        may = {"edit", "publish", "withdraw"} if Right.WRITE_PATHS in rights else set()
        if Right.ENROL in rights or (open_ and at.actor.person_id is not None):
            may.add("enrol")
        return cls(
            id=path.id,
            network_id=path.network_id,
            title=path.title,
            description=path.description,
            audience=path.audience,
            enrolment=path.enrolment,
            roles=list(path.roles),
            territories=list(path.territories),
            bodies=list(path.bodies),
            due_days=path.due_days,
            renewed_after_months=path.renewed_after_months,
            units=[UnitOut.of(unit) for unit in path.units],
            state=path.state,
            published_on=path.published_on,
            page=f"{href(path)}/page" if open_ and path.state is State.PUBLISHED else None,
            href=href(path),
            version=path.version,
            allowed_actions=[action for action in path.actions() if action in may],
        )


def href(path: Path) -> str:
    return f"/learning/v1/paths/{path.id}"


@routes.post("/networks/{network}/paths", status_code=201, response_model=PathOut)
async def create(network: str, body: PathBody, at: At) -> Response:
    """Writes a draft: seen by the secretariat only, until it is published."""
    return await at.command(commands.create, network, body, out=lambda path: PathOut.of(path, at), location=href)


@routes.get("/networks/{network}/paths", response_model=PageOut[PathOut])
async def paths(
    network: str,
    at: At,
    audience: Annotated[list[Audience], Query()] = [],  # noqa: B006 (FastAPI copies it)
    enrolment: Annotated[list[Admission], Query()] = [],  # noqa: B006
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The paths of a network: all for its secretariat; for others the published ones of their own audience (without any
    mandate: the administrators'), and those that they are on."""
    return await at.page(
        queries.listed,
        network,
        audience=audience,
        enrolment=enrolment,
        state=state,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda path: PathOut.of(path, at),
        model=PathOut,
    )


@routes.get("/paths/{path_id}", response_model=PathOut)
async def path(path_id: UUID, at: At) -> Response:
    """A path."""
    return await at.read(queries.get, path_id, out=lambda found: PathOut.of(found, at))


@routes.patch("/paths/{path_id}", response_model=PathOut)
async def change(path_id: UUID, body: PathChange, at: At) -> Response:
    """Changes what is given. Units that keep their id keep what people have done of them. Needs If-Match."""
    return await at.command(
        commands.change, path_id, body, expected=at.if_match(), out=lambda found: PathOut.of(found, at)
    )


@routes.post("/paths/{path_id}/publish", response_model=PathOut, openapi_extra=GUARDED)
async def publish(path_id: UUID, at: At) -> Response:
    """Shows the path to its audience; one by rule enrols at once all who hold one of its roles. Needs If-Match."""
    return await at.command(commands.publish, path_id, expected=at.if_match(), out=lambda found: PathOut.of(found, at))


@routes.post("/paths/{path_id}/withdraw", response_model=PathOut, openapi_extra=GUARDED)
async def withdraw(path_id: UUID, at: At) -> Response:
    """Takes nobody any more; who is on it may finish. Needs If-Match."""
    return await at.command(commands.withdraw, path_id, expected=at.if_match(), out=lambda found: PathOut.of(found, at))


@routes.get("/paths/{path_id}/page", response_class=Response, responses=HTML)
async def page(path_id: UUID, at: Anyone) -> Response:
    """For everybody: what an open path is about, and how to enrol."""
    at.identity = None

    async def shown() -> Response:
        found, network = await at.query(queries.public, path_id)
        return pages.public(at.language, found, network)

    return await answered(at, shown, partial(pages.failed, at.language), html=not wants_json(at))


problems = {
    UnknownPath: not_found,
    FixedOncePublished: problem(
        "path-fixed",
        409,
        it="Il percorso è già pubblicato\nA chi è rivolto e come ci si iscrive si decidono finché è una bozza: "
        "ritirarlo e scriverne un altro.",
        en="The path is published already\nWhom it is for and how one enrols are decided while it is a draft: withdraw "
        "it and write another.",
        code="fixed",
    ),
    NotPossibleNow: problem(
        "path-not-possible-now",
        409,
        it="Ora non è possibile\nCon un percorso nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith a path that is {state}, {action} cannot be done.",
    ),
}
vocabularies = (
    vocabulary(
        "audiences",
        "Destinatari",
        "Audiences",
        [
            (Audience.REPRESENTATIVES, "Rappresentanti degli enti", "Representatives of the organisations"),
            (Audience.COMMUNITIES, "Comunità", "Communities"),
            (Audience.ADMINISTRATORS, "Amministratori locali", "Local administrators"),
        ],
    ),
    vocabulary(
        "admissions",
        "Modi di iscriversi",
        "Ways to enrol",
        [
            (Admission.RULE, "Con l'inizio di un mandato", "When a mandate starts"),
            (Admission.INVITATION, "Su invito della segreteria", "By invitation of the secretariat"),
            (Admission.OPEN, "Libera", "Open"),
        ],
    ),
    vocabulary(
        "path_states",
        "Stati del percorso",
        "States of a path",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.PUBLISHED, "Pubblicato", "Published"),
            (State.WITHDRAWN, "Ritirato", "Withdrawn"),
        ],
    ),
)
