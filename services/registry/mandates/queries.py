"""Reading mandates, and the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Date, Row, Text, Uuid, and_, bindparam, case, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from services.registry.bodies.tables import bodies
from services.registry.mandates.rules import (
    Mandate,
    NotAMember,
    Office,
    State,
    UnknownMandate,
    UnknownPerson,
    UnknownTerritory,
)
from services.registry.mandates.tables import mandates
from services.registry.networks import queries as networks
from services.registry.organisations.rules import State as MembershipState
from services.registry.organisations.tables import memberships, organisations
from services.registry.people.tables import known_people, people
from services.registry.policy import Right, policy
from services.registry.processing import commands as processing
from shared import territories
from shared.access.actor import Actor, day
from shared.access.roles import Role
from shared.runtime.paging import DEFAULT, Page, page

MEMBERS = (MembershipState.CANDIDATE, MembershipState.ACTIVE)
"""Memberships in which an organisation may give mandates."""


@dataclass(frozen=True)
class Named:
    """A mandate with the names of those whom it concerns."""

    mandate: Mandate
    person: str
    organisation: str | None
    body: str | None = None

    @property
    def version(self) -> int:
        return self.mandate.version


PERSON_NAME = people.c.given_name + " " + people.c.family_name
NAMED = (
    select(Mandate, PERSON_NAME, organisations.c.title, bodies.c.name)
    .join(people, people.c.id == mandates.c.person_id)
    .outerjoin(organisations, organisations.c.id == mandates.c.organisation_id)
    .outerjoin(bodies, bodies.c.id == mandates.c.body_id)
)


def named_row(row: Row[Mandate, str, str, str]) -> Named:
    return Named(row[0], row[1].strip(), row[2], row[3])


async def person_name(session: AsyncSession, person_id: UUID) -> str:
    """As people know them; empty for somebody who was erased."""
    return (await session.execute(select(PERSON_NAME).where(people.c.id == person_id))).scalar_one().strip()  # type: ignore[no-any-return]


async def named(session: AsyncSession, mandate: Mandate) -> Named:
    return named_row((await session.execute(NAMED.where(mandates.c.id == mandate.id))).one())


async def get(session: AsyncSession, actor: Actor, mandate_id: UUID, *, now: datetime) -> Named:
    """Raises UnknownMandate, or Forbidden: its holder may always read it."""
    row = (await session.execute(NAMED.where(mandates.c.id == mandate_id))).one_or_none()
    if row is None:
        raise UnknownMandate(mandate_id)
    mandate: Mandate = row[0]
    if actor.person_id != mandate.person_id:
        policy.require(actor, Right.READ_MANDATES, network=mandate.network_id, on=now)
    return named_row(row)


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    on: date | None = None,
    state: Sequence[State] = (),
    role: Sequence[Role] = (),
    person: Sequence[UUID] = (),
    organisation: Sequence[UUID] = (),
    territory: Sequence[str] = (),
    body: Sequence[UUID] = (),
    seat: Sequence[UUID] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Named]:
    """The mandates of a network. With a day: those held on it, or in the states asked for on it; without: all, and
    states are today's. A territory includes what lies in it."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_MANDATES, network=network_id, on=now)
    query = NAMED.where(mandates.c.network_id == network_id)
    if state:
        query = query.where(state_on(on or day(now)).in_(state))
    elif on:
        query = query.where(mandates.c.since <= on, or_(mandates.c.ends.is_(None), mandates.c.ends > on))
    for column, values in (
        (mandates.c.role, role),
        (mandates.c.person_id, person),
        (mandates.c.organisation_id, organisation),
        (mandates.c.territory, [code for whole in territory for code in codes_within(whole)]),
        (mandates.c.body_id, body),
        (mandates.c.seat_id, seat),
    ):
        if values:
            query = query.where(column.in_(values))
    if updated_since:
        query = query.where(mandates.c.updated_at >= updated_since)
    found = await page(session, query, key=[mandates.c.id], after=after, limit=limit)
    return Page([named_row(row) for row in found.items], found.next)


def state_on(on: date) -> ColumnElement[str]:
    """`Mandate.state(on)` where the database has to choose rows by it."""
    return case(
        (mandates.c.ended_on <= on, State.ENDED),
        (mandates.c.since > on, State.DESIGNATED),
        (or_(mandates.c.until.is_(None), mandates.c.until > on), State.IN_OFFICE),
        (mandates.c.holds_over, State.HOLDING_OVER),
        else_=State.ENDED,
    )


