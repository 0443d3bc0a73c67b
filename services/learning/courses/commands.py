"""What may be done with courses. The course's row is locked first, then the paths that have it, then their enrolments:
a change reaches all of them in its own transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.courses import queries, rules
from services.learning.courses.rules import LONGEST, Course
from services.learning.paths.commands import EditedUnitBody, Line, UnitBody, Words, entries, follow_course
from services.learning.policy import Right, policy
from services.learning.quizzes import queries as quizzes
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.runtime.problems import expect
from shared.runtime.shapes import Request


class CourseBody(Request):
    title: Line = Field(examples=["Le Case della comunità in sei tappe"])
    description: Words = ""
    units: tuple[UnitBody, ...] = Field(default=(), max_length=LONGEST)


class CourseChange(Request):
    """Only what is given changes; `units` is the whole list in its order."""

    title: Line = ""
    description: Words = ""
    units: tuple[EditedUnitBody, ...] = Field(default=(), max_length=LONGEST)


async def create(session: AsyncSession, actor: Actor, ref: str, request: CourseBody, *, now: datetime) -> Course:
    """A draft. Raises Unfit."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_PATHS, network=network, on=now)
    units = rules.edited((), entries(request.units))
    course = Course(network, request.title, request.description, units)
    await quizzes.require_had(session, network, units)
    session.add(course)
    await session.flush()
    return course


async def change(
    session: AsyncSession, actor: Actor, course_id: UUID, request: CourseChange, *, expected: int | None, now: datetime
) -> Course:
    """With the units change those of every path that has the course, and whoever has done all that is left of a path
    completes it. Raises NotPossibleNow, Unfit."""
    course = await _writable(session, actor, course_id, expected, now)
    changes: dict[str, Any] = {name: getattr(request, name) for name in request.model_fields_set}
    if "units" in changes:
        changes["units"] = rules.edited(course.units, entries(request.units))
        await quizzes.require_had(session, course.network_id, changes["units"], known=course.units)
    before = course.units
    if course.change(changes):
        await session.flush()
        if course.units != before:
            await follow_course(session, course, now)
    return course


async def publish(
    session: AsyncSession, actor: Actor, course_id: UUID, *, expected: int | None, now: datetime
) -> Course:
    """From now on paths may have it. Raises NotPossibleNow, Unfit."""
    course = await _writable(session, actor, course_id, expected, now)
    course.publish(day(now))
    await session.flush()
    return course


async def withdraw(
    session: AsyncSession, actor: Actor, course_id: UUID, *, expected: int | None, now: datetime
) -> Course:
    """No further path may have it; those that do keep it. Raises NotPossibleNow."""
    course = await _writable(session, actor, course_id, expected, now)
    course.withdraw()
    await session.flush()
    return course


async def _writable(
    session: AsyncSession, actor: Actor, course_id: UUID, expected: int | None, now: datetime
) -> Course:
    course = await queries.locked(session, course_id)
    policy.require(actor, Right.WRITE_PATHS, network=course.network_id, on=now)
    expect(expected, course.version)
    return course
