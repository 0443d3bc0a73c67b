"""Reading feeds: whose they are, and the meetings that each shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.feeds.rules import AHEAD, BACK, CANCELLED_FOR, Feed, FeedEnded, Kind, UnknownFeed, digest
from services.events.feeds.tables import calendar_feeds
from services.events.people.tables import people
from services.events.policy import Right, policy
from shared.access import loading
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.access.tables import networks
from shared.access.tokens import Identity
from shared.runtime.paging import DEFAULT, Page, page

CHUNK = 2_000
"""Meetings in one statement, and in one piece of the answer: a feed of any length takes this much room (2 MB). Each
statement sorts what is left, so many small ones cost more than some large ones."""


@dataclass(frozen=True)
class Known:
    """A feed with the names of what it shows and of whose it is; its `secret` on the occasions on which it is
    shown."""

    feed: Feed
    network: str | None
    body: str | None
    person: str
    secret: str | None = None
    read_on: date | None = None

    @property
    def version(self) -> int:
        return self.feed.version


KNOWN = (
    select(
        Feed,
        calendar_feeds.c.read_on,
        networks.c.name.label("network"),
        bodies.c.title.label("body"),
        (people.c.given_name + " " + people.c.family_name).label("person"),
    )
    .outerjoin(networks, networks.c.id == calendar_feeds.c.network_id)
    .outerjoin(bodies, bodies.c.id == calendar_feeds.c.body_id)
    .outerjoin(people, people.c.id == calendar_feeds.c.person_id)
)


def _known(row: Any) -> Known:
    return Known(row[0], row.network, row.body, (row.person or "").strip(), read_on=row.read_on)


async def known(session: AsyncSession, feed: Feed) -> Known:
    return _known((await session.execute(KNOWN.where(calendar_feeds.c.id == feed.id))).one())


async def get(session: AsyncSession, actor: Actor, feed_id: UUID, *, now: datetime) -> Known:
    """For its owner, and of a body or a network for who may end it. Raises UnknownFeed, to all others too."""
    row = (await session.execute(KNOWN.where(calendar_feeds.c.id == feed_id))).one_or_none()
    if row is None or not may_end(actor, row[0], now):
        raise UnknownFeed(feed_id)
    return _known(row)


def may_end(actor: Actor, feed: Feed, now: datetime) -> bool:
    """Its owner may; and of meetings that are a network's who keeps its feeds."""
    if actor.person_id is not None and actor.person_id == feed.person_id:
        return True
    return feed.network_id is not None and policy.has(actor, Right.KEEP_FEEDS, network=feed.network_id, on=now)


async def mine(
    session: AsyncSession,
    actor: Actor,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,  # noqa: ARG001
) -> Page[Known]:
    """The caller's own, also those that have ended, the latest first."""
    query = KNOWN.where(calendar_feeds.c.person_id == actor.person_id)
    return await _page(session, query, after, limit)


async def of_network(
    session: AsyncSession, actor: Actor, network: str, *, after: str | None = None, limit: int = DEFAULT, now: datetime
) -> Page[Known]:
    """Who has an address of a body's or the whole network's meetings, the latest first. Raises Forbidden."""
    room = await network_id(session, network)
    policy.require(actor, Right.KEEP_FEEDS, network=room, on=now)
    return await _page(session, KNOWN.where(calendar_feeds.c.network_id == room), after, limit)


async def _page(session: AsyncSession, query: Any, after: str | None, limit: int) -> Page[Known]:
    found = await page(session, query, key=[calendar_feeds.c.id], after=after, limit=limit, descending=True)
    return Page([_known(row) for row in found.items], found.next)


# --- what a calendar program reads ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """A feed that may be read now. `mark` changes with whatever it shows; `noted`: that it was read today is known."""

    known: Known
    noted: bool
    mark: str


async def opened(session: AsyncSession, actor: Actor, secret: str, *, now: datetime) -> Opened:  # noqa: ARG001 (whoever has the secret)
    """Raises UnknownFeed, FeedEnded: what its owner may read is asked now."""
    row = (await session.execute(KNOWN.where(calendar_feeds.c.secret_sha256 == digest(secret)))).one_or_none()
    if row is None:
        raise UnknownFeed
    feed: Feed = row[0]
    if feed.revoked_at is not None or not await _may_read(session, feed, now):
        raise FeedEnded
    mark = await session.scalar(MARKS[feed.kind], _asked(feed, now))
    return Opened(_known(row), row.read_on == day(now), f"{feed.id.hex}-{mark}")


