"""Reading acts: what began them, and the timeline of everything that they caused.

Facts of other networks in the same act are never shown, and those of no network (an organisation, a person) only to who
may read every network in which the act showed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Text, Uuid, bindparam, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.certified.tables import certified_mails
from services.notify.deliveries.tables import deliveries
from services.notify.journeys.rules import Line, Scope, Step, steps_of, visible
from services.notify.journeys.tables import acts, told
from services.notify.policy import Right, policy
from services.notify.rules import queries as naming
from services.notify.rules.fields import Names, fields_of
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.access.roles import Role
from shared.access.tables import networks
from shared.contracts.envelope import FACTS as CLASSES
from shared.messaging.tables import log
from shared.runtime.paging import Page, page
from shared.runtime.problems import NotFound

MOST = 30_000
"""Facts of one act that are read; of a wider one the first."""
SHOWN = 5
"""Things, and people, that a step names."""
OWN_NAMES = ("title", "question", "path_title", "practice_title", "code", "file_name")
"""Fields in which a fact says what its thing is called."""
REFERRED = ("meeting_id", "agreement_id", "series_id", "organisation_id", "body_id", "debtor_organisation_id")
"""Fields that name what a fact without a title is about, the nearest first."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What a fact is about: the id of its aggregate, and what it is called, where that is known."""

    service: str
    aggregate: str
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Messages:
    """So many messages of a topic in a state."""

    topic: str
    channel: str
    state: str
    count: int


@dataclass(slots=True)
class Told:
    """A step in words: of several facts the first things and people only."""

    type: str
    count: int
    occurred_at: datetime
    last_at: datetime
    recorded_at: datetime
    about: list[Thing] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    messages: list[Messages] = field(default_factory=list)
    steps: list[Told] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Journey:
    correlation: UUID
    networks: Sequence[Row[Any]]
    began_at: datetime
    last_at: datetime
    facts: int
    whole: bool
    steps: Sequence[Told]


@dataclass(frozen=True, slots=True)
class Act:
    """A line of the list; of what does not concern the reader it says what it was and not about whom."""

    correlation: UUID
    network_id: UUID
    began_at: datetime
    last_at: datetime
    facts: int
    type: str
    about: Thing | None


def scope_of(actor: Actor, network: UUID, now: datetime) -> Scope:
    """What the actor may read of a network's acts."""
    if policy.has(actor, Right.READ_DELIVERIES, network=network, on=now) or actor.key_id is not None:
        return Scope(whole=True)
    mine = [g for g in actor.current(now) if g.role == Role.COORDINATOR and g.network_id == network]
    return Scope(
        whole=any(g.body_id is None and g.territory is None for g in mine),
        bodies=frozenset(g.body_id for g in mine if g.body_id),
        territories=frozenset(g.territory for g in mine if g.territory and not g.body_id),
    )


# The list


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    subject: Sequence[UUID] = (),
    type: Sequence[str] = (),  # noqa: A002
    since: datetime | None = None,
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Act]:
    """What people and time set going in the network, the newest first."""
    room = await network_id(session, ref)
    policy.require(actor, Right.READ_JOURNEYS, network=room, on=now)
    scope = scope_of(actor, room, now)
    first = (told.c.type, told.c.aggregate_id, told.c.body, told.c.bodies, told.c.territories)
    query = (
        select(acts, *first).join(told, told.c.id == acts.c.first_id).where(acts.c.network_id == room)
    )  # fmt: skip
    for wanted in _wanted(room, subject, type, scope):
        query = query.where(exists().where(told_again.c.correlation == acts.c.correlation, *wanted))
    if since is not None:
        query = query.where(acts.c.began_at >= since)
    found = await page(session, query, key=[acts.c.first_id], after=after, limit=limit, descending=True)
    titles = await _titles(session, [row for row in found.items if _concerned(row, scope)])
    return Page([_act(row, titles) for row in found.items], found.next)


told_again = told.alias("further")


def _wanted(room: UUID, subject: Sequence[UUID], types: Sequence[str], scope: Scope) -> Iterable[Sequence[Any]]:
    """What some fact of the act has to be, one after the other."""
    mine = told_again.c.network_id == room
    if subject:
        yield mine, told_again.c.aggregate_id.in_(subject), told_again.c.body.is_not(None)
    if types:
        yield mine, told_again.c.type.in_(types)
    if not scope.whole:
        bodies = bindparam("own_bodies", sorted(scope.bodies), type_=ARRAY(Uuid))
        places = bindparam("own_territories", sorted(scope.territories), type_=ARRAY(Text))
        yield (
            mine,
            or_(told_again.c.bodies.op("&&")(bodies), told_again.c.territories.op("&&")(places)),
        )


