"""Reading rules, their versions, what they have put off, and what was told that they are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Select, Table, Text, Uuid, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.agreements.tables import agreements
from services.notify.bodies.tables import bodies
from services.notify.commitments.tables import commitments
from services.notify.contacts.tables import contacts
from services.notify.journeys.rules import PLACES
from services.notify.journeys.tables import told
from services.notify.meetings.tables import meetings
from services.notify.organisations.tables import organisations
from services.notify.policy import Right, policy
from services.notify.preferences.queries import MERGES
from services.notify.programmes.tables import series
from services.notify.rules.definition import After, AtOnce, Definition
from services.notify.rules.fields import Names, rulable
from services.notify.rules.rules import Plan, State, Telling, Version, aggregate_of
from services.notify.rules.tables import rule_plans, rule_versions, rules
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.access.tables import networks
from shared.runtime.paging import Page, page
from shared.runtime.problems import NotFound

Aggregate = tuple[UUID, str]
"""A network and a kind of thing in it (`events.meeting`)."""
TITLES: Mapping[Names, tuple[Table, Any]] = {
    Names.ORGANISATION: (organisations, organisations.c.title),
    Names.BODY: (bodies, bodies.c.title),
    Names.MEETING: (meetings, meetings.c.title),
    Names.COMMITMENT: (commitments, commitments.c.title),
    Names.AGREEMENT: (agreements, agreements.c.title),
    Names.SERIES: (series, series.c.title),
    Names.NETWORK: (networks, networks.c.name),
}


@dataclass(frozen=True)
class Rule:
    """A rule as it is now, and what the reader may do with it."""

    id: UUID
    network_id: UUID
    version: int
    updated_at: datetime
    definition: Definition
    changed_by: UUID | None
    changed_by_name: str | None
    may_change: bool


# For the reactions


async def versions_of(session: AsyncSession, ids: Collection[UUID]) -> dict[Aggregate, dict[UUID, list[Version]]]:
    """Every version of the rules of these networks, by each kind of thing that one of them is about: what a rule says
    of another now ends what it said of this. One statement; where nobody has a rule it is all that a fact costs."""
    rows = await session.execute(
        select(rule_versions, rules.c.network_id)
        .join(rules, rules.c.id == rule_versions.c.rule_id)
        .where(rules.c.network_id.in_(ids))
        .order_by(rule_versions.c.rule_id, rule_versions.c.version)
    )
    known: dict[tuple[UUID, UUID], list[Version]] = defaultdict(list)
    for row in rows:
        known[row.network_id, row.rule_id].append(version_of(row))
    found: dict[Aggregate, dict[UUID, list[Version]]] = defaultdict(dict)
    for (network, rule_id), versions in known.items():
        for kind in {version.kind for version in versions}:
            found[network, kind][rule_id] = versions
    return found


def version_of(row: Row[Any]) -> Version:
    return Version(row.id, row.rule_id, row.version, row.since, row.active, Definition.model_validate(row.definition))


async def tellings(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Telling]:
    rows = await session.execute(select(told).where(told.c.id.in_(ids)))
    return {row.id: telling_of(row) for row in rows}


def telling_of(row: Row[Any]) -> Telling:
    return Telling(
        row.id,
        row.type,
        row.aggregate_id,
        row.generation,
        row.version,
        row.network_id,
        row.correlation,
        row.occurred_at,
        row.bodies,
        _places(row.body or {}),
        row.body or {},
    )


def _places(body: Mapping[str, Any]) -> list[str]:
    """Where it is, as it says itself: what is kept beside it has the territories around, too."""
    named = [body.get(name) for name in PLACES]
    return sorted({code for value in named for code in (value if isinstance(value, list) else [value]) if code})


async def newest(session: AsyncSession, things: Collection[tuple[str, UUID]]) -> dict[tuple[str, UUID], Telling]:
    """The newest that is known of each of these (kind of thing, id): several kinds may share an id, as a body and its
    constitution do."""
    kind = func.concat(told.c.service, ".", func.split_part(told.c.type, ".", 2))
    rows = await session.execute(
        select(told)
        .ext(distinct_on(told.c.aggregate_id, kind))
        .where(told.c.aggregate_id.in_({id_ for _, id_ in things}))
        .order_by(told.c.aggregate_id, kind, told.c.generation.desc(), told.c.version.desc(), told.c.id.desc())
    )
    found = {(aggregate_of(row.type), row.aggregate_id): telling_of(row) for row in rows}
    return {thing: telling for thing, telling in found.items() if thing in things}


async def plans_about(session: AsyncSession, aggregates: Collection[UUID]) -> dict[UUID, dict[UUID, dict[UUID, Plan]]]:
    """By rule and thing: what is put off, or was."""
    found: dict[UUID, dict[UUID, dict[UUID, Plan]]] = defaultdict(lambda: defaultdict(dict))
    for row in await session.execute(select(rule_plans).where(rule_plans.c.aggregate_id.in_(aggregates))):
        found[row.rule_id][row.aggregate_id][row.id] = plan_of(row)
    return found


def plan_of(row: Row[Any]) -> Plan:
    return Plan(
        row.id,
        row.rule_id,
        row.version_id,
        row.network_id,
        row.aggregate_id,
        row.at,
        row.before,
        State(row.state),
        row.because_of,
        row.correlation or row.because_of,
        (row.generation, row.aggregate_version),
    )


async def arrived(session: AsyncSession, ids: Collection[UUID], now: datetime) -> list[tuple[Plan, Version, bool]]:
    """What was put off to an instant that has come, with the version that did and whether its rule is active."""
    rows = await session.execute(
        select(rule_plans, rule_versions, rules.c.active.label("rule_active"))
        .join(rule_versions, rule_versions.c.id == rule_plans.c.version_id)
        .join(rules, rules.c.id == rule_plans.c.rule_id)
        .where(rule_plans.c.id.in_(ids), rule_plans.c.state == State.PLANNED, rule_plans.c.at <= now)
        .order_by(rule_plans.c.id)
        .with_for_update(of=rule_plans)
    )
    return [(plan_of(row), _joined(row), row.rule_active) for row in rows]


def _joined(row: Row[Any]) -> Version:
    found = row._mapping
    c = rule_versions.c
    return Version(
        found[c.id], found[c.rule_id], found[c.version], found[c.since], found[c.active],
        Definition.model_validate(found[c.definition]),
    )  # fmt: skip


async def names(session: AsyncSession, wanted: Iterable[tuple[Names, UUID]]) -> dict[tuple[Names, UUID], str]:
    """What these are called, where this service knows it. One statement for each kind of thing."""
    by_kind: dict[Names, set[UUID]] = defaultdict(set)
    for kind, id_ in wanted:
        by_kind[kind].add(id_)
    found: dict[tuple[Names, UUID], str] = {}
    for kind, ids in by_kind.items():
        table, title = TITLES[kind]
        rows = await session.execute(select(table.c.id, title.label("title")).where(table.c.id.in_(ids)))
        found |= {(kind, row.id): row.title for row in rows}
    return found


async def people(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await session.execute(
        select(contacts.c.person_id, contacts.c.given_name, contacts.c.family_name).where(contacts.c.person_id.in_(ids))
    )
    return {row.person_id: f"{row.given_name} {row.family_name}".strip() for row in rows}


async def standing(session: AsyncSession, people: Collection[UUID]) -> dict[UUID, UUID]:
    """Those of them who are known here, each with who stands for them since two records were made one: themselves, as
    a rule, for one statement."""
    stand = {person: person for person in people}
    for _ in range(MERGES + 1):
        wanted = bindparam("people", sorted(set(stand.values())), type_=ARRAY(Uuid))
        query = select(contacts.c.person_id, contacts.c.merged_into).where(contacts.c.person_id == func.any(wanted))
        into = {row.person_id: row.merged_into or row.person_id for row in await session.execute(query)}
        before, stand = stand, {person: into[now] for person, now in stand.items() if now in into}
        if stand == before:
            break
    return stand


# For a dry run


async def of_a_period(
    session: AsyncSession, network: UUID, rule: Definition, since: datetime, until: datetime, *, most: int
) -> list[Telling]:
    """The facts on which a rule's tellings between two instants depend, in the order of each thing, one more than
    `most` at most. What waits for a day depends on all that was told of its thing."""
    mine = (told.c.network_id == network, told.c.occurred_at < until)
    if isinstance(rule.delay, AtOnce):
        query = select(told).where(*mine, told.c.type == rule.fact_type, told.c.occurred_at >= since)
    else:
        family = [name for name in rulable() if aggregate_of(name) == aggregate_of(rule.fact_type)]
        things = select(told.c.aggregate_id).where(*mine, *_concerned(rule, family, since, until))
        query = select(told).where(*mine, told.c.type.in_(family), told.c.aggregate_id.in_(things))
    ordered = query.order_by(told.c.aggregate_id, told.c.generation, told.c.version, told.c.id).limit(most + 1)
    return [telling_of(row) for row in await session.execute(ordered)]


def _concerned(rule: Definition, family: Sequence[str], since: datetime, until: datetime) -> Sequence[Any]:
    """Things of which something may have come in the period: a day more on both sides, for what summer time moves."""
    if isinstance(rule.delay, After):
        wait = timedelta(days=rule.delay.days + 1, hours=rule.delay.hours)
        return told.c.type == rule.fact_type, told.c.occurred_at >= since - wait
    assert not isinstance(rule.delay, AtOnce)
    named = told.c.body[rule.delay.field].astext
    away = timedelta(days=rule.delay.days)
    first, last = ((instant - away).date() for instant in (since - timedelta(days=2), until + timedelta(days=2)))
    return (
        told.c.type.in_(family),
        named.is_not(None),
        cast(named, Text) >= first.isoformat(),
        cast(named, Text) <= last.isoformat(),
    )


# For people


def _rules() -> Select[Any]:
    return (
        select(rules, rule_versions.c.definition, rule_versions.c.changed_by, contacts.c.given_name,
               contacts.c.family_name)
        .join(
            rule_versions,
            (rule_versions.c.rule_id == rules.c.id) & (rule_versions.c.version == rules.c.version),
        )
        .outerjoin(contacts, contacts.c.person_id == rule_versions.c.changed_by)
    )  # fmt: skip


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    fact_type: Sequence[str] = (),
    active: bool | None = None,
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Rule]:
    """The network's rules, the newest first."""
    room = await network_id(session, ref)
    policy.require(actor, Right.READ_RULES, network=room, on=now)
    query = _rules().where(rules.c.network_id == room)
    if fact_type:
        query = query.where(rules.c.fact_type.in_(fact_type))
    if active is not None:
        query = query.where(rules.c.active.is_(active))
    found = await page(session, query, key=[rules.c.id], after=after, limit=limit, descending=True)
    return Page([_rule(row, actor, now) for row in found.items], found.next)


