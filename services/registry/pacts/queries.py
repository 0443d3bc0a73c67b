"""Reading pacts, who follows them, and the locks with which commands take them. Nothing here opens what is sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Text, and_, cast, delete, false, func, insert, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.bodies.tables import bodies
from services.registry.commitments.rules import Source
from services.registry.commitments.rules import State as CommitmentState
from services.registry.commitments.tables import commitments
from services.registry.mandates import queries as mandate_queries
from services.registry.mandates.tables import mandates
from services.registry.networks import queries as networks
from services.registry.organisations.rules import Kind as OrganisationKind
from services.registry.organisations.rules import Ownership
from services.registry.organisations.tables import memberships, organisations
from services.registry.pacts.rules import (
    OPEN,
    Capacity,
    Making,
    Obligation,
    Outcome,
    Pact,
    Published,
    Side,
    State,
    Step,
    UnknownPact,
    publish,
    publish_within,
    sides_of,
)
from services.registry.pacts.sealing import PactKey, Vault, Wrapped
from services.registry.pacts.tables import (
    pact_keys,
    pact_looks,
    pact_obligations,
    pact_readings,
    pact_renewals,
    pact_steps,
    pacts,
)
from services.registry.people.tables import known_people, people
from services.registry.policy import FOLLOWING_PACTS, Right, policy
from shared import territories
from shared.access.actor import FOR_THE_NETWORK, Actor, Grant
from shared.access.roles import Role
from shared.runtime.due import schedule_many
from shared.runtime.paging import DEFAULT, Page, page

DUE = "pact"
"""The kind of due row that waits for another look at who follows a promoter's pacts."""
Promoter = tuple[UUID | None, UUID | None]
"""A body or an organisation: one of the two ids."""


@dataclass(frozen=True)
class Owed:
    """The commitment that an obligation has become."""

    id: UUID
    state: CommitmentState


@dataclass(frozen=True)
class Shown:
    """A pact with its parts, the names of whom it names (never the beneficiary's), and the commitments made by it."""

    pact: Pact
    obligations: Sequence[Obligation]
    steps: Sequence[Step]
    names: Mapping[UUID, str]
    owed: Mapping[UUID, Owed]
    renewals: Sequence[Row[Any]] = ()

    @property
    def version(self) -> int:
        return self.pact.version


@dataclass
class Parts:
    obligations: list[Obligation] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def place(pact: Pact) -> dict[str, Any]:
    """Where a pact is, as the policy asks: of a body's pact it does not matter which organisation sends the maker."""
    where: dict[str, Any] = {"network": pact.network_id, "body": pact.body_id, "territory": pact.territory}
    return where if pact.body_id else {**where, "organisation": pact.organisation_id}


def capacity(actor: Actor, pact: Pact, now: datetime) -> Capacity | None:
    """As whom the actor may read what is written about the person: the pact's own maker while in office, a coordinator
    of its territory. Nobody else: no administrator, no secretariat, no partner's key."""
    if actor.person_id is None:
        return None
    if actor.person_id == pact.maker_id and actor.holds(Role.COMMUNITY_MAKER, on=now, **place(pact)):
        return Capacity.MAKER
    if actor.holds(Role.COORDINATOR, on=now, network=pact.network_id, territory=pact.territory):
        return Capacity.COORDINATOR
    return None


