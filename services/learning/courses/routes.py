"""HTTP of courses."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, StringConstraints
from starlette.responses import Response

from services.learning.courses import commands, queries
from services.learning.courses.commands import CourseBody, CourseChange
from services.learning.courses.rules import Course, Kind, NotPossibleNow, State, Unfit, Unit, UnknownCourse
from services.learning.policy import Right, policy
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["courses"])

Words = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]


class UnitOut(BaseModel):
    """`course_id`: of a path's unit that is a course's."""

    id: UUID
    title: str
    kind: Kind
    text: str
    url: str | None
    minutes: int | None
    transcript: str
    document_id: UUID | None
    quiz_id: UUID | None
    meeting_id: UUID | None
    series_id: UUID | None
    body_id: UUID | None
    counts_before: bool
    course_id: UUID | None

    @classmethod
    def of(cls, unit: Unit) -> UnitOut:
        return cls(**vars(unit))


class CourseOut(BaseModel):
    id: UUID
    network_id: UUID
    title: str
    description: str
    units: list[UnitOut]
    state: State
    published_on: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, course: Course, at: Edge) -> CourseOut:
        may = Right.WRITE_PATHS in policy.allowed(at.actor, network=course.network_id, on=at.now)
        return cls(
            id=course.id,
            network_id=course.network_id,
            title=course.title,
            description=course.description,
            units=[UnitOut.of(unit) for unit in course.units],
            state=course.state,
            published_on=course.published_on,
            href=href(course),
            version=course.version,
            allowed_actions=course.actions() if may else [],
        )


def href(course: Course) -> str:
    return f"/learning/v1/courses/{course.id}"


@routes.post("/networks/{network}/courses", status_code=201, response_model=CourseOut)
async def create(network: str, body: CourseBody, at: At) -> Response:
    """Writes a draft: no path may have it until it is published."""
    return await at.command(commands.create, network, body, out=lambda made: CourseOut.of(made, at), location=href)


@routes.get("/networks/{network}/courses", response_model=PageOut[CourseOut])
async def courses(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    q: Annotated[Words | None, Query(description="In the title")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The courses of a network. JSON, or CSV with `Accept: text/csv`."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        q=q,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda course: CourseOut.of(course, at),
        model=CourseOut,
    )


@routes.get("/courses/{course_id}", response_model=CourseOut)
async def course(course_id: UUID, at: At) -> Response:
    """A course."""
    return await at.read(queries.get, course_id, out=lambda found: CourseOut.of(found, at))


@routes.patch("/courses/{course_id}", response_model=CourseOut)
async def change(course_id: UUID, body: CourseChange, at: At) -> Response:
    """Changes what is given, in every path that has the course too. Units that keep their id keep what people have done
    of them. Needs If-Match."""
    return await at.command(
        commands.change, course_id, body, expected=at.if_match(), out=lambda found: CourseOut.of(found, at)
    )


@routes.post("/courses/{course_id}/publish", response_model=CourseOut, openapi_extra=GUARDED)
async def publish(course_id: UUID, at: At) -> Response:
    """From now on paths may have it. Needs If-Match."""
    return await at.command(
        commands.publish, course_id, expected=at.if_match(), out=lambda found: CourseOut.of(found, at)
    )


@routes.post("/courses/{course_id}/withdraw", response_model=CourseOut, openapi_extra=GUARDED)
async def withdraw(course_id: UUID, at: At) -> Response:
    """No further path may have it; those that do keep it. Needs If-Match."""
    return await at.command(
        commands.withdraw, course_id, expected=at.if_match(), out=lambda found: CourseOut.of(found, at)
    )


problems = {
    UnknownCourse: not_found,
    Unfit: problem(
        "path-unfit",
        422,
        it="Percorso incoerente\nUn valore non va d'accordo con gli altri: `errors` dice quale e che cosa si accetta.",
        en="Path that does not hold together\nA value does not go with the others: `errors` says which, and what is "
        "accepted.",
    ),
    NotPossibleNow: problem(
        "course-not-possible-now",
        409,
        it="Ora non è possibile\nCon un corso nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith a course that is {state}, {action} cannot be done.",
    ),
}
vocabularies = (
    vocabulary(
        "unit_kinds",
        "Tipi di tappa",
        "Kinds of unit",
        [
            (Kind.TEXT, "Testo da leggere", "Text to read"),
            (Kind.LINK, "Collegamento da aprire", "Link to open"),
            (Kind.VIDEO, "Video", "Video"),
            (Kind.DOCUMENT, "Documento", "Document"),
            (Kind.QUIZ, "Quiz da superare", "Quiz to pass"),
            (Kind.MEETING, "Riunione a cui partecipare", "Meeting to attend"),
        ],
    ),
    vocabulary(
        "course_states",
        "Stati del corso",
        "States of a course",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.PUBLISHED, "Pubblicato", "Published"),
            (State.WITHDRAWN, "Ritirato", "Withdrawn"),
        ],
    ),
)
