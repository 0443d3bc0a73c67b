"""Drawing areas, in the caller's transaction: the counters of the network follow at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from services.mapping.areas import queries, rules
from services.mapping.areas.queries import Drawn
from services.mapping.areas.rules import PREFIX, BadArea, CodeTaken, Kind, NetworkArea
from services.mapping.areas.tables import area_territories, areas
from services.mapping.coverage import commands as coverage
from services.mapping.policy import Right, policy
from services.mapping.presences.commands import take_turn
from services.mapping.territories.queries import everything, find, listed
from services.mapping.territories.rules import Area, fold
from shared import territories
from shared.access.actor import Actor
from shared.access.loading import network_id as id_of
from shared.contracts.mapping import AreaChanged, AreaDefined, AreaRemoved
from shared.messaging import stage
from shared.runtime.problems import expect


async def define(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    title: str,
    kind: Kind,
    code: str | None,
    municipalities: Sequence[str],
    now: datetime,
) -> Drawn:
    """Raises BadArea, CodeTaken."""
    network_id = await id_of(session, network)
    policy.require(actor, Right.DRAW_AREAS, network=network_id, on=now)
    folded = fold(title)
    area = NetworkArea(
        network_id=network_id, code=rules.code_of(title, code, folded), title=title, kind=kind, search=folded
    )
    inside = drawn(municipalities)
    await take_turn(session)
    if await session.scalar(select(areas.c.id).where(areas.c.network_id == network_id, areas.c.code == area.code)):
        raise CodeTaken(area.code)
    session.add(area)
    await session.flush()
    await draw(session, area, inside)
    await stage(session, _told(AreaDefined, area, inside))
    return (await queries.shown(session, actor, [area], now))[0]


async def change(
    session: AsyncSession,
    actor: Actor,
    area_id: UUID,
    *,
    title: str | None = None,
    kind: Kind | None = None,
    municipalities: Sequence[str] | None = None,
    expected: int | None,
    now: datetime,
) -> Drawn:
    """Takes what is given. The code stays: filters and embeds name it. Raises UnknownArea, BadArea."""
    await take_turn(session)
    area = await _own(session, actor, area_id, now)
    expect(expected, area.version)
    before = (await queries.municipalities_of(session, [area.id]))[area.id]
    inside = (
        drawn(municipalities)
        if municipalities is not None
        else [everything()[c].area for c in before if c in everything()]
    )
    redrawn = [one.code for one in inside] != before
    given = {"title": title, "kind": kind, "search": fold(title) if title is not None else None}
    changed = {name for name, value in given.items() if value is not None and getattr(area, name) != value}
    if changed or redrawn:
        for name in changed:
            setattr(area, name, given[name])
        await redraw(session, area, inside, redrawn=redrawn)
    return (await queries.shown(session, actor, [area], now))[0]


async def remove(session: AsyncSession, actor: Actor, area_id: UUID, *, expected: int | None, now: datetime) -> None:
    """Raises UnknownArea."""
    await take_turn(session)
    area = await _own(session, actor, area_id, now)
    expect(expected, area.version)
    await session.execute(delete(area_territories).where(area_territories.c.area_id == area.id))
    await coverage.recount_area(session, area.network_id, PREFIX + area.code)
    await stage(session, AreaRemoved(id=area.id, version=area.version + 1, network_id=area.network_id))
    await session.delete(area)


async def redraw(session: AsyncSession, area: NetworkArea, inside: Sequence[Area], *, redrawn: bool) -> None:
    """Part of a change: a new version, told, and the counters when other municipalities lie in it. The caller holds the
    turn and the area's row."""
    flag_modified(area, "title")  # when only its municipalities changed, which are rows of their own
    if redrawn:
        await draw(session, area, inside)
    await session.flush()
    await stage(session, _told(AreaChanged, area, inside))


async def draw(session: AsyncSession, area: NetworkArea, inside: Collection[Area]) -> None:
    """Its municipalities, and what else lies wholly in it; then the counters."""
    italy = [everything()[code].area for code in _beside(inside)]
    await session.execute(delete(area_territories).where(area_territories.c.area_id == area.id))
    rows = [
        {"area_id": area.id, "territory": code, "network_id": area.network_id, "level": level}
        for code, level in rules.whole(inside, italy)
    ]
    await session.execute(insert(area_territories), rows)
    await coverage.recount_area(session, area.network_id, PREFIX + area.code)


def drawn(given: Sequence[str]) -> list[Area]:
    """The municipalities that codes and names mean, by code; a province or a region stands for all of its own. Raises
    BadArea that names the first that means none, or several."""
    found: dict[str, Area] = {}
    for position, text in enumerate(given):
        for area in _meant(text, f"/municipalities/{position}"):
            found[area.code] = area
    return [found[code] for code in rules.drawn(found.values())]


def _meant(text: str, path: str) -> list[Area]:
    known = find(text.strip())
    if known is not None and known.kind == "municipality":
        return [known.area]
    if known is not None:
        return [one.area for one in listed(kinds=["municipality"], within=[known.code])]
    answer = territories.load().resolve(text)
    if answer.municipality is None or not answer.certain:
        raise BadArea(path, answer.reason or "uncertain", _accepted(answer))
    return [everything()[answer.municipality.code].area]


def _accepted(answer: territories.Resolution) -> object:
    """The codes that it may mean, so that the caller can choose; else what is taken."""
    maybe = answer.candidates or ((answer.municipality,) if answer.municipality else ())
    return [f"{m.code} {m.italian_name} ({m.province})" for m in maybe] or "E507, Lecco, Castro (LE), LC"


def _beside(inside: Collection[Area]) -> set[str]:
    """The municipalities of all regions that it touches: whether one is whole is seen there."""
    regions = {area.region for area in inside}
    return {one.code for one in listed(kinds=["municipality"], within=regions)}


async def _own(session: AsyncSession, actor: Actor, area_id: UUID, now: datetime) -> NetworkArea:
    """For whoever sees the map it is there, whether they may change it or not."""
    await queries.get(session, actor, area_id, now=now)
    area = await queries.for_update(session, area_id)
    policy.require(actor, Right.DRAW_AREAS, network=area.network_id, on=now)
    return area


def _told(
    fact: type[AreaDefined] | type[AreaChanged], area: NetworkArea, inside: Sequence[Area]
) -> AreaDefined | AreaChanged:
    return fact(
        id=area.id,
        version=area.version,
        network_id=area.network_id,
        code=PREFIX + area.code,
        title=area.title,
        kind=area.kind,
        municipalities=tuple(one.code for one in inside),
    )
