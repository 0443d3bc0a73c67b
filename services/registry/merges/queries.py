"""What a merge would do, before anybody does it; and who may be a duplicate of whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, func, literal, select, text, union_all
from sqlalchemy import Uuid as UuidType
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.commitments.tables import commitments
from services.registry.mandates import queries as mandate_queries
from services.registry.mandates.rules import Mandate
from services.registry.mandates.tables import mandates
from services.registry.merges import rules
from services.registry.merges.rules import Conflict, Reconciled, SameOrganisation, Seats
from services.registry.networks import queries as networks
from services.registry.organisations import queries as organisations
from services.registry.organisations import rules as organisation_rules
from services.registry.organisations.rules import Membership, Organisation
from services.registry.organisations.tables import memberships
from services.registry.organisations.tables import organisations as organisation_table
from services.registry.people.tables import people
from services.registry.policy import Right, policy
from services.registry.store import mapper
from shared.access.actor import Actor, day
from shared.access.policy import Forbidden
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotFound
from shared.runtime.repointing import naming_organisations

STAYS = frozenset({"import_rows.organisation_id", "merges.id"})
"""Columns in which a duplicate goes on to be named: what became of a row of a file, and that it was merged."""
COPIES = frozenset({"directory.organisation_id", "directory_facets.organisation_id"})
"""Written by triggers."""


@dataclass
class Plan:
    """What the merge of `going` into `staying` means, each membership of the former with the latter's in the same
    network, and what stands in the way."""

    going: Organisation
    staying: Organisation
    memberships: list[tuple[Membership, Membership | None]] = field(default_factory=list)
    mandates: Reconciled = field(default_factory=Reconciled)
    seats: Seats = field(default_factory=Seats)
    beside: set[UUID] = field(default_factory=set)
    waived: set[UUID] = field(default_factory=set)
    moves: dict[str, int] = field(default_factory=dict)
    fills: dict[str, Any] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    names: dict[UUID, str] = field(default_factory=dict)  # of the holders whose mandates are in conflict

    @property
    def version(self) -> int:
        return self.going.version


def named(plan: Plan) -> list[Conflict]:
    """The conflicts, with the names of those who hold what they are about."""
    return [
        replace(one, what=f"{one.what}: {plan.names[one.going]} / {plan.names[one.staying]}")
        if one.going in plan.names and one.staying in plan.names
        else one
        for one in plan.conflicts
    ]


async def preview(session: AsyncSession, actor: Actor, organisation_id: UUID, into_id: UUID, *, now: datetime) -> Plan:
    """Nothing moves. Raises what `both` raises."""
    going, staying = await both(session, actor, organisation_id, into_id, now)
    return await plan(session, going, staying, now)


async def both(
    session: AsyncSession, actor: Actor, organisation_id: UUID, into_id: UUID, now: datetime, *, lock: bool = False
) -> tuple[Organisation, Organisation]:
    """The duplicate and the one that is to stand for it. Raises SameOrganisation, NotFound, Merged, Forbidden unless
    the actor keeps the members of every network in which the duplicate is, and of one in which the other one is: an
    administrator, or mostly the secretariat of the only network that has both."""
    if organisation_id == into_id:
        raise SameOrganisation
    if lock:
        found = await organisations.locked(session, [organisation_id, into_id])
    else:
        query = select(Organisation).where(organisation_table.c.id.in_([organisation_id, into_id]))
        found = {one.id: one for one in (await session.execute(query)).scalars()}
    for id_ in (organisation_id, into_id):
        if id_ not in found:
            raise await organisations.gone(session, actor, id_, now)
    rooms: dict[UUID, set[UUID]] = {organisation_id: set(), into_id: set()}
    query = select(memberships.c.organisation_id, memberships.c.network_id)
    for row in await session.execute(query.where(memberships.c.organisation_id.in_(rooms))):
        rooms[row.organisation_id].add(row.network_id)
    if not actor.admin:
        _require(actor, rooms[organisation_id], rooms[into_id], now)
    return found[organisation_id], found[into_id]


def _require(actor: Actor, going: set[UUID], staying: set[UUID], now: datetime) -> None:
    def seen(rooms: Iterable[UUID]) -> bool:
        return any(policy.has(actor, Right.READ_ORGANISATIONS, network=network, on=now) for network in rooms)

    if not seen(going) or not seen(staying):
        raise NotFound
    kept = {n for n in going | staying if policy.has(actor, Right.MERGE_ORGANISATIONS, network=n, on=now)}
    if not kept:
        policy.require(actor, Right.MERGE_ORGANISATIONS, network=next(iter(going)), on=now)
    if not going <= kept or not staying & kept:
        raise Forbidden(f"registry:{Right.MERGE_ORGANISATIONS}", ["admin"])


async def plan(session: AsyncSession, going: Organisation, staying: Organisation, now: datetime) -> Plan:
    """A dozen statements, whatever the two have."""
    made, today, ids = Plan(going, staying), day(now), (going.id, staying.id)
    found = await _memberships(session, ids)
    made.memberships = [
        (one, found.get((one.network_id, staying.id))) for one in found.values() if one.organisation_id == going.id
    ]
    held = (
        (await session.execute(select(Mandate).where(mandates.c.organisation_id.in_(ids)).order_by(mandates.c.id)))
        .scalars()
        .all()
    )
    made.mandates = rules.reconcile(
        [m for m in held if m.organisation_id == going.id], [m for m in held if m.organisation_id == staying.id], today
    )
    made.seats = rules.one_seat(
        await _pairs_of_seats(session, ids, today), await _by_seat(session, ids), made.mandates.ended, today
    )
    made.mandates.beside |= made.mandates.ended
    made.beside, made.waived = rules.once_owed(await _owed_twice(session, ids))
    made.fills = rules.filled(vars(staying), vars(going), ids)
    made.moves = await _counts(session, going.id)
    made.conflicts = [*made.mandates.conflicts, *made.seats.conflicts, *await _circle(session, going, staying)]
    made.conflicts += await _twice_by_key(session, ids)
    made.names = await _holders(session, made.conflicts)
    return made


async def _memberships(session: AsyncSession, ids: Sequence[UUID]) -> dict[tuple[UUID, UUID], Membership]:
    query = select(Membership).where(memberships.c.organisation_id.in_(ids)).order_by(memberships.c.id)
    return {(one.network_id, one.organisation_id): one for one in (await session.execute(query)).scalars()}


PAIRS_OF_SEATS = text(
    "select one.network_id, one.id as going, other.id as staying from seats one join seats other using (body_id)"
    " join bodies b on b.id = one.body_id and b.composition = 'one_per_member'"
    " where one.organisation_id = :going and other.organisation_id = :staying"
    " and (one.until is null or one.until > :today) and (other.until is null or other.until > :today) order by one.id"
)


async def _pairs_of_seats(session: AsyncSession, ids: tuple[UUID, UUID], today: Any) -> list[tuple[UUID, UUID, UUID]]:
    asked = {"going": ids[0], "staying": ids[1], "today": today}
    return [(row.network_id, row.going, row.staying) for row in await session.execute(PAIRS_OF_SEATS, asked)]


async def _by_seat(session: AsyncSession, ids: tuple[UUID, UUID]) -> dict[UUID, list[Mandate]]:
    seats = mapper.metadata.tables["seats"]
    query = select(Mandate).join(seats, seats.c.id == mandates.c.seat_id).where(seats.c.organisation_id.in_(ids))
    held: dict[UUID, list[Mandate]] = {}
    for one in (await session.execute(query.order_by(mandates.c.id))).scalars():
        if one.seat_id is not None:
            held.setdefault(one.seat_id, []).append(one)
    return held


async def _owed_twice(session: AsyncSession, ids: tuple[UUID, UUID]) -> list[tuple[Any, Any]]:
    one, other = commitments.alias("one"), commitments.alias("other")
    query = (
        select(one.c.id, one.c.state, other.c.id, other.c.state)
        .join(other, other.c.source_id == one.c.source_id)
        .where(one.c.organisation_id == ids[0], other.c.organisation_id == ids[1])
        .where(*(side.c.source == "rule" for side in (one, other)), *(~side.c.beside for side in (one, other)))
        .where(*(side.c.waiver_code.is_distinct_from("organisation_left") for side in (one, other)))
        .order_by(one.c.id)
    )
    return [(_State(row[0], str(row[1])), _State(row[2], str(row[3]))) for row in await session.execute(query)]


@dataclass(frozen=True)
class _State:
    id: UUID
    state: str


async def _circle(session: AsyncSession, going: Organisation, staying: Organisation) -> list[Conflict]:
    """The affiliates of the one become the other's: not when it hangs below one of them."""
    below = select(organisation_table.c.id, organisation_table.c.parent_id)
    rows = (await session.execute(below.where(organisation_table.c.parent_id == going.id))).all()
    children = {row.id: staying.id for row in rows if row.id != staying.id}
    line = await organisations.lines(session, [staying.id], lock=False) if children else {}
    above = {**line, **{row.id: row.parent_id for row in rows}}
    if staying.parent_id == going.id:
        above[staying.id] = going.parent_id
    refused = organisation_rules.adopt(children, above)
    return [Conflict("circle", None, f"parent: {why}", child, staying.id) for child, why in refused.items()]


