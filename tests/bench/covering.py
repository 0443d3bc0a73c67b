"""Whether the map of what there is in Italy costs the same however many resources are on it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from uuid_utils.compat import uuid7

from services.mapping.coverage.queries import recount
from shared import territories
from shared.runtime.database import Database
from tests.bench.lab import Lab, Server
from tests.bench.load import press, request
from tests.bench.measure import Check, Figure, Series, in_turns, percentile, ratio

LEVELS = {"region": "regions", "province": "provinces"}
NETWORK = """
with founded as (
    insert into networks (id, slug, name, kind, version) values ($1, $2, 'Rete di prova', 'alliance', 1)
), listed as (
    insert into grant_lists (person_id, version) values ($3, 1)
)
insert into grants (person_id, position, role, network_id, since, version)
values ($3, 0, 'member', $1, '2026-01-01', 1)
"""
FILL = """
insert into resources (
    id, network_id, title, organisation_id, municipality, territories, areas, state, visibility, shared_with,
    checked_on, search, kind, themes, available_to, version
)
select uuidv7(), $1, 'Risorsa ' || n, $2, place[1], place[1:1], place, 'validated',
    (array['network', 'public'])[1 + n % 2], '{}',
    '2026-01-01', 'risorsa ' || n,
    (array['knowledge', 'organisational', 'professional', 'relational'])[1 + n % 4],
    case n % 3 when 0 then '{}' when 1 then array['housing'] else array['health', 'housing'] end, '{}', 1
from generate_series(1, $3::int) as n
cross join lateral (select string_to_array(($4::text[])[1 + n % cardinality($4::text[])], ' ') as place) lies
"""
CELLS = ("network_id", "level", "area", "item", "facet", "items")


async def run(lab: Lab, *, quick: bool) -> Figure:
    few, many, seconds, turns = (1_000, 20_000, 0.2, 1) if quick else (1_000, 1_000_000, 2.0, 5)
    url = await lab.database("mapping")
    measures: dict[str, Callable[[], Awaitable[float]]] = {}
    connection = await asyncpg.connect(url)
    async with lab.serving("mapping", url) as server:
        for size in (many, few):
            network, token = await founded(lab, connection, f"rete-{size}")
            await fill(connection, network, size)
            for level, name in LEVELS.items():
                measures[f"map by {name}, {size:,}"] = mapped(server, token, f"rete-{size}", level, seconds)
                measures[f"{name} from the database, {size:,}"] = read(connection, network, level, seconds)
        await count(url, connection)
        for first in measures.values():  # connections, prepared statements, keys
            await first()
        series = await in_turns(measures, turns)
    await connection.close()
    return figure(series, few, many)


async def founded(lab: Lab, connection: asyncpg.Connection, slug: str) -> tuple[UUID, str]:
    """A network and the token of one of its members, as mapping knows them of the registry's facts."""
    network, person = uuid7(), uuid4()
    await connection.execute(NETWORK, network, slug, person)
    return network, lab.token(person)


async def fill(connection: asyncpg.Connection, network: UUID, size: int) -> None:
    """Validated resources, each in one municipality."""
    places = [f"{m.code} {m.province_code} {m.region}" for m in territories.load().municipalities]
    await connection.execute(FILL, network, uuid4(), size, places, timeout=1800)


async def count(url: str, connection: asyncpg.Connection) -> None:
    """The counters as mapping's own count from nothing has them."""
    database = Database(url)
    async with database.sessions() as session:
        cells: list[Any] = await recount(session)
    await database.dispose()
    await connection.copy_records_to_table("item_coverage", records=[cell[:6] for cell in cells], columns=CELLS)
    await connection.execute("vacuum analyze", timeout=1800)


def mapped(server: Server, token: str, slug: str, level: str, seconds: float) -> Callable[[], Awaitable[float]]:
    """p50 in milliseconds of the map over HTTP."""
    path = f"/mapping/v1/networks/{slug}/coverage/items?level={level}&item=resource"
    one = request("GET", path, {"authorization": f"Bearer {token}"})

    async def p50() -> float:
        outcome = await press(server.port, [itertools.repeat(one)], seconds)
        _ = outcome.rate  # raises when one was refused
        return percentile(outcome.latencies, 0.5) * 1000

    return p50


def read(connection: asyncpg.Connection, network: UUID, level: str, seconds: float) -> Callable[[], Awaitable[float]]:
    """p50 in milliseconds of reading one number for each territory."""
    query = "select area, items from item_coverage where network_id = $1 and level = $2 and item = 'resource'"
    query += " and facet = ''"

    async def p50() -> float:
        taken = []
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            rows = await connection.fetch(query, network, level)
            taken.append(time.perf_counter() - began)
        assert len(rows) >= len(territories.load().regions)
        return percentile(taken, 0.5) * 1000

    return p50


def figure(series: dict[str, Series], few: int, many: int) -> Figure:
    def times(what: str, other: str) -> float:
        return ratio(series[what], series[other])

    floors = ", ".join(
        f"{times(f'map by {name}, {many:,}', f'{name} from the database, {many:,}'):.1f} for {name}"
        for name in LEVELS.values()
    )
    return Figure(
        key="coverage",
        title=f"Map of Italy with {few:,} and {many:,} resources",
        unit="ms, p50",
        series=list(series.values()),
        checks=[
            Check(f"{name}: {many:,} / {few:,}", times(f"map by {name}, {many:,}", f"map by {name}, {few:,}"), 1.25,
                  "at most")
            for name in LEVELS.values()
        ],
        notes=[
            "One caller, the whole map in one page, over HTTP, with token, grants and rights; counted in total, by"
            " kind, by theme and of them the public ones. Two networks of one deployment. Constant is held to 1.25.",
            "`from the database`: the 20 (or some 110) totals by plain asyncpg, without the facets, HTTP and who asks."
            f" The map takes that time {floors}.",
        ],
        lower_is_better=True,
    )  # fmt: skip
