"""Reading enrolments and what they come to, and the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.documents import downloads
from services.learning.documents import queries as documents
from services.learning.enrolments.rules import Enrolment, State, UnknownEnrolment
from services.learning.enrolments.tables import attempts, enrolments
from services.learning.paths import queries as paths_queries
from services.learning.paths.rules import Audience, Path
from services.learning.paths.rules import State as PathState
from services.learning.paths.tables import paths
from services.learning.people.queries import NAME
from services.learning.people.tables import people
from services.learning.policy import Right, policy
from shared.access.actor import Actor, day
from shared.access.loading import network_id, network_row
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Named:
    """An enrolment with its path and the name of its person ("" while nobody has told it, or once erased)."""

    enrolment: Enrolment
    path: Path
    person: str
    history: Sequence[Any] = ()
    """What was completed before, and renewed since; read only where one enrolment is shown."""

    @property
    def version(self) -> int:
        return self.enrolment.version


NAMED = (
    select(Enrolment, Path, func.coalesce(NAME, ""))
    .join(paths, paths.c.id == enrolments.c.path_id)
    .outerjoin(people, people.c.id == enrolments.c.person_id)
)


def named_row(row: Row[Enrolment, Path, str]) -> Named:
    return Named(row[0], row[1], row[2])


async def named(session: AsyncSession, enrolment: Enrolment) -> Named:
    found = named_row((await session.execute(NAMED.where(enrolments.c.id == enrolment.id))).one())
    return replace(found, history=await history(session, enrolment.id))


async def get(session: AsyncSession, actor: Actor, enrolment_id: UUID, *, now: datetime) -> Named:
    """Raises UnknownEnrolment, or Forbidden: one's own may always be read."""
    row = (await session.execute(NAMED.where(enrolments.c.id == enrolment_id))).one_or_none()
    if row is None:
        raise UnknownEnrolment(enrolment_id)
    found = named_row(row)
    if actor.person_id is None or actor.person_id != found.enrolment.person_id:
        policy.require(actor, Right.READ_ENROLMENTS, network=found.enrolment.network_id, on=now)
    return replace(found, history=await history(session, enrolment_id))


@dataclass(frozen=True)
class Opened:
    """What the page behind a link shows: the enrolment, its earlier attempts, and where the person gets each document
    (those missing they may not read)."""

    named: Named
    network: Any
    history: Sequence[Any]
    documents: Mapping[UUID, str]
    today: date


async def opened_by_link(session: AsyncSession, actor: Actor, enrolment_id: UUID, *, now: datetime) -> Opened:
    """Raises UnknownEnrolment."""
    named, network = await by_link(session, actor, enrolment_id, now=now)
    person = named.enrolment.person_id
    assert person is not None  # by_link
    wanted = {unit.document_id for unit in named.path.units if unit.document_id is not None}
    found = await documents.readable_by(session, person, wanted, now=now) if wanted else {}
    links = {
        id_: (await downloads.link(session, shown.edition, person))[0]
        for id_, shown in found.items()
        if shown.edition.erased_on is None
    }
    return Opened(named, network, await history(session, enrolment_id), links, day(now))


async def by_link(session: AsyncSession, actor: Actor, enrolment_id: UUID, *, now: datetime) -> tuple[Named, Any]:  # noqa: ARG001
    """(enrolment, network) of a link's subject: the link itself is the right. Raises UnknownEnrolment, also when the
    person has been erased since."""
    wanted = NAMED.where(enrolments.c.id == enrolment_id, enrolments.c.person_id.is_not(None))
    row = (await session.execute(wanted)).one_or_none()
    if row is None:
        raise UnknownEnrolment(enrolment_id)
    found = named_row(row)
    return found, await network_row(session, str(found.enrolment.network_id))


