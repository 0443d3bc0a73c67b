"""Reading news: what a network's writers have, what is for somebody, and what is for everybody."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.bodies.tables import bodies
from services.learning.news.rules import Item, State, UnknownItem, Visibility, reaches
from services.learning.news.tables import news
from services.learning.organisations.tables import organisations
from services.learning.paths.queries import audiences_of
from services.learning.paths.rules import Audience
from services.learning.policy import Right, has_for, policy
from services.learning.practices.queries import asked_places
from shared import territories
from shared.access.actor import Actor, Grant
from shared.access.loading import network_id, network_row
from shared.access.roles import Role
from shared.access.tables import networks
from shared.runtime.paging import DEFAULT, Page, page

FEED = 50
"""Items of a feed."""
NOTHING_YET = datetime(1970, 1, 1, tzinfo=UTC)
AT_MOST = 500
"""Items that are looked at for one person: what is older has been read or has expired."""


@dataclass(frozen=True)
class Shown:
    item: Item
    network: str
    body: str | None
    writes: bool

    @property
    def version(self) -> int:
        return self.item.version


SHOWN = (
    select(Item, networks.c.name.label("network"), bodies.c.title.label("body"))
    .outerjoin(networks, networks.c.id == news.c.network_id)
    .outerjoin(bodies, bodies.c.id == news.c.body_id)
)


def out(now: datetime) -> ColumnElement[bool]:
    """Shown now, by the clock."""
    return and_(news.c.state == State.PUBLISHED, or_(news.c.expires_at.is_(None), news.c.expires_at > now))


def writes(actor: Actor, item: Item, now: datetime) -> bool:
    where: dict[str, Any] = {"network": item.network_id, "body": item.body_id, "territory": item.territory}
    return has_for(actor, Right.WRITE_NEWS, **where, on=now)


def _shown(row: Any, actor: Actor, now: datetime) -> Shown:
    return Shown(row[0], row.network or "", row.body, writes(actor, row[0], now))


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Collection[State] = (),
    audience: Collection[Audience] = (),
    visibility: Collection[Visibility] = (),
    territory: Collection[str] = (),
    body: Collection[UUID] = (),
    q: str | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The newest first: what is out, and to writers what they write."""
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_NEWS, network=network, on=now)
    query = SHOWN.where(news.c.network_id == network, _seen(actor, network, now))
    for column, values in (
        (news.c.state, state),
        (news.c.audience, audience),
        (news.c.visibility, visibility),
        (news.c.body_id, body),
    ):
        if values:
            query = query.where(column.in_(values))
    if territory:
        query = query.where(news.c.within.op("&&")(asked_places(territory)))
    if q:
        query = query.where(or_(*(part.icontains(q, autoescape=True) for part in (news.c.title, news.c.text))))
    if updated_since:
        query = query.where(news.c.updated_at >= updated_since)
    found = await page(session, query, key=[news.c.id], after=after, limit=limit, descending=True)
    return Page([_shown(row, actor, now) for row in found.items], found.next)


def _seen(actor: Actor, network: UUID, now: datetime) -> ColumnElement[bool]:
    """What is out and not another body's alone; the caller's own; and what is theirs to write."""
    seen: list[ColumnElement[bool]] = [and_(out(now), news.c.body_id.is_(None))]
    if actor.person_id is not None:
        seen.append(news.c.written_by == actor.person_id)
    if actor.admin or actor.key_id is not None:
        if policy.has(actor, Right.WRITE_NEWS, network=network, on=now):
            seen.append(news.c.network_id == network)
        return or_(*seen)
    for grant in actor.current(now):
        if grant.network_id == network:
            seen += _by(grant, now)
    return or_(*seen)


