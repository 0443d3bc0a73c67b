"""Reading bodies, their seats and those who belong to them, and the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, delete, func, insert, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.bodies.rules import Body, Composition, InvalidPlace, Kind, Seat, State, Term
from services.registry.bodies.tables import bodies, cover_looks, seats
from services.registry.mandates import queries as mandate_queries
from services.registry.mandates.queries import NAMED, PERSON_NAME, Named, named_row
from services.registry.mandates.rules import Mandate
from services.registry.mandates.tables import mandates
from services.registry.networks import queries as networks
from services.registry.organisations.rules import State as MembershipState
from services.registry.organisations.tables import memberships, organisations
from services.registry.people.tables import people
from services.registry.policy import Right, policy
from services.registry.store import containing
from shared.access.actor import Actor, day
from shared.access.roles import Role
from shared.runtime.due import schedule_many
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotFound

MOST_NAMED = 20
"""Vacant seats that a body names by itself; the list of its seats has all of them."""


@dataclass(frozen=True)
class Shown:
    """A body with the name of what it hangs below, and, if it has seats: how many there are today, how many of them
    are held, and the first of those that are not."""

    body: Body
    parent: str | None
    count: int
    of: int
    vacant: Sequence[Seat]

    @property
    def version(self) -> int:
        return self.body.version


@dataclass(frozen=True)
class Placed:
    """A seat, whose it is, and who holds it on the day asked for."""

    seat: Seat
    body: Body
    organisation: str | None
    holder: Mandate | None
    person: str | None

    @property
    def version(self) -> int:
        return self.seat.version


parents = bodies.alias("parents")
SHOWN = select(Body, parents.c.name).outerjoin(parents, parents.c.id == bodies.c.parent_id)


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    kind: Sequence[Kind] = (),
    state: Sequence[State] = (),
    composition: Sequence[Composition] = (),
    territory: Sequence[str] = (),
    parent: Sequence[UUID] = (),
    uncovered: bool | None = None,
    on: date | None = None,
    q: str | None = None,
    updated_since: datetime | None = None,
    sort: str = "id",
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The bodies of a network. With a day: those constituted by then and not yet dissolved. A territory includes what
    lies in it; `q` is part of a name, whatever its accents; `uncovered`: nobody holds the role that it needs."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_BODIES, network=network_id, on=now)
    query = SHOWN.where(bodies.c.network_id == network_id)
    for column, values in (
        (bodies.c.kind, kind),
        (bodies.c.state, state),
        (bodies.c.composition, composition),
        (bodies.c.parent_id, parent),
        (bodies.c.territory, [code for whole in territory for code in mandate_queries.codes_within(whole)]),
    ):
        if values:
            query = query.where(column.in_(values))
    if uncovered is not None:
        query = query.where(bodies.c.uncovered_since.is_not(None) if uncovered else bodies.c.uncovered_since.is_(None))
    if on:
        query = query.where(bodies.c.constituted_on <= on, _open(bodies.c.dissolved_on, on))
    if q and (wanted := q.strip()):
        query = query.where(FOLDED.like(containing(wanted)))
    if updated_since:
        query = query.where(bodies.c.updated_at >= updated_since)
    found = await page(session, query, key=_key(sort), after=after, limit=limit, descending=sort.startswith("-"))
    return Page(await _shown(session, found.items, day(now)), found.next)


FOLDED = func.fold(bodies.c.name, type_=Text)


def _key(sort: str) -> list[ColumnElement[Any]]:
    match sort.removeprefix("-"):
        case "name":
            return [FOLDED, bodies.c.id]
        case "updated":
            return [bodies.c.updated_at, bodies.c.id]
        case _:
            return [bodies.c.id]


def _open(until: ColumnElement[Any], on: date) -> ColumnElement[bool]:
    return or_(until.is_(None), until > on)


def _running(on: date) -> ColumnElement[bool]:
    return and_(mandates.c.since <= on, _open(mandates.c.ends, on))


def _there(on: date) -> ColumnElement[bool]:
    return and_(seats.c.since <= on, _open(seats.c.until, on))


async def get(session: AsyncSession, actor: Actor, body_id: UUID, *, now: datetime) -> Shown:
    """Raises NotFound also for who may not read it: ids do not tell what exists."""
    row = (await session.execute(SHOWN.where(bodies.c.id == body_id))).one_or_none()
    if row is None or not policy.has(actor, Right.READ_BODIES, network=row[0].network_id, on=now):
        raise NotFound
    return (await _shown(session, [row], day(now)))[0]


async def shown(session: AsyncSession, body: Body, now: datetime) -> Shown:
    row = (await session.execute(SHOWN.where(bodies.c.id == body.id))).one()
    return (await _shown(session, [row], day(now)))[0]


async def _shown(session: AsyncSession, rows: Sequence[Any], on: date) -> list[Shown]:
    """Two statements, however many bodies."""
    ids = [row[0].id for row in rows if row[0].seated]
    if not ids:
        return [Shown(row[0], row[1], 0, 0, ()) for row in rows]
    held = and_(mandates.c.seat_id == seats.c.id, _running(on))
    here = and_(seats.c.body_id.in_(ids), _there(on))
    counted = select(seats.c.body_id, func.count(seats.c.id), func.count(mandates.c.id)).outerjoin(mandates, held)
    figures = {row[0]: row[1:] for row in await session.execute(counted.where(here).group_by(seats.c.body_id))}
    place = func.row_number().over(partition_by=seats.c.body_id, order_by=(seats.c.title, seats.c.id))
    empty = select(seats.c.id, place.label("place")).outerjoin(mandates, held).where(here, mandates.c.id.is_(None))
    first = empty.subquery()
    named = select(Seat).join(first, first.c.id == seats.c.id).where(first.c.place <= MOST_NAMED)
    vacant: dict[UUID, list[Seat]] = {}
    for seat in (await session.execute(named.order_by(seats.c.title, seats.c.id))).scalars():
        vacant.setdefault(seat.body_id, []).append(seat)
    found = []
    for row in rows:
        of, count = figures.get(row[0].id, (0, 0))
        found.append(Shown(row[0], row[1], count, of, vacant.get(row[0].id, [])))
    return found


async def seats_of(
    session: AsyncSession,
    actor: Actor,
    body_id: UUID,
    *,
    on: date | None = None,
    vacant: bool | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Placed]:
    """The seats that are there on a day (today), with their holders of that day; `vacant` leaves out one or the
    other. Raises NotFound like `get`."""
    body = await _readable(session, actor, body_id, now)
    at = on or day(now)
    query = _placed(at).where(seats.c.body_id == body.id, _there(at))
    if vacant is not None:
        query = query.where(mandates.c.id.is_(None) if vacant else mandates.c.id.is_not(None))
    found = await page(session, query, key=[seats.c.title, seats.c.id], after=after, limit=limit)
    return Page([_placed_row(row) for row in found.items], found.next)


async def seats_in(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    vacant: bool | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Placed]:
    """The seats of all bodies of a network that are not dissolved, as they are today."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_BODIES, network=network_id, on=now)
    query = _placed(day(now)).where(
        seats.c.network_id == network_id, _there(day(now)), bodies.c.state != State.DISSOLVED
    )
    if vacant is not None:
        query = query.where(mandates.c.id.is_(None) if vacant else mandates.c.id.is_not(None))
    found = await page(session, query, key=[bodies.c.name, seats.c.title, seats.c.id], after=after, limit=limit)
    return Page([_placed_row(row) for row in found.items], found.next)


