"""HTTP of campaigns, and of how many they reached."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.learning.campaigns import commands, queries
from services.learning.campaigns.commands import CampaignBody, CampaignChange
from services.learning.campaigns.queries import Reached, Shown
from services.learning.campaigns.rules import Campaign, NotPossibleNow, Over, Page, State, Unfit, UnknownCampaign
from services.learning.paths.rules import Audience
from services.learning.practices.routes import Places, network_ref
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["campaigns"])


class CampaignPageOut(BaseModel):
    """`address` is for everybody, while the campaign is open."""

    id: UUID
    slug: str
    title: str
    text: str
    title_en: str | None
    text_en: str | None
    address: str


class CampaignOut(BaseModel):
    """`reach` adds up the days: who came on two of them counts twice. It lags by some seconds."""

    id: UUID
    network: Ref
    slug: str
    title: str
    title_en: str | None
    audience: Audience
    territory: str | None
    since: date
    until: date | None
    state: State
    pages: list[CampaignPageOut]
    reach: int
    address: str
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown) -> CampaignOut:
        one, network = shown.campaign, shown.network.slug
        return cls(
            id=one.id,
            network=network_ref(one.network_id, shown.network.name),
            slug=one.slug,
            title=one.title,
            title_en=one.title_en,
            audience=one.audience,
            territory=one.territory,
            since=one.since,
            until=one.until,
            state=one.state,
            pages=[page_out(one, network, page) for page in one.pages],
            reach=shown.reach,
            address=address(network, one),
            href=f"/learning/v1/campaigns/{one.id}",
            version=one.version,
            allowed_actions=one.actions(),
        )


def page_out(campaign: Campaign, network: str, page: Page) -> CampaignPageOut:
    held = {name: getattr(page, name) for name in ("id", "slug", "title", "text", "title_en", "text_en")}
    return CampaignPageOut(**held, address=address(network, campaign, page))


def address(network: str, campaign: Campaign, page: Page | None = None) -> str:
    """Where everybody reads it: of the first page, the campaign's own."""
    own = f"/campaigns/{network}/{campaign.slug}"
    return own if page is None or page == campaign.pages[0] else f"{own}/{page.slug}"


class ReachOut(BaseModel):
    """`page_id`, `slug` and `title` are null for any of its pages, and the last two for a page that is gone."""

    day: date
    page_id: UUID | None
    slug: str | None
    title: str | None
    visitors: int

    @classmethod
    def of(cls, one: Reached) -> ReachOut:
        return cls(**vars(one))


async def _command(at: Edge, fn: Any, *args: Any, **more: Any) -> Response:
    async def act(session: Any, actor: Any, *given: Any, now: datetime, **kw: Any) -> Shown:
        return await queries.shown(session, await fn(session, actor, *given, now=now, **kw))

    return await at.command(act, *args, out=CampaignOut.of, **more)


@routes.post("/networks/{network}/campaigns", status_code=201, response_model=CampaignOut)
async def create(network: str, body: CampaignBody, at: At) -> Response:
    """A draft: by the secretariat, or by a coordinator for their territory."""
    return await _command(
        at, commands.create, network, body, location=lambda one: f"/learning/v1/campaigns/{one.campaign.id}"
    )


@routes.get("/networks/{network}/campaigns", response_model=PageOut[CampaignOut])
async def campaigns(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    audience: Annotated[list[Audience], Query()] = [],  # noqa: B006
    territory: Places = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """A network's, oldest first."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        audience=audience,
        territory=territory,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=CampaignOut.of,
        model=CampaignOut,
    )


@routes.get("/campaigns/{campaign_id}", response_model=CampaignOut)
async def campaign(campaign_id: UUID, at: At) -> Response:
    """A campaign."""
    return await at.read(queries.get, campaign_id, out=CampaignOut.of)


@routes.patch("/campaigns/{campaign_id}", response_model=CampaignOut)
async def change(campaign_id: UUID, body: CampaignChange, at: At) -> Response:
    """Changes what is given, until it closes; its address and its audience while it is a draft. Needs If-Match."""
    return await _command(at, commands.change, campaign_id, body, expected=at.if_match())


@routes.delete("/campaigns/{campaign_id}", status_code=204)
async def delete(campaign_id: UUID, at: At) -> Response:
    """Throws a draft away. Needs If-Match."""
    return await at.command(commands.delete, campaign_id, expected=at.if_match(), out=lambda _: None)


@routes.post("/campaigns/{campaign_id}/publish", response_model=CampaignOut, openapi_extra=GUARDED)
async def publish(campaign_id: UUID, at: At) -> Response:
    """Open now, or on its day. Needs If-Match."""
    return await _command(at, commands.publish, campaign_id, expected=at.if_match())


@routes.post("/campaigns/{campaign_id}/hold-back", response_model=CampaignOut, openapi_extra=GUARDED)
async def hold_back(campaign_id: UUID, at: At) -> Response:
    """A draft again, before it opens. Needs If-Match."""
    return await _command(at, commands.hold_back, campaign_id, expected=at.if_match())


@routes.post("/campaigns/{campaign_id}/close", response_model=CampaignOut, openapi_extra=GUARDED)
async def close(campaign_id: UUID, at: At) -> Response:
    """Before its day. Needs If-Match."""
    return await _command(at, commands.close, campaign_id, expected=at.if_match())


@routes.get("/campaigns/{campaign_id}/reach", response_model=PageOut[ReachOut])
async def reach(
    campaign_id: UUID,
    at: At,
    since: Annotated[date | None, Query(description="On this day or later")] = None,
    until: Annotated[date | None, Query(description="Before this day")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """How many different addresses opened each page on each day, without following anybody: an estimate within 2 %. Who
    comes on two days counts on both."""
    return await at.page(
        queries.reach,
        campaign_id,
        since=since,
        until=until,
        after=after,
        limit=limit,
        out=ReachOut.of,
        model=ReachOut,
    )


problems = {
    UnknownCampaign: not_found,
    Over: problem(
        "campaign-over",
        410,
        it="La campagna si è conclusa\n«{title}» non è più in corso.",
        en="The campaign is over\n“{title}” has ended.",
    ),
    Unfit: problem(
        "campaign-unfit",
        422,
        it="Campagna incoerente\nUn valore non va d'accordo con gli altri: `errors` dice quale e che cosa si accetta.",
        en="Campaign that does not hold together\nA value does not go with the others: `errors` says which, and what "
        "is accepted.",
    ),
    NotPossibleNow: problem(
        "campaign-not-possible-now",
        409,
        it="Ora non è possibile\nCon una campagna nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith a campaign that is {state}, {action} cannot be done.",
    ),
    "campaigns_slug": problem(
        "campaign-slug-taken",
        409,
        it="Indirizzo già usato\nUn'altra campagna della rete ha questo nome breve.",
        en="Address already used\nAnother campaign of the network has this slug.",
        path="/slug",
    ),
}
vocabularies = (
    vocabulary(
        "campaign_states",
        "Stati di una campagna",
        "States of a campaign",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.PLANNED, "Programmata", "Planned"),
            (State.OPEN, "Aperta", "Open"),
            (State.CLOSED, "Chiusa", "Closed"),
        ],
    ),
)
