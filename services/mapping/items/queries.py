"""Reading items: who sees which, the filters that all lists have, and the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, false, func, inspect, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.areas import queries as areas
from services.mapping.freshness import queries as freshness
from services.mapping.freshness.rules import Rule
from services.mapping.items.rules import Item, State, UnknownItem, Visibility
from services.mapping.items.tables import bodies
from services.mapping.policy import Right, policy
from services.mapping.presences.tables import organisations
from services.mapping.territories.queries import words
from shared.access import loading
from shared.access.actor import Actor, day
from shared.access.roles import Role
from shared.runtime.paging import DEFAULT, Page, page

I = TypeVar("I", bound=Item)  # noqa: E741 (an item)
I_co = TypeVar("I_co", bound=Item, covariant=True)
Sort = Literal["title", "-title", "updated", "-updated"]
SHOWN_TO_THE_NETWORK = (Visibility.NETWORK, Visibility.NETWORKS, Visibility.PUBLIC)


@dataclass(frozen=True)
class Shown(Generic[I_co]):
    """An item with the names of what it refers to. `inside`: the caller is of its network, and sees how it came about;
    `actions` are what the caller may do with it now."""

    item: I_co
    updated_at: datetime
    organisation: str | None
    body: str | None
    rule: Rule
    on: date
    inside: bool
    actions: Sequence[str]

    @property
    def version(self) -> int:
        return self.item.version

    @property
    def score(self) -> float | None:
        return self.rule.score(self.item.checked_on, self.on)


@dataclass(frozen=True)
class Filters:
    """What every list of items can be asked for; of several values of one any, of different ones all."""

    territory: Collection[str] = ()
    state: Collection[State] = ()
    visibility: Collection[Visibility] = ()
    organisation: Collection[UUID] = ()
    body: Collection[UUID] = ()
    stale: bool | None = None
    q: str | None = None
    updated_since: datetime | None = None
    sort: Sort = "title"
    more: Sequence[ColumnElement[bool]] = field(default_factory=tuple)


def table_of(model: type[Item]) -> Table:
    table = inspect(model).local_table
    assert isinstance(table, Table)
    return table


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    model: type[I],
    filters: Filters,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown[I]]:
    """The items of a network that the caller may see, those that are closed only when asked for."""
    network_id = await loading.network_id(session, ref)
    table = table_of(model)
    rule = await freshness.rule_of(session, network_id)
    query = shown(model).where(*await conditions(session, actor, model, network_id, filters, now))
    by = table.c.search if "title" in filters.sort else table.c.updated_at
    found = await page(
        session,
        query,
        key=[by, table.c.id],
        after=after,
        limit=limit,
        descending=filters.sort.startswith("-"),
    )
    inside = is_inside(actor, network_id, now)
    return Page([_row(row, actor, rule, inside, now) for row in found.items], found.next)


async def conditions(
    session: AsyncSession, actor: Actor, model: type[Item], network_id: UUID, filters: Filters, now: datetime
) -> list[ColumnElement[bool]]:
    """Of the items of a network that the caller may see, those that match."""
    table, rule = table_of(model), await freshness.rule_of(session, network_id)
    allowed = await seen(session, actor, model, network_id, now)
    asked = _asked(table, filters, rule, day(now))
    if filters.territory:  # what is in a whole region is in none of its provinces
        here = await areas.expand(session, network_id, filters.territory, "?territory")
        asked.append(table.c.areas.overlap(here))
    return [table.c.network_id == network_id, allowed, *asked, *filters.more]


def _asked(table: Table, filters: Filters, rule: Rule, on: date) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    asked.append(table.c.state.in_(filters.state) if filters.state else table.c.state != State.CLOSED)
    for column, values in (
        (table.c.visibility, filters.visibility),
        (table.c.organisation_id, filters.organisation),
        (table.c.body_id, filters.body),
    ):
        if values:
            asked.append(column.in_(values))
    if filters.stale is not None:
        due = func.coalesce(table.c.checked_on < rule.stale_before(on), false())  # what was never checked is not stale
        old = or_(due, table.c.state == State.EXPIRED)
        asked.append(old if filters.stale else ~old)
    asked += [table.c.search.contains(word, autoescape=True) for word in words(filters.q)]
    if filters.updated_since:
        asked.append(table.c.updated_at >= filters.updated_since)
    return asked


def within(table: Table, code: str) -> ColumnElement[bool]:
    """In the territory or in something that lies in it. What is in a whole region is in none of its provinces."""
    return table.c.areas.contains([code])


def shown(model: type[I]) -> Select[Any]:
    table = table_of(model)
    return (
        select(model, table.c.updated_at, organisations.c.title.label("organisation"), bodies.c.title.label("body"))
        .outerjoin(organisations, organisations.c.id == table.c.organisation_id)
        .outerjoin(bodies, bodies.c.id == table.c.body_id)
    )


def _row(row: Any, actor: Actor, rule: Rule, inside: bool, now: datetime) -> Shown[Any]:
    actions = actions_for(actor, row[0], now)
    return Shown(row[0], row[1], row.organisation, row.body, rule, day(now), inside or bool(actions), actions)


async def get(session: AsyncSession, actor: Actor, model: type[I], id_: UUID, *, now: datetime) -> Shown[I]:
    """Raises UnknownItem, also for what the caller may not see."""
    table = table_of(model)
    network_id = await session.scalar(select(table.c.network_id).where(table.c.id == id_))
    if network_id is None:
        raise UnknownItem(id_)
    query = shown(model).where(table.c.id == id_, await seen(session, actor, model, network_id, now))
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise UnknownItem(id_)
    rule = await freshness.rule_of(session, network_id)
    return _row(row, actor, rule, is_inside(actor, network_id, now), now)


async def after_command(session: AsyncSession, actor: Actor, item: I, now: datetime) -> Shown[I]:
    """What a command answers with: the item as it is now, whoever it is shown to, since they have just changed it."""
    await session.flush()
    row = (await session.execute(shown(type(item)).where(table_of(type(item)).c.id == item.id))).one()
    return _row(row, actor, await freshness.rule_of(session, item.network_id), True, now)


# --- who sees what ---------------------------------------------------------------------------------------------------


def is_inside(actor: Actor, network_id: UUID, now: datetime) -> bool:
    """The caller holds a role in the network, or its key is let see the network's map."""
    return policy.has(actor, Right.SEE_MAP, network=network_id, on=now)


