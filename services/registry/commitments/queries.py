"""Reading commitments and rules, and the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Row, Text, bindparam, cast, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.bodies.rules import State as BodyState
from services.registry.bodies.tables import bodies
from services.registry.commitments.rules import (
    Commitment,
    File,
    Kind,
    Rule,
    Source,
    State,
    UnknownCommitment,
    UnknownDebtor,
    UnknownFile,
    UnknownRule,
)
from services.registry.commitments.tables import commitment_files, commitment_rules, commitments
from services.registry.networks import queries as networks
from services.registry.organisations.rules import State as MembershipState
from services.registry.organisations.tables import memberships, organisations
from services.registry.people.tables import PERSON_NAME, known_people, people
from services.registry.policy import Right, policy
from shared.access import loading
from shared.access.actor import Actor
from shared.access.links import Link, LinkExpired, LinkInvalid
from shared.access.policy import Forbidden
from shared.access.tokens import Identity
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Named:
    """A commitment with the names of those whom it concerns; `territory` is that of the body that owes it."""

    commitment: Commitment
    debtor: str
    creditor: str | None
    territory: str | None

    @property
    def version(self) -> int:
        return self.commitment.version


creditors = bodies.alias("creditors")
NAMED = (
    select(
        Commitment,
        func.coalesce(organisations.c.title, bodies.c.name, PERSON_NAME).label("debtor"),
        creditors.c.name.label("creditor"),
        bodies.c.territory,
    )
    .outerjoin(organisations, organisations.c.id == commitments.c.organisation_id)
    .outerjoin(people, people.c.id == commitments.c.person_id)
    .outerjoin(bodies, bodies.c.id == commitments.c.body_id)
    .outerjoin(creditors, creditors.c.id == commitments.c.creditor_body_id)
)


def named_row(row: Row[Commitment, str, str | None, str | None]) -> Named:
    return Named(row[0], row[1], row[2], row[3])


async def named_by_id(session: AsyncSession, commitment_id: UUID) -> Named:
    row = (await session.execute(NAMED.where(commitments.c.id == commitment_id))).one_or_none()
    if row is None:
        raise UnknownCommitment(commitment_id)
    return named_row(row)


async def get(session: AsyncSession, actor: Actor, commitment_id: UUID, *, now: datetime) -> Named:
    """Raises UnknownCommitment, or Forbidden: who owes it may always read it."""
    found = await named_by_id(session, commitment_id)
    if actor.person_id is None or actor.person_id != found.commitment.person_id:
        policy.require(actor, Right.READ_COMMITMENTS, network=found.commitment.network_id, on=now)
    return found


async def file(session: AsyncSession, actor: Actor, commitment_id: UUID, *, now: datetime) -> tuple[File, bytes]:
    """The file that shows that it was kept: for who may say so, and for the body to which it was owed. Raises
    UnknownCommitment, UnknownFile, Forbidden."""
    named = await named_by_id(session, commitment_id)
    require_evidence(actor, named, now)
    shown = named.commitment.file
    content = await session.scalar(
        select(commitment_files.c.content).where(commitment_files.c.commitment_id == commitment_id)
    )
    if shown is None or content is None:
        raise UnknownFile(commitment_id)
    return shown, content


@dataclass(frozen=True)
class Linked:
    """A commitment as the page of its link shows it: with its network (`name`, `logo`)."""

    named: Named
    network: Any


async def linked(session: AsyncSession, _: Actor, commitment_id: UUID, *, now: datetime) -> Linked:  # noqa: ARG001
    """Whoever holds the link may see it. Raises UnknownCommitment."""
    found = await named_by_id(session, commitment_id)
    return Linked(found, await loading.network_row(session, str(found.commitment.network_id)))


Sort = Literal["id", "due", "-due"]


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Sequence[State] = (),
    kind: Sequence[Kind] = (),
    organisation: Sequence[UUID] = (),
    person: Sequence[UUID] = (),
    body: Sequence[UUID] = (),
    source: Sequence[Source] = (),
    due_before: date | None = None,
    updated_since: datetime | None = None,
    sort: Sort = "id",
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Named]:
    """The commitments of a network; `due_before` is exclusive. Debtors of different kinds are alternatives."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_COMMITMENTS, network=network_id, on=now)
    query = NAMED.where(commitments.c.network_id == network_id)
    for column, values in (
        (commitments.c.state, state),
        (commitments.c.kind, kind),
        (commitments.c.organisation_id, organisation),
        (commitments.c.person_id, person),
        (commitments.c.body_id, body),
        (commitments.c.source, source),
    ):
        if values:
            query = query.where(column.in_(values))
    if due_before:
        query = query.where(commitments.c.due < due_before)
    if updated_since:
        query = query.where(commitments.c.updated_at >= updated_since)
    key: list[ColumnElement[Any]] = [commitments.c.id] if sort == "id" else [commitments.c.due, commitments.c.id]
    found = await page(session, query, key=key, after=after, limit=limit, descending=sort == "-due")
    return Page([named_row(row) for row in found.items], found.next)


