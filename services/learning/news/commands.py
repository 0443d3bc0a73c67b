"""What may be done with news. An item's row is locked before it is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.news import queries
from services.learning.news.rules import SUMMARY, Item, State, Unfit, Visibility
from services.learning.news.tables import news
from services.learning.paths.rules import Audience
from services.learning.policy import Right, require_for
from services.learning.practices.commands import body_place
from services.learning.practices.rules import Unfit as UnfitPractice
from shared import territories
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.contracts.learning import NewsChanged, NewsExpired, NewsPublished, NewsState, NewsWithdrawn
from shared.messaging import stage
from shared.runtime import due
from shared.runtime.problems import expect
from shared.runtime.shapes import NOT_GIVEN, Instant, Request, line

PUBLISH, EXPIRE = "news-publish", "news-expire"

Title = Annotated[str, line(200)]
Summary = Annotated[str, StringConstraints(strip_whitespace=True, max_length=SUMMARY, pattern=r"^[^\x00-\x1f]*$")]
Markdown = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000, pattern=r"^[^\x00]*$")]
Link = Annotated[str, StringConstraints(max_length=2000)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{2,4}$")]


class NewsBody(Request):
    """For everybody of the network unless `audience`, `territory` or `body_id` say for whom. Without `summary` the
    beginning of the text stands for it. `publish_at`: when it comes out, once it is published."""

    title: Title = Field(examples=["Aperto il bando per i laboratori di comunità"])
    summary: Summary = ""
    text: Markdown = Field("", description="Markdown: no images, no HTML", examples=["Domande **entro il 30 giugno**."])
    link: Link | None = Field(None, examples=["https://example.org/bando"])
    audience: Audience | None = None
    territory: Code | None = None
    body_id: UUID | None = None
    visibility: Visibility = Visibility.NETWORK
    publish_at: Instant | None = None
    expires_at: Instant | None = None


class NewsChange(Request):
    """Only what is given changes."""

    title: Title = NOT_GIVEN
    summary: Summary = NOT_GIVEN
    text: Markdown = NOT_GIVEN
    link: Link | None = None
    audience: Audience | None = None
    territory: Code | None = None
    body_id: UUID | None = None
    visibility: Visibility = NOT_GIVEN
    publish_at: Instant | None = None
    expires_at: Instant | None = None


async def create(session: AsyncSession, actor: Actor, ref: str, request: NewsBody, *, now: datetime) -> Item:
    """A draft. Raises Unfit, Forbidden to a coordinator for what is not of their territory or body."""
    network = await network_id(session, ref)
    given = await _values(session, network, request)
    item = Item(network, **given, written_by=actor.person_id, changed_at=now)
    _require_writer(actor, item, now)
    item.require_consistent(now)
    item.within = tuple(territories.load().around(item.territory))
    session.add(item)
    await session.flush()
    return item


async def change(
    session: AsyncSession, actor: Actor, item_id: UUID, request: NewsChange, *, expected: int | None, now: datetime
) -> Item:
    """Raises NotPossibleNow, Unfit."""
    item = await _writable(session, actor, item_id, expected, now)
    if item.change(await _values(session, item.network_id, request), now):
        _require_writer(actor, item, now)
        item.within = tuple(territories.load().around(item.territory))
        await _put_on_time(session, item)
        await session.flush()
        if item.state is State.PUBLISHED:
            await stage(session, state_of(NewsChanged, item))
    return item


async def publish(session: AsyncSession, actor: Actor, item_id: UUID, *, expected: int | None, now: datetime) -> Item:
    """Raises NotPossibleNow, Unfit."""
    item = await _writable(session, actor, item_id, expected, now)
    item.publish(now)
    await _put_on_time(session, item)
    await session.flush()
    if item.state is State.PUBLISHED:
        await stage(session, state_of(NewsPublished, item))
    return item


async def withdraw(session: AsyncSession, actor: Actor, item_id: UUID, *, expected: int | None, now: datetime) -> Item:
    """Raises NotPossibleNow."""
    item = await _writable(session, actor, item_id, expected, now)
    told = item.withdraw(now)
    await _put_on_time(session, item)
    await session.flush()
    if told:
        await stage(session, state_of(NewsWithdrawn, item))
    return item


async def delete(session: AsyncSession, actor: Actor, item_id: UUID, *, expected: int | None, now: datetime) -> None:
    """A draft. Raises NotPossibleNow."""
    item = await _writable(session, actor, item_id, expected, now)
    item.require("delete")
    await session.delete(item)


async def publish_due(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    for item in await _locked(session, ids):
        out = item.come_out(now)
        await _put_on_time(session, item)
        await session.flush()
        if out:
            await stage(session, state_of(NewsPublished, item))


async def expire_due(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    over = [item for item in await _locked(session, ids) if item.expire(now)]
    await session.flush()
    await stage(session, *(state_of(NewsExpired, item) for item in over))


async def _locked(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Item]:
    query = select(Item).where(news.c.id.in_(ids)).order_by(news.c.id).with_for_update()
    return (await session.scalars(query)).all()


async def _put_on_time(session: AsyncSession, item: Item) -> None:
    """What falls due follows what the item says, whatever it said before."""
    if item.state is State.SCHEDULED and item.publish_at is not None:
        await due.schedule(session, PUBLISH, item.id, item.publish_at)
    else:
        await due.cancel(session, PUBLISH, item.id)
    if item.state is State.PUBLISHED and item.expires_at is not None:
        await due.schedule(session, EXPIRE, item.id, item.expires_at)
    else:
        await due.cancel(session, EXPIRE, item.id)


async def _values(session: AsyncSession, network: UUID, request: Request) -> dict[str, Any]:
    """Raises Unfit."""
    given: dict[str, Any] = {name: getattr(request, name) for name in request.model_fields_set}
    if given.get("territory") is not None:
        given["territory"] = territories.load().code_of(given["territory"])
        if given["territory"] is None:
            raise Unfit("/territory", "unknown", "03, 097 or LC, E507")
    if given.get("body_id") is not None:
        try:
            await body_place(session, network, given["body_id"])
        except UnfitPractice as error:
            raise Unfit(error.path, error.code, error.accepted) from error
    return given


async def _writable(session: AsyncSession, actor: Actor, item_id: UUID, expected: int | None, now: datetime) -> Item:
    item = await queries.locked(session, actor, item_id, now)
    _require_writer(actor, item, now)
    expect(expected, item.version)
    return item


def _require_writer(actor: Actor, item: Item, now: datetime) -> None:
    where: dict[str, Any] = {"network": item.network_id, "body": item.body_id, "territory": item.territory}
    require_for(actor, Right.WRITE_NEWS, **where, on=now)


def state_of(fact: type[NewsState], item: Item) -> NewsState:
    assert item.published_at is not None
    return fact(
        id=item.id,
        version=item.version,
        network_id=item.network_id,
        title=item.title,
        summary=item.short,
        link=item.link,
        audience=item.audience,
        territory=item.territory,
        body_id=item.body_id,
        visibility=item.visibility,
        published_at=item.published_at,
        expires_at=item.expires_at,
        state=item.state,
    )
