"""What may be done with campaigns. A campaign's row is locked before it is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import delete as remove
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.campaigns import queries, rules
from services.learning.campaigns.rules import MOST, Campaign, Page, State, Unfit
from services.learning.campaigns.tables import campaign_reach, campaigns
from services.learning.paths.rules import Audience
from services.learning.policy import Right, require_for
from shared import territories
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.contracts.learning import CampaignChanged, CampaignClosed, CampaignOpened, CampaignState
from shared.messaging import stage
from shared.runtime import due
from shared.runtime.problems import expect
from shared.runtime.shapes import NOT_GIVEN, Request, line, prose

TURN = "campaign"

Line = Annotated[str, line(200)]
Markdown = Annotated[str, prose(30_000)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{2,4}$")]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 12, 31))]


class PageBody(Request):
    """The first page is at the campaign's own address. English is shown where both title and text were written."""

    slug: Slug = Field(examples=["che-cosa-puoi-fare"])
    title: Line = Field(examples=["Che cosa puoi fare"])
    text: Markdown = Field(description="Markdown: no images, no HTML", examples=["## Tre cose\n\n- chiedere"])
    title_en: Line | None = None
    text_en: Markdown | None = None


class CampaignBody(Request):
    """Shown from `since` until the day before `until`; without `until`, until it is closed."""

    slug: Slug = Field(examples=["casa-della-comunita"])
    title: Line = Field(examples=["La Casa della comunità è anche tua"])
    title_en: Line | None = None
    audience: Audience
    territory: Code | None = None
    since: Day
    until: Day | None = None
    pages: list[PageBody] = Field(default=[], max_length=MOST)


class CampaignChange(Request):
    """Only what is given changes; `pages` is the whole list: a page that keeps its slug keeps its figures."""

    slug: Slug = NOT_GIVEN
    title: Line = NOT_GIVEN
    title_en: Line | None = None
    audience: Audience = NOT_GIVEN
    territory: Code | None = None
    since: Day = NOT_GIVEN
    until: Day | None = None
    pages: list[PageBody] = Field(default_factory=lambda: None, max_length=MOST)  # type: ignore[arg-type]


async def create(session: AsyncSession, actor: Actor, ref: str, request: CampaignBody, *, now: datetime) -> Campaign:
    """A draft. Raises Unfit."""
    network = await network_id(session, ref)
    given = _values(request)
    _require_writer(actor, network, given.get("territory"), now)
    campaign = Campaign(network, **given, written_by=actor.person_id)
    campaign.within = tuple(territories.load().around(campaign.territory))
    campaign.require_consistent(day(now))
    session.add(campaign)
    await session.flush()
    return campaign


async def change(
    session: AsyncSession,
    actor: Actor,
    campaign_id: UUID,
    request: CampaignChange,
    *,
    expected: int | None,
    now: datetime,
) -> Campaign:
    """Raises NotPossibleNow, Unfit."""
    campaign = await _writable(session, actor, campaign_id, expected, now)
    given = _values(request)
    if "pages" in given:
        given["pages"] = rules.kept(campaign.pages, given["pages"])
    if campaign.change(given, day(now)):
        _require_writer(actor, campaign.network_id, campaign.territory, now)
        campaign.within = tuple(territories.load().around(campaign.territory))
        opened = campaign.turn(day(now))
        await _put_on_time(session, campaign)
        await session.flush()
        if campaign.state is State.OPEN:
            await stage(session, state_of(CampaignOpened if opened else CampaignChanged, campaign))
    return campaign


async def publish(
    session: AsyncSession, actor: Actor, campaign_id: UUID, *, expected: int | None, now: datetime
) -> Campaign:
    """Open now, or on its day. Raises NotPossibleNow, Unfit."""
    campaign = await _writable(session, actor, campaign_id, expected, now)
    opened = campaign.publish(day(now))
    await _put_on_time(session, campaign)
    await session.flush()
    if opened:
        await stage(session, state_of(CampaignOpened, campaign))
    return campaign


async def hold_back(
    session: AsyncSession, actor: Actor, campaign_id: UUID, *, expected: int | None, now: datetime
) -> Campaign:
    """A draft again, before it opens. Raises NotPossibleNow."""
    campaign = await _writable(session, actor, campaign_id, expected, now)
    campaign.hold_back()
    await _put_on_time(session, campaign)
    await session.flush()
    return campaign


async def close(
    session: AsyncSession, actor: Actor, campaign_id: UUID, *, expected: int | None, now: datetime
) -> Campaign:
    """Before its day. Raises NotPossibleNow."""
    campaign = await _writable(session, actor, campaign_id, expected, now)
    campaign.close()
    await _put_on_time(session, campaign)
    await session.flush()
    await stage(session, state_of(CampaignClosed, campaign))
    return campaign


async def delete(
    session: AsyncSession, actor: Actor, campaign_id: UUID, *, expected: int | None, now: datetime
) -> None:
    """A draft. Raises NotPossibleNow."""
    campaign = await _writable(session, actor, campaign_id, expected, now)
    campaign.require("delete")
    await session.execute(remove(campaign_reach).where(campaign_reach.c.campaign_id == campaign.id))
    await session.delete(campaign)


async def turn_due(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """Opens and closes what the day asks for. One whose whole period passed unseen is stated once, as closed."""
    query = select(Campaign).where(campaigns.c.id.in_(ids)).order_by(campaigns.c.id).with_for_update()
    for campaign in (await session.scalars(query)).all():
        through = campaign.turn(day(now))
        await _put_on_time(session, campaign)
        await session.flush()
        if through:
            fact = CampaignClosed if through[-1] is State.CLOSED else CampaignOpened
            await stage(session, state_of(fact, campaign))


async def _put_on_time(session: AsyncSession, campaign: Campaign) -> None:
    at = campaign.turns_at()
    if at is None:
        await due.cancel(session, TURN, campaign.id)
    else:
        await due.schedule(session, TURN, campaign.id, at)


def _values(request: Request) -> dict[str, Any]:
    """Raises Unfit."""
    given: dict[str, Any] = {name: getattr(request, name) for name in request.model_fields_set}
    if given.get("territory") is not None:
        given["territory"] = territories.load().code_of(given["territory"])
        if given["territory"] is None:
            raise Unfit("/territory", "unknown", "03, 097 or LC, E507")
    if "pages" in given:
        given["pages"] = tuple(Page(**page.model_dump()) for page in given["pages"])
    return given


async def _writable(
    session: AsyncSession, actor: Actor, campaign_id: UUID, expected: int | None, now: datetime
) -> Campaign:
    campaign = await queries.locked(session, actor, campaign_id, now)
    expect(expected, campaign.version)
    return campaign


def _require_writer(actor: Actor, network: UUID, territory: str | None, now: datetime) -> None:
    require_for(actor, Right.WRITE_CAMPAIGNS, network=network, body=None, territory=territory, on=now)


def state_of(fact: type[CampaignState], campaign: Campaign) -> CampaignState:
    return fact(
        id=campaign.id,
        version=campaign.version,
        network_id=campaign.network_id,
        title=campaign.title,
        slug=campaign.slug,
        audience=campaign.audience,
        territory=campaign.territory,
        since=campaign.since,
        until=campaign.until,
        state=campaign.state,
    )