async def get(session: AsyncSession, actor: Actor, id_: UUID, *, now: datetime) -> Rule:
    """Raises NotFound, also to those who may not know of it."""
    row = (await session.execute(_rules().where(rules.c.id == id_))).one_or_none()
    if row is None or not policy.has(actor, Right.READ_RULES, network=row.network_id, on=now):
        raise NotFound
    return _rule(row, actor, now)


def _rule(row: Row[Any], actor: Actor, now: datetime) -> Rule:
    may = policy.has(actor, Right.CHANGE_RULES, network=row.network_id, on=now)
    definition = Definition.model_validate(row.definition)
    name = f"{row.given_name} {row.family_name}" if row.given_name is not None else None
    return Rule(row.id, row.network_id, row.version, row.updated_at, definition, row.changed_by, name, may)


async def history(
    session: AsyncSession, actor: Actor, id_: UUID, *, now: datetime, after: str | None = None, limit: int = 50
) -> Page[Row[Any]]:
    """Each version of a rule, the newest first."""
    await get(session, actor, id_, now=now)
    query = (
        select(rule_versions, contacts.c.given_name, contacts.c.family_name)
        .outerjoin(contacts, contacts.c.person_id == rule_versions.c.changed_by)
        .where(rule_versions.c.rule_id == id_)
    )
    return await page(session, query, key=[rule_versions.c.version], after=after, limit=limit, descending=True)


async def planned(
    session: AsyncSession,
    actor: Actor,
    id_: UUID,
    *,
    state: Sequence[State] = (),
    subject: Sequence[UUID] = (),
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Row[Any]]:
    """What a rule has put off, and what became of it, by its instant."""
    await get(session, actor, id_, now=now)
    query = select(rule_plans).where(rule_plans.c.rule_id == id_)
    if state:
        query = query.where(rule_plans.c.state.in_(state))
    if subject:
        query = query.where(rule_plans.c.aggregate_id.in_(subject))
    return await page(session, query, key=[rule_plans.c.at, rule_plans.c.id], after=after, limit=limit)