async def get(session: AsyncSession, actor: Actor, pact_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownPact also for who may not read it: ids do not tell what exists."""
    pact = await session.get(Pact, pact_id)
    if pact is None or not policy.has(actor, Right.READ_PACTS, on=now, **place(pact)):
        raise UnknownPact(pact_id)
    return (await shown(session, [pact]))[0]


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    kind: Sequence[Any] = (),
    state: Sequence[State] = (),
    outcome: Sequence[Outcome] = (),
    year: Sequence[int] = (),
    body: Sequence[UUID] = (),
    organisation: Sequence[UUID] = (),
    maker: Sequence[UUID] = (),
    territory: Sequence[str] = (),
    on: date | None = None,
    q: str | None = None,
    updated_since: datetime | None = None,
    sort: Literal["id", "-id", "updated", "-updated"] = "id",
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The pacts of a network that the caller may know of. `on`: signed, and running on that day; `q` is part of a
    code."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_PACTS, network=network_id, on=now)
    query = select(Pact).where(pacts.c.network_id == network_id, _visible(actor, network_id, now))
    for column, values in (
        (pacts.c.kind, kind),
        (pacts.c.state, state),
        (pacts.c.outcome, outcome),
        (pacts.c.year, year),
        (pacts.c.body_id, body),
        (pacts.c.organisation_id, organisation),
        (pacts.c.maker_id, maker),
        (pacts.c.territory, [code for whole in territory for code in mandate_queries.codes_within(whole)]),
    ):
        if values:
            query = query.where(column.in_(values))
    if on:
        ends = func.least(pacts.c.until, func.coalesce(pacts.c.closed_on, pacts.c.until))
        query = query.where(pacts.c.since <= on, ends > on)
    if q and (wanted := q.strip().upper()):
        number = cast(pacts.c.number, Text)
        code = func.concat("PG-", pacts.c.year, "-", func.lpad(number, func.greatest(4, func.length(number)), "0"))
        query = query.where(func.strpos(code, wanted) > 0)
    if updated_since:
        query = query.where(pacts.c.updated_at >= updated_since)
    key: list[ColumnElement[Any]] = [pacts.c.id] if sort.endswith("id") else [pacts.c.updated_at, pacts.c.id]
    found = await page(session, query, key=key, after=after, limit=limit, descending=sort.startswith("-"))
    return Page(await shown(session, found.items), found.next)


def _visible(actor: Actor, network_id: UUID, now: datetime) -> ColumnElement[bool]:
    """What `Right.READ_PACTS` lets somebody see, where the database has to choose rows by it."""
    if actor.admin or actor.key_id is not None:
        return true()
    own = (g for g in actor.current(now) if g.network_id == network_id and g.role in FOLLOWING_PACTS)
    return or_(false(), *(_reached(grant) for grant in own))


def _reached(grant: Grant) -> ColumnElement[bool]:
    bounds: list[ColumnElement[bool]] = [true()]
    if grant.body_id is not None:
        bounds.append(pacts.c.body_id == grant.body_id)
    if grant.organisation_id is not None and grant.role not in FOR_THE_NETWORK:
        bounds.append(or_(pacts.c.body_id.is_not(None), pacts.c.organisation_id == grant.organisation_id))
    if grant.territory is not None:
        bounds.append(pacts.c.territory.in_(mandate_queries.codes_within(grant.territory)))
    return and_(*bounds)


async def shown(session: AsyncSession, some: Sequence[Pact]) -> list[Shown]:
    """Seven statements, however many pacts."""
    ids = [pact.id for pact in some]
    if not ids:
        return []
    parts = await parts_of(session, ids)
    renewed: dict[UUID, list[Row[Any]]] = {}
    again = select(pact_renewals).where(pact_renewals.c.pact_id.in_(ids)).order_by(*pact_renewals.primary_key.columns)
    for row in await session.execute(again):
        renewed.setdefault(row.pact_id, []).append(row)
    obliged = [one for part in parts.values() for one in part.obligations]
    names = await _names(session, some, obliged)
    owed = await _owed(session, {one.id for one in obliged})
    return [
        Shown(pact, parts[pact.id].obligations, parts[pact.id].steps, names, owed, renewed.get(pact.id, ()))
        for pact in some
    ]


async def parts_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Parts]:
    found = {id_: Parts() for id_ in ids}
    obliged = select(Obligation).where(pact_obligations.c.pact_id.in_(ids)).order_by(pact_obligations.c.number)
    for obligation in (await session.execute(obliged)).scalars():
        found[obligation.pact_id].obligations.append(obligation)
    stepped = select(Step).where(pact_steps.c.pact_id.in_(ids)).order_by(pact_steps.c.number)
    for step in (await session.execute(stepped)).scalars():
        found[step.pact_id].steps.append(step)
    return found


async def _names(session: AsyncSession, some: Sequence[Pact], obliged: Sequence[Obligation]) -> dict[UUID, str]:
    asked = (
        (select(bodies.c.id, bodies.c.name), bodies.c.id, {pact.body_id for pact in some}),
        (
            select(organisations.c.id, organisations.c.title),
            organisations.c.id,
            {pact.organisation_id for pact in some} | {one.organisation_id for one in obliged},
        ),
        (
            select(people.c.id, mandate_queries.PERSON_NAME),
            people.c.id,
            {pact.maker_id for pact in some} | {one.person_id for one in obliged},
        ),
    )
    names: dict[UUID, str] = {}
    for query, column, ids in asked:
        if wanted := ids - {None}:
            names |= {id_: name.strip() for id_, name in await session.execute(query.where(column.in_(wanted)))}
    return names


async def _owed(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Owed]:
    query = select(commitments.c.source_id, commitments.c.id, commitments.c.state).where(
        commitments.c.source == Source.PACT, commitments.c.source_id.in_(ids)
    )
    return {source: Owed(id_, state) for source, id_, state in await session.execute(query)} if ids else {}


async def readings(
    session: AsyncSession, actor: Actor, pact_id: UUID, *, after: str | None = None, limit: int = DEFAULT, now: datetime
) -> Page[Row[Any]]:
    """Who has read what is written about the person, when and why, with the reader's name."""
    pact = (await get(session, actor, pact_id, now=now)).pact
    policy.require(actor, Right.READ_PACT_READINGS, on=now, **place(pact))
    query = select(pact_readings, mandate_queries.PERSON_NAME.label("name"))
    query = query.outerjoin(people, people.c.id == pact_readings.c.person_id).where(pact_readings.c.pact_id == pact.id)
    return await page(session, query, key=[pact_readings.c.id], after=after, limit=limit)


# --- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """Counts that may be published; `promoters` by territory (a province, or a region), as far as that is told."""

    standing: Published[str]
    years: Published[int]
    territories: Published[str]
    promoters: Mapping[str, Published[UUID]]
    names: Mapping[UUID, str]

    @property
    def total(self) -> int | None:
        return self.standing.total


async def statistics(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Figures:
    """Of all pacts of the network. There are no filters: the difference of two answers would tell what one hides."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_PACT_STATISTICS, network=network_id, on=now)
    promoter = func.coalesce(pacts.c.body_id, pacts.c.organisation_id)
    grouped = (pacts.c.state, pacts.c.outcome, pacts.c.year, pacts.c.territory, promoter)
    rows = await session.execute(
        select(*grouped, func.count()).where(pacts.c.network_id == network_id).group_by(*grouped)
    )
    standing: dict[str, int] = {}
    years: dict[int, int] = {}
    within: dict[str, dict[UUID, int]] = {}
    for state, outcome, year, territory, who, count in rows:
        how = f"{state}/{outcome}" if outcome else str(state)
        standing[how] = standing.get(how, 0) + count
        years[year] = years.get(year, 0) + count
        inner = within.setdefault(province_of(territory), {})
        inner[who] = inner.get(who, 0) + count
    outer, promoters = publish_within(within)
    named = {who for table in promoters.values() for who in table.cells}
    names = await _promoters(session, named)
    return Figures(publish(standing), publish(years), outer, promoters, names)


async def _promoters(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    groups = select(bodies.c.id, bodies.c.name).where(bodies.c.id.in_(ids))
    members = select(organisations.c.id, organisations.c.title).where(organisations.c.id.in_(ids))
    return {id_: name for id_, name in await session.execute(groups.union_all(members))}  # noqa: C416


def province_of(territory: str) -> str:
    """The province of a municipality; a province and a region stand for themselves."""
    municipality = territories.load().municipality(territory)
    return municipality.province_code if municipality is not None else territory


# --- locks, keys -----------------------------------------------------------------------------------------------------


async def known(session: AsyncSession, actor: Actor, pact_id: UUID, now: datetime) -> Pact:
    """The pact as it is, not locked. Raises UnknownPact for who may not even read it."""
    pact = await session.get(Pact, pact_id)
    if pact is None or not policy.has(actor, Right.READ_PACTS, on=now, **place(pact)):
        raise UnknownPact(pact_id)
    return pact


async def for_update(session: AsyncSession, actor: Actor, pact_id: UUID, now: datetime) -> Pact:
    """The pact, its row locked. Raises UnknownPact for who may not even read it; the right is the caller's to check."""
    return await _locked(session, actor, pact_id, now)


async def for_share(session: AsyncSession, actor: Actor, pact_id: UUID, now: datetime) -> Pact:
    """As `for_update`, side by side with others who only read: what is there stays until the transaction ends."""
    return await _locked(session, actor, pact_id, now, read=True)


async def _locked(session: AsyncSession, actor: Actor, pact_id: UUID, now: datetime, *, read: bool = False) -> Pact:
    """As it is now: `Session.get` would refuse what was changed since it was read."""
    await known(session, actor, pact_id, now)
    query = select(Pact).where(pacts.c.id == pact_id).with_for_update(read=read)
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def key_of(session: AsyncSession, vault: Vault, pact_id: UUID) -> PactKey:
    """Raises Unreadable. A pact that was erased is refused before."""
    row = (await session.execute(select(pact_keys).where(pact_keys.c.pact_id == pact_id))).one()
    return vault.unwrap(pact_id, Wrapped(row.key_id, row.wrapped))


async def next_number(session: AsyncSession, network_id: UUID, year: int) -> int:
    """The next number of a network's year, which nobody else takes until the transaction ends."""
    lock = func.pg_advisory_xact_lock(func.hashtextextended(f"pacts {network_id} {year}", 0))
    await session.execute(select(lock))
    last = select(func.max(pacts.c.number)).where(pacts.c.network_id == network_id, pacts.c.year == year)
    return (await session.scalar(last) or 0) + 1


# --- who may hold what -----------------------------------------------------------------------------------------------


async def sides_of_member(session: AsyncSession, network_id: UUID, organisation_id: UUID) -> tuple[Side, ...] | None:
    """For which kinds of actors a member may stand; None when the network has no such member."""
    query = (
        select(organisations.c.kind, organisations.c.ownership)
        .join(memberships, memberships.c.organisation_id == organisations.c.id)
        .where(
            memberships.c.network_id == network_id,
            memberships.c.organisation_id == organisation_id,
            memberships.c.state.in_(mandate_queries.MEMBERS),
        )
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    return sides_of(OrganisationKind(row.kind), Ownership(row.ownership) if row.ownership else None)


async def seat_of_member(session: AsyncSession, network_id: UUID, organisation_id: UUID) -> tuple[bool, str | None]:
    """(whether the network has such a member, the municipality of its seat)."""
    query = (
        select(organisations.c.municipality)
        .join(memberships, memberships.c.organisation_id == organisations.c.id)
        .where(
            memberships.c.network_id == network_id,
            memberships.c.organisation_id == organisation_id,
            memberships.c.state.in_(mandate_queries.MEMBERS),
        )
    )
    row = (await session.execute(query)).one_or_none()
    return row is not None, row.municipality if row is not None else None


async def knows(session: AsyncSession, network_id: UUID, person_id: UUID) -> bool:
    query = (
        select(people.c.id)
        .join(known_people, known_people.c.person_id == people.c.id)
        .where(known_people.c.network_id == network_id, people.c.id == person_id, people.c.erased_at.is_(None))
    )
    return await session.scalar(query) is not None


# --- who follows pacts -----------------------------------------------------------------------------------------------


async def makings(
    session: AsyncSession, network_id: UUID, promoters: Collection[Promoter]
) -> dict[Promoter, list[Making]]:
    """The terms of all community makers of these promoters, past and future ones too. An organisation's own makers are
    those whom it has in no body."""
    found: dict[Promoter, list[Making]] = {promoter: [] for promoter in promoters}
    inside = {body_id for body_id, _ in promoters if body_id}
    outside = {organisation_id for _, organisation_id in promoters if organisation_id}
    query = select(
        *(mandates.c[name] for name in ("person_id", "body_id", "organisation_id", "seat_id", "since", "ends"))
    )
    query = query.where(
        mandates.c.network_id == network_id,
        mandates.c.role == Role.COMMUNITY_MAKER,
        or_(
            mandates.c.body_id.in_(inside),
            and_(mandates.c.body_id.is_(None), mandates.c.organisation_id.in_(outside)),
        ),
    )
    for person_id, body_id, organisation_id, seat_id, since, ends in await session.execute(query):
        promoter = (body_id, None) if body_id else (None, organisation_id)
        found[promoter].append(Making(person_id, seat_id, since, ends))
    return found


async def look_at_makers(session: AsyncSession, promoters: Iterable[Promoter], now: datetime) -> None:
    """Who follows the pacts of these promoters may have changed: the due table will look, once this is committed."""
    rows = [
        {"id": uuid7(), "body_id": body_id, "organisation_id": None if body_id else organisation_id}
        for body_id, organisation_id in dict.fromkeys(promoters)
        if body_id or organisation_id
    ]
    if rows:
        await session.execute(insert(pact_looks), rows)
        await schedule_many(session, DUE, [(row["id"], now) for row in rows])  # type: ignore[misc]


async def looks_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Promoter]:
    rows = await session.execute(select(pact_looks).where(pact_looks.c.id.in_(ids)))
    return {row.id: (row.body_id, row.organisation_id) for row in rows}


async def looked(session: AsyncSession, ids: Collection[UUID]) -> None:
    await session.execute(delete(pact_looks).where(pact_looks.c.id.in_(ids)))


async def running_for_update(
    session: AsyncSession, promoters: Collection[Promoter]
) -> tuple[Sequence[Pact], set[Promoter]]:
    """The pacts of these promoters that somebody has to follow, locked, and the promoters of which a command holds one:
    waiting for it could deadlock, as it waits for the due rows."""
    query = select(Pact).where(pacts.c.state.in_(OPEN), _promoted(promoters)).order_by(pacts.c.id)
    locked = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    found = (await session.execute(locked)).scalars().all()
    there = {pact.id for pact in found}
    every = select(pacts.c.id, pacts.c.body_id, pacts.c.organisation_id).where(
        pacts.c.state.in_(OPEN), _promoted(promoters)
    )
    rows = await session.execute(every)
    return found, {(row.body_id, row.organisation_id) for row in rows if row.id not in there}


def _promoted(promoters: Collection[Promoter]) -> ColumnElement[bool]:
    inside = {body_id for body_id, _ in promoters if body_id}
    outside = {organisation_id for _, organisation_id in promoters if organisation_id}
    return or_(pacts.c.body_id.in_(inside), pacts.c.organisation_id.in_(outside))


async def keys_to_rewrap(session: AsyncSession, current: str, after: UUID, limit: int) -> Sequence[Row[Any]]:
    """Keys that another master key than the current one has wrapped, locked, in the order of their pacts."""
    query = select(pact_keys).where(pact_keys.c.key_id != current, pact_keys.c.pact_id > after)
    return (await session.execute(query.order_by(pact_keys.c.pact_id).limit(limit).with_for_update())).all()
