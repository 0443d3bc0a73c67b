"""What may be done with paths. The path's row is locked first, so that nobody gets onto it, or further, meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.bodies.queries import of_others
from services.learning.courses.queries import has_unit, held_fast
from services.learning.courses.rules import LONGEST, Course, Entry, Kind
from services.learning.courses.rules import State as CourseState
from services.learning.enrolments import commands as enrolments
from services.learning.paths import queries, rules
from services.learning.paths.rules import Admission, Audience, Path, State
from services.learning.paths.tables import paths as paths_table
from services.learning.policy import Right, policy
from services.learning.quizzes import queries as quizzes
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.access.roles import Role
from shared.contracts.learning import PathChanged, PathPublished, PathState, PathWithdrawn
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, line

Line = Annotated[str, line(200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000, pattern=r"^[^\x00]*$")]
Spoken = Annotated[str, StringConstraints(strip_whitespace=True, max_length=50_000, pattern=r"^[^\x00]*$")]


class UnitBody(Request):
    """A text (Markdown) to read, a link or a video to open, a document, a quiz to pass or a meeting to come to. Without
    `kind`: a link where there is a `url`, a text where there is none."""

    title: Line = Field(examples=["Che cos'è una Casa della comunità"])
    text: Words = ""
    url: str | None = Field(default=None, max_length=2000, examples=["https://example.org/dm-77-2022"])
    minutes: int | None = Field(default=None, ge=1, le=6000)
    kind: Kind | None = None
    transcript: Spoken = Field(default="", description="What a video says, for who cannot hear or see it")
    document_id: UUID | None = None
    quiz_id: UUID | None = None
    meeting_id: UUID | None = None
    series_id: UUID | None = Field(default=None, description="Any meeting of the series")
    body_id: UUID | None = Field(default=None, description="Any meeting of the body")
    counts_before: bool = Field(default=False, description="A meeting attended before the enrolment counts too")


class EditedUnitBody(UnitBody):
    """With the id of a unit of the list: that one, as it shall be from now on; without: a new one."""

    id: UUID | None = None


class StepBody(UnitBody):
    """A unit of the path's own, or with `course_id` a whole course in this place; what else is said of one is the
    course's, and ignored."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f]*$")] = ""
    course_id: UUID | None = None


class EditedStepBody(StepBody):
    """With the id of a unit of the path: that one, as it shall be from now on; without: a new one. Steps of one course
    that follow each other stand for it once, so that a list that was read can be sent back."""

    id: UUID | None = None


Days = Annotated[int, Field(ge=1, le=3650)]
Months = Annotated[int, Field(ge=1, le=120)]
Places = Annotated[tuple[Annotated[str, line(8)], ...], Field(max_length=200)]
Bodies = Annotated[tuple[UUID, ...], Field(max_length=200)]


class PathBody(Request):
    """`roles`, `territories` (with what lies in them) and `bodies` go with the enrolment by rule: a mandate with one of
    the roles, in one of the territories and in one of the bodies enrols. Without roles, all those of the audience;
    without the others, anywhere and in any body or none. Who has completed the path is on it again
    `renewed_after_months` later."""

    title: Line = Field(examples=["Rappresentare la propria associazione"])
    description: Words = ""
    audience: Audience
    enrolment: Admission
    roles: tuple[Role, ...] = Field(default=(), max_length=len(Role))
    territories: Places = Field(default=(), examples=[["03"]])
    bodies: Bodies = ()
    due_days: Days | None = None
    renewed_after_months: Months | None = None
    units: tuple[StepBody, ...] = Field(default=(), max_length=LONGEST)


class PathChange(Request):
    """Only what is given changes; `units` is the whole list in its order."""

    title: Line = ""
    description: Words = ""
    audience: Audience = Audience.REPRESENTATIVES
    enrolment: Admission = Admission.RULE
    roles: tuple[Role, ...] = Field(default=(), max_length=len(Role))
    territories: Places = ()
    bodies: Bodies = ()
    due_days: Days | None = None
    renewed_after_months: Months | None = None
    units: tuple[EditedStepBody, ...] = Field(default=(), max_length=LONGEST)


