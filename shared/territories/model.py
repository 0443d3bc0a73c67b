"""What Italy's territories are in code: municipalities, provinces (or the units that replace them), regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# (first age, last age) of each band of `ages`; the last is open.
AGE_BANDS: tuple[tuple[int, int | None], ...] = (
    (0, 2),
    (3, 5),
    (6, 13),
    (14, 17),
    (18, 29),
    (30, 44),
    (45, 64),
    (65, 74),
    (75, 84),
    (85, None),
)

Kind = Literal["region", "province", "municipality"]


@dataclass(frozen=True, slots=True)
class Region:
    """A region; `code` is ISTAT's two digits, `name` as ISTAT writes it ("Valle d'Aosta/Vallée d'Aoste")."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Province:
    """A province or the unit in its place; `code` is ISTAT's UTS code ("201" Torino, "033" Piacenza).

    `historic_code` is the one that begins the ISTAT codes of its municipalities; it differs for metropolitan cities.
    `kind` is ISTAT's: province, autonomous, metropolitan, consortium (Sicily), former (Friuli-Venezia Giulia).
    """

    code: str
    historic_code: str
    sigla: str
    name: str
    region: str
    kind: str


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality in force, keyed by its cadastral (Belfiore) code, because ISTAT codes change with the provinces.

    `name` is ISTAT's whole name ("Bolzano/Bozen"), `italian_name` its Italian part, `other_name` the one in the other
    language or "". `province` is the sigla, `province_code` the UTS code, `region` ISTAT's two digits.
    `formerly` are the siglas of other provinces that it belonged to. `population` counts residents on 1 January 2023,
    `ages` the same by AGE_BANDS (they sum to it). `lat`, `lon` are WGS 84 degrees of a point inside it.
    """

    code: str
    istat: str
    name: str
    italian_name: str
    other_name: str
    province: str
    province_code: str
    region: str
    nuts3: str
    formerly: tuple[str, ...]
    lat: float
    lon: float
    population: int
    ages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Former:
    """A name no longer in force: of a suppressed municipality or the old one of a standing one.

    `successor` is the cadastral code of today's municipality, "" when no source says it; `until` an ISO date.
    """

    code: str
    name: str
    sigla: str
    until: str
    successor: str
