"""Looking for duplicates, and what would move with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Text, Uuid, bindparam, func, literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.duplicates.rules import (
    KnownElsewhere,
    UnderErasure,
    UnknownSurvivor,
    clashes,
    require_two,
    taken,
)
from services.registry.erasures.tables import erasures
from services.registry.mandates import queries as mandate_queries
from services.registry.mandates.rules import Mandate
from services.registry.mandates.tables import mandates
from services.registry.networks import queries as networks
from services.registry.people import queries as people_queries
from services.registry.people.rules import Person, UnknownPerson
from services.registry.people.tables import known_people, people
from services.registry.policy import Right, policy
from services.registry.store import mapper
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.repointing import naming_people

STAYS = frozenset({"known_people.person_id", "pact_readings.person_id", "stream_erasures.person_id"})
"""Columns in which a duplicate goes on to be named: who may ask what became of it, what was read once, and what is to
be deleted from the stream."""
TOLD_APART = frozenset({"mandates.person_id", "commitments.person_id"})
"""Columns whose rows are told again, each by its slice."""


def moved_columns() -> list[Any]:
    """Every other column of the registry that names a person: a table that is new is among them."""
    apart = STAYS | TOLD_APART
    return [c for c in naming_people(mapper.metadata, people) if f"{c.table.name}.{c.name}" not in apart]


@dataclass(frozen=True)
class Pair:
    """Two people of one name, and what else they share."""

    first: Any
    second: Any
    mailbox: bool
    phone: bool
    organisation: bool


@dataclass(frozen=True)
class Merged:
    """What moves, or has moved: rows by what they are; `fills` are the fields that the one that stays takes over;
    `clashing` are the pairs of mandates that stand in the way."""

    going: Person
    staying: Person
    moves: dict[str, int]
    fills: Sequence[str] = ()
    clashing: Sequence[tuple[Mandate, Mandate]] = field(default=())

    @property
    def version(self) -> int:
        return self.staying.version


# The words of a name in the order of the alphabet: `Serra Giulia` and `Giulia Serra` are one name. Each pair is joined
# by what it shares, too: people of one name alone may be thousands.
PAIRS = (
    text(
        """
        with named as materialized (
            select p.id, p.email, p.phone, (
                select string_agg(word, ' ' order by word)
                from regexp_split_to_table(fold(p.given_name || ' ' || p.family_name), '[^[:alnum:]]+') as word
                where word <> ''
            ) as name
            from known_people k join people p on p.id = k.person_id
            where k.network_id = :network and p.family_name <> ''
        ), held as materialized (
            select distinct n.name, n.id, m.organisation_id from named n join mandates m on m.person_id = n.id
            where m.network_id = :network and m.organisation_id is not null
        ), shared as (
            select a.id as first_id, b.id as second_id, 'mailbox' as what
            from named a join named b on (a.name, a.email) = (b.name, b.email) and a.id < b.id
            union all
            select a.id, b.id, 'phone'
            from named a join named b on (a.name, a.phone) = (b.name, b.phone) and a.id < b.id
            union all
            select a.id, b.id, 'organisation'
            from held a join held b on (a.name, a.organisation_id) = (b.name, b.organisation_id) and a.id < b.id
        )
        select first_id, second_id, bool_or(what = 'mailbox') as mailbox, bool_or(what = 'phone') as phone,
               bool_or(what = 'organisation') as organisation
        from shared group by first_id, second_id
        """
    )
    .columns(first_id=Uuid, second_id=Uuid, mailbox=Boolean, phone=Boolean, organisation=Boolean)
    .subquery("pairs")
)


async def candidates(
    session: AsyncSession, actor: Actor, ref: str, *, after: str | None = None, limit: int = DEFAULT, now: datetime
) -> Page[Pair]:
    """Pairs of people whom the network knows under one name, with a mailbox, a phone or an organisation in common.
    Reads the names of all whom it knows: look there now and then, not at every page."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.MERGE_PEOPLE, network=network_id, on=now)
    first, second = people.alias("first"), people.alias("second")
    query = (
        select(
            PAIRS,
            *(part.c[name].label(f"{at}_{name}") for at, part in (("a", first), ("b", second)) for name in SHOWN),
        )
        .join(first, first.c.id == PAIRS.c.first_id)
        .join(second, second.c.id == PAIRS.c.second_id)
        .params(network=network_id)
    )
    found = await page(session, query, key=[PAIRS.c.first_id, PAIRS.c.second_id], after=after, limit=limit)
    return Page([_pair(row) for row in found.items], found.next)


SHOWN = ("id", "given_name", "family_name", "email", "phone")


