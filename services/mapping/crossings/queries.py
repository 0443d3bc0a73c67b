"""Reading crossings: who answered, and the figures of those that are closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.crossings import rules
from services.mapping.crossings.rules import EVERYBODY, Crossing, Figure, State, StillOpen, UnknownCrossing
from services.mapping.crossings.tables import crossing_figures, crossing_sheets, crossings
from services.mapping.policy import Right, policy
from services.mapping.territories.queries import map_of
from shared.access.actor import Actor
from shared.runtime.paging import Page, page
from shared.runtime.problems import Invalid

DIGITS = 4
"""Decimals of the figures that are shown."""


class Count(NamedTuple):
    """Of a cohort: sheets, and the scores and absent opinions in them."""

    sheets: int
    scores: int
    no_opinions: int


Entered = Mapping[str, Count]
"""By cohort; one without sheets is not in it."""


@dataclass(frozen=True)
class Shown:
    """A crossing, who has answered so far, and what the caller may do with it."""

    crossing: Crossing
    entered: Entered
    actions: Sequence[str]

    @property
    def version(self) -> int:
        return self.crossing.version

    @property
    def sheets(self) -> int:
        return sum(count.sheets for count in self.entered.values())


@dataclass(frozen=True)
class Results:
    """Of a closed crossing: the groups that are shown (`EVERYBODY` and cohorts), and the best cells of each, by field;
    several of one field are tied."""

    crossing: Crossing
    entered: Entered
    groups: Sequence[str]
    hidden: Collection[str]
    best: Mapping[tuple[str, int], Sequence[Figure]]

    @property
    def version(self) -> int:
        return self.crossing.version


class Cell(NamedTuple):
    """A figure with the crossing whose cell it is."""

    crossing: Crossing
    figure: Figure


@dataclass(frozen=True)
class Heat:
    """The figures of one field in one group, by row (needs) and column (resources)."""

    crossing: Crossing
    field: int
    cohort: str
    rows: Sequence[Sequence[Figure]]

    @property
    def version(self) -> int:
        return self.crossing.version


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    state: Collection[State] = (),
    ballot: Collection[UUID] = (),
    now: datetime,
    after: str | None,
    limit: int,
) -> Page[Shown]:
    """The crossings of a network, the newest first."""
    network_id = await map_of(session, actor, network, now)
    c = crossings.c
    query = select(Crossing).where(c.network_id == network_id)
    if state:
        query = query.where(c.state.in_(state))
    if ballot:
        query = query.where(c.ballot_id.in_(ballot))
    found = await page(session, query, key=(c.opened_at, c.id), after=after, limit=limit, descending=True)
    counts = await _entered(session, [one.id for one in found.items])
    items = [Shown(one, counts.get(one.id, {}), actions(actor, one, now)) for one in found.items]
    return Page(items, found.next)


async def get(session: AsyncSession, actor: Actor, crossing_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownCrossing."""
    return await shown(session, actor, await visible(session, actor, crossing_id, now), now)


async def shown(session: AsyncSession, actor: Actor, crossing: Crossing, now: datetime) -> Shown:
    return Shown(crossing, await entered(session, crossing.id), actions(actor, crossing, now))


async def visible(session: AsyncSession, actor: Actor, crossing_id: UUID, now: datetime) -> Crossing:
    """The crossing, for whoever sees the network's map. Raises UnknownCrossing."""
    found = await session.get(Crossing, crossing_id)
    if found is None or not policy.has(actor, Right.SEE_MAP, network=found.network_id, on=now):
        raise UnknownCrossing(crossing_id)
    return found


async def recordable(session: AsyncSession, actor: Actor, crossing_id: UUID, *, now: datetime) -> Crossing:
    """The crossing, for who may enter sheets, so that no file is read of anybody else. Raises UnknownCrossing."""
    own = await visible(session, actor, crossing_id, now)
    policy.require(actor, Right.RECORD_SCORES, network=own.network_id, on=now)
    return own


async def of_ballot(session: AsyncSession, ballot_id: UUID) -> UUID | None:
    """The crossing to which a ballot's scores go."""
    found: UUID | None = await session.scalar(select(crossings.c.id).where(crossings.c.ballot_id == ballot_id))
    return found