def territory_of(code: str | None) -> str | None:
    """The code as it is kept: a province by its UTS code (`097`), also from its sigla. Raises UnknownTerritory."""
    if code is None:
        return None
    italy = territories.load()
    match italy.kind_of(code):
        case None:
            raise UnknownTerritory(code)
        case "province":
            province = italy.province(code)
            assert province is not None
            return province.code
        case _:
            return code


def codes_within(territory: str) -> list[str]:
    """The codes of a territory and of all that lies in it; only itself when it is unknown, so that nothing is found."""
    italy = territories.load()
    inside = list(italy.within(territory))
    provinces = {m.province_code for m in inside if territory == m.region}
    whole = {m.province_code for m in inside if territory == m.province} or {territory}
    return [*whole, *provinces, *italy.codes_within(territory)]


# --- locks ----------------------------------------------------------------------------------------------------------


async def lock_office(session: AsyncSession, office: Office, *people: UUID) -> None:
    """One command at a time for an office, which has no row of its own to lock; for one that many hold, one at a time
    for each of these people: the others do not stand in their way."""
    await lock_offices(session, [(office, person) for person in people or (None,)])


async def lock_offices(session: AsyncSession, offices: Iterable[tuple[Office, UUID | None]]) -> None:
    """`lock_office` for many at once: each office with one who holds it or is about to."""
    names = sorted({_name_of(office, person) for office, person in offices})
    await session.execute(LOCK, {"names": names})


LOCK = text("select pg_advisory_xact_lock(hashtextextended(name, 0)) from unnest(:names) as locked(name)").bindparams(
    bindparam("names", type_=ARRAY(Text))
)


def _name_of(office: Office, person: UUID | None) -> str:
    name = (office.network_id, office.role, office.organisation_id, office.territory, office.body_id, office.seat_id)
    return " ".join(map(str, ("office", *name, *(() if office.exclusive or person is None else (person,)))))


async def lock_parties(session: AsyncSession, actor: Actor, mandate: Mandate, now: datetime) -> None:
    """The person stays who they are and the organisation stays a member until the transaction ends.

    Raises NotAMember unless the organisation belongs to the network of the mandate; UnknownPerson unless that network
    knows the person, or another one whose people the actor may read: by the mandate this network gets to know them.
    Who has a family name is neither erased nor in quarantine.
    """
    person = select(people.c.id).where(people.c.id == mandate.person_id, people.c.family_name != "")
    if not actor.admin:
        rooms = {n for n in actor.networks(now) if policy.has(actor, Right.READ_PEOPLE, network=n, on=now)}
        known = select(known_people.c.person_id).where(known_people.c.network_id.in_({mandate.network_id, *rooms}))
        person = person.where(people.c.id.in_(known))
    if not await session.scalar(person.with_for_update(read=True)):
        raise UnknownPerson(mandate.person_id)
    if mandate.organisation_id is not None:
        membership = select(memberships.c.id).where(
            memberships.c.network_id == mandate.network_id,
            memberships.c.organisation_id == mandate.organisation_id,
            memberships.c.state.in_(MEMBERS),
        )
        if not await session.scalar(membership.with_for_update(read=True)):
            raise NotAMember(mandate.organisation_id)
    acquaintance = insert(known_people).values(network_id=mandate.network_id, person_id=mandate.person_id)
    await session.execute(acquaintance.on_conflict_do_nothing())
    await processing.owe(session, mandate.network_id, [mandate.person_id], now)


async def with_office_locked(session: AsyncSession, mandate_id: UUID, *successors: UUID) -> Mandate:
    """The mandate, its office locked (it never changes), its days still to be locked; raises UnknownMandate."""
    mandate = await session.get(Mandate, mandate_id)
    if mandate is None:
        raise UnknownMandate(mandate_id)
    await lock_office(session, mandate.office, mandate.person_id, *successors)
    return mandate


async def for_update(session: AsyncSession, mandate_id: UUID) -> Mandate:
    """The mandate, its office and its row locked; raises UnknownMandate."""
    mandate = await with_office_locked(session, mandate_id)
    await session.refresh(mandate, with_for_update=True)
    return mandate


