"""Making addresses of calendars, replacing them, ending them. Nothing of it is told: nobody else has a use for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.feeds import queries
from services.events.feeds.queries import Known
from services.events.feeds.rules import MOST, Feed, Kind, OnlyPeople, TooMany, UnknownFeed
from services.events.feeds.tables import calendar_feeds
from services.events.policy import Right, policy
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.runtime.problems import NotFound, expect


async def of_me(session: AsyncSession, actor: Actor, *, language: str, now: datetime) -> Known:
    """Of the caller's own invitations. Raises OnlyPeople, TooMany."""
    return await _made(session, actor, Kind.PERSON, None, None, language, now)


async def of_body(session: AsyncSession, actor: Actor, body_id: UUID, *, language: str, now: datetime) -> Known:
    """Of the meetings of a body, for who may read them. Raises NotFound, Forbidden, OnlyPeople, TooMany."""
    row = (await session.execute(select(bodies.c.network_id).where(bodies.c.id == body_id))).one_or_none()
    if row is None:
        raise NotFound
    policy.require(actor, Right.READ_MEETINGS, network=row.network_id, on=now)
    return await _made(session, actor, Kind.BODY, row.network_id, body_id, language, now)


async def of_network(session: AsyncSession, actor: Actor, network: str, *, language: str, now: datetime) -> Known:
    """Of all meetings of a network, for who may read them. Raises Forbidden, OnlyPeople, TooMany."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_MEETINGS, network=room, on=now)
    return await _made(session, actor, Kind.NETWORK, room, None, language, now)


async def _made(
    session: AsyncSession,
    actor: Actor,
    kind: Kind,
    network: UUID | None,
    body: UUID | None,
    language: str,
    now: datetime,
) -> Known:
    if actor.person_id is None:
        raise OnlyPeople
    await session.execute(LOCK, {"person": str(actor.person_id)})
    alive = select(func.count()).where(
        calendar_feeds.c.person_id == actor.person_id, calendar_feeds.c.revoked_at.is_(None)
    )
    if (await session.scalar(alive) or 0) >= MOST:
        raise TooMany
    feed = Feed(kind, actor.person_id, language, now, network, body)
    secret = feed.renew()
    session.add(feed)
    await session.flush()
    return replace(await queries.known(session, feed), secret=secret)


LOCK = text("select pg_advisory_xact_lock(hashtextextended('calendar feeds ' || :person, 0))")
"""Two requests at once do not both find room for the last one."""


async def rotate(session: AsyncSession, actor: Actor, feed_id: UUID, *, expected: int | None, now: datetime) -> Known:
    """Another address; the one before shows nothing from now on. Its owner's alone. Raises UnknownFeed, FeedEnded."""
    feed = await _locked(session, actor, feed_id, expected, now)
    if actor.person_id != feed.person_id:
        raise UnknownFeed(feed_id)
    secret = feed.renew()
    await session.flush()
    return replace(await queries.known(session, feed), secret=secret)


async def revoke(session: AsyncSession, actor: Actor, feed_id: UUID, *, expected: int | None, now: datetime) -> Known:
    """For good. Raises UnknownFeed."""
    feed = await _locked(session, actor, feed_id, expected, now)
    feed.revoke(now)
    await session.flush()
    return await queries.known(session, feed)


async def _locked(session: AsyncSession, actor: Actor, feed_id: UUID, expected: int | None, now: datetime) -> Feed:
    await queries.get(session, actor, feed_id, now=now)
    feed = await session.get_one(Feed, feed_id, with_for_update=True, populate_existing=True)
    expect(expected, feed.version)
    return feed


async def note_reading(session: AsyncSession, actor: Actor, feed: Feed, *, now: datetime) -> None:  # noqa: ARG001
    """That it was read today: an address that nobody uses may be ended. Never the instant, never from where."""
    today = day(now)
    await session.execute(
        update(calendar_feeds)
        .where(calendar_feeds.c.id == feed.id, calendar_feeds.c.read_on.is_distinct_from(today))
        .values(read_on=today)
    )
