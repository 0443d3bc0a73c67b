"""Reading the administrative map. It is reference data in memory (`shared/territories`): no statement is sent."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.policy import Right, policy
from services.mapping.territories.rules import COUNTRY, Area, common, fold
from shared import territories
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.runtime.paging import Page
from shared.runtime.problems import Invalid, NotFound
from shared.territories import Period

Italian = Literal["region", "province", "municipality"]
Kind = Literal["region", "province", "municipality", "area"]
ORDER: tuple[Kind, ...] = ("region", "province", "municipality", "area")


@dataclass(frozen=True, slots=True)
class Territory:
    """A region, province or municipality with its residents, by age too (the bands of `territories.AGE_BANDS`); `at` is
    (latitude, longitude) inside a municipality. An area of a network stands here like a territory of its own."""

    kind: Kind
    area: Area
    name: str
    population: int
    search: str
    ages: tuple[int, ...] = ()
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


def everything() -> Mapping[str, Territory]:
    """All of Italy by code, in the order of lists: 8,024 entries, built in about 40 ms whenever the map changes."""
    return _everything(territories.load())


@lru_cache(maxsize=2)
def _everything(italy: territories.Territories) -> Mapping[str, Territory]:
    people: dict[str, list[int]] = defaultdict(lambda: [0] * len(territories.AGE_BANDS))
    for m in italy.municipalities:
        for code in (m.region, m.province_code, m.code):
            people[code] = [a + b for a, b in zip(people[code], m.ages, strict=True)]

    def made(kind: Kind, area: Area, name: str, **more: Any) -> Territory:
        ages = tuple(people[area.code])
        return Territory(kind, area, name, sum(ages), fold(name), ages, **more)

    found = [made("region", Area(r.code, r.code), r.name) for r in italy.regions]
    found += [made("province", Area(p.code, p.region, p.code), p.name, sigla=p.sigla) for p in italy.provinces]
    found += [
        made(
            "municipality",
            Area(m.code, m.region, m.province_code, m.code),
            m.name,
            istat=m.istat,
            sigla=m.province,
            at=(m.lat, m.lon),
        )
        for m in italy.municipalities
    ]
    return {territory.code: territory for territory in sorted(found, key=lambda t: t.place)}


def locate(code: str) -> Area | None:
    """The area that a code names in today's map; None when it is not in it."""
    territory = everything().get(code)
    return territory.area if territory else None


def placed(code: str) -> Area | None:
    """Like `locate`; a municipality that is gone lies in its successor, or in what its successors lie in together."""
    if here := locate(code):
        return here
    return common(area for m in territories.load().standing(code) if (area := locate(m.code)))


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


def named(code: str) -> Territory:
    """A territory to be shown, also one that is gone or that this process does not know yet: by its last name, or by
    its code. What is kept must not make a list unreadable."""
    if found := find(code):
        return found
    past = territories.load().history.periods(code)
    here = placed(code)
    area = Area(code, here.region if here else "", here.province if here else None, code)
    return Territory(
        "municipality", area, past[-1].name if past else code, 0, code, sigla=past[-1].province if past else None
    )


def areas(codes: Iterable[str], path: str) -> dict[str, Area]:
    """The areas that a filter names, by their own code; Invalid at `path` for one that is none."""
    found = {code: find(code) for code in codes}
    if unknown := sorted(code for code, territory in found.items() if territory is None):
        raise Invalid(path, "unknown-territory", f"a code of a region, province or municipality, not {unknown[0]!r}")
    return {territory.code: territory.area for territory in found.values() if territory}


def parents(territory: Territory) -> list[Territory]:
    """What it lies in, the smallest first; the country is told by nothing."""
    return [everything()[code] for _, code in territory.area.chain()[1:] if code != COUNTRY]


def italians() -> int:
    return sum(territory.population for territory in everything().values() if territory.kind == "region")


async def map_of(session: AsyncSession, actor: Actor, network: str, now: datetime) -> UUID:
    """The id of the network given by slug or id, if the actor may see its map; NetworkUnknown, Forbidden."""
    found = await network_id(session, network)
    policy.require(actor, Right.SEE_MAP, network=found, on=now)
    return found


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
        last = everything().get(after) or next((one for one in found if one.code == after), None)
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


def feature(kind: Italian, territory: Territory) -> dict[str, Any]:
    """A GeoJSON feature (RFC 7946) with the simplified boundary."""
    return {
        "type": "Feature",
        "id": territory.code,
        "geometry": territories.boundaries(kind).get(territory.code),
        "properties": {"code": territory.code, "name": territory.name, "population": territory.population},
    }


@dataclass(frozen=True, slots=True)
class Past:
    """What became of a municipality, or of a sigla of provinces that are no more, and what it was before.

    `then` is the period that held on the day asked for; None when it was not there on that day, or no day was asked.
    """

    code: str
    today: Territory | None
    periods: Sequence[Period]
    successors: Sequence[Territory]
    predecessors: Sequence[Period]
    then: Period | None


def history(code: str, on: date | None) -> Past:
    """Raises NotFound for what never was a municipality or a sigla, as far as the sources know."""
    today = find(code)
    if today is not None and today.kind != "municipality":
        return Past(today.code, today, (), (), (), None)
    past = territories.load().history
    own = today.code if today else code.upper()
    periods = past.periods(own)
    if not periods and today is None:
        return _former_sigla(own)
    if not periods and today is not None:
        periods = (Period(own, today.name, today.sigla or "", None, None),)
    return Past(
        own,
        today,
        periods,
        [territory for one in past.successors(own) if (territory := find(one))],
        [last for one in past.predecessors(own) for last in past.periods(one)[-1:]],
        next((period for period in periods if on and period.holds(on)), None),
    )


def _former_sigla(sigla: str) -> Past:
    """Where the municipalities that were under an old sigla lie today: the provinces, that with most of them first."""
    italy = territories.load()
    gone = italy.history.siglas().get(sigla, ())
    now = Counter(m.province_code for code in gone for m in italy.standing(code))
    if not now:
        raise NotFound(sigla)
    return Past(sigla, None, (), [everything()[code] for code, _ in now.most_common()], (), None)


def called(name: str, province: str | None, on: date) -> list[Period]:
    """The municipalities that bore this name on that day (in that province, when a sigla is given)."""
    italy = territories.load()
    wanted = fold(name)
    found = [
        period
        for period in italy.history.everything()
        if period.holds(on) and fold(period.name) == wanted and province in (None, period.province)
    ]
    always = [
        Period(m.code, m.name, m.province, None, None)
        for m in italy.municipalities
        if not italy.history.periods(m.code) and wanted in {fold(m.name), fold(m.italian_name), fold(m.other_name)}
    ]
    return found + [period for period in always if province in (None, period.province)]
