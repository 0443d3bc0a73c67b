"""Whether a list, a filter and a search cost the same in a large network as in a small one."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import quote

import asyncpg

from shared import territories
from tests.bench.commanding import Office
from tests.bench.lab import Lab, Server
from tests.bench.load import press, request
from tests.bench.measure import Check, Figure, Series, in_turns, percentile, ratio

SMALL, LARGE = "rete-piccola", "rete-grande"
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
    sizes, seconds, turns = ((200, 5_000), 0.5, 1) if quick else ((1_000, 100_000), 2.0, 3)
    url = await lab.database("registry")
    async with lab.serving("registry", url) as server:
        offices = {
            slug: (await Office.opened(lab, server.port, slug, people=1), size, before)
            for slug, size, before in zip((SMALL, LARGE), sizes, (0, sizes[0]), strict=True)
        }
        connection = await asyncpg.connect(url)
        codes = [place.code for place in territories.load().municipalities]
        for office, size, before in offices.values():
            await connection.execute(FILL, office.network, before, size, codes)
        await connection.execute("vacuum analyze")
        titles = await connection.fetch(
            "select network_id, right(title, 8) as word from organisations join memberships on organisation_id ="
            " organisations.id where hashtext(title) % 97 = 0"
        )
        await connection.close()
        measures: dict[str, Callable[[], Awaitable[float]]] = {}
        for slug, (office, size, _) in offices.items():
            words = [row["word"] for row in titles if row["network_id"] == office.network] or ["circolo"]
            for what, paths in asked(slug, codes, words).items():
                measures[f"{what}, {size:,} members"] = measure(server, office.tokens[0], paths, seconds)
        series = await in_turns(measures, turns)
    return figure(series, sizes)


def asked(slug: str, codes: list[str], words: list[str]) -> dict[str, Iterator[str]]:
    base = f"/registry/v1/networks/{slug}/organisations?limit=50"
    return {
        "first page": itertools.repeat(base),
        "a municipality": (f"{base}&territory={code}" for code in itertools.cycle(codes)),
        "a word": (f"{base}&q={quote(word)}" for word in itertools.cycle(words)),
    }


def measure(server: Server, token: str, paths: Iterator[str], seconds: float) -> Callable[[], Awaitable[float]]:
    headers = {"authorization": f"Bearer {token}"}

    async def p99() -> float:
        outcome = await press(server.port, [(request("GET", path, headers) for path in paths)], seconds)
        _ = outcome.rate  # raises when one was refused
        return percentile(outcome.latencies, 0.99) * 1000

    return p99


def figure(series: dict[str, Series], sizes: tuple[int, int]) -> Figure:
    small, large = sizes
    return Figure(
        key="listing",
        title=f"p99 of a list, a filter and a search among {small:,} and {large:,} members",
        unit="ms",
        series=list(series.values()),
        checks=[
            Check(
                f"{what}: {large:,} / {small:,}",
                ratio(series[f"{what}, {large:,} members"], series[f"{what}, {small:,} members"]),
                2,
                "at most",
            )
            for what in ("first page", "a municipality", "a word")
        ],
        notes=["One caller, 50 rows a page, over HTTP, with token, grants and rights."],
        lower_is_better=True,
    )