async def summary(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> dict[Kind, dict[State, int]]:
    """How many commitments of each kind are in each state; kinds without any are left out."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_COMMITMENTS, network=network_id, on=now)
    counted = (
        select(commitments.c.kind, commitments.c.state, func.count())
        .where(commitments.c.network_id == network_id)
        .group_by(commitments.c.kind, commitments.c.state)
    )
    found: dict[Kind, dict[State, int]] = {}
    for kind, state, count in await session.execute(counted):
        found.setdefault(kind, {})[state] = count
    return found


class By(StrEnum):
    """What kept and late commitments are counted by."""

    NETWORK = "network"
    ORGANISATION = "organisation"
    BODY = "body"
    CREDITOR = "creditor"
    KIND = "kind"
    SOURCE = "source"


GROUPS: Mapping[By, tuple[ColumnElement[Any], ColumnElement[Any]]] = {
    By.NETWORK: (commitments.c.network_id, cast(literal(None), Text)),
    By.ORGANISATION: (commitments.c.organisation_id, func.max(organisations.c.title)),
    By.BODY: (commitments.c.body_id, func.max(bodies.c.name)),
    By.CREDITOR: (commitments.c.creditor_body_id, func.max(creditors.c.name)),
    By.KIND: (cast(commitments.c.kind, Text), cast(literal(None), Text)),
    By.SOURCE: (cast(commitments.c.source, Text), cast(literal(None), Text)),
}


async def statistics(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    by: By = By.NETWORK,
    since: date | None = None,
    until: date | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Any]:
    """For each group: how many commitments whose last day lies from `since` to `until` (excluded) were kept in time,
    kept late, are late, are still open, were waived. Rows with `key` and `name`."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_COMMITMENTS, network=network_id, on=now)
    key, name = GROUPS[by]
    kept = commitments.c.state == State.FULFILLED
    counts = {
        "in_time": kept & (commitments.c.fulfilled_on <= commitments.c.due),
        "kept_late": kept & (commitments.c.fulfilled_on > commitments.c.due),
        "late": commitments.c.state == State.LATE,
        "open": commitments.c.state == State.OPEN,
        "waived": commitments.c.state == State.WAIVED,
    }
    grouped = (
        select(
            key.label("key"),
            name.label("name"),
            *(func.count().filter(which).label(each) for each, which in counts.items()),
        )
        .select_from(
            commitments.outerjoin(organisations, organisations.c.id == commitments.c.organisation_id)
            .outerjoin(bodies, bodies.c.id == commitments.c.body_id)
            .outerjoin(creditors, creditors.c.id == commitments.c.creditor_body_id)
        )
        .where(commitments.c.network_id == network_id, key.is_not(None))
        .group_by(key)
    )
    if since:
        grouped = grouped.where(commitments.c.due >= since)
    if until:
        grouped = grouped.where(commitments.c.due < until)
    found = grouped.subquery("statistics")
    return await page(session, select(*found.c), key=[found.c.key], after=after, limit=limit)


async def rules_listed(
    session: AsyncSession, actor: Actor, ref: str, *, after: str | None = None, limit: int = DEFAULT, now: datetime
) -> Page[Rule]:
    """The rules of a network, stopped ones too, in the order in which they were made."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_COMMITMENTS, network=network_id, on=now)
    query = select(Rule).where(commitment_rules.c.network_id == network_id)
    return await page(session, query, key=[commitment_rules.c.id], after=after, limit=limit)


async def rule(session: AsyncSession, actor: Actor, rule_id: UUID, *, now: datetime) -> Rule:
    found = await session.get(Rule, rule_id)
    if found is None:
        raise UnknownRule(rule_id)
    policy.require(actor, Right.READ_COMMITMENTS, network=found.network_id, on=now)
    return found


# --- who may ---------------------------------------------------------------------------------------------------------


def may_write(actor: Actor, network_id: UUID, now: datetime) -> bool:
    return policy.has(actor, Right.WRITE_COMMITMENTS, network=network_id, on=now)


def may_fulfil(actor: Actor, named: Named, now: datetime) -> bool:
    """The person who owes it; who speaks for the organisation, the body or its territory; the secretariat."""
    return _owes(actor, named.commitment, now) or policy.has(
        actor,
        Right.FULFIL_COMMITMENTS,
        network=named.commitment.network_id,
        organisation=named.commitment.organisation_id,
        territory=named.territory,
        on=now,
    )


def require_fulfil(actor: Actor, named: Named, now: datetime) -> None:
    """Raises Forbidden unless the caller may fulfil it."""
    if not _owes(actor, named.commitment, now):
        policy.require(
            actor,
            Right.FULFIL_COMMITMENTS,
            network=named.commitment.network_id,
            organisation=named.commitment.organisation_id,
            territory=named.territory,
            on=now,
        )


async def require_standing(session: AsyncSession, _: Actor, link: Link, *, now: datetime) -> None:
    """Whom a link was sent to still answers for the commitment that it is about: with the mandate, its links end too.
    Raises UnknownCommitment, LinkExpired, LinkInvalid."""
    named = await named_by_id(session, link.subject)
    if (person := link.claims.get("person")) is None:
        return  # sent before links named their person; it expires
    try:
        holder = await loading.person(session, Identity(person_id=UUID(str(person))))
    except ValueError as error:
        raise LinkInvalid("person") from error
    if not may_fulfil(holder, named, now):
        raise LinkExpired("its person answers for it no more")


def may_see_evidence(actor: Actor, named: Named, now: datetime) -> bool:
    one = named.commitment
    owed_to = one.creditor_body_id is not None and any(
        grant.network_id == one.network_id and grant.body_id == one.creditor_body_id for grant in actor.current(now)
    )
    return (
        owed_to
        or _owes(actor, one, now)
        or policy.has(
            actor,
            Right.READ_EVIDENCE,
            network=one.network_id,
            organisation=one.organisation_id,
            territory=named.territory,
            on=now,
        )
    )


def require_evidence(actor: Actor, named: Named, now: datetime) -> None:
    """Raises Forbidden unless the caller may see by what file it was shown."""
    if not may_see_evidence(actor, named, now):
        raise Forbidden(f"registry:{Right.READ_EVIDENCE}", policy.rules[Right.READ_EVIDENCE])


def _owes(actor: Actor, one: Commitment, now: datetime) -> bool:
    if one.person_id is not None:
        return actor.person_id == one.person_id
    return one.body_id is not None and any(
        grant.network_id == one.network_id and grant.body_id == one.body_id for grant in actor.current(now)
    )


def actions_for(actor: Actor, named: Named, now: datetime) -> list[str]:
    """What the caller may do with it now."""
    write = may_write(actor, named.commitment.network_id, now)
    own = write or may_fulfil(actor, named, now)
    return [action for action in named.commitment.actions() if (own if action in ("fulfil", "upload") else write)]


# --- locks -----------------------------------------------------------------------------------------------------------


async def for_update(session: AsyncSession, commitment_id: UUID) -> Named:
    """The commitment, its row locked, with its names. Raises UnknownCommitment."""
    query = NAMED.where(commitments.c.id == commitment_id).with_for_update(of=commitments)
    row = (await session.execute(query.execution_options(populate_existing=True))).one_or_none()
    if row is None:
        raise UnknownCommitment(commitment_id)
    return named_row(row)


async def unlocked_for_update(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[UUID, State, date]]:
    """Id, state and last day of those that no command holds; the others come again."""
    query = select(commitments.c.id, commitments.c.state, commitments.c.due).where(commitments.c.id.in_(ids))
    return (await session.execute(query.order_by(commitments.c.id).with_for_update(skip_locked=True))).all()


async def rule_for_update(session: AsyncSession, rule_id: UUID) -> Rule:
    found = await session.get(Rule, rule_id, with_for_update=True)
    if found is None:
        raise UnknownRule(rule_id)
    return found


async def lock_rules(session: AsyncSession, network_id: UUID, *, alone: bool = False) -> None:
    """Members join side by side (shared); a rule is made while none does (`alone`), so that each sees the other."""
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    await session.execute(text(f"select {lock}(hashtextextended(:key, 0))"), {"key": f"commitment rules {network_id}"})


async def lock_debtors(session: AsyncSession, network_id: UUID, named: Mapping[str, UUID | None]) -> None:
    """Those named (fields of a commitment) stay what they are until the transaction ends. Raises UnknownDebtor: the
    network must have such a member (not withdrawn), know such a person, or have such bodies (not dissolved)."""
    member = (
        select(memberships.c.id)
        .where(memberships.c.network_id == network_id, memberships.c.state != MembershipState.WITHDRAWN)
        .with_for_update(read=True)
    )
    person = (
        select(people.c.id)
        .join(known_people, known_people.c.person_id == people.c.id)
        .where(known_people.c.network_id == network_id, people.c.erased_at.is_(None))
        .with_for_update(read=True, of=people)
    )
    body = (
        select(bodies.c.id)
        .where(bodies.c.network_id == network_id, bodies.c.state != BodyState.DISSOLVED)
        .with_for_update(read=True)
    )
    for field, query, column in (
        ("organisation_id", member, memberships.c.organisation_id),
        ("person_id", person, people.c.id),
        ("body_id", body, bodies.c.id),
        ("creditor_body_id", body, bodies.c.id),
    ):
        id_ = named.get(field)
        if id_ is not None and not await session.scalar(query.where(column == id_)):
            raise UnknownDebtor(field, id_)


# --- many at once ----------------------------------------------------------------------------------------------------


async def lock_owners(session: AsyncSession, owed: Sequence[Mapping[str, Any]]) -> dict[UUID, str]:
    """By source id: the state of the owner's membership, `known` or `erased` of a person, `known` of a body; one that
    the network does not have is left out. Members and people are locked: none leaves or is erased between this look and
    the commitment. Of each row one of `organisation_id`, `person_id` and `body_id` is given."""
    asked = {"rows": _json(owed)}
    return {row.source_id: row.state for query in OWNERS for row in await session.execute(query, asked)}


async def insert_owed(session: AsyncSession, owed: Sequence[Mapping[str, Any]], on: date) -> Sequence[Row[Any]]:
    """The rows of those that were not there, version 1: what a source asks for twice is owed once. Each row has an id,
    a state, and the day and code of its waiver if it is owed no more."""
    return (await session.execute(INSERT_OWED, {"rows": _json(owed), "today": on})).all()


GIVEN = (
    "json_to_recordset(cast(:rows as json)) as d(id uuid, network_id uuid, title text, kind text, organisation_id uuid,"
    " person_id uuid, body_id uuid, creditor_body_id uuid, due date, source text, source_id uuid, state text,"
    " waived_on date, waiver_code text)"
)
OWNERS = tuple(
    text(query).bindparams(bindparam("rows", type_=Text))
    for query in (
        f"select d.source_id, m.state from {GIVEN} join memberships m using (network_id, organisation_id)"  # noqa: S608
        " order by m.id for share of m",
        "select d.source_id, case when p.erased_at is null then 'known' else 'erased' end as state"  # noqa: S608
        f" from {GIVEN} join known_people using (network_id, person_id) join people p on p.id = person_id"
        " order by p.id for share of p",
        f"select d.source_id, case when b.state = 'dissolved' then 'dissolved' else 'known' end as state"  # noqa: S608
        f" from {GIVEN} join bodies b on b.id = d.body_id and b.network_id = d.network_id",
    )
)
INSERT_OWED = text(
    "insert into commitments (id, network_id, title, kind, organisation_id, person_id, body_id, creditor_body_id, due,"  # noqa: S608
    " made_on, source, source_id, state, waived_on, waiver_code, version)"
    " select d.id, d.network_id, d.title, d.kind, d.organisation_id, d.person_id, d.body_id,"
    " (select b.id from bodies b where b.id = d.creditor_body_id and b.network_id = d.network_id), d.due, :today,"
    f" d.source, d.source_id, d.state, d.waived_on, d.waiver_code, 1 from {GIVEN} order by d.source_id"
    " on conflict (source, source_id) where source not in ('hand', 'rule') do nothing returning *"
).bindparams(bindparam("rows", type_=Text))


async def ids_of_sources(session: AsyncSession, source: Source, source_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The commitment that each of these asked for, by the id of what asked."""
    query = select(commitments.c.source_id, commitments.c.id).where(
        commitments.c.source == source, commitments.c.source_id.in_(source_ids)
    )
    return {row.source_id: row.id for row in await session.execute(query)}


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps([dict(row) for row in rows], default=str).decode()
