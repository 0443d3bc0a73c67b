"""The administrative map: which code names what, and what lies in what."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

COUNTRY = "IT"


class Level(StrEnum):
    COUNTRY = "country"
    REGION = "region"
    PROVINCE = "province"
    MUNICIPALITY = "municipality"
    AREA = "area"
    """Drawn by a network; see `areas`."""


@dataclass(frozen=True, slots=True)
class Area:
    """A territory by its code, with the codes of what it lies in, itself included; None for levels below its own."""

    code: str
    region: str
    province: str | None = None
    municipality: str | None = None

    @property
    def level(self) -> Level:
        if self.municipality:
            return Level.MUNICIPALITY
        return Level.PROVINCE if self.province else Level.REGION

    def chain(self) -> list[tuple[Level, str]]:
        """The area and all that it lies in, the smallest first."""
        levels = [(Level.MUNICIPALITY, self.municipality), (Level.PROVINCE, self.province), (Level.REGION, self.region)]
        return [(level, code) for level, code in levels if code] + [(Level.COUNTRY, COUNTRY)]


def common(areas: Iterable[Area]) -> Area | None:
    """The smallest area in which all of these lie; None when that is the country, or when there are none."""
    found = list(areas)
    if not found:
        return None
    first = found[0]
    if all(area == first for area in found):
        return first
    if first.province and all(area.province == first.province for area in found):
        return Area(first.province, first.region, first.province)
    return Area(first.region, first.region) if all(area.region == first.region for area in found) else None


Locate = Callable[[str], Area | None]
"""The area that a code names, or None. Two digits are a region, three a province, a cadastral code a municipality."""


def fold(text: str) -> str:
    """Text as people type it into a search: lower case, no accents, one space between words, no punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", bare))


class Groups(NamedTuple):
    """Residents under 18, from 18 to 64, and from 65 on."""

    minors: int
    working_age: int
    elderly: int


def by_group(bands: Sequence[tuple[int, int | None]], ages: Sequence[int]) -> Groups:
    """Sums of bands; a band lies wholly in one group."""
    counted = list(zip(bands, ages, strict=True))
    minors = sum(n for (first, _), n in counted if first < 18)
    elderly = sum(n for (first, _), n in counted if first >= 65)
    return Groups(minors, sum(ages) - minors - elderly, elderly)


EARTH = 6371.0088
"""Mean radius of the earth in km (IUGG)."""
Point = tuple[float, float]
"""Latitude and longitude, WGS 84 degrees."""


def great_circle(a: Point, b: Point) -> float:
    """Kilometres between two points along the surface: within half a percent of the truth, far below what a centroid
    leaves."""
    (lat_a, lon_a), (lat_b, lon_b) = (tuple(map(math.radians, point)) for point in (a, b))
    h = math.sin((lat_b - lat_a) / 2) ** 2
    h += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(h)))