async def _twice_by_key(session: AsyncSession, ids: tuple[UUID, UUID]) -> list[Conflict]:
    """What has a version is told to others: of two that a key allows once, people say which one goes."""
    found: list[Conflict] = []
    for column in moved_columns():
        if "version" not in column.table.c or column.table.name in TOLD_APART:
            continue
        for others in keys_of(column):
            one, other = column.table.alias("one"), column.table.alias("other")
            query = select(one.c.id, other.c.id).where(one.c[column.name] == ids[0], other.c[column.name] == ids[1])
            query = query.where(*(one.c[name] == other.c[name] for name in others))
            rows = (await session.execute(query.order_by(one.c.id))).all()
            found += [Conflict("both_there", None, column.table.name, row[0], row[1]) for row in rows]
    return found


def keys_of(column: Any) -> list[list[str]]:
    """The other columns of each unique key, but the primary one, that the column is part of."""
    uniques = [part for part in column.table.constraints if type(part).__name__ == "UniqueConstraint"]
    found = [[str(one.name) for one in part.columns] for part in uniques]
    return [[name for name in names if name != column.name] for names in found if column.name in names]


TOLD_APART = frozenset({"organisations", "memberships", "mandates", "seats", "commitments", "merges"})
"""Tables whose rows the merge changes with a statement of its own."""