def _pair(row: Any) -> Pair:
    one, other = ({name: getattr(row, f"{at}_{name}") for name in SHOWN} for at in ("a", "b"))
    return Pair(one, other, row.mailbox, row.phone, row.organisation)


async def preview(session: AsyncSession, actor: Actor, person_id: UUID, into_id: UUID, *, now: datetime) -> Merged:
    """What a merge would move, and what stands in its way; nothing moves. Raises what `both` raises."""
    going, staying = await both(session, actor, person_id, into_id, now)
    held = await _mandates(session, (going.id, staying.id))
    clashing = clashes(held[going.id], held[staying.id])
    return Merged(going, staying, await counts(session, going.id), sorted(taken(going, staying)), clashing)


async def both(
    session: AsyncSession, actor: Actor, person_id: UUID, into_id: UUID, now: datetime, *, lock: bool = False
) -> tuple[Person, Person]:
    """The duplicate and the one that stays. Raises SamePerson, UnknownPerson, UnknownSurvivor, UnderErasure,
    KnownElsewhere, Forbidden."""
    require_two(person_id, into_id)
    query = select(Person).where(people.c.id.in_([person_id, into_id])).order_by(people.c.id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = {one.id: one for one in (await session.execute(query)).scalars() if one.erased_at is None}
    going = await _readable(session, actor, found.get(person_id), UnknownPerson(person_id), now)
    staying = await _readable(session, actor, found.get(into_id), UnknownSurvivor(into_id), now)
    await _require_right(session, actor, going, staying, now)
    open_ = select(erasures.c.id).where(erasures.c.person_id.in_([person_id, into_id]), erasures.c.closed_on.is_(None))
    if going.hidden or staying.hidden or await session.scalar(open_.limit(1)):
        raise UnderErasure
    return going, staying


async def _readable(
    session: AsyncSession, actor: Actor, person: Person | None, unknown: Exception, now: datetime
) -> Person:
    if person is None or Right.READ_PEOPLE not in await people_queries.rights_on(session, actor, person, now):
        raise unknown
    return person


async def _require_right(session: AsyncSession, actor: Actor, going: Person, staying: Person, now: datetime) -> None:
    """In every network that knows one of them, or holds a mandate of theirs."""
    ids = (going.id, staying.id)
    rooms = union_all(
        select(known_people.c.network_id).where(known_people.c.person_id.in_(ids)),
        select(mandates.c.network_id).where(mandates.c.person_id.in_(ids)),
    )
    known = set((await session.execute(rooms)).scalars())
    missing = {room for room in known if not policy.has(actor, Right.MERGE_PEOPLE, network=room, on=now)}
    if missing and len(missing) < len(known):
        raise KnownElsewhere
    for room in sorted(missing):
        policy.require(actor, Right.MERGE_PEOPLE, network=room, on=now)


async def _mandates(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[Mandate]]:
    query = select(Mandate).where(mandates.c.person_id.in_(ids)).order_by(mandates.c.id)
    held: dict[UUID, list[Mandate]] = {id_: [] for id_ in ids}
    for mandate in (await session.execute(query)).scalars():
        held[mandate.person_id].append(mandate)
    return held


async def lock_mandates(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[Mandate]]:
    """The mandates of these people by person, as they are now, locked. Their people are locked: none is added."""
    query = select(Mandate).where(mandates.c.person_id.in_(ids)).order_by(mandates.c.id)
    query = query.with_for_update().execution_options(populate_existing=True)
    held: dict[UUID, list[Mandate]] = {id_: [] for id_ in ids}
    for mandate in (await session.execute(query)).scalars():
        held[mandate.person_id].append(mandate)
    return held


async def lock_offices(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """As every command on a mandate does first: the offices of these people wait for the merge, and it for them."""
    held = await _mandates(session, ids)
    offices = [(mandate.office, person) for found in held.values() for mandate in found for person in ids]
    if offices:
        await mandate_queries.lock_offices(session, offices)


async def counts(session: AsyncSession, person_id: UUID) -> dict[str, int]:
    """How many rows name the person, by table; one statement for all columns. Tables without any are left out."""
    named = [c for c in naming_people(mapper.metadata, people) if f"{c.table.name}.{c.name}" not in STAYS]
    each = [
        select(literal(column.table.name, Text).label("name"), func.count().label("rows"))
        .select_from(column.table)
        .where(column == bindparam("person", person_id, Uuid))
        for column in named
    ]
    found: dict[str, int] = {}
    for name, rows in await session.execute(union_all(*each)):
        if rows:
            found[name] = found.get(name, 0) + rows
    return dict(sorted(found.items()))
