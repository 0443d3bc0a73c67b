"""Reading one's own messages. They are the deliveries, put into words again at each reading: nothing is kept twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.outcomes import Claimed
from services.notify.deliveries.rules import Problem
from services.notify.deliveries.tables import deliveries
from services.notify.inbox.tables import read_marks
from services.notify.messages.compose import Words, Writer
from services.notify.messages.rules import DIGEST, SIGN_IN
from shared.access.actor import Actor
from shared.access.tables import networks
from shared.runtime.clock import wall
from shared.runtime.paging import Page, page
from shared.runtime.problems import NotFound

MOOT = (Problem.TOO_LATE, Problem.PERSON_ERASED)
NEVER_HERE = (SIGN_IN.code, DIGEST.code)
"""A link to sign in is mailed only; of a digest each entry is here by itself."""


@dataclass(frozen=True)
class Message:
    """One message to its person. `words` is None when what it said has no use any more."""

    row: Row[Any]
    words: Words | None


def of(actor: Actor) -> Select[Any]:
    """What was meant for the caller: without links to sign in, and without what was too late to be told. A key is
    nobody, and what was meant for nobody is not its own."""
    return (
        select(
            deliveries,
            networks.c.name.label("network_name"),
            networks.c.logo.label("network_logo"),
            read_marks.c.read_at,
        )
        .outerjoin(networks, networks.c.id == deliveries.c.network_id)
        .outerjoin(read_marks, read_marks.c.delivery_id == deliveries.c.id)
        .where(
            deliveries.c.person_id == actor.person_id if actor.person_id else false(),
            deliveries.c.topic.not_in(NEVER_HERE),
            deliveries.c.in_inbox,
            func.coalesce(deliveries.c.problem, "").not_in(MOOT),
        )
    )


@dataclass(frozen=True)
class Wanted:
    """Filters; an empty one asks for everything. Values of one are alternatives, different ones must all hold."""

    unread: bool | None = None
    topic: Sequence[str] = ()
    network: Sequence[UUID] = ()


EVERYTHING = Wanted()


async def listed(
    session: AsyncSession,
    actor: Actor,
    writer: Writer,
    wanted: Wanted = EVERYTHING,
    *,
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Message]:
    """The caller's messages, the newest first."""
    query = narrowed(of(actor), wanted)
    found = await page(session, query, key=[deliveries.c.id], after=after, limit=limit, descending=True)
    return Page(await _in_words(session, writer, found.items, now), found.next)


def narrowed(query: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.unread is not None:
        query = query.where(read_marks.c.read_at.is_(None) if wanted.unread else read_marks.c.read_at.is_not(None))
    if wanted.topic:
        query = query.where(deliveries.c.topic.in_(wanted.topic))
    if wanted.network:
        query = query.where(deliveries.c.network_id.in_(wanted.network))
    return query


async def get(session: AsyncSession, actor: Actor, writer: Writer, id_: UUID, *, now: datetime) -> Message:
    """Raises NotFound, also for somebody else's."""
    row = (await session.execute(of(actor).where(deliveries.c.id == id_))).one_or_none()
    if row is None:
        raise NotFound
    return (await _in_words(session, writer, [row], now))[0]


async def unread(session: AsyncSession, actor: Actor, *, now: datetime) -> Sequence[Row[Any]]:  # noqa: ARG001
    """How much the caller has not read, in each network (and of what is no network's)."""
    query = of(actor).where(read_marks.c.read_at.is_(None))
    counted = query.with_only_columns(
        deliveries.c.network_id, networks.c.name.label("network_name"), func.count().label("unread")
    )
    grouped = counted.group_by(deliveries.c.network_id, networks.c.name)
    return (await session.execute(grouped.order_by(networks.c.name, deliveries.c.network_id))).all()


async def listening(session: AsyncSession, actor: Actor, _: UUID, *, now: datetime) -> UUID:  # noqa: ARG001
    """Who may listen: any person, to their own inbox. Raises NotFound for a key: it is nobody."""
    if actor.person_id is None:
        raise NotFound
    return actor.person_id


async def _in_words(session: AsyncSession, writer: Writer, rows: Any, now: datetime) -> list[Message]:
    claimed = [Claimed.of(row) for row in rows]
    known = await writer.known(session, claimed, now)
    at = wall()
    written = [writer.words(one, known, at, now) for one in claimed]
    return [Message(row, words if isinstance(words, Words) else None) for row, words in zip(rows, written, strict=True)]
