"""Reading paths: the secretariat all of a network's, everybody else those that are for them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.enrolments.rules import State as EnrolmentState
from services.learning.enrolments.tables import enrolments
from services.learning.paths.rules import Admission, Audience, Path, State, UnknownPath, audiences
from services.learning.paths.tables import paths
from services.learning.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id, network_row
from shared.runtime.paging import DEFAULT, Page, page


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    audience: Collection[Audience] = (),
    enrolment: Collection[Admission] = (),
    state: Collection[State] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Path]:
    """Oldest first. Who may not read all is given the published ones of their own audience, and those they are on."""
    network = await network_id(session, ref)
    query = select(Path).where(paths.c.network_id == network)
    if not policy.has(actor, Right.READ_PATHS, network=network, on=now):
        if actor.person_id is None:
            policy.require(actor, Right.READ_PATHS, network=network, on=now)
        own = and_(paths.c.state == State.PUBLISHED, paths.c.audience.in_(audiences_of(actor, network, now)))
        query = query.where(or_(own, _is_on(actor.person_id)))
    for column, values in ((paths.c.audience, audience), (paths.c.enrolment, enrolment), (paths.c.state, state)):
        if values:
            query = query.where(column.in_(values))
    if updated_since:
        query = query.where(paths.c.updated_at >= updated_since)
    return await page(session, query, key=[paths.c.id], after=after, limit=limit)


def audiences_of(actor: Actor, network: UUID, on: date | datetime) -> frozenset[Audience]:
    return audiences({grant.role for grant in actor.current(on) if grant.network_id == network})


def _is_on(person_id: UUID | None) -> Any:
    """The path is one that the person is on, or has completed; with the mandate that led there, an enrolment and what
    it let see come to their end."""
    return exists().where(
        enrolments.c.path_id == paths.c.id,
        enrolments.c.person_id == person_id,
        enrolments.c.state != EnrolmentState.ENDED,
    )


async def get(session: AsyncSession, actor: Actor, path_id: UUID, *, now: datetime) -> Path:
    """Raises UnknownPath for one that the caller may not see, too."""
    path = await session.get(Path, path_id)
    if path is None:
        raise UnknownPath(path_id)
    await require_seen(session, actor, path, now)
    return path


async def require_seen(session: AsyncSession, actor: Actor, path: Path, now: datetime) -> None:
    """An open path may be read by whoever is signed in: its public page says as much."""
    if policy.has(actor, Right.READ_PATHS, network=path.network_id, on=now):
        return
    if actor.person_id is not None:
        for_them = path.enrolment is Admission.OPEN or path.audience in audiences_of(actor, path.network_id, now)
        if path.state is State.PUBLISHED and for_them:
            return
        if await session.scalar(select(paths.c.id).where(paths.c.id == path.id, _is_on(actor.person_id))):
            return
    raise UnknownPath(path.id)


async def public(session: AsyncSession, actor: Actor, path_id: UUID, *, now: datetime) -> tuple[Path, Any]:  # noqa: ARG001
    """(path, network) of a path that anybody may read about: open and published. Raises UnknownPath."""
    path = await session.get(Path, path_id)
    if path is None or path.enrolment is not Admission.OPEN or path.state is not State.PUBLISHED:
        raise UnknownPath(path_id)
    return path, await network_row(session, str(path.network_id))


async def locked(session: AsyncSession, path_id: UUID, *, shared: bool = False) -> Path:
    """The path as it is now, until the transaction ends; `shared` with others who only need it to stay so. Raises
    UnknownPath. Taken before any of its enrolments."""
    found = await session.get(Path, path_id, with_for_update={"read": shared}, populate_existing=True)
    if found is None:
        raise UnknownPath(path_id)
    return found
