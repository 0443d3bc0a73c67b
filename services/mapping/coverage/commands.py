"""Keeping the counters by differences, and counting again from nothing to check them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.areas.queries import inside
from services.mapping.coverage.rules import Counting, counts_for, difference, item_difference
from services.mapping.presences.rules import Presence

# A cell that falls to zero is removed: whether anybody was ever there must not show after a rebuild. MERGE and not an
# upsert, because a check constraint judges an upsert's proposed row too, and a difference may be negative. The turn
# that the caller holds (see presences) is what makes it safe beside other writers.
COUNT = text(
    """
    merge into coverage c
    using unnest(
        cast(:networks as uuid[]), cast(:levels as text[]), cast(:areas as text[]), cast(:kinds as text[]),
        cast(:organisations as int[]), cast(:organised as int[])
    ) as d(network_id, level, area, kind, organisations, organised)
    on (c.network_id, c.level, c.area, c.kind) = (d.network_id, d.level, d.area, d.kind)
    when matched and c.organisations + d.organisations = 0 then delete
    when matched then update set
        organisations = c.organisations + d.organisations, organised = c.organised + d.organised
    when not matched then insert values (d.network_id, d.level, d.area, d.kind, d.organisations, d.organised)
    """
)


async def count(session: AsyncSession, before: Iterable[Presence], after: Iterable[Presence]) -> None:
    """Takes away what `before` counted for and adds what `after` counts for; both hold all presences of the same
    organisations, in the transaction that writes them."""
    was, is_ = list(before), list(after)
    drawn = await inside(session, [(presence.network_id, presence.area.code) for presence in (*was, *is_)])
    delta = difference(was, is_, drawn)
    if delta:
        await session.execute(
            COUNT,
            {
                "networks": [cell.network_id for cell in delta],
                "levels": [cell.level for cell in delta],
                "areas": [cell.area for cell in delta],
                "kinds": [cell.kind for cell in delta],
                "organisations": [change.organisations for change in delta.values()],
                "organised": [change.organised for change in delta.values()],
            },
        )


# Their writers take turns in each network: two items that come at once meet on the same counter of the country anyway.
# Nothing is locked after it but other networks' turns (see presences.commands.TURN).
TURN = text("select pg_advisory_xact_lock(1769235821, hashtext(cast(cast(:network as uuid) as text)))")
READ: Mapping[str, TextClause] = {
    "place": text(
        """
        select id, network_id, state, visibility, territories, areas,
               array['kind:' || kind] || array(select 'activity:' || a from unnest(activities) a) as facets
        from places where id = any(:ids)
        """
    ),
    "resource": text(
        """
        select id, network_id, state, visibility, territories, areas,
               array['kind:' || kind] || array(select 'theme:' || t from unnest(themes) t) as facets
        from resources where id = any(:ids)
        """
    ),
    "experience": text(
        """
        select id, network_id, state, visibility, territories, areas,
               array(select 'theme:' || t from unnest(themes) t) as facets
        from experiences where id = any(:ids)
        """
    ),
}
KEPT = text("select * from counted_items where item = :item and item_id = any(:ids)")
FORGET = text("delete from counted_items where item = :item and item_id = any(:ids)")
KEEP = text(
    """
    insert into counted_items select * from jsonb_populate_recordset(null::counted_items, cast(:rows as jsonb))
    on conflict (item, item_id) do update set
        network_id = excluded.network_id, places = excluded.places, facets = excluded.facets
    """
)
ADD = text(
    """
    merge into item_coverage c
    using unnest(
        cast(:networks as uuid[]), cast(:levels as text[]), cast(:areas as text[]), cast(:items as text[]),
        cast(:facets as text[]), cast(:counts as int[])
    ) as d(network_id, level, area, item, facet, items)
    on (c.network_id, c.level, c.area, c.item, c.facet) = (d.network_id, d.level, d.area, d.item, d.facet)
    when matched and c.items + d.items = 0 then delete
    when matched then update set items = c.items + d.items
    when not matched then insert values (d.network_id, d.level, d.area, d.item, d.facet, d.items)
    """
)


async def items_changed(session: AsyncSession, item: str, ids: Collection[UUID]) -> None:
    """Counts these places, resources or experiences again as they are now: after their rows were written, in the same
    transaction. What they counted for is kept, so it may be called for any item, changed or not, and again.

    Costs six statements for any number of items.
    """
    if not ids:
        return
    given = {"item": item, "ids": list(ids)}
    rows = (await session.execute(READ[item], given)).all()
    networks = {row.network_id for row in rows}
    for network in sorted(networks):
        await session.execute(TURN, {"network": network})
    before = [_kept(row) for row in (await session.execute(KEPT, given)).all()]
    drawn = await inside(session, [(row.network_id, code) for row in rows for code in row.territories])
    after = [counting for row in rows if (counting := _counting(item, row, drawn))]
    if set(before) == set(after):
        return
    gone = {counting.item_id for counting in before} - {counting.item_id for counting in after}
    if gone:
        await session.execute(FORGET, {"item": item, "ids": sorted(gone)})
    if after:
        await session.execute(KEEP, {"rows": orjson.dumps([_row(one) for one in after], default=str).decode()})
    await _add(session, before, after)


async def _add(session: AsyncSession, before: Iterable[Counting], after: Iterable[Counting]) -> None:
    if delta := item_difference(before, after):
        await session.execute(
            ADD,
            {
                "networks": [cell.network_id for cell in delta],
                "levels": [cell.level for cell in delta],
                "areas": [cell.area for cell in delta],
                "items": [cell.item for cell in delta],
                "facets": [cell.facet for cell in delta],
                "counts": list(delta.values()),
            },
        )


def _counting(item: str, row: Any, drawn: Mapping[tuple[UUID, str], Iterable[str]]) -> Counting | None:
    return counts_for(
        item,
        row.id,
        row.network_id,
        state=row.state,
        visibility=row.visibility,
        areas=row.areas,
        drawn={area for code in row.territories for area in drawn.get((row.network_id, code), ())},
        facets=[tuple(facet.split(":", 1)) for facet in row.facets],
    )


def _kept(row: Any) -> Counting:
    return Counting(row.item, row.item_id, row.network_id, tuple(row.places), tuple(row.facets))


def _row(counting: Counting) -> dict[str, Any]:
    return {
        "item": counting.item,
        "item_id": counting.item_id,
        "network_id": counting.network_id,
        "places": counting.places,
        "facets": counting.facets,
    }


async def recount_area(session: AsyncSession, network_id: UUID, area: str) -> None:
    """Counts one area (`area:<code>`) from nothing, when other municipalities lie in it than before. The caller holds
    the turn of the presences. Reads the network's presences and items; areas are drawn seldom."""
    await session.execute(TURN, {"network": network_id})
    for statement in RECOUNT_AREA:
        await session.execute(statement, {"network": network_id, "area": area})