async def _may_read(session: AsyncSession, feed: Feed, now: datetime) -> bool:
    if feed.network_id is None:
        return True
    owner = await loading.person(session, Identity(person_id=feed.person_id))
    return policy.has(owner, Right.READ_MEETINGS, network=feed.network_id, on=now)


def _asked(feed: Feed, now: datetime, after: tuple[datetime, UUID] | None = None) -> dict[str, Any]:
    whose: dict[Kind, dict[str, Any]] = {
        Kind.PERSON: {"person": feed.person_id},
        Kind.BODY: {"body": feed.body_id},
        Kind.NETWORK: {"network": feed.network_id},
    }
    since = now - BACK
    after_at, after_id = after or (since - BACK, FIRST)
    window = {"since": since, "until": now + AHEAD, "off_since": now - CANCELLED_FOR}
    return {**window, "after_at": after_at, "after": after_id, **whose[feed.kind]}


SHOWN = """
    m.id, m.title, m.starts_at, m.ends_at, m.mode, m.place, m.call, m.agenda, m.sequence, m.state, b.title as body,
    n.name as network
"""
OF_INVITATION = """, greatest(m.updated_at, i.updated_at) as updated_at, m.join_url, i.state as invitation, i.answer,
    i.waiting, o.title as organisation, trim(d.given_name || ' ' || d.family_name) as delegate
"""
OF_NOBODY = """, m.updated_at, null as join_url, null as invitation, null as answer, false as waiting,
    null as organisation, null as delegate
"""
WINDOW = """
    m.state <> 'draft' and (m.state <> 'cancelled' or m.convened_at is not null)
    and m.starts_at >= :since and m.starts_at < :until and (m.starts_at, m.id) > (:after_at, :after)
"""
"""A draft that was given up was never told to anybody, either."""
OF_PERSON = """
    select distinct on (m.starts_at, m.id) %s
    from invitations i
    join meetings m on m.id = i.meeting_id
    join networks n on n.id = m.network_id
    left join bodies b on b.id = m.body_id
    left join organisations o on o.id = i.organisation_id
    left join people d on d.id = i.delegate_id
    where i.person_id = :person and %s
      and (m.state <> 'cancelled' and i.state = 'issued' or m.ends_at > :off_since)
    order by m.starts_at, m.id, i.state = 'issued' desc, i.id
"""
OF_ALL = """
    select %s
    from meetings m
    join networks n on n.id = m.network_id
    left join bodies b on b.id = m.body_id
    where {} and %s and (m.state <> 'cancelled' or m.ends_at > :off_since)
    order by m.starts_at, m.id
"""
OF: dict[Kind, str] = {
    Kind.PERSON: OF_PERSON,
    Kind.BODY: OF_ALL.format("m.body_id = :body"),
    Kind.NETWORK: OF_ALL.format("m.network_id = :network"),
}
"""One line for each meeting: who is invited twice has it once in their calendar."""


def _marks(kind: Kind) -> TextClause:
    """One statement that reads versions only."""
    more = ", i.id, i.version, o.version, d.version" if kind is Kind.PERSON else ""
    mark = f"m.starts_at, m.id, concat_ws(':', m.id, m.version, b.version, n.version{more}) as mark"
    return text(f"select md5(string_agg(mark, ' ' order by starts_at, id)) from ({OF[kind] % (mark, WINDOW)}) as shown")  # noqa: S608


def _pages(kind: Kind) -> TextClause:
    shown = SHOWN + (OF_INVITATION if kind is Kind.PERSON else OF_NOBODY)
    return text(f"{OF[kind] % (shown, WINDOW)} limit {CHUNK}")


MARKS, PAGES = {kind: _marks(kind) for kind in Kind}, {kind: _pages(kind) for kind in Kind}
FIRST = UUID(int=0)


async def meetings_of(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (whoever has the secret)
    feed: Feed,
    *,
    after: tuple[datetime, UUID] | None = None,
    now: datetime,
) -> Sequence[Row[Any]]:
    """The next CHUNK meetings of the feed after this one, in the order of their beginning."""
    return (await session.execute(PAGES[feed.kind], _asked(feed, now, after))).all()
