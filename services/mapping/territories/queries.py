"""Reading the administrative map. It is reference data in memory (`shared/territories`): no statement is sent."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.territories.rules import COUNTRY, Area, fold
from shared import territories
from shared.access.actor import Actor
from shared.runtime.paging import Page
from shared.runtime.problems import Invalid, NotFound

Kind = Literal["region", "province", "municipality"]
ORDER: tuple[Kind, ...] = ("region", "province", "municipality")


@dataclass(frozen=True, slots=True)
class Territory:
    """A region, province or municipality with its residents; `at` is (latitude, longitude) inside a municipality."""

    kind: Kind
    area: Area
    name: str
    population: int
    search: str
    istat: str | None = None
    sigla: str | None = None
    at: tuple[float, float] | None = None

    @property
    def code(self) -> str:
        return self.area.code

    @property
    def place(self) -> tuple[int, str, str]:
        """Where it stands in lists: regions, provinces, municipalities, each by name."""
        return ORDER.index(self.kind), self.search, self.code


@lru_cache(maxsize=1)
def everything() -> Mapping[str, Territory]:
    """All of Italy by code, in the order of lists: 8,024 entries, built once in about 40 ms."""
    italy = territories.load()
    people: Counter[str] = Counter()
    for m in italy.municipalities:
        people[m.region] += m.population
        people[m.province_code] += m.population
    found = [Territory("region", Area(r.code, r.code), r.name, people[r.code], fold(r.name)) for r in italy.regions]
    found += [
        Territory("province", Area(p.code, p.region, p.code), p.name, people[p.code], fold(p.name), None, p.sigla)
        for p in italy.provinces
    ]
    found += [
        Territory(
            "municipality",
            Area(m.code, m.region, m.province_code, m.code),
            m.name,
            m.population,
            fold(m.name),
            m.istat,
            m.province,
            (m.lat, m.lon),
        )
        for m in italy.municipalities
    ]
    return {territory.code: territory for territory in sorted(found, key=lambda t: t.place)}


def locate(code: str) -> Area | None:
    """The area that a code names in today's map; None when it is not in it."""
    territory = everything().get(code)
    return territory.area if territory else None


def find(code: str) -> Territory | None:
    """By code; a province also by its sigla (`LC`), a municipality also by its ISTAT code (`097042`)."""
    if known := everything().get(code.upper()):
        return known
    italy = territories.load()
    same = italy.province(code) if len(code) == 2 else italy.by_istat(code) if len(code) == 6 else None
    return everything()[same.code] if same else None


def known(code: str) -> Territory:
    """`find`, or NotFound."""
    territory = find(code)
    if territory is None:
        raise NotFound(code)
    return territory


def areas(codes: Iterable[str], path: str) -> dict[str, Area]:
    """The areas that a filter names, by their own code; Invalid at `path` for one that is none."""
    found = {code: find(code) for code in codes}
    if unknown := sorted(code for code, territory in found.items() if territory is None):
        raise Invalid(path, "unknown-territory", f"a code of a region, province or municipality, not {unknown[0]!r}")
    return {territory.code: territory.area for territory in found.values() if territory}


def parents(territory: Territory) -> list[Territory]:
    """What it lies in, the smallest first; the country is told by nothing."""
    return [everything()[code] for _, code in territory.area.chain()[1:] if code != COUNTRY]


@lru_cache(maxsize=1)
def italians() -> int:
    return sum(territory.population for territory in everything().values() if territory.kind == "region")


def words(q: str | None) -> list[str]:
    """The words of a search; Invalid when there is none in it, which must not find everything."""
    found = fold(q or "").split()
    if q is not None and not found:
        raise Invalid("?q", "no-words", "letters or digits")
    return found


def listed(*, kinds: Collection[str] = (), within: Collection[str] = (), q: str | None = None) -> list[Territory]:
    """Those of the given kinds that lie in one of the given areas and whose name holds `q`, in order."""
    asked = " ".join(words(q))
    return [
        territory
        for territory in everything().values()
        if (not kinds or territory.kind in kinds)
        and (not within or any(code in within for _, code in territory.area.chain()))
        and asked in territory.search
    ]


def paged(found: Sequence[Territory], after: str | None, limit: int) -> Page[Territory]:
    """The page of a list in order that begins after the territory with the code `after`; Invalid for a bad one."""
    start = 0
    if after is not None:
        last = everything().get(after)
        if last is None:
            raise Invalid("?after", "cursor", "`next` of a page of this same list")
        start = bisect_right(found, last.place, key=lambda territory: territory.place)
    items = found[start : start + limit]
    return Page(items, items[-1].code if start + limit < len(found) else None)


async def page(
    session: AsyncSession,  # noqa: ARG001 (reference data: nothing is asked of the database)
    actor: Actor,  # noqa: ARG001
    *,
    kinds: Collection[str],
    within: Collection[str],
    q: str | None,
    now: datetime,  # noqa: ARG001
    after: str | None,
    limit: int,
) -> Page[Territory]:
    return paged(listed(kinds=kinds, within=areas(within, "?within"), q=q), after, limit)


def feature(territory: Territory) -> dict[str, Any]:
    """A GeoJSON feature (RFC 7946) with the simplified boundary."""
    return {
        "type": "Feature",
        "id": territory.code,
        "geometry": territories.boundaries(territory.kind).get(territory.code),
        "properties": {"code": territory.code, "name": territory.name, "population": territory.population},
    }