async def held_and_all(session: AsyncSession, network_id: UUID, now: datetime) -> tuple[int, int]:
    """How many seats of a network's bodies are held today, and how many there are."""
    on = day(now)
    query = (
        select(func.count(mandates.c.id), func.count(seats.c.id))
        .select_from(seats)
        .join(bodies, bodies.c.id == seats.c.body_id)
        .outerjoin(mandates, and_(mandates.c.seat_id == seats.c.id, _running(on)))
        .where(seats.c.network_id == network_id, _there(on), bodies.c.state != State.DISSOLVED)
    )
    held, seats_there = (await session.execute(query)).one()
    return held, seats_there


def _placed(on: date) -> Select[Any]:
    return (
        select(Seat, Body, organisations.c.title, Mandate, PERSON_NAME)
        .join(bodies, bodies.c.id == seats.c.body_id)
        .outerjoin(organisations, organisations.c.id == seats.c.organisation_id)
        .outerjoin(mandates, and_(mandates.c.seat_id == seats.c.id, _running(on)))
        .outerjoin(people, people.c.id == mandates.c.person_id)
    )


def _placed_row(row: Any) -> Placed:
    one, body, organisation, holder, person = row[:5]  # a page's rows have its keys behind
    return Placed(one, body, organisation, holder, person and person.strip())