def _by(grant: Grant, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if grant.body_id is not None:
        found.append(and_(out(now), news.c.body_id == grant.body_id))
    if grant.role == Role.SECRETARIAT:
        found.append(news.c.network_id == grant.network_id)
    elif grant.role == Role.COORDINATOR:
        if grant.body_id is None and grant.territory is None:
            found.append(news.c.network_id == grant.network_id)
        if grant.body_id is not None:
            found.append(news.c.body_id == grant.body_id)
        if grant.territory is not None:
            found.append(news.c.within.op("&&")([grant.territory]))
    return found


async def get(session: AsyncSession, actor: Actor, item_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownItem, also for one that the caller may not see."""
    row = (await session.execute(SHOWN.where(news.c.id == item_id))).one_or_none()
    if row is None or not _sees(actor, row[0], now):
        raise UnknownItem(item_id)
    return _shown(row, actor, now)


def _sees(actor: Actor, item: Item, now: datetime) -> bool:
    if writes(actor, item, now) or (actor.person_id is not None and actor.person_id == item.written_by):
        return True
    if not item.shown(now):
        return False
    if item.visibility is Visibility.PUBLIC:
        return True
    if not policy.has(actor, Right.READ_NEWS, network=item.network_id, on=now):
        return False
    return item.body_id is None or any(
        grant.network_id == item.network_id and grant.body_id == item.body_id for grant in actor.current(now)
    )


async def locked(session: AsyncSession, actor: Actor, item_id: UUID, now: datetime) -> Item:
    """Until the transaction ends. Raises UnknownItem, also for one that the caller may not see."""
    found = await session.get(Item, item_id, with_for_update=True, populate_existing=True)
    if found is None or not _sees(actor, found, now):
        raise UnknownItem(item_id)
    return found


async def shown(session: AsyncSession, actor: Actor, item: Item, now: datetime) -> Shown:
    """What a command answers with."""
    await session.flush()
    return _shown((await session.execute(SHOWN.where(news.c.id == item.id))).one(), actor, now)


# --- for me ----------------------------------------------------------------------------------------------------------


async def mine(
    session: AsyncSession,
    actor: Actor,
    *,
    network: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Sequence[Shown]:
    """What is out in the caller's networks and for them: their audience, their bodies, and the territories where their
    mandates, their bodies or their organisations are. The newest first."""
    own = {one for one in actor.networks(now) if policy.has(actor, Right.READ_NEWS, network=one, on=now)}
    if network is not None:
        own &= {await network_id(session, network)}
    if not own:
        return []
    query = SHOWN.where(news.c.network_id.in_(own), out(now)).order_by(news.c.published_at.desc(), news.c.id.desc())
    rows = (await session.execute(query.limit(AT_MOST))).all()
    places = await _places(session, actor, now)
    found = []
    for row in rows:
        item = row[0]
        grants = [grant for grant in actor.current(now) if grant.network_id == item.network_id]
        if reaches(
            item,
            audiences_of(actor, item.network_id, now),
            {grant.body_id for grant in grants if grant.body_id},
            places.get(item.network_id, ()),
            any(grant.role == Role.SECRETARIAT for grant in grants),
        ):
            found.append(_shown(row, actor, now))
    return found[:limit]


async def _places(session: AsyncSession, actor: Actor, now: datetime) -> dict[UUID, list[tuple[str, ...]]]:
    """Of each network, where the caller's grants are, each place with those in which it lies."""
    grants = list(actor.current(now))
    of_bodies = {grant.body_id for grant in grants if grant.body_id}
    of_organisations = {grant.organisation_id for grant in grants if grant.organisation_id}
    known: dict[UUID, str | None] = {}
    for query in (
        select(bodies.c.id, bodies.c.territory).where(bodies.c.id.in_(of_bodies)),
        select(organisations.c.id, organisations.c.municipality).where(organisations.c.id.in_(of_organisations)),
    ):
        known |= {row[0]: row[1] for row in await session.execute(query)}
    found: dict[UUID, list[tuple[str, ...]]] = {}
    for grant in grants:
        for code in (grant.territory, known.get(grant.body_id or UUID(int=0)), _of(known, grant.organisation_id)):
            if code is not None:
                found.setdefault(grant.network_id, []).append(tuple(territories.load().around(code)))
    return found


def _of(known: dict[UUID, str | None], id_: UUID | None) -> str | None:
    return known.get(id_) if id_ is not None else None


# --- for everybody ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Feed:
    """The public items of a network, the newest first, and when anything of it last changed."""

    network: Any
    items: Sequence[Item]
    updated: datetime


async def feed(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Feed:  # noqa: ARG001 (anybody)
    """Raises NetworkUnknown."""
    network = await network_row(session, ref)
    public = and_(news.c.network_id == network.id, news.c.visibility == Visibility.PUBLIC)
    query = select(Item).where(public, out(now)).order_by(news.c.published_at.desc(), news.c.id.desc()).limit(FEED)
    items = (await session.scalars(query)).all()
    over = case((news.c.expires_at <= now, news.c.expires_at))  # what fell away changed the feed, too
    told = and_(public, news.c.published_at.is_not(None))
    updated = await session.scalar(select(func.max(func.greatest(news.c.changed_at, over))).where(told))
    return Feed(network, items, updated or NOTHING_YET)


async def public(session: AsyncSession, actor: Actor, item_id: UUID, *, now: datetime) -> tuple[Item, Any]:  # noqa: ARG001
    """With its network's row. Raises UnknownItem."""
    item = await session.get(Item, item_id)
    if item is None or item.visibility is not Visibility.PUBLIC or not item.shown(now):
        raise UnknownItem(item_id)
    return item, await network_row(session, str(item.network_id))
