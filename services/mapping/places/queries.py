"""Reading places and when they are open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.items import queries as items
from services.mapping.items.queries import Filters, Shown
from services.mapping.items.rules import State
from services.mapping.places import hours
from services.mapping.places.hours import Open
from services.mapping.places.rules import Activity, Kind, Place
from services.mapping.places.tables import places
from shared.access import loading
from shared.access.actor import EARLIEST, LATEST, Actor
from shared.runtime.paging import Page
from shared.runtime.problems import Invalid


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    filters: Filters,
    *,
    kind: Sequence[Kind] = (),
    activity: Sequence[Activity] = (),
    after: str | None = None,
    limit: int,
    now: datetime,
) -> Page[Shown[Place]]:
    more = [
        *([places.c.kind.in_(kind)] if kind else []),
        *([places.c.activities.overlap(activity)] if activity else []),
    ]
    asked = replace(filters, more=more)
    return await items.listed(session, actor, ref, Place, asked, after=after, limit=limit, now=now)


async def get(session: AsyncSession, actor: Actor, place_id: UUID, *, now: datetime) -> Shown[Place]:
    return await items.get(session, actor, Place, place_id, now=now)


@dataclass(frozen=True)
class Hours:
    """When a place is open: at an instant, in its week, and next. `open` is None when nobody has said."""

    place: Shown[Place]
    at: datetime
    open: bool | None
    next: Open | None
    monday: date
    week: list[Open]


async def open_hours(
    session: AsyncSession, actor: Actor, place_id: UUID, at: datetime | None, *, now: datetime
) -> Hours:
    """`at` is now unless given. Raises Invalid at the ends of the calendar, where weeks are not whole."""
    shown = await get(session, actor, place_id, now=now)
    kept, instant = shown.item.hours, at or now
    if not EARLIEST <= instant.date() <= LATEST:
        raise Invalid("?at", "range", f"{EARLIEST} to {LATEST}")
    monday, sunday = hours.week_of(instant)
    return Hours(
        shown,
        instant,
        hours.open_at(kept, instant),
        hours.next_opening(kept, instant),
        monday,
        hours.times(kept, monday, sunday),
    )


@dataclass(frozen=True)
class Summary:
    """Places by kind and laboratories by activity, zeroes included."""

    total: int
    kinds: dict[Kind, int]
    activities: dict[Activity, int]


async def summary(session: AsyncSession, actor: Actor, ref: str, filters: Filters, *, now: datetime) -> Summary:
    """Of the places that the caller sees and that match, validated ones unless other states are asked for."""
    network_id = await loading.network_id(session, ref)
    asked = filters if filters.state else replace(filters, state=[State.VALIDATED])
    conditions = await items.conditions(session, actor, Place, network_id, asked, now)
    by_kind: Counter[Any] = Counter(
        dict(
            (
                await session.execute(select(places.c.kind, func.count()).where(*conditions).group_by(places.c.kind))
            ).all()
        )
    )
    activity = func.unnest(places.c.activities)
    rows = await session.execute(select(activity, func.count()).where(*conditions).group_by(activity))
    by_activity = {str(name): count for name, count in rows}
    return Summary(
        by_kind.total(),
        {kind: by_kind[kind] for kind in Kind},
        {one: by_activity.get(str(one), 0) for one in Activity},
    )
