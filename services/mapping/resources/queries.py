"""Reading what is offered, and counting it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.items import queries as items
from services.mapping.items.queries import Filters, Shown
from services.mapping.items.rules import State
from services.mapping.presences.tables import organisations
from services.mapping.resources.rules import Kind, Resource
from services.mapping.resources.tables import resources
from shared.access import loading
from shared.access.actor import Actor
from shared.runtime.paging import Page


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    filters: Filters,
    *,
    kind: Sequence[Kind] = (),
    theme: Sequence[str] = (),
    available_to: Sequence[str] = (),
    on: date | None = None,
    after: str | None = None,
    limit: int,
    now: datetime,
) -> Page[Shown[Resource]]:
    """`on`: offered on that day."""
    asked = replace(filters, more=_more(kind, theme, available_to, on))
    return await items.listed(session, actor, ref, Resource, asked, after=after, limit=limit, now=now)


def _more(
    kind: Sequence[Kind], theme: Sequence[str], available_to: Sequence[str], on: date | None
) -> list[ColumnElement[bool]]:
    r = resources.c
    more: list[ColumnElement[bool]] = []
    if kind:
        more.append(r.kind.in_(kind))
    if theme:
        more.append(r.themes.overlap(theme))
    if available_to:
        more.append(or_(r.available_to == [], r.available_to.overlap(available_to)))
    if on:
        more.append(and_(or_(r.since.is_(None), r.since <= on), or_(r.expires_on.is_(None), r.expires_on > on)))
    return more


async def get(session: AsyncSession, actor: Actor, resource_id: UUID, *, now: datetime) -> Shown[Resource]:
    return await items.get(session, actor, Resource, resource_id, now=now)


@dataclass(frozen=True)
class Count:
    """Of one kind: resources, organisations that offer some (each once), and the euro cents among them."""

    resources: int
    organisations: int
    cents: int


@dataclass(frozen=True)
class Summary:
    """By kind of resource, by kind of organisation and by ownership. An organisation that offers several is once in
    `total`, so the organisations of the kinds of resource may sum to more. A body of mixed ownership is in `mixed`
    only: those of the ownerships and of the kinds of organisation sum to the total."""

    total: Count
    kinds: dict[Kind, Count]
    organisation_kinds: dict[str, Count]
    ownerships: dict[str | None, Count]


async def summary(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    filters: Filters,
    *,
    kind: Sequence[Kind] = (),
    theme: Sequence[str] = (),
    now: datetime,
) -> Summary:
    """Of the resources that the caller sees and that match, validated ones unless other states are asked for. Four
    counts in one statement."""
    network_id = await loading.network_id(session, ref)
    asked = replace(filters, state=filters.state or [State.VALIDATED], more=_more(kind, theme, (), None))
    conditions = await items.conditions(session, actor, Resource, network_id, asked, now)
    r, o = resources.c, organisations.c
    by: list[Any] = [r.kind, o.kind, o.ownership]
    query = (
        select(
            *(column.label(name) for column, name in zip(by, ("kind", "organisation_kind", "ownership"), strict=True)),
            *(func.grouping(column).label(f"without_{n}") for n, column in enumerate(by)),
            func.count().label("resources"),
            func.count(r.organisation_id.distinct()).label("organisations"),
            func.coalesce(func.sum(r.cents), 0).label("cents"),
        )
        .select_from(resources.outerjoin(organisations, o.id == r.organisation_id))
        .where(*conditions)
        .group_by(func.grouping_sets(*(tuple_(column) for column in by), tuple_()))
    )
    found = Summary(Count(0, 0, 0), {one: Count(0, 0, 0) for one in Kind}, {}, {})
    for row in await session.execute(query):
        count = Count(row.resources, row.organisations, int(row.cents))
        if not row.without_0:
            found.kinds[Kind(row.kind)] = count
        elif not row.without_1:
            found.organisation_kinds[row.organisation_kind or "other"] = count
        elif not row.without_2:
            found.ownerships[row.ownership] = count
        else:
            found = replace(found, total=count)
    return found
