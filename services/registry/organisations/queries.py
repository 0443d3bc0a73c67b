"""Reading organisations as the members of a network, and locking what a command changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from services.registry.networks import queries as networks
from services.registry.organisations import rules
from services.registry.organisations.rules import Membership, Organisation
from services.registry.organisations.tables import memberships, organisations
from services.registry.policy import Right, policy
from shared.access.actor import Actor, day
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotFound

SORTS = ("name", "-name", "updated", "-updated")


@dataclass(frozen=True)
class Member:
    """An organisation, the name of its parent, and its membership as far as the reader may see one."""

    organisation: Organisation
    membership: Membership | None
    parent: str | None = None

    @property
    def version(self) -> int:
        return self.organisation.version


class Belonging(Member):
    """A member looked at by its membership: the version, and so the ETag, is the membership's."""

    @property
    def version(self) -> int:
        assert self.membership is not None
        return self.membership.version


parents = organisations.alias("parents")
FOLDED = func.fold(organisations.c.title, type_=Text)


def _members() -> Select[Any]:
    return (
        select(Organisation, Membership, parents.c.title)
        .join(memberships, memberships.c.organisation_id == organisations.c.id)
        .outerjoin(parents, parents.c.id == organisations.c.parent_id)
    )


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    territory: Sequence[str] = (),
    kind: Sequence[str] = (),
    section: Sequence[str] = (),
    state: Sequence[str] = (),
    parent: Sequence[UUID] = (),
    on: date | None = None,
    q: str | None = None,
    updated_since: datetime | None = None,
    sort: str = "name",
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Member]:
    """The members of a network. `on` is the day on which states and sections are looked at (today); a territory
    includes what lies in it, and an organisation is in it by its seat or by its work. Raises InvalidOrganisation."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_ORGANISATIONS, network=network_id, on=now)
    at = on or day(now)
    query = _members().where(memberships.c.network_id == network_id)
    if state:
        query = query.where(_state_on(at).in_(state))
    elif on:
        query = query.where(_state_on(at).is_not(None))
    if territory:
        query = query.where(_lies_in(territory))
    if kind:
        query = query.where(organisations.c.kind.in_(kind))
    if section:
        query = query.where(_entered(section, at))
    if parent:
        query = query.where(organisations.c.parent_id.in_(parent))
    if q and (wanted := q.strip()):
        query = query.where(_like(wanted))
    changed = func.greatest(organisations.c.updated_at, memberships.c.updated_at, type_=organisations.c.updated_at.type)
    if updated_since:
        query = query.where(changed >= updated_since)
    key = [changed if sort.endswith("updated") else FOLDED, organisations.c.id]
    found = await page(session, query, key=key, after=after, limit=limit, descending=sort.startswith("-"))
    return Page([Member(row[0], row[1], row[2]) for row in found.items], found.next)


def _state_on(on: date) -> ColumnElement[Any]:
    """`Membership.state_on` where the database has to choose rows by it."""
    before = text(
        "(select past ->> 'state' from jsonb_array_elements(memberships.history) with ordinality h(past, place)"
        " where (past ->> 'since')::date <= :on order by place desc limit 1)"
    ).bindparams(on=on)
    return case((memberships.c.since <= on, memberships.c.state), else_=before)


def _lies_in(territory: Sequence[str]) -> ColumnElement[bool]:
    codes = sorted({code for whole in territory for code in rules.codes_within(whole)})
    given = cast(literal(codes, ARRAY(Text)), ARRAY(Text))
    return or_(organisations.c.municipality == func.any(given), organisations.c.territories.overlap(given))


def _entered(section: Sequence[str], on: date) -> ColumnElement[bool]:
    return text(
        "exists (select 1 from jsonb_to_recordset(organisations.sections) s(section text, since date, until date)"
        " where s.section = any(:sections) and coalesce(s.since <= :day, true) and coalesce(s.until > :day, true))"
    ).bindparams(sections=list(section), day=on)  # type: ignore[return-value]


def _like(wanted: str) -> ColumnElement[bool]:
    """Part of the name, or nearly a part of it (a slip of the pen), whatever its accents; or a tax code's beginning."""
    escaped = wanted.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    folded = func.fold(wanted, type_=Text)
    alike = folded.op("<%")(FOLDED) if len(wanted) >= 4 else ~true()
    part = FOLDED.like(func.concat("%", func.fold(escaped, type_=Text), "%"))
    return or_(part, alike, organisations.c.tax_code.like(escaped.upper() + "%"))