# The cells of an area, and the rows of what lies in it: `area:casalasco` is the area with the code `casalasco`.
OWN = "select id from areas where network_id = :network and 'area:' || code = cast(:area as text)"
RECOUNT_AREA = [
    text("delete from coverage where network_id = :network and level = 'area' and area = cast(:area as text)"),
    text(
        f"""
        insert into coverage
        select network_id, 'area', cast(:area as text), kind, count(distinct organisation_id),
               count(distinct organisation_id) filter (where sources @> array['mandate'])
        from presences where network_id = :network
          and territory in (select territory from area_territories where area_id in ({OWN}))
        group by network_id, kind
        """  # noqa: S608 (constants)
    ),
    text("delete from item_coverage where network_id = :network and level = 'area' and area = cast(:area as text)"),
    text(
        """
        update counted_items set places = array_remove(places, 'area ' || cast(:area as text))
        where network_id = :network and places @> array['area ' || cast(:area as text)]
        """
    ),
    text(
        f"""
        update counted_items set places = places || array['area ' || cast(:area as text)]
        where network_id = :network and places && array(
            select level || ' ' || territory from area_territories where area_id in ({OWN})
        )
        """  # noqa: S608 (constants)
    ),
    text(
        """
        insert into item_coverage
        select network_id, 'area', cast(:area as text), item, facet, count(*)
        from counted_items, unnest(facets) as facet
        where network_id = :network and places @> array['area ' || cast(:area as text)]
        group by network_id, item, facet
        """
    ),
]
