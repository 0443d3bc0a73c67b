"""Counting what is on a network's map: one statement for each of places, resources and experiences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.experiences.rules import Experience
from services.mapping.freshness import queries as freshness
from services.mapping.freshness.rules import Rule
from services.mapping.items import queries as items
from services.mapping.items.queries import Filters
from services.mapping.items.rules import Item, State
from services.mapping.places.rules import Kind as PlaceKind
from services.mapping.places.rules import Place
from services.mapping.resources.rules import Kind as ResourceKind
from services.mapping.resources.rules import Resource
from services.mapping.territories.queries import map_of
from shared.access.actor import Actor, day

ON_THE_MAP = tuple(state for state in State if state is not State.CLOSED)


class Freshness(StrEnum):
    """When somebody last said that it is so: `due` for being asked again, `expired` without an answer."""

    FRESH = "fresh"
    DUE = "due"
    EXPIRED = "expired"
    NEVER = "never"


MODELS: Mapping[str, tuple[type[Item], type[StrEnum] | None]] = {
    "places": (Place, PlaceKind),
    "resources": (Resource, ResourceKind),
    "experiences": (Experience, None),
}


@dataclass(frozen=True)
class Figures:
    """How many there are (`total`), of which kinds, themes, states and freshness; themes add up to more, since one may
    have several. `score` is the mean of their freshness scores, None when none was ever checked."""

    total: int
    kinds: Mapping[str, int]
    themes: Mapping[str, int]
    states: Mapping[str, int]
    freshness: Mapping[str, int]
    score: float | None


async def statistics(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    territory: Collection[str] = (),
    state: Collection[State] = (),
    organisation: Collection[UUID] = (),
    now: datetime,
) -> dict[str, Figures]:
    """Of what the caller sees; of what is closed only when asked for."""
    network_id = await map_of(session, actor, network, now)
    rule = await freshness.rule_of(session, network_id)
    states = state or ON_THE_MAP
    filters = Filters(territory=territory, state=states, organisation=organisation)
    found = {}
    for name, (model, kinds) in MODELS.items():
        where = await items.conditions(session, actor, model, network_id, filters, now)
        rows = (await session.execute(_counted(model, where, rule, day(now)))).all()
        found[name] = _figures(rows, kinds, states)
    return found


def _counted(model: type[Item], where: Collection[ColumnElement[bool]], rule: Rule, on: date) -> Select[Any]:
    """Rows `(facet, value, n, score)`: everything, then by kind, state and freshness in the same pass, and by theme."""
    table = items.table_of(model)
    themes_of = table.c["themes" if "themes" in table.c else "activities"]
    seen = (
        select(
            table.c.state.label("state"),
            (table.c.kind if "kind" in table.c else cast(null(), Text)).label("kind"),
            themes_of.label("themes"),
            _freshness(table, rule, on).label("freshness"),
            _score(table.c.checked_on, rule, on).label("score"),
        )
        .where(*where)
        .cte("seen")
    )
    by_theme = select(func.unnest(seen.c.themes).label("theme")).subquery("by_theme")
    themes: Select[Any] = select(literal("theme"), by_theme.c.theme, func.count(), cast(null(), Integer)).group_by(
        by_theme.c.theme
    )
    facets = [_facet(seen, name) for name in ("kind", "state", "freshness")]
    whole: Select[Any] = select(literal("total"), cast(null(), Text), func.count(), func.avg(seen.c.score))
    found = union_all(whole, *facets, themes).subquery("facets")
    return select(found)


def _facet(seen: CTE, name: str) -> Select[Any]:
    column = cast(seen.c[name], Text)
    columns: list[Any] = [literal(name), column, func.count(), cast(null(), Integer)]
    return select(*columns).group_by(column)


def _freshness(table: Any, rule: Rule, on: date) -> ColumnElement[Any]:
    checked = table.c.checked_on
    return case(
        (table.c.state == State.EXPIRED, Freshness.EXPIRED.value),
        (checked.is_(None), Freshness.NEVER.value),
        (checked < rule.stale_before(on), Freshness.DUE.value),
        else_=Freshness.FRESH.value,
    )


def _score(checked: ColumnElement[Any], rule: Rule, on: date) -> ColumnElement[Any]:
    """As `Rule.score`, on the database's side: months are added alike, the last of a short one standing for what it
    lacks."""
    asked = cast(checked + func.make_interval(0, rule.every), Date)
    gone = 1 - cast(literal(on, Date) - checked, Integer) * 1.0 / (cast(asked - checked, Integer) + rule.days)
    return case((checked.is_not(None), func.least(1.0, func.greatest(0.0, gone))))


def _figures(rows: Collection[Any], kinds: type[StrEnum] | None, states: Collection[State]) -> Figures:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    total, score = 0, None
    for facet, value, count, mean in rows:
        if facet == "total":
            total, score = count, mean
        elif value is not None:
            found[facet][value] = count
    return Figures(
        total,
        {kind: found["kind"].get(kind, 0) for kind in kinds or ()},
        dict(sorted(found["theme"].items())),
        {one: found["state"].get(one, 0) for one in states},
        {one: found["freshness"].get(one, 0) for one in Freshness},
        None if score is None else round(float(score), 3),
    )
