"""Reading enrolments and what they come to, and the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Row, Select, Text, and_, cast, exists, false, func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.bodies.tables import bodies
from services.learning.documents import downloads
from services.learning.documents import queries as documents
from services.learning.enrolments.rules import Enrolment, State, UnknownEnrolment
from services.learning.enrolments.tables import attempts, enrolments
from services.learning.mandates.tables import HELD, mandates
from services.learning.paths import queries as paths_queries
from services.learning.paths.rules import Audience, Path
from services.learning.paths.rules import State as PathState
from services.learning.paths.tables import paths
from services.learning.people.queries import NAME
from services.learning.people.tables import people
from services.learning.policy import Right, policy
from services.learning.practices.queries import asked_places
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
    body: Collection[UUID] = (),
    territory: Collection[str] = (),
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
    query = query.where(*Asked(body=body, territory=territory).of_people())
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


@dataclass(frozen=True)
class Asked:
    """Whose progress in which paths: of people who hold a mandate today in one of the bodies, and in one of the
    territories with what lies in them."""

    path: Collection[UUID] = ()
    audience: Collection[Audience] = ()
    body: Collection[UUID] = ()
    territory: Collection[str] = ()

    def of_paths(self, network: UUID) -> list[ColumnElement[bool]]:
        asked = [paths.c.network_id == network, paths.c.state != PathState.DRAFT]
        if self.path:
            asked.append(paths.c.id.in_(self.path))
        if self.audience:
            asked.append(paths.c.audience.in_(self.audience))
        return asked

    def of_people(self) -> list[ColumnElement[bool]]:
        where: list[ColumnElement[bool]] = []
        if self.body:
            where.append(mandates.c.body_id.in_(self.body))
        if self.territory:
            where.append(
                mandates.c.within.op("&&", is_comparison=True)(cast(asked_places(self.territory), ARRAY(Text)))
            )
        return [exists().where(*HOLDS, *where)] if where else []


HOLDS = (
    mandates.c.person_id == enrolments.c.person_id,
    mandates.c.network_id == enrolments.c.network_id,
    mandates.c.state.in_(HELD),
)


def _counts(now: datetime) -> list[Any]:
    count = func.count(enrolments.c.id)
    return [count, *(count.filter(enrolments.c.state == state) for state in State), count.filter(_late(now))]


async def progress(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    asked: Asked,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Figures]:
    """Of each path that is or was published, those without anybody too."""
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_PROGRESS, network=network, on=now)
    columns: list[Any] = [Path, *_counts(now)]
    query: Select[Any] = (
        select(*columns)
        .outerjoin(enrolments, and_(enrolments.c.path_id == paths.c.id, *asked.of_people()))
        .where(*asked.of_paths(network))
        .group_by(paths.c.id)
    )
    found = await page(session, query, key=[paths.c.id], after=after, limit=limit)
    return Page([Figures(*row[:6]) for row in found.items], found.next)


class By(StrEnum):
    BODIES = "bodies"
    REGIONS = "regions"


async def progress_by(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    by: By,
    asked: Asked,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[tuple[Figures, str, str]]:
    """(figures, id of the body or code of the region, its name) of each path and each body, or region, in which people
    on it hold a mandate today; who holds several counts in each, once."""
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_PROGRESS, network=network, on=now)
    group, name = _grouping(by)
    columns: list[Any] = [Path, *_counts(now), group.c.key, name]
    query: Select[Any] = (
        select(*columns)
        .join(enrolments, enrolments.c.path_id == paths.c.id)
        .join(group, and_(group.c.person_id == enrolments.c.person_id, group.c.network_id == enrolments.c.network_id))
        .outerjoin(bodies, cast(bodies.c.id, Text) == group.c.key)
        .where(*asked.of_paths(network), *asked.of_people())
        .group_by(paths.c.id, group.c.key)
    )
    if by is By.BODIES and asked.body:
        query = query.where(group.c.key.in_([str(id_) for id_ in asked.body]))
    found = await page(session, query, key=[paths.c.id, group.c.key], after=after, limit=limit)
    return Page([(Figures(*row[:6]), row[6], row[7] or "") for row in found.items], found.next)


def _grouping(by: By) -> tuple[Any, Any]:
    held = mandates.c.state.in_(HELD)
    if by is By.BODIES:
        key = cast(mandates.c.body_id, Text).label("key")
        chosen = select(mandates.c.person_id, mandates.c.network_id, key).where(held, mandates.c.body_id.is_not(None))
    else:  # a region's code alone has two characters
        places = select(mandates.c.person_id, mandates.c.network_id, func.unnest(mandates.c.within).label("key"))
        every = places.where(held).subquery()
        chosen = select(every).where(func.length(every.c.key) == 2)
    return chosen.distinct().subquery(), func.max(bodies.c.title)


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


async def locked_by_link(session: AsyncSession, enrolment_id: UUID) -> tuple[Enrolment, Path]:
    """`locked`, for whoever has the mailed link. Raises UnknownEnrolment, also when its person was erased."""
    enrolment, path = await locked(session, enrolment_id)
    if enrolment.person_id is None:
        raise UnknownEnrolment(enrolment_id)
    return enrolment, path


async def of_person(session: AsyncSession, path_id: UUID, person_id: UUID) -> Enrolment | None:
    """The one enrolment of a person in a path, locked. The caller holds the path's row, so none can come meanwhile."""
    query = select(Enrolment).where(enrolments.c.path_id == path_id, enrolments.c.person_id == person_id)
    return (await session.execute(query.with_for_update())).scalar_one_or_none()
