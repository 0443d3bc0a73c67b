"""What is public of the networks' maps: items that are validated and meant for everybody, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, cast, func, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage.rules import PUBLIC
from services.mapping.coverage.tables import item_coverage
from services.mapping.experiences.tables import experiences
from services.mapping.items.rules import State, Subject, Visibility
from services.mapping.news import queries as news
from services.mapping.places.tables import places
from services.mapping.presences.tables import organisations
from services.mapping.resources.tables import resources
from services.mapping.territories.queries import Territory, areas, everything, words
from shared.access import loading
from shared.access.actor import Actor
from shared.access.tables import networks
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotFound

COUNTED = item_coverage.c["items"]


@dataclass(frozen=True)
class Figures:
    """Public items of each subject in each territory of a level; a territory without any is not in it."""

    counts: Mapping[str, Mapping[Subject, int]]

    def of(self, code: str, subjects: Collection[Subject]) -> int:
        found = self.counts.get(code, {})
        return sum(found.get(subject, 0) for subject in subjects)


@dataclass(frozen=True)
class Sheet:
    """What a page of the atlas is about: all networks that show something, the one that was asked for, figures, and the
    newest news."""

    shown: Sequence[Any]
    network: Any
    figures: Figures
    news: Sequence[Any]


async def sheet(session: AsyncSession, actor: Actor, ref: str | None, region: str | None, *, now: datetime) -> Sheet:  # noqa: ARG001
    """Figures by region, or of one region by province. Raises NetworkUnknown also for a network that shows nothing, and
    NotFound for what is no region."""
    if region is not None and (region not in everything() or everything()[region].kind != "region"):
        raise NotFound(region)
    shown = (await session.execute(SHOWING)).all()
    network = next((row for row in shown if ref in (row.slug, str(row.id))), None) if ref else None
    if ref and network is None:
        raise loading.NetworkUnknown(ref)
    of = network.id if network else None
    return Sheet(shown, network, await figures(session, of, region), await news.newest(session, of, region, now))


def parts(region: str | None) -> list[Territory]:
    """The regions of Italy, or the provinces of one of them."""
    return [
        territory
        for territory in everything().values()
        if (territory.kind == "province" and territory.area.region == region)
        or (region is None and territory.kind == "region")
    ]


SHOWING = (
    select(networks.c.id, networks.c.slug, networks.c.name, networks.c.logo)
    .where(
        select(COUNTED)
        .where(item_coverage.c.network_id == networks.c.id, item_coverage.c.facet == PUBLIC, COUNTED > 0)
        .exists()
    )
    .order_by(networks.c.name)
)


async def figures(session: AsyncSession, network_id: UUID | None, region: str | None) -> Figures:
    """At most some hundred rows, however many items there are."""
    level = "province" if region else "region"
    query = (
        select(item_coverage.c.area, item_coverage.c.item, func.sum(COUNTED))
        .where(item_coverage.c.facet == PUBLIC, item_coverage.c.level == level, COUNTED > 0)
        .group_by(item_coverage.c.area, item_coverage.c.item)
    )
    if network_id is not None:
        query = query.where(item_coverage.c.network_id == network_id)
    counts: dict[str, dict[Subject, int]] = {}
    for area, item, items in await session.execute(query):
        counts.setdefault(area, {})[Subject(item)] = int(items)
    return Figures(counts)


async def listed(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001
    *,
    network: str | None = None,
    subject: Collection[Subject] = (),
    territory: Collection[str] = (),
    theme: Collection[str] = (),
    q: str | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,  # noqa: ARG001
) -> Page[Any]:
    """Public items of all kinds, by title. Raises NetworkUnknown."""
    network_id = await loading.network_id(session, network) if network else None
    codes = areas(territory, "?territory") if territory else []
    parts = [_part(kind, network_id, codes, theme) for kind in (subject or tuple(Subject))]
    items = union_all(*parts).subquery("items")
    query = (
        select(
            *items.c,
            organisations.c.title.label("organisation"),
            networks.c.slug.label("network"),
            networks.c.name.label("network_name"),
        )
        .join(networks, networks.c.id == items.c.network_id)
        .outerjoin(organisations, organisations.c.id == items.c.organisation_id)
    )
    for word in words(q):
        query = query.where(items.c.search.contains(word, autoescape=True))
    if updated_since:
        query = query.where(items.c.updated_at >= updated_since)
    return await page(session, query, key=[items.c.search, items.c.id], after=after, limit=limit)


TABLES = {Subject.PLACE: places, Subject.RESOURCE: resources, Subject.EXPERIENCE: experiences}
COMMON = (
    "id", "network_id", "title", "search", "organisation_id", "municipality", "territories", "checked_on", "updated_at",
)  # fmt: skip
OWN = (
    ("kind", Text), ("address", Text), ("latitude", None), ("longitude", None), ("phone", Text), ("website", Text),
    ("description", Text), ("results", Text), ("since", None),
)  # fmt: skip


def _part(subject: Subject, network_id: UUID | None, codes: Collection[str], theme: Collection[str]) -> Select[Any]:
    table = TABLES[subject]
    columns: list[ColumnElement[Any]] = [literal(str(subject)).label("subject"), *(table.c[name] for name in COMMON)]
    for name, type_ in OWN:
        column = table.c.get(name)
        if column is not None:
            columns.append(cast(column, type_).label(name) if type_ else column)
        else:
            columns.append(cast(null(), type_ or _type_of(name)).label(name))
    themes = table.c.get("themes", table.c.get("activities"))
    columns.append(cast(themes, ARRAY(Text)).label("themes"))
    columns.append((table.c.hours if "hours" in table.c else null()).label("hours"))
    query = select(*columns).where(table.c.visibility == Visibility.PUBLIC, table.c.state == State.VALIDATED)
    if network_id is not None:
        query = query.where(table.c.network_id == network_id)
    if codes:
        query = query.where(table.c.areas.overlap(list(codes)))
    if theme:
        query = query.where(themes.overlap(list(theme)))
    return query


def _type_of(name: str) -> Any:
    return next(table.c[name].type for table in TABLES.values() if name in table.c)