async def for_update(session: AsyncSession, crossing_id: UUID) -> Crossing:
    """The crossing, its row locked: sheets and the close wait for each other. Raises UnknownCrossing."""
    found = await session.get(Crossing, crossing_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise UnknownCrossing(crossing_id)
    return found


def actions(actor: Actor, crossing: Crossing, now: datetime) -> list[str]:
    """What the caller may do with it now."""
    if crossing.state is not State.OPEN:
        return []
    held = {
        right: policy.has(actor, right, network=crossing.network_id, on=now)
        for right in (Right.RUN_CROSSINGS, Right.RECORD_SCORES)
    }
    return [
        *(["change", "close"] if held[Right.RUN_CROSSINGS] else []),
        *(["enter"] if held[Right.RECORD_SCORES] else []),
    ]


async def entered(session: AsyncSession, crossing_id: UUID) -> Entered:
    """Who has answered, by cohort."""
    return (await _entered(session, [crossing_id])).get(crossing_id, {})


async def _entered(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, dict[str, Count]]:
    s = crossing_sheets.c
    query = (
        select(s.crossing_id, s.cohort, func.count(), func.sum(s.scores), func.sum(s.no_opinions))
        .where(s.crossing_id.in_(ids))
        .group_by(s.crossing_id, s.cohort)
    )
    found: dict[UUID, dict[str, Count]] = defaultdict(dict)
    for crossing_id, cohort, sheets, scores, no_opinions in await session.execute(query) if ids else ():
        found[crossing_id][cohort] = Count(sheets, scores, no_opinions)
    return found


async def sheets(
    session: AsyncSession,
    actor: Actor,
    crossing_id: UUID,
    *,
    cohort: Collection[str] = (),
    now: datetime,
    after: str | None,
    limit: int,
) -> Page[Any]:
    """The sheets of a crossing, the newest first, for who enters them: not what they say. Raises UnknownCrossing."""
    own = await visible(session, actor, crossing_id, now)
    policy.require(actor, Right.RECORD_SCORES, network=own.network_id, on=now)
    _require_cohorts(own, cohort)
    s = crossing_sheets.c
    query = select(s.id, s.crossing_id, s.cohort, s.trace, s.scores, s.no_opinions, s.entered_at)
    query = query.where(s.crossing_id == own.id)
    if cohort:
        query = query.where(s.cohort.in_(cohort))
    return await page(session, query, key=(s.id,), after=after, limit=limit, descending=True)


# --- figures ---------------------------------------------------------------------------------------------------------

# Each cell of each group once, zeroes included: grouping sets count everybody in the same pass as the cohorts.
COUNTED = text(
    """
    with counted as (
        select coalesce(sheet.cohort, '') as cohort, score.cell, count(score.score) as n,
               count(*) - count(score.score) as no_opinion, sum(score.score) as total,
               percentile_cont(array[0.25, 0.5, 0.75]) within group (order by score.score) as quartiles,
               stddev_samp(score.score) as deviation
        from crossing_sheets sheet join crossing_scores score on score.sheet_id = sheet.id
        where sheet.crossing_id = :crossing
        group by grouping sets ((sheet.cohort, score.cell), (score.cell))
    )
    select groups.cohort, cells.cell, coalesce(n, 0) as n, coalesce(no_opinion, 0) as no_opinion, total,
           quartiles[1] as lower, quartiles[2] as median, quartiles[3] as upper, deviation
    from unnest(cast(:cohorts as text[])) as groups(cohort)
    cross join generate_series(0, :cells - 1) as cells(cell)
    left join counted on counted.cohort = groups.cohort and counted.cell = cells.cell
    order by 1, 2
    """
)


async def counted(session: AsyncSession, crossing: Crossing) -> list[Figure]:
    """Every cell of every cohort and of all together, from the scores: one statement."""
    cohorts = [EVERYBODY, *(cohort["code"] for cohort in crossing.cohorts)]
    rows = await session.execute(COUNTED, {"crossing": crossing.id, "cohorts": cohorts, "cells": crossing.cells})
    return [
        Figure(
            row.cohort,
            row.cell,
            row.n,
            row.no_opinion,
            row.total,
            row.median,
            float(row.deviation) if row.deviation is not None else None,
            row.lower,
            row.upper,
        )
        for row in rows
    ]


async def results(
    session: AsyncSession, actor: Actor, crossing_id: UUID, *, cohort: Collection[str] = (), now: datetime
) -> Results:
    """Of all groups, or of those of some cohorts. Raises UnknownCrossing, StillOpen."""
    own = await _closed(session, actor, crossing_id, now)
    _require_cohorts(own, cohort)
    counts = await entered(session, own.id)
    groups = rules.shown({code: count.sheets for code, count in counts.items()})
    f = crossing_figures.c
    query = select(*_columns()).where(f.crossing_id == own.id, f.rank == 1).order_by(f.cell)
    best: dict[tuple[str, int], list[Figure]] = defaultdict(list)
    for row in await session.execute(query):
        best[row.cohort, row.cell // (len(own.needs) * len(own.resources))].append(Figure(*row))
    codes = [one["code"] for one in own.cohorts if not cohort or one["code"] in cohort]
    wanted = codes if cohort else [EVERYBODY, *codes]
    return Results(own, counts, [one for one in wanted if one in groups], set(codes) - groups, best)


async def cells(
    session: AsyncSession,
    actor: Actor,
    crossing_id: UUID,
    *,
    cohort: Collection[str] = (),
    field: Collection[str] = (),
    need: Collection[str] = (),
    resource: Collection[str] = (),
    best: bool | None = None,
    now: datetime,
    after: str | None,
    limit: int,
) -> Page[Cell]:
    """The figures of a closed crossing cell by cell, group by group: of everybody and of all cohorts that are shown, or
    of those named (`all` is everybody). Raises UnknownCrossing, StillOpen."""
    own = await _closed(session, actor, crossing_id, now)
    _require_cohorts(own, [one for one in cohort if one != "all"])
    f = crossing_figures.c
    query = select(*_columns()).where(f.crossing_id == own.id)
    if cohort:
        query = query.where(f.cohort.in_([EVERYBODY if one == "all" else one for one in cohort]))
    if field or need or resource:
        query = query.where(f.cell.in_(_cells(own, field, need, resource)))
    if best is not None:
        query = query.where((f.rank == 1) if best else f.rank.is_distinct_from(1))
    found = await page(session, query, key=(f.cohort, f.cell), after=after, limit=limit)
    return Page([Cell(own, Figure(*row[: len(_columns())])) for row in found.items], found.next)


async def heat(
    session: AsyncSession, actor: Actor, crossing_id: UUID, *, field: str, cohort: str | None, now: datetime
) -> Heat:
    """The figures of one field. Raises UnknownCrossing, StillOpen, Invalid."""
    own = await _closed(session, actor, crossing_id, now)
    group = EVERYBODY if cohort in (None, "all") else str(cohort)
    _require_cohorts(own, [group] if group else [])
    inside = sorted(_cells(own, [field], [], []))
    f = crossing_figures.c
    query = select(*_columns()).where(f.crossing_id == own.id, f.cohort == group, f.cell.in_(inside))
    figures = {row.cell: Figure(*row) for row in await session.execute(query)}
    if not figures:
        raise Invalid("?cohort", "not-shown", f"a cohort with at least {rules.LEAST} respondents, or none for all")
    across = len(own.resources)
    rows = [[figures[cell] for cell in inside[at : at + across]] for at in range(0, len(inside), across)]
    return Heat(own, inside[0] // (len(own.needs) * across), group, rows)


async def _closed(session: AsyncSession, actor: Actor, crossing_id: UUID, now: datetime) -> Crossing:
    own = await visible(session, actor, crossing_id, now)
    if own.state is not State.CLOSED:
        raise StillOpen
    return own


def _columns() -> list[Any]:
    """In the order of Figure."""
    return [crossing_figures.c[name] for name in Figure.__dataclass_fields__]


def _require_cohorts(crossing: Crossing, codes: Collection[str]) -> None:
    known = [cohort["code"] for cohort in crossing.cohorts]
    if any(code not in known for code in codes):
        raise Invalid("?cohort", "unknown", known)


def _cells(crossing: Crossing, field: Collection[str], need: Collection[str], resource: Collection[str]) -> set[int]:
    """The cells of these codes; of all where none is given."""
    grid = crossing.grid
    wanted = []
    for name, given, axis in (
        ("field", field, grid.fields),
        ("need", need, grid.needs),
        ("resource", resource, grid.resources),
    ):
        if any(code not in axis for code in given):
            raise Invalid(f"?{name}", "unknown", list(axis))
        wanted.append([axis[code] for code in given] if given else list(axis.values()))
    fields, needs, resources = wanted
    return {(f * len(grid.needs) + n) * len(grid.resources) + r for f in fields for n in needs for r in resources}
