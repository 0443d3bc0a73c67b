"""Reading the built data: every municipality, province and region of Italy, found by code."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.territories.model import Former, Kind, Municipality, Province, Region

if TYPE_CHECKING:
    from shared.territories.resolver import Resolution, Resolver

DATA = Path(__file__).parent / "data"


class Territories:
    """Italy as of the built data; immutable, one per process (`load()`)."""

    def __init__(self, municipalities: list[Municipality], provinces: list[Province], regions: list[Region]) -> None:
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

    def contains(self, territory: str, municipality: str) -> bool:
        """Whether a region, a province (UTS code or sigla) or a municipality holds the one with this cadastral code."""
        inside = self._by_code.get(municipality)
        return inside is not None and territory in (inside.code, inside.province, inside.province_code, inside.region)

    def within(self, territory: str) -> Iterator[Municipality]:
        """The municipalities of a territory, in order of cadastral code."""
        return (m for m in self.municipalities if territory in (m.code, m.province, m.province_code, m.region))

    def resolve(self, name: str, province: str | None = None, region: str | None = None) -> Resolution:
        """The municipality that a file means by a name; see `resolver.Resolver.resolve` for what it accepts."""
        if self._resolver is None:
            from shared.territories.resolver import Resolver  # here, so that who never resolves pays no index

            self._resolver = Resolver(self)
        return self._resolver.resolve(name, province, region)


@lru_cache(maxsize=1)
def load() -> Territories:
    """Read the data once per process (about 60 ms); the resolver's index is built when the first name is resolved."""
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


def _rows(name: str) -> Iterator[list[str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as f:
        rows = csv.reader(f, delimiter=";")
        next(rows)
        yield from rows
