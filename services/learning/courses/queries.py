"""Reading courses, which the secretariat does. Everybody else sees their units in the paths that they are on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.courses.rules import Course, State, UnknownCourse
from services.learning.courses.tables import courses
from services.learning.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.runtime.paging import DEFAULT, Page, page


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Collection[State] = (),
    q: str | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Course]:
    """Oldest first."""
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_PATHS, network=network, on=now)
    query = select(Course).where(courses.c.network_id == network)
    if state:
        query = query.where(courses.c.state.in_(state))
    if q:
        query = query.where(courses.c.title.icontains(q, autoescape=True))
    if updated_since:
        query = query.where(courses.c.updated_at >= updated_since)
    return await page(session, query, key=[courses.c.id], after=after, limit=limit)


async def get(session: AsyncSession, actor: Actor, course_id: UUID, *, now: datetime) -> Course:
    """Raises UnknownCourse for one that the caller may not see, too."""
    course = await session.get(Course, course_id)
    if course is None or not policy.has(actor, Right.READ_PATHS, network=course.network_id, on=now):
        raise UnknownCourse(course_id)
    return course


async def locked(session: AsyncSession, course_id: UUID) -> Course:
    """The course as it is now, until the transaction ends. Taken before any path that has it. Raises UnknownCourse."""
    found = await session.get(Course, course_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise UnknownCourse(course_id)
    return found


async def held_fast(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Course]:
    """Those of the courses that there are, which stay as they are until the transaction ends."""
    if not ids:
        return []
    query = select(Course).where(courses.c.id.in_(ids)).order_by(courses.c.id).with_for_update(read=True)
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


def has_unit(units: Any, key: str, value: UUID) -> ColumnElement[bool]:
    """A list of units (a column) has one whose `key` is this id."""
    wanted = func.jsonb_build_array(func.jsonb_build_object(key, str(value)))
    found: ColumnElement[bool] = units.op("@>", is_comparison=True)(cast(wanted, JSONB))
    return found