async def create(session: AsyncSession, actor: Actor, ref: str, request: PathBody, *, now: datetime) -> Path:
    """A draft: nobody is told of it. Raises Unfit."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_PATHS, network=network, on=now)
    units = rules.edited((), entries(request.units), await _courses(session, network, request.units))
    await quizzes.require_had(session, network, units)
    await _require_bodies(session, network, request.bodies)
    path = Path(
        network,
        request.title,
        request.description,
        request.audience,
        request.enrolment,
        request.roles,
        request.due_days,
        units,
        territories=request.territories,
        bodies=request.bodies,
        renewed_after_months=request.renewed_after_months,
    )
    session.add(path)
    await session.flush()
    return path


async def change(
    session: AsyncSession, actor: Actor, path_id: UUID, request: PathChange, *, expected: int | None, now: datetime
) -> Path:
    """With the units of a published path, whoever has done all that is left completes it in the same transaction.

    Raises NotPossibleNow, FixedOncePublished, Unfit.
    """
    found = await _courses(session, None, request.units)  # a course before the paths that have it
    path = await writable(session, actor, path_id, expected, now)
    changes: dict[str, Any] = {name: getattr(request, name) for name in request.model_fields_set}
    if "units" in changes:
        had = {unit.course_id for unit in path.units}
        courses = {id_: course for id_, course in found.items() if course.network_id == path.network_id}
        may = {id_: each for id_, each in courses.items() if each.state is CourseState.PUBLISHED or id_ in had}
        changes["units"] = rules.edited(path.units, entries(request.units), {i: c.units for i, c in may.items()})
        await quizzes.require_had(session, path.network_id, changes["units"], known=path.units)
    await _require_bodies(session, path.network_id, request.bodies)
    before, renewed = path.units, path.renewed_after_months
    if path.change(changes):
        await session.flush()
        if path.state is State.PUBLISHED:
            await stage(session, state_of(PathChanged, path))
            if before != path.units:
                await enrolments.follow_units(session, [path], now)
            if renewed != path.renewed_after_months:
                await enrolments.schedule_renewals(session, path)
    return path


async def _require_bodies(session: AsyncSession, network: UUID, ids: Collection[UUID]) -> None:
    """Raises Unfit."""
    strange = await of_others(session, network, ids)
    for place, body in enumerate(ids):
        if body in strange:
            raise rules.Unfit(f"/bodies/{place}", "unknown", "a body of this network")


async def follow_course(session: AsyncSession, course: Course, now: datetime) -> None:
    """The paths that have the course hold its units as they are now; then whoever has done all that is left has
    completed them. The caller holds the course's row, so that no path takes it meanwhile. Raises Unfit when a path
    would have too many units, or a quiz twice."""
    query = select(Path).where(
        paths_table.c.network_id == course.network_id, has_unit(paths_table.c.units, "course_id", course.id)
    )
    query = query.order_by(paths_table.c.id).with_for_update().execution_options(populate_existing=True)
    found = (await session.scalars(query)).all()
    for path in found:
        path.units = rules.with_course(path.units, course.id, course.units)
    await session.flush()
    told = [path for path in found if path.state is not State.DRAFT]
    await stage(session, *(state_of(PathChanged, path) for path in told))
    await enrolments.follow_units(session, told, now)


async def _courses(session: AsyncSession, network: UUID | None, steps: Iterable[StepBody]) -> dict[UUID, Any]:
    """The courses that are asked for, which stay as they are until the transaction ends: with the network, the units of
    those that it has published."""
    found = await held_fast(session, {step.course_id for step in steps if step.course_id is not None})
    if network is None:
        return {course.id: course for course in found}
    may = [course for course in found if course.network_id == network and course.state is CourseState.PUBLISHED]
    return {course.id: course.units for course in may}


async def publish(session: AsyncSession, actor: Actor, path_id: UUID, *, expected: int | None, now: datetime) -> Path:
    """Told from now on; a rule's path enrols at once all who hold one of its roles. Raises NotPossibleNow, Unfit."""
    path = await writable(session, actor, path_id, expected, now)
    path.publish(day(now))
    await session.flush()
    await stage(session, state_of(PathPublished, path))
    if path.enrolment is Admission.RULE:
        await enrolments.enrol_holders(session, path, now)
    return path


async def withdraw(session: AsyncSession, actor: Actor, path_id: UUID, *, expected: int | None, now: datetime) -> Path:
    """Takes nobody any more; who is on it may finish. Raises NotPossibleNow."""
    path = await writable(session, actor, path_id, expected, now)
    path.withdraw()
    await session.flush()
    await stage(session, state_of(PathWithdrawn, path))
    return path


async def writable(session: AsyncSession, actor: Actor, path_id: UUID, expected: int | None, now: datetime) -> Path:
    path = await queries.locked(session, path_id)
    policy.require(actor, Right.WRITE_PATHS, network=path.network_id, on=now)
    expect(expected, path.version)
    return path


def state_of(fact: type[PathState], path: Path) -> PathState:
    return fact(
        id=path.id,
        version=path.version,
        network_id=path.network_id,
        title=path.title,
        audience=path.audience,
        enrolment=path.enrolment,
        roles=path.roles,
        territories=path.territories,
        bodies=path.bodies,
        renewed_after_months=path.renewed_after_months,
        units=len(path.units),
        state=path.state,
    )


def entries(units: Iterable[UnitBody]) -> list[Entry]:
    """What was sent, for `rules.edited`."""
    return [(getattr(unit, "id", None), unit.model_dump(exclude={"id"})) for unit in units]
