"""Reading campaigns: by who makes them, and by everybody; and how many they reached."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.campaigns.rules import Campaign, Over, State, UnknownCampaign
from services.learning.campaigns.rules import Page as Written
from services.learning.campaigns.tables import campaign_reach, campaigns
from services.learning.paths.rules import Audience
from services.learning.policy import Right, has_for, policy
from services.learning.practices.queries import asked_places
from shared.access.actor import Actor, day
from shared.access.loading import network_id, network_row
from shared.access.roles import Role
from shared.access.tables import networks
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Shown:
    """`reach`: visits by day, all days together."""

    campaign: Campaign
    network: Any
    reach: int

    @property
    def version(self) -> int:
        return self.campaign.version


_total = (
    select(func.coalesce(func.sum(campaign_reach.c.visitors), 0))
    .where(campaign_reach.c.campaign_id == campaigns.c.id, campaign_reach.c.page_id == campaigns.c.id)
    .scalar_subquery()
    .label("reach")
)


def _query() -> Select[Any]:
    return select(Campaign, networks, _total).join(networks, networks.c.id == campaigns.c.network_id)


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Collection[State] = (),
    audience: Collection[Audience] = (),
    territory: Collection[str] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """Of a network, to those who may make one: coordinators those of their territory."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_CAMPAIGNS, network=network, on=now)
    query = _query().where(campaigns.c.network_id == network, _theirs(actor, network, now))
    for column, values in ((campaigns.c.state, state), (campaigns.c.audience, audience)):
        if values:
            query = query.where(column.in_(values))
    if territory:
        query = query.where(campaigns.c.within.op("&&")(asked_places(territory)))
    if updated_since:
        query = query.where(campaigns.c.updated_at >= updated_since)
    found = await page(session, query, key=[campaigns.c.id], after=after, limit=limit)
    return Page([Shown(row[0], row, int(row.reach)) for row in found.items], found.next)


def _theirs(actor: Actor, network: UUID, now: datetime) -> ColumnElement[bool]:
    if has_for(actor, Right.WRITE_CAMPAIGNS, network=network, body=None, territory=None, on=now):
        return true()
    places = [
        grant.territory
        for grant in actor.current(now)
        if grant.network_id == network and grant.role == Role.COORDINATOR and grant.territory
    ]
    return or_(campaigns.c.within.op("&&")(places))


def writes(actor: Actor, campaign: Campaign, now: datetime) -> bool:
    where: dict[str, Any] = {"network": campaign.network_id, "body": None, "territory": campaign.territory}
    return has_for(actor, Right.WRITE_CAMPAIGNS, **where, on=now)


async def get(session: AsyncSession, actor: Actor, campaign_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownCampaign, also for one that the caller may not see."""
    row = (await session.execute(_query().where(campaigns.c.id == campaign_id))).one_or_none()
    if row is None or not writes(actor, row[0], now):
        raise UnknownCampaign(campaign_id)
    return Shown(row[0], row, int(row.reach))


async def shown(session: AsyncSession, campaign: Campaign) -> Shown:
    """What a command answers with."""
    await session.flush()
    row = (await session.execute(_query().where(campaigns.c.id == campaign.id))).one()
    return Shown(row[0], row, int(row.reach))


async def locked(session: AsyncSession, actor: Actor, campaign_id: UUID, now: datetime) -> Campaign:
    """Until the transaction ends. Raises UnknownCampaign, also for one that the caller may not see."""
    found = await session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if found is None or not writes(actor, found, now):
        raise UnknownCampaign(campaign_id)
    return found


@dataclass(frozen=True)
class Reached:
    """How many different addresses opened a page on a day; any page when there is none."""

    day: date
    page_id: UUID | None
    slug: str | None
    title: str | None
    visitors: int


async def reach(
    session: AsyncSession,
    actor: Actor,
    campaign_id: UUID,
    *,
    since: date | None = None,
    until: date | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Reached]:
    """By day and page, and by day of all its pages; days on which nobody came are left out."""
    campaign = (await get(session, actor, campaign_id, now=now)).campaign
    r = campaign_reach.c
    query = select(r.day, r.page_id, r.visitors).where(r.campaign_id == campaign_id)
    if since is not None:
        query = query.where(r.day >= since)
    if until is not None:
        query = query.where(r.day < until)
    found = await page(session, query, key=[r.day, r.page_id], after=after, limit=limit)
    known = {one.id: one for one in campaign.pages}
    return Page([_reached(row, campaign, known) for row in found.items], found.next)


def _reached(row: Any, campaign: Campaign, known: dict[UUID, Written]) -> Reached:
    if row.page_id == campaign.id:
        return Reached(row.day, None, None, None, row.visitors)
    one = known.get(row.page_id)
    if one is None:
        return Reached(row.day, row.page_id, None, None, row.visitors)
    return Reached(row.day, row.page_id, one.slug, one.title, row.visitors)


# --- for everybody ---------------------------------------------------------------------------------------------------


async def public(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (anybody)
    network: str,
    slug: str,
    page_slug: str | None,
    *,
    now: datetime,
) -> tuple[Campaign, Written, Any]:
    """The campaign, its page and its network's row. Raises UnknownCampaign; Over when it was there and is closed."""
    room = await network_row(session, network)
    query = select(Campaign).where(campaigns.c.network_id == room.id, campaigns.c.slug == slug)
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise UnknownCampaign(slug)
    if not found.shown(day(now)):
        opened = found.state in (State.CLOSED, State.OPEN)
        raise Over(found.title) if opened else UnknownCampaign(slug)
    one = found.page(page_slug)
    if one is None:
        raise UnknownCampaign(slug)
    return found, one, room


async def open_ones(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (anybody)
    network: str,
    *,
    now: datetime,
) -> tuple[Sequence[Campaign], Any]:
    """Those that are shown today, and the network's row."""
    room = await network_row(session, network)
    running = campaigns.c.state.in_((State.OPEN, State.PLANNED))
    query = select(Campaign).where(campaigns.c.network_id == room.id, running).order_by(campaigns.c.since.desc())
    return [one for one in await session.scalars(query.limit(200)) if one.shown(day(now))], room