def _concerned(row: Row[Any], scope: Scope) -> bool:
    return scope.whole or not scope.bodies.isdisjoint(row.bodies) or not scope.territories.isdisjoint(row.territories)


def _act(row: Row[Any], titles: Mapping[UUID, Thing]) -> Act:
    return Act(
        row.correlation, row.network_id, row.began_at, row.last_at, row.facts, row.type, titles.get(row.first_id)
    )


async def _titles(session: AsyncSession, rows: Sequence[Row[Any]]) -> dict[UUID, Thing]:
    """What the first fact of each act is about."""
    given = {row.first_id: (row.type, row.aggregate_id, row.body) for row in rows if row.body is not None}
    return await _things(session, given)


# One act


async def get(session: AsyncSession, actor: Actor, correlation: UUID, *, now: datetime) -> Journey:
    """Raises NotFound, also to those who may not know of it."""
    rooms = (await session.execute(select(acts).where(acts.c.correlation == correlation))).all()
    mine = [r for r in rooms if policy.has(actor, Right.READ_JOURNEYS, network=r.network_id, on=now)]
    if not mine:
        raise NotFound
    scopes = {row.network_id: scope_of(actor, row.network_id, now) for row in mine}
    lines = await _lines(session, correlation, scopes, everywhere=len(mine) == len(rooms))
    seen: dict[UUID, bool] = {}
    for network, scope in scopes.items():
        seen |= visible([line for line in lines if line.network_id in (network, None)], scope)
    if not seen:
        raise NotFound
    lines = [line for line in lines if line.id in seen]
    whole = all(scope.whole for scope in scopes.values())
    steps = steps_of(lines, seen)
    teller = await _teller(session, actor, steps, correlation, scopes, now)
    return Journey(
        correlation,
        await _networks(session, [n for n in scopes if any(line.network_id in (n, None) for line in lines)]),
        min(line.occurred_at for line in lines),
        max(line.occurred_at for line in lines),
        len(lines),
        whole,
        [teller.told(step) for step in steps],
    )


async def _lines(session: AsyncSession, correlation: UUID, scopes: Collection[UUID], *, everywhere: bool) -> list[Line]:
    """The facts of the act that the reader may know of, and what notify itself told that led to some of them."""
    columns = [c for c in told.c if c.name in Line.__dataclass_fields__]
    of_networks = told.c.network_id.in_(scopes)
    shown = or_(of_networks, told.c.network_id.is_(None)) if everywhere else of_networks
    query = select(*columns).where(told.c.correlation == correlation, shown).order_by(told.c.id).limit(MOST)
    lines = [Line(**row._mapping) for row in await session.execute(query)]
    known = {line.id for line in lines}
    missing = {line.causation for line in lines if line.causation} - known
    own = select(log.c.id, log.c.type, log.c.network_id, log.c.headers, log.c.aggregate_id, log.c.occurred_at)
    found = await session.execute(own.where(log.c.id.in_(missing))) if missing else ()
    return [*(_own(row) for row in found if row.network_id in scopes), *lines]


def _own(row: Any) -> Line:
    causation = (row.headers or {}).get("causationid")
    return Line(
        row.id,
        CLASSES[row.type].name,
        row.network_id,
        UUID(causation) if causation else None,
        row.aggregate_id,
        row.occurred_at,
        row.occurred_at,
    )


async def _networks(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Row[Any]]:
    found = await session.execute(select(networks).where(networks.c.id.in_(ids)).order_by(networks.c.name))
    return found.all()


@dataclass(frozen=True, slots=True)
class _Teller:
    things: Mapping[UUID, Thing]
    people: Mapping[UUID, Sequence[Person]]
    messages: Mapping[UUID, Mapping[tuple[str, str, str], int]]

    def told(self, step: Step) -> Told:
        counted: dict[tuple[str, str, str], int] = defaultdict(int)
        for line in step.lines if step.named else ():
            for key, count in self.messages.get(line.id, {}).items():
                counted[key] += count
        some = step.lines[:SHOWN] if step.named else []
        return Told(
            step.type,
            len(step.lines),
            min(line.occurred_at for line in step.lines),
            max(line.occurred_at for line in step.lines),
            step.first.recorded_at,
            [self.things[line.id] for line in some if line.id in self.things],
            [person for line in some for person in self.people.get(line.id, ())][:SHOWN],
            [Messages(*key, count) for key, count in sorted(counted.items())],
            [self.told(below) for below in step.steps],
        )