async def seat(session: AsyncSession, actor: Actor, seat_id: UUID, *, now: datetime) -> Placed:
    """A seat with its holder of today. Raises NotFound."""
    row = (await session.execute(_placed(day(now)).where(seats.c.id == seat_id))).one_or_none()
    if row is None or not policy.has(actor, Right.READ_BODIES, network=row[0].network_id, on=now):
        raise NotFound
    return _placed_row(row)


async def placed(session: AsyncSession, one: Seat, now: datetime) -> Placed:
    return _placed_row((await session.execute(_placed(day(now)).where(seats.c.id == one.id))).one())


async def members(
    session: AsyncSession,
    actor: Actor,
    body_id: UUID,
    *,
    on: date | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Named]:
    """Who belongs to the body on a day (today), whatever its composition: the mandates that make them. Raises
    NotFound like `get`."""
    body = await _readable(session, actor, body_id, now)
    query = NAMED.where(belonging(body), _running(on or day(now)))
    found = await page(session, query, key=[mandates.c.id], after=after, limit=limit)
    return Page([named_row(row) for row in found.items], found.next)


def belonging(body: Body) -> ColumnElement[bool]:
    """The mandates that make somebody belong to the body, on whatever day they hold."""
    if body.composition is not Composition.BY_TERRITORY:
        return mandates.c.body_id == body.id
    assert body.territory is not None
    inside = mandates.c.territory.in_(mandate_queries.codes_within(body.territory))
    return and_(
        mandates.c.network_id == body.network_id,
        or_(
            and_(mandates.c.role.in_([Role(role) for role in body.roles]), inside),
            and_(mandates.c.role == Role.COORDINATOR, mandates.c.territory == body.territory),
        ),
    )


async def _readable(session: AsyncSession, actor: Actor, body_id: UUID, now: datetime) -> Body:
    body = await session.get(Body, body_id)
    if body is None or not policy.has(actor, Right.READ_BODIES, network=body.network_id, on=now):
        raise NotFound
    return body


# --- for other slices ------------------------------------------------------------------------------------------------


async def of_network(
    session: AsyncSession,
    network_id: UUID,
    *,
    kind: Sequence[Kind] = (),
    territory: str | None = None,
    state: Sequence[State] = (State.FORMING, State.CONSTITUTED),
) -> Sequence[Body]:
    """The bodies of a network by kind, by their very territory and by state (the dissolved are left out), by id."""
    query = select(Body).where(bodies.c.network_id == network_id, bodies.c.state.in_(state)).order_by(bodies.c.id)
    if kind:
        query = query.where(bodies.c.kind.in_(kind))
    if territory is not None:
        query = query.where(bodies.c.territory == territory)
    return (await session.execute(query)).scalars().all()


async def active_members(session: AsyncSession, network_id: UUID) -> int:
    active = and_(memberships.c.network_id == network_id, memberships.c.state == MembershipState.ACTIVE)
    return int((await session.execute(select(func.count()).select_from(memberships).where(active))).scalar_one())


# --- who covers a body -----------------------------------------------------------------------------------------------

COVER = "cover"
"""The kind of due row that waits for another look at who covers a body."""


async def look_at_cover(session: AsyncSession, body_ids: Iterable[UUID], now: datetime) -> None:
    """Somebody may cover these bodies now, or no longer: the due table will look, once this is committed."""
    rows = [{"id": uuid7(), "body_id": body_id} for body_id in sorted(set(body_ids))]
    if rows:
        await session.execute(insert(cover_looks), rows)
        await schedule_many(session, COVER, [(row["id"], now) for row in rows])


async def covers_to_see(session: AsyncSession, ids: Sequence[UUID]) -> tuple[Sequence[Body], list[UUID]]:
    """The bodies that these looks are at, locked, and the looks at bodies that a command holds: waiting for it could
    deadlock, as it waits for the due rows."""
    asked_for = await session.execute(select(cover_looks).where(cover_looks.c.id.in_(ids)))
    looks = {row.id: row.body_id for row in asked_for}
    asked = set(looks.values())
    query = select(Body).where(bodies.c.id.in_(asked)).order_by(bodies.c.id).with_for_update(skip_locked=True)
    found = (await session.execute(query.execution_options(populate_existing=True))).scalars().all()
    there = {body.id for body in found}
    await session.execute(delete(cover_looks).where(cover_looks.c.id.in_(ids), cover_looks.c.body_id.in_(there)))
    return found, sorted(id_ for id_, body_id in looks.items() if body_id not in there)