def moved_columns() -> list[Any]:
    """Every other column of the registry that names an organisation: one that is new is among them."""
    return [
        column
        for column in naming_organisations(mapper.metadata, organisation_table)
        if f"{column.table.name}.{column.name}" not in STAYS | COPIES
    ]


async def _counts(session: AsyncSession, organisation_id: UUID) -> dict[str, int]:
    """How many rows name it, by table; one statement for all columns. Tables without any are left out."""
    each = [
        select(literal(column.table.name, Text).label("name"), func.count().label("rows"))
        .select_from(column.table)
        .where(column == bindparam("organisation", organisation_id, UuidType))
        for column in moved_columns()
    ]
    found: dict[str, int] = {}
    for name, rows in await session.execute(union_all(*each)):
        if rows:
            found[name] = found.get(name, 0) + rows
    return dict(sorted(found.items()))


async def _holders(session: AsyncSession, conflicts: Sequence[Conflict]) -> dict[UUID, str]:
    ids = [id_ for one in conflicts if one.code in {"two_holders", "two_seats"} for id_ in (one.going, one.staying)]
    if not ids:
        return {}
    query = select(mandates.c.id, mandate_queries.PERSON_NAME).join(people, people.c.id == mandates.c.person_id)
    return {row[0]: row[1].strip() for row in await session.execute(query.where(mandates.c.id.in_(ids)))}


# --- who may be a duplicate ------------------------------------------------------------------------------------------

ALIKE = 0.6
"""How alike (pg_trgm, 0 to 1) two names in one municipality are that may be one organisation's."""


@dataclass(frozen=True)
class Candidate:
    """Two members that may be one, and why: same_name, similar_name, same_pec, same_website, tax_code_variant."""

    one: Organisation
    other: Organisation
    reasons: tuple[str, ...]
    similarity: float