async def seen(
    session: AsyncSession, actor: Actor, model: type[Item], network_id: UUID, now: datetime
) -> ColumnElement[bool]:
    """The condition under which the caller may see an item of the network."""
    table, today = table_of(model), day(now)
    if actor.admin or actor.holds(Role.SECRETARIAT, on=today, network=network_id):
        return true()
    told = table.c.state == State.VALIDATED
    found: list[ColumnElement[bool]] = [and_(told, table.c.visibility == Visibility.PUBLIC)]
    if is_inside(actor, network_id, now):
        found += [
            and_(table.c.state != State.DRAFT, table.c.visibility.in_(SHOWN_TO_THE_NETWORK)),
            *_own(actor, table, network_id, today),
        ]
    else:
        shared = await _shared(session, actor, table, f"{model.subject}s", network_id, now)
        found.append(and_(told, table.c.visibility == Visibility.NETWORKS, shared))
    return or_(*found)


def _own(actor: Actor, table: Table, network_id: UUID, on: date) -> list[ColumnElement[bool]]:
    """What is of the caller's organisations, bodies and, for a coordinator, territory, whatever its visibility."""
    grants = [grant for grant in actor.current(on) if grant.network_id == network_id]
    found: list[ColumnElement[bool]] = []
    if actor.person_id is not None:
        found.append(table.c.proposed_by == actor.person_id)
    if own := {grant.organisation_id for grant in grants if grant.organisation_id}:
        found.append(table.c.organisation_id.in_(own))
    if bodies_ := {grant.body_id for grant in grants if grant.body_id}:
        found.append(and_(table.c.body_id.in_(bodies_), table.c.state != State.DRAFT))
    for grant in grants:
        if grant.role == Role.COORDINATOR:
            here = within(table, grant.territory) if grant.territory else true()
            found.append(and_(here, table.c.state != State.DRAFT))
    return found