async def _teller(
    session: AsyncSession,
    actor: Actor,
    steps: Sequence[Step],
    correlation: UUID,
    scopes: Mapping[UUID, Scope],
    now: datetime,
) -> _Teller:
    ids = [line.id for step in _all(steps) if step.named for line in step.lines[:SHOWN]]
    rows = (
        await session.execute(select(told).where(told.c.id.in_(ids), told.c.body.is_not(None)))
    ).all()  # fmt: skip
    given = {row.id: (row.type, row.aggregate_id, row.body) for row in rows}
    entitled = {n for n in scopes if policy.has(actor, Right.READ_CONTACTS, network=n, on=now)}
    return _Teller(
        await _things(session, given),
        await _people(session, [row for row in rows if row.network_id in entitled]),
        await _messages(session, correlation, scopes),
    )


def _all(steps: Iterable[Step]) -> Iterable[Step]:
    for step in steps:
        yield step
        yield from _all(step.steps)


async def _things(
    session: AsyncSession, given: Mapping[UUID, tuple[str, UUID, Mapping[str, Any]]]
) -> dict[UUID, Thing]:
    """What each of these facts is about; by its own title, or what its thing is of."""
    referred = {id_: found for id_, (_, _, body) in given.items() if (found := _referred(body)) is not None}
    names = await naming.names(session, set(referred.values()))
    things = {}
    for id_, (kind, aggregate_id, body) in given.items():
        service, aggregate, _ = kind.split(".")
        own = next((str(body[name]) for name in OWN_NAMES if body.get(name)), None)
        name = own or (names.get(referred[id_]) if id_ in referred else None)
        things[id_] = Thing(service, aggregate, aggregate_id, name or "")
    return things


def _referred(body: Mapping[str, Any]) -> tuple[Names, UUID] | None:
    if any(body.get(name) for name in OWN_NAMES):
        return None
    found = next((name for name in REFERRED if body.get(name)), None)
    if found is None:
        return None
    kinds = {
        "meeting_id": Names.MEETING,
        "agreement_id": Names.AGREEMENT,
        "series_id": Names.SERIES,
        "body_id": Names.BODY,
    }
    return kinds.get(found, Names.ORGANISATION), UUID(body[found])


async def _people(session: AsyncSession, rows: Sequence[Row[Any]]) -> dict[UUID, list[Person]]:
    """Whom these facts name, for those who may know who is reached in the network."""
    named = {row.id: _named(row) for row in rows}
    names = await naming.people(session, {person for people in named.values() for person in people})
    return {id_: [Person(p, names.get(p, "")) for p in people[:SHOWN]] for id_, people in named.items()}


def _named(row: Row[Any]) -> list[UUID]:
    fields = fields_of(CLASSES[f"trama.{row.type}.v1"]).values()
    return [
        UUID(row.body[f.name]) for f in fields if f.names is Names.PERSON and not f.many and row.body.get(f.name)
    ]  # fmt: skip


async def _messages(
    session: AsyncSession, correlation: UUID, scopes: Collection[UUID]
) -> dict[UUID, dict[tuple[str, str, str], int]]:
    """What people were told because of each fact: counts, and nobody's address."""
    c = deliveries.c
    rows = await session.execute(
        select(c.because_of, c.topic, c.channel, c.state, func.count().label("number"))
        .where(c.correlation == correlation, c.network_id.in_(scopes))
        .group_by(c.because_of, c.topic, c.channel, c.state)
    )
    m = certified_mails.c
    letters = await session.execute(
        select(m.because_of, m.topic, literal("pec").label("channel"), m.state, func.count().label("number"))
        .where(m.correlation == correlation, m.network_id.in_(scopes), m.because_of.is_not(None))
        .group_by(m.because_of, m.topic, m.state)
    )
    found: dict[UUID, dict[tuple[str, str, str], int]] = defaultdict(dict)
    for row in (*rows, *letters):
        found[row.because_of][row.topic, row.channel, str(row.state)] = row.number
    return found
