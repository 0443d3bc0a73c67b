"""Reading the built data: every municipality, province and region of Italy, found by code, as it is today."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.territories.changes import Overlaid, Update, ends, overlay
from shared.territories.history import History, Period
from shared.territories.model import Former, Kind, Municipality, Province, Region

if TYPE_CHECKING:
    from shared.territories.resolver import Resolution, Resolver

DATA = Path(__file__).parent / "data"


class Territories:
    """Italy as of the built data and the changes laid over them; immutable, one at a time in a process (`load()`)."""

    def __init__(
        self,
        municipalities: list[Municipality],
        provinces: list[Province],
        regions: list[Region],
        overlaid: Overlaid | None = None,
    ) -> None:
        self._overlaid = overlaid
        self._history: History | None = None
        self.municipalities: tuple[Municipality, ...] = tuple(municipalities)
        self.provinces: tuple[Province, ...] = tuple(provinces)
        self.regions: tuple[Region, ...] = tuple(regions)
        self._by_code: Mapping[str, Municipality] = {m.code: m for m in municipalities}
        self._by_istat: Mapping[str, Municipality] = {m.istat: m for m in municipalities}
        self._provinces: Mapping[str, Province] = {k: p for p in provinces for k in (p.code, p.sigla)}
        self._regions: Mapping[str, Region] = {r.code: r for r in regions}
        self._resolver: Resolver | None = None

    def municipality(self, code: str) -> Municipality | None:
        """The municipality with this cadastral code ("H501"), if it is in force."""
        return self._by_code.get(code.upper())

    def by_istat(self, istat: str) -> Municipality | None:
        """The municipality with this ISTAT code of six digits, as in force today ("058091")."""
        return self._by_istat.get(istat.zfill(6))

    def province(self, code: str) -> Province | None:
        """The province with this sigla ("RM") or UTS code ("258")."""
        return self._provinces.get(code.upper())

    def region(self, code: str) -> Region | None:
        """The region with this ISTAT code of two digits ("12")."""
        return self._regions.get(code.zfill(2))

    def kind_of(self, code: str) -> Kind | None:
        """What a territory code is: region ("12"), province (UTS code or sigla), municipality; None when unknown."""
        if code in self._regions:
            return "region"
        if code in self._provinces:
            return "province"
        return "municipality" if code in self._by_code else None

    def code_of(self, code: str) -> str | None:
        """The code under which a territory is kept, in capitals: of a province the UTS code, also from its sigla; of a
        municipality that is gone, that of the one in its place. None of one that there is not."""
        code = code.upper()
        if (province := self.province(code)) is not None:
            return province.code
        if code in self._regions:
            return code
        municipality = self.today(code)
        return municipality.code if municipality is not None else None

    def around(self, territory: str | None) -> list[str]:
        """The territory and those in which it lies, the smallest first: of a municipality (`E507`) also the one that
        took its place, its province and its region; of an unknown one only itself, of none nothing."""
        if territory is None:
            return []
        if (municipality := self.today(territory)) is not None:
            found = [territory, municipality.code, municipality.province_code, municipality.region]
        elif (province := self.province(territory)) is not None:
            found = [province.code, province.region]
        else:
            found = [territory]
        return list(dict.fromkeys(found))

    def contains(self, territory: str, municipality: str) -> bool:
        """Whether a region, a province (UTS code or sigla) or a municipality holds the one with this cadastral code, or
        the one that took its place."""
        inside = self.today(municipality)
        return inside is not None and territory in (inside.code, inside.province, inside.province_code, inside.region)

    def within(self, territory: str) -> Iterator[Municipality]:
        """The municipalities of a territory, in order of cadastral code."""
        return (m for m in self.municipalities if territory in (m.code, m.province, m.province_code, m.region))

    @property
    def former(self) -> tuple[Former, ...]:
        """Every name no longer in force, of standing and of suppressed municipalities."""
        if self._overlaid is None:
            return former_names()
        into = self._overlaid.successors

        def today(former: Former) -> Former:
            """With the successors that stand today; those of a name that is only old are the municipality itself."""
            stand = " ".join(sorted({end for code in former.successor.split() for end in ends(code, into)}))
            return former if stand == former.successor else replace(former, successor=stand)

        return tuple(today(former) for former in (*former_names(), *self._overlaid.former))

    @property
    def history(self) -> History:
        """What municipalities were called, where they lay and where they went; read when first asked for (30 ms)."""
        if self._history is None:
            self._history = self._historic()
        return self._history

    def _historic(self) -> History:
        successors = {f.code: f.successor.split() for f in self.former if f.code not in self._by_code}
        periods: dict[str, list[Period]] = defaultdict(list)
        for period in _periods():
            periods[period.code].append(period)
        for added in self._overlaid.periods if self._overlaid is not None else ():
            before = periods[added.code]
            if added.since is None:  # the last period of the data goes on into the first of the changes
                since = before.pop().since if before and before[-1].until is None else None
                added = replace(added, since=since)
            before.append(added)
        return History([period for those in periods.values() for period in those], successors)

    def standing(self, code: str) -> tuple[Municipality, ...]:
        """The municipality with this code, or those that took its place; none for a code that is none."""
        found = self.municipality(code)
        if found is not None:
            return (found,)
        return tuple(m for c in self.history.successors(code.upper()) if (m := self.municipality(c)))

    def today(self, code: str) -> Municipality | None:
        """The municipality with this code, or the most populous of those that took its place: for what was kept before
        a merger and is shown or looked for after it."""
        return self._by_code.get(code) or max(self.standing(code), key=lambda m: m.population, default=None)

    def codes_within(self, territory: str) -> list[str]:
        """The cadastral codes of what lies in a territory today, and of what is gone into it: what was kept before a
        merger is found by them."""
        return [c for m in self.within(territory) for c in (m.code, *self.history.predecessors(m.code))]

    def with_updates(self, updates: Collection[Update]) -> Territories:
        """These data with what has happened since; `self` must have none yet."""
        if not updates:
            return self
        laid = overlay(self.municipalities, self._provinces, updates)
        return Territories(laid.municipalities, list(self.provinces), list(self.regions), laid)

    def resolve(self, name: str, province: str | None = None, region: str | None = None) -> Resolution:
        """The municipality that a file means by a name; see `resolver.Resolver.resolve` for what it accepts."""
        if self._resolver is None:
            from shared.territories.resolver import Resolver  # here, so that who never resolves pays no index

            self._resolver = Resolver(self)
        return self._resolver.resolve(name, province, region)


_current: tuple[Territories, object] | None = None


def load() -> Territories:
    """Italy as it is today, as far as this process knows: the built data (read once, about 60 ms) and what `install`
    laid over them. Ask for it at each use: it is replaced when operators apply a newer list of ISTAT's."""
    return built() if _current is None else _current[0]


