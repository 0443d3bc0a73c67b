"""Whether a list, a filter and a search cost the same in a large network as in a small one."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from urllib.parse import quote
from uuid import UUID

import asyncpg

from shared import territories
from shared.territories import Municipality
from tests.bench.commanding import Office
from tests.bench.lab import Lab, Server
from tests.bench.load import press, request
from tests.bench.measure import Check, Figure, Series, in_turns, percentile, ratio

SMALL, LARGE, LARGEST = "rete-piccola", "rete-grande", "rete-grandissima"
AT_ONCE = 100_000
"""Rows that one statement writes: the triggers' too, so a million at once would be held in memory."""
ASKED = ("first page", "a municipality", "a province", "a region", "a word")
FILL = """
with numbered as (select uuidv7() as id, n from generate_series($2::int + 1, $2::int + $3::int) as n),
made as (
    insert into organisations (id, title, tax_code, kind, municipality, created_at, updated_at, version)
    select id, (array['Casa della comunità', 'Pubblica assistenza', 'Circolo', 'Cooperativa sociale'])[1 + n % 4]
        || ' ' || substr(md5(n::text), 1, 8), lpad((90000000000 + n)::text, 11, '0'), 'association',
        ($4::text[])[1 + n % cardinality($4::text[])], now(), now(), 1
    from numbered
)
insert into memberships (id, network_id, organisation_id, state, since, created_at, updated_at, version)
select uuidv7(), $1, id, 'active', '2026-01-01', now(), now(), 1 from numbered
"""


async def run(lab: Lab, *, quick: bool) -> Figure:
    few, seconds, turns = (1_000, 0.2, 1) if quick else (1_000, 2.0, 3)
    many = {LARGE: 5_000} if quick else {LARGE: 100_000, LARGEST: 1_000_000}
    most = max(many.values())
    alone, shared = await lab.database("registry"), await lab.database("registry")
    measures: dict[str, Callable[[], Awaitable[float]]] = {}
    async with lab.serving("registry", alone) as one, lab.serving("registry", shared) as other:
        for server, url, sizes in ((one, alone, {SMALL: few}), (other, shared, {**many, SMALL: few})):
            places = territories.load().municipalities
            for slug, size in sizes.items():
                office = await Office.opened(lab, server.port, slug, people=1)
                words = await fill(url, office.network, size, [place.code for place in places])
                label = f"{size:,}" if len(sizes) == 1 or slug != SMALL else f"{size:,} beside {most:,}"
                for what, paths in asked(slug, places[:few], words).items():
                    measures[f"{what}, {label}"] = measure(server, office.tokens[0], paths, seconds)
        for first in measures.values():  # connections, prepared statements, keys
            await first()
        series = await in_turns(measures, turns)
    return figure(series, few, sorted(many.values()))


async def fill(url: str, network: UUID, size: int, codes: list[str]) -> list[str]:
    """Members of the network; returns a word of some of their names each."""
    connection = await asyncpg.connect(url)
    before = await connection.fetchval("select count(*) from organisations")
    for done in range(0, size, AT_ONCE):
        await connection.execute(FILL, network, before + done, min(AT_ONCE, size - done), codes)
    await connection.execute("vacuum analyze")
    found = await connection.fetch(
        "select right(title, 8) as word from memberships join organisations o on organisation_id = o.id"
        " where network_id = $1 limit 200",
        network,
    )
    await connection.close()
    return [row["word"] for row in found]


def asked(slug: str, places: Sequence[Municipality], words: list[str]) -> dict[str, Iterator[str]]:
    """`places` are those of the small network's members: every page of a place is full in both networks."""
    base = f"/registry/v1/networks/{slug}/organisations?limit="

    def inside(rows: int, codes: Iterable[str]) -> Iterator[str]:
        full = sorted(code for code, members in Counter(codes).items() if members >= rows)
        return (f"{base}{rows}&territory={code}" for code in itertools.cycle(full))

    return {
        "first page": itertools.repeat(f"{base}50"),
        "a municipality": inside(1, (place.code for place in places)),
        "a province": inside(10, (place.province_code for place in places)),
        "a region": inside(20, (place.region for place in places)),
        "a word": (f"{base}50&q={quote(word)}" for word in itertools.cycle(words)),
    }


def measure(server: Server, token: str, paths: Iterator[str], seconds: float) -> Callable[[], Awaitable[float]]:
    headers = {"authorization": f"Bearer {token}"}

    async def p99() -> float:
        outcome = await press(server.port, [(request("GET", path, headers) for path in paths)], seconds)
        _ = outcome.rate  # raises when one was refused
        return percentile(outcome.latencies, 0.99) * 1000

    return p99


def figure(series: dict[str, Series], few: int, many: Sequence[int]) -> Figure:
    def times(what: str, label: str) -> Check:
        small = series[f"{what}, {few:,}"]
        return Check(f"{what}: {label} / {few:,}", ratio(series[f"{what}, {label}"], small), 2, "at most")

    sizes = [f"{size:,}" for size in many]
    labels = [*sizes, f"{few:,} beside {sizes[-1]}"]
    return Figure(
        key="listing",
        title=f"p99 of lists of organisations in networks of {few:,} and {' and '.join(sizes)} members",
        unit="ms",
        series=list(series.values()),
        checks=[times(what, label) for label in labels for what in ASKED],
        notes=[
            "One caller, over HTTP, with token, grants and rights. 50 rows a page; of a region 20, of a province 10, of"
            " a municipality 1, in those that have so many members in the small network too: the pages are equal work."
            " `beside`: a small network in the same deployment as the large ones."
        ],
        lower_is_better=True,
    )