async def history(session: AsyncSession, enrolment_id: UUID) -> Sequence[Any]:
    """(attempt, opened_on, due, completed_at, completed_units) of what was completed before, oldest first."""
    c = attempts.c
    query = select(c.attempt, c.opened_on, c.due, c.completed_at, c.completed_units)
    return (await session.execute(query.where(c.enrolment_id == enrolment_id).order_by(c.attempt))).all()


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    path: Collection[UUID] = (),
    person: Collection[UUID] = (),
    audience: Collection[Audience] = (),
    state: Collection[State] = (),
    late: bool | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Named]:
    """The enrolments of a network, oldest first."""
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_ENROLMENTS, network=network, on=now)
    query = NAMED.where(enrolments.c.network_id == network)
    for column, values in (
        (enrolments.c.path_id, path),
        (enrolments.c.person_id, person),
        (paths.c.audience, audience),
        (enrolments.c.state, state),
    ):
        if values:
            query = query.where(column.in_(values))
    if late is not None:
        query = query.where(_late(now) if late else not_(_late(now)))
    if updated_since:
        query = query.where(enrolments.c.updated_at >= updated_since)
    return await _page(session, query, after, limit)


async def own(
    session: AsyncSession,
    actor: Actor,
    *,
    now: datetime,  # noqa: ARG001
    after: str | None = None,
    limit: int = DEFAULT,
) -> Page[Named]:
    """The caller's own, in all networks. A key has none."""
    mine = enrolments.c.person_id == actor.person_id if actor.person_id else false()  # nobody's are those of the erased
    return await _page(session, NAMED.where(mine), after, limit)


async def _page(session: AsyncSession, query: Any, after: str | None, limit: int) -> Page[Named]:
    found = await page(session, query, key=[enrolments.c.id], after=after, limit=limit)
    return Page([named_row(row) for row in found.items], found.next)


def _late(now: datetime) -> ColumnElement[bool]:
    """`Enrolment.late(on)` where the database has to choose rows by it."""
    due = func.coalesce(enrolments.c.due < day(now), False)
    return and_(enrolments.c.state == State.ACTIVE, due)


@dataclass(frozen=True)
class Figures:
    """What the enrolments in a path come to; nobody's name."""

    path: Path
    enrolled: int
    active: int
    completed: int
    ended: int
    late: int


async def progress(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    audience: Collection[Audience] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Figures]:
    """Of each path that is or was published, those without anybody too."""
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_PROGRESS, network=network, on=now)
    count = func.count(enrolments.c.id)
    of_states = [count.filter(enrolments.c.state == state) for state in State]
    columns: list[Any] = [Path, count, *of_states, count.filter(_late(now))]
    query: Select[Any] = (
        select(*columns)
        .outerjoin(enrolments, enrolments.c.path_id == paths.c.id)
        .where(paths.c.network_id == network, paths.c.state != PathState.DRAFT)
        .group_by(paths.c.id)
    )
    if audience:
        query = query.where(paths.c.audience.in_(audience))
    found = await page(session, query, key=[paths.c.id], after=after, limit=limit)
    return Page([Figures(*row[:6]) for row in found.items], found.next)


# --- locks: a path before its enrolments ----------------------------------------------------------------------------


async def locked(session: AsyncSession, enrolment_id: UUID) -> tuple[Enrolment, Path]:
    """The enrolment locked, and its path, which keeps its units until the transaction ends. Raises UnknownEnrolment."""
    path_id = await session.scalar(select(enrolments.c.path_id).where(enrolments.c.id == enrolment_id))
    if path_id is None:
        raise UnknownEnrolment(enrolment_id)
    path = await paths_queries.locked(session, path_id, shared=True)
    enrolment = await session.get(Enrolment, enrolment_id, with_for_update=True, populate_existing=True)
    assert enrolment is not None  # enrolments are never deleted
    return enrolment, path


async def of_person(session: AsyncSession, path_id: UUID, person_id: UUID) -> Enrolment | None:
    """The one enrolment of a person in a path, locked. The caller holds the path's row, so none can come meanwhile."""
    query = select(Enrolment).where(enrolments.c.path_id == path_id, enrolments.c.person_id == person_id)
    return (await session.execute(query.with_for_update())).scalar_one_or_none()