PAIRS = text(
    """
    with looked as (
        select d.* from unnest(:ids) asked(id)
        join directory d on d.network_id = :network and d.organisation_id = asked.id
    ), found as (
        select l.organisation_id as one, o.organisation_id as other, similarity(l.name, o.name) as alike,
               l.name = o.name as same, l.municipality = o.municipality as near
        from looked l join directory_facets f on f.network_id = :network and f.facet = l.municipality
             and (f.name, f.organisation_id) > (l.name, l.organisation_id)
        join directory o on o.network_id = :network and o.organisation_id = f.organisation_id
             and o.municipality = l.municipality
        where similarity(l.name, o.name) >= :alike
        union
        select l.organisation_id, o.organisation_id, 1, true, coalesce(l.municipality = o.municipality, true)
        from looked l join directory o on o.network_id = :network and o.name = l.name
             and o.organisation_id > l.organisation_id
        where l.municipality is null or o.municipality is null
        union
        select l.organisation_id, o.organisation_id, similarity(l.name, o.name), l.name = o.name, false
        from looked l join unnest(:bearers, :variants) v(bearer, variant) on v.bearer = l.organisation_id
        join organisations w on w.tax_code = v.variant
        join directory o on o.network_id = :network and o.organisation_id = w.id
        where (o.name, o.organisation_id) > (l.name, l.organisation_id)
    )
    select f.one, f.other, max(f.alike) as alike, bool_or(f.same) as same, bool_or(f.near) as near,
           bool_or(lower(a.pec) = lower(b.pec)) as pec
    from found f
    join memberships a on a.network_id = :network and a.organisation_id = f.one
    join memberships b on b.network_id = :network and b.organisation_id = f.other
    group by f.one, f.other
    """
).bindparams(
    bindparam("ids", type_=ARRAY(UuidType)),
    bindparam("bearers", type_=ARRAY(UuidType)),
    bindparam("variants", type_=ARRAY(Text)),
)


async def candidates(
    session: AsyncSession, actor: Actor, ref: str, *, after: str | None = None, limit: int = DEFAULT, now: datetime
) -> Page[Candidate]:
    """Pairs of members that may be one organisation, in the order of the first one's name. A page looks at `limit`
    members, so it may be short, or empty, and others follow: `next` says so."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.MERGE_ORGANISATIONS, network=network_id, on=now)
    directory = mapper.metadata.tables["directory"]
    query = select(directory.c.organisation_id).where(directory.c.network_id == network_id)
    looked = await page(session, query, key=[directory.c.name, directory.c.organisation_id], after=after, limit=limit)
    ids = [row if isinstance(row, UUID) else row[0] for row in looked.items]
    known = await _organisations(session, ids)
    variants = [(one.id, code) for one in known.values() for code in organisation_rules.variants(one.tax_code)]
    asked = {
        "network": network_id,
        "ids": ids,
        "alike": ALIKE,
        "bearers": [bearer for bearer, _ in variants],
        "variants": [code for _, code in variants],
    }
    rows = (await session.execute(PAIRS, asked)).all()
    known |= await _organisations(session, {row.other for row in rows})
    place = {id_: number for number, id_ in enumerate(ids)}
    pairs = [
        Candidate(known[r.one], known[r.other], _reasons(r, known[r.one], known[r.other]), round(r.alike, 2))
        for r in rows
    ]
    pairs.sort(key=lambda pair: (place[pair.one.id], -pair.similarity, pair.other.id))
    return Page(pairs, looked.next)


async def _organisations(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Organisation]:
    query = select(Organisation).where(organisation_table.c.id.in_(sorted(set(ids))))
    return {one.id: one for one in (await session.execute(query)).scalars()}


def _reasons(row: Any, one: Organisation, other: Organisation) -> tuple[str, ...]:
    found = ["same_name" if row.same else "similar_name"] if row.alike >= ALIKE else []
    if row.near:
        found.append("same_municipality")
    if row.pec:
        found.append("same_pec")
    if one.website and other.website and one.website.rstrip("/") == other.website.rstrip("/"):
        found.append("same_website")
    if organisation_rules.one_code(one.tax_code, other.tax_code):
        found.append("tax_code_variant")
    return tuple(found)