def installed() -> object:
    """The stamp of what was installed last; None for the built data alone."""
    return None if _current is None else _current[1]


def install(updates: Collection[Update], stamp: object) -> None:
    """From now on `load` gives the built data with these changes (about 60 ms); without any, the built data."""
    global _current
    _current = (built().with_updates(updates), stamp) if updates else None


@lru_cache(maxsize=1)
def built() -> Territories:
    """The data as they were built; the resolver's index is built when the first name is resolved."""
    regions = [Region(code, name) for code, name in _rows("regions.csv")]
    provinces = [Province(*row) for row in _rows("provinces.csv")]
    of = {p.code: p for p in provinces}
    municipalities = []
    for code, istat, name, italian, other, uts, nuts3, formerly, lat, lon, *counts in _rows("municipalities.csv"):
        province, ages = of[uts], tuple(map(int, counts))
        municipalities.append(
            Municipality(
                code=code,
                istat=istat,
                name=name,
                italian_name=italian or name,
                other_name=other,
                province=province.sigla,
                province_code=uts,
                region=province.region,
                nuts3=nuts3,
                formerly=tuple(formerly.split()),
                lat=float(lat),
                lon=float(lon),
                population=sum(ages),
                ages=ages,
            )
        )
    return Territories(municipalities, provinces, regions)


@lru_cache(maxsize=1)
def former_names() -> tuple[Former, ...]:
    """Every name no longer in force that the sources know, of standing and of suppressed municipalities."""
    return tuple(Former(*row) for row in _rows("historic.csv"))


def _periods() -> Iterator[Period]:
    for code, name, sigla, since, until in _rows("periods.csv"):
        yield Period(code, name, sigla, _day(since), _day(until))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _rows(name: str) -> Iterator[list[str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as f:
        rows = csv.reader(f, delimiter=";")
        next(rows)
        yield from rows