async def of_office(session: AsyncSession, office: Office, *people: UUID) -> Sequence[Mandate]:
    """The mandates of an office that can stand in somebody's way, as they are now, locked in the order of their ids:
    all of them if it has one holder, else those of these people."""
    query = select(Mandate).where(mandates.c.network_id == office.network_id, mandates.c.role == office.role)
    if office.body_id is not None:
        query = query.where(mandates.c.body_id == office.body_id)
        query = query.where(mandates.c.seat_id.is_not_distinct_from(office.seat_id))
    else:
        query = query.where(mandates.c.body_id.is_(None), mandates.c.territory.is_not_distinct_from(office.territory))
        if office.role is not Role.COORDINATOR:
            query = query.where(mandates.c.organisation_id.is_not_distinct_from(office.organisation_id))
    if not office.exclusive:
        query = query.where(mandates.c.person_id.in_(people))
    query = query.where(~mandates.c.beside)
    query = query.order_by(mandates.c.id).with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalars().all()


async def of_member(session: AsyncSession, network_id: UUID, organisation_id: UUID, on: date) -> Sequence[Mandate]:
    """The mandates given by a member that last beyond that day, locked. The caller holds the membership's row."""
    query = select(Mandate).where(
        mandates.c.network_id == network_id,
        mandates.c.organisation_id == organisation_id,
        lasts(on),
    )
    return (await session.execute(query.order_by(mandates.c.id).with_for_update())).scalars().all()


def lasts(on: date) -> ColumnElement[bool]:
    """Held beyond that day, or about to be. A designation withdrawn in time has no day at all: `ends` is its first."""
    return and_(
        or_(mandates.c.ends.is_(None), mandates.c.ends > on),
        or_(mandates.c.ended_on.is_(None), mandates.c.ended_on > on),
    )


async def lasting(
    session: AsyncSession, on: date, *, body: UUID | None = None, seat: UUID | None = None
) -> Sequence[Mandate]:
    """The mandates of a body, or of one seat, that last beyond that day, locked. The caller holds the body's or the
    seat's row, so that none is added."""
    query = select(Mandate).where(lasts(on))
    query = query.where(mandates.c.body_id == body) if body is not None else query.where(mandates.c.seat_id == seat)
    query = query.order_by(mandates.c.id).with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalars().all()


async def in_body(session: AsyncSession, body_id: UUID, person_id: UUID, on: date) -> Sequence[UUID]:
    """The mandates of a person in a body that last beyond that day, by id; not locked."""
    query = select(mandates.c.id).where(mandates.c.body_id == body_id, mandates.c.person_id == person_id, lasts(on))
    return (await session.execute(query.order_by(mandates.c.id))).scalars().all()


async def write(session: AsyncSession, changed: Sequence[Mandate]) -> None:
    """What turns and ends have changed of these mandates, locked: one statement, where the unit of work sends one for
    each. A clock that jumps, a member that leaves or a body that is dissolved may concern thousands."""
    columns = {name: [getattr(mandate, name) for mandate in changed] for name in ("id", *TURNING)}
    with session.no_autoflush:
        await session.execute(WRITE, columns)
    for mandate in changed:  # they are what the database has now: the unit of work has nothing more to send
        for name in TURNING:
            set_committed_value(mandate, name, getattr(mandate, name))
        set_committed_value(mandate, "version", mandate.version + 1)


TURNING = ("told", "ended_on", "end_reason")
WRITE = text(
    "update mandates m set told = new.told, ended_on = new.ended_on, end_reason = new.end_reason,"
    " version = m.version + 1, updated_at = now() from unnest(:id, :told, :ended_on, :end_reason)"
    " as new(id, told, ended_on, end_reason) where m.id = new.id"
).bindparams(
    bindparam("id", type_=ARRAY(Uuid)),
    bindparam("told", type_=ARRAY(Text)),
    bindparam("ended_on", type_=ARRAY(Date)),
    bindparam("end_reason", type_=ARRAY(Text)),
)


async def unlocked_for_update(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Mandate]:
    """Those that no command holds. Waiting for the others could deadlock: a command waits for their due rows."""
    query = select(Mandate).where(mandates.c.id.in_(ids)).order_by(mandates.c.id).with_for_update(skip_locked=True)
    return (await session.execute(query)).scalars().all()