async def terms_of(session: AsyncSession, covered: Collection[Body]) -> dict[UUID, list[Term]]:
    """The terms of all who hold, held or will hold the role that each of these bodies needs."""
    held: dict[UUID, list[Term]] = {body.id: [] for body in covered}
    needed = [(body.id, body.needed_role) for body in covered if body.needed_role]
    query = select(mandates.c.body_id, mandates.c.since, mandates.c.ends)
    for body_id, since, ends in await session.execute(
        query.where(tuple_(mandates.c.body_id, mandates.c.role).in_(needed))
    ):
        held[body_id].append((since, ends))
    return held


# --- locks -----------------------------------------------------------------------------------------------------------


async def for_update(session: AsyncSession, body_id: UUID) -> Body:
    """The body, its row locked; raises NotFound. The right to change it is the caller's to check."""
    body = await session.get(Body, body_id, with_for_update=True, populate_existing=True)
    if body is None:
        raise NotFound
    return body


async def writable(session: AsyncSession, actor: Actor, body_id: UUID, right: Right, now: datetime) -> Body:
    """The body, locked. Raises NotFound when the actor may not even read it, Forbidden when that is all."""
    body = await for_update(session, body_id)
    if not policy.has(actor, Right.READ_BODIES, network=body.network_id, on=now):
        raise NotFound
    policy.require(actor, right, network=body.network_id, body=body.id, on=now)
    return body


async def seat_for_update(session: AsyncSession, seat_id: UUID) -> Seat:
    """The seat, its row locked; raises NotFound."""
    found = await session.get(Seat, seat_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound
    return found


async def seat_for(session: AsyncSession, mandate: Mandate) -> tuple[UUID | None, UUID | None, UUID | None]:
    """(body, seat, the seat's organisation) of a mandate that names a body or a seat: in a body with a seat of each
    member that of its organisation, on its first day if there are several. Not locked: neither ever changes.

    Raises InvalidPlace for a body or a seat that the network does not have: ids of others do not tell what exists.
    """
    if mandate.seat_id is not None:
        known = select(seats.c.body_id, seats.c.id, seats.c.organisation_id).where(
            seats.c.id == mandate.seat_id, seats.c.network_id == mandate.network_id
        )
        row = (await session.execute(known)).one_or_none()
        if row is None:
            raise InvalidPlace("seat_id", "unknown", "a seat of a body of this network")
        return mandate.body_id or row.body_id, row.id, row.organisation_id
    known_body = select(bodies.c.composition).where(
        bodies.c.id == mandate.body_id, bodies.c.network_id == mandate.network_id
    )
    composition = await session.scalar(known_body)
    if composition is None:
        raise InvalidPlace("body_id", "unknown", "a body of this network")
    if composition is not Composition.ONE_PER_MEMBER:
        return mandate.body_id, None, None
    if mandate.organisation_id is None:
        raise InvalidPlace("organisation_id", "missing", "the member whose seat it is")
    there = _there(mandate.since)
    own = select(seats.c.id).where(
        seats.c.body_id == mandate.body_id, seats.c.organisation_id == mandate.organisation_id
    )
    seat_id = await session.scalar(own.order_by(there.desc(), seats.c.since.desc()).limit(1))
    if seat_id is None:
        raise InvalidPlace("organisation_id", "no_seat", "an active member of the network")
    return mandate.body_id, seat_id, mandate.organisation_id


async def place_of(session: AsyncSession, mandate: Mandate) -> tuple[Body, Seat | None]:
    """The body and the seat that the mandate names, kept as they are until the transaction ends."""
    assert mandate.body_id is not None
    shared: Any = {"with_for_update": {"read": True}, "populate_existing": True}
    body = await session.get(Body, mandate.body_id, **shared)
    if body is None:
        raise InvalidPlace("body_id", "unknown", "a body of this network")
    held = await session.get(Seat, mandate.seat_id, **shared) if mandate.seat_id else None
    return body, held