async def membership_page(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Sequence[str] = (),
    on: date | None = None,
    organisation: Sequence[UUID] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Member]:
    """The memberships of a network in the order in which they were made."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_ORGANISATIONS, network=network_id, on=now)
    query = _members().where(memberships.c.network_id == network_id)
    if state:
        query = query.where(_state_on(on or day(now)).in_(state))
    elif on:
        query = query.where(_state_on(on).is_not(None))
    if organisation:
        query = query.where(memberships.c.organisation_id.in_(organisation))
    if updated_since:
        query = query.where(memberships.c.updated_at >= updated_since)
    found = await page(session, query, key=[memberships.c.id], after=after, limit=limit)
    return Page([Member(row[0], row[1], row[2]) for row in found.items], found.next)


async def get(session: AsyncSession, actor: Actor, organisation_id: UUID, *, now: datetime) -> Member:
    """The organisation, with its membership in the first of its networks that the reader may see. Raises NotFound also
    when there is no such network: ids do not tell who exists."""
    organisation = await session.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFound
    membership = await _seen(session, actor, organisation_id, Right.READ_ORGANISATIONS, now)
    if membership is None and not actor.admin:
        raise NotFound
    return await member(session, organisation, membership)


async def get_membership(session: AsyncSession, actor: Actor, membership_id: UUID, *, now: datetime) -> Belonging:
    membership = await session.get(Membership, membership_id)
    if membership is None or not policy.has(actor, Right.READ_ORGANISATIONS, network=membership.network_id, on=now):
        raise NotFound
    return await belonging(session, membership)


async def organisation_for_update(
    session: AsyncSession, actor: Actor, organisation_id: UUID, now: datetime
) -> Organisation:
    """Locked. Raises NotFound when the actor may not even read it."""
    organisation = await session.get(Organisation, organisation_id, with_for_update=True)
    if organisation is None:
        raise NotFound
    if not actor.admin and await _seen(session, actor, organisation_id, Right.READ_ORGANISATIONS, now) is None:
        raise NotFound
    return organisation


async def locked(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Organisation]:
    """Those that exist, by id and in that order, as they are now; no key lock: who refers to one does not wait."""
    query = select(Organisation).where(organisations.c.id.in_(sorted(set(ids)))).order_by(organisations.c.id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return {one.id: one for one in (await session.execute(query)).scalars()}


async def lines(session: AsyncSession, ids: Iterable[UUID | None]) -> dict[UUID, UUID | None]:
    """The parents of these organisations and of everybody above them, which stay so until the transaction ends. A
    statement for each step up, and no more steps than a line may have."""
    found: dict[UUID, UUID | None] = {}
    step = {id_ for id_ in ids if id_ is not None}
    for _ in range(rules.LONGEST_LINE + 1):
        if not step:
            break
        query = select(organisations.c.id, organisations.c.parent_id).where(organisations.c.id.in_(sorted(step)))
        rows = (await session.execute(query.order_by(organisations.c.id).with_for_update(read=True))).all()
        found |= {row.id: row.parent_id for row in rows}
        step = {row.parent_id for row in rows if row.parent_id is not None} - found.keys()
    return found


WRITTEN = ("title", "tax_code", "kind", "ownership", "sections", "municipality", "territories", "parent_id", "website")
WRITE = text(
    f"update organisations o set ({', '.join(WRITTEN)}, updated_at, version)"  # noqa: S608 (our own names)
    f" = row({', '.join('n.' + name for name in WRITTEN)}, :now, o.version + 1)"
    " from json_populate_recordset(null::organisations, cast(:rows as json)) n where o.id = n.id"
).bindparams(bindparam("rows", type_=Text), bindparam("now", type_=DateTime(timezone=True)))


async def write(session: AsyncSession, changed: Sequence[Organisation], now: datetime) -> None:
    """What a batch has changed of these organisations, locked: one statement, where the unit of work sends one for
    each."""
    if not changed:
        return
    rows = [{name: getattr(one, name) for name in ("id", *WRITTEN)} for one in changed]
    with session.no_autoflush:
        await session.execute(WRITE, {"rows": orjson.dumps(rows, default=str).decode(), "now": now})
    for one in changed:  # they are what the database has now: the unit of work has nothing more to send
        for name in WRITTEN:
            set_committed_value(one, name, getattr(one, name))
        set_committed_value(one, "updated_at", now)
        set_committed_value(one, "version", one.version + 1)


async def membership_where(
    session: AsyncSession, actor: Actor, organisation_id: UUID, right: Right, now: datetime
) -> Membership | None:
    """The organisation's membership in a network where the actor has the right; raises Forbidden when there is none."""
    found = await _seen(session, actor, organisation_id, right, now)
    if found is None:
        policy.require(actor, right, network=None, on=now)
    return found


async def membership_for_update(
    session: AsyncSession, actor: Actor, membership_id: UUID, right: Right, now: datetime
) -> Membership:
    """Locked. Raises NotFound when the actor may not even read it, Forbidden when that is all."""
    membership = await session.get(Membership, membership_id, with_for_update=True)
    if membership is None or not policy.has(actor, Right.READ_ORGANISATIONS, network=membership.network_id, on=now):
        raise NotFound
    policy.require(actor, right, network=membership.network_id, organisation=membership.organisation_id, on=now)
    return membership


async def _seen(
    session: AsyncSession, actor: Actor, organisation_id: UUID, right: Right, now: datetime
) -> Membership | None:
    query = select(Membership).where(memberships.c.organisation_id == organisation_id).order_by(memberships.c.id)
    if not actor.admin:
        query = query.where(
            memberships.c.network_id.in_(actor.networks(now)) if actor.network_id or actor.grants else true()
        )
    for membership in (await session.execute(query)).scalars():
        if policy.has(actor, right, network=membership.network_id, on=now):
            return membership
    return None


async def member(session: AsyncSession, organisation: Organisation, membership: Membership | None) -> Member:
    parent = None
    if organisation.parent_id is not None:
        parent = await session.scalar(select(organisations.c.title).where(organisations.c.id == organisation.parent_id))
    return Member(organisation, membership, parent)


async def belonging(session: AsyncSession, membership: Membership) -> Belonging:
    organisation = await session.get_one(Organisation, membership.organisation_id)
    return Belonging(organisation, membership)