async def _shared(
    session: AsyncSession, actor: Actor, table: Table, what: str, network_id: UUID, now: datetime
) -> ColumnElement[bool]:
    """An item names one of the caller's networks; or names none, and its network shares such things with one of them.

    `what` is the word that the networks' sharing uses."""
    viewers = sorted(v for v in actor.networks(now) if is_inside(actor, v, now))
    if not viewers:
        return false()
    named: ColumnElement[bool] = table.c.shared_with.overlap(viewers)
    for viewer in viewers:
        if network_id in await loading.shared_with(session, viewer, what, now):
            return or_(named, table.c.shared_with == [])
    return named


# --- who may do what -------------------------------------------------------------------------------------------------


def may(actor: Actor, right: Right, item: Item, now: datetime) -> bool:
    """The right reaches the item's organisation and one of its territories."""
    return any(_reaches(actor, right, item, code, now) for code in _territories(item))


def _territories(item: Item) -> Sequence[str | None]:
    return item.territories or [None]


def _reaches(actor: Actor, right: Right, item: Item, code: str | None, now: datetime) -> bool:
    return policy.has(actor, right, network=item.network_id, organisation=item.organisation_id, territory=code, on=now)


def require(actor: Actor, right: Right, item: Item, now: datetime) -> None:
    """Raises Forbidden."""
    if not may(actor, right, item, now):
        policy.require(
            actor,
            right,
            network=item.network_id,
            organisation=item.organisation_id,
            territory=next(iter(item.territories), None),
            on=now,
        )


def rights_for(action: str, item: Item) -> tuple[Right, ...]:
    """Any of these lets do it."""
    if action in ("change", "propose"):
        return (Right.PROPOSE, Right.VALIDATE)
    if action == "endorse":
        return (Right.ENDORSE,)
    if action == "validate":
        return (Right.VALIDATE,)
    if action == "close" and item.state in (State.DRAFT, State.RETURNED):
        return (Right.PROPOSE, Right.VALIDATE)
    return (Right.ENDORSE, Right.VALIDATE)


def _holds(actor: Actor, right: Right, item: Item, now: datetime) -> bool:
    """The right to do something with an item that is there. Everybody may propose one for any organisation, whose
    referent then looks at it; what was proposed is not everybody's to change, nor to see while it is a draft."""
    return may(actor, right, item, now) and (right is not Right.PROPOSE or _is_own(actor, item, now))


def _is_own(actor: Actor, item: Item, now: datetime) -> bool:
    """The caller proposed it, or is of its organisation or body. Keys have their scope in the whole network."""
    if actor.admin or actor.key_id is not None:
        return True
    if actor.person_id is not None and actor.person_id == item.proposed_by:
        return True
    return any(
        (item.organisation_id is not None and grant.organisation_id == item.organisation_id)
        or (item.body_id is not None and grant.body_id == item.body_id)
        for grant in actor.current(now)
        if grant.network_id == item.network_id
    )


def require_action(actor: Actor, action: str, item: Item, now: datetime) -> None:
    """Raises Forbidden, with the first right that is missing."""
    rights = rights_for(action, item)
    if not any(_holds(actor, right, item, now) for right in rights):
        for right in rights:
            require(actor, right, item, now)


def actions_for(actor: Actor, item: Item, now: datetime) -> list[str]:
    """What the caller may do with it now."""
    held = {right: _holds(actor, right, item, now) for right in (Right.PROPOSE, Right.ENDORSE, Right.VALIDATE)}
    return [
        action
        for action in item.actions()
        if any(held[right] for right in rights_for(action, item)) and not _needless(action, item)
    ]


def _needless(action: str, item: Item) -> bool:
    """What the item's own look says: endorsed once, validated only then."""
    return (action == "endorse" and item.endorsed_on is not None) or (action == "validate" and item.endorsed_on is None)


# --- locks -----------------------------------------------------------------------------------------------------------


async def for_update(session: AsyncSession, model: type[I], id_: UUID) -> I:
    """The item, its row locked. Raises UnknownItem."""
    found = await session.get(model, id_, with_for_update=True, populate_existing=True)
    if found is None:
        raise UnknownItem(id_)
    return found
