"""Holidays of Italy and of its towns, provinces and regions, by `holidays`."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from holidays import country_holidays

from shared import territories

CAPITALS = {
    "01": ("TO",),
    "02": ("AO",),
    "03": ("MI",),
    "04": ("TN", "BZ"),
    "05": ("VE",),
    "06": ("TS",),
    "07": ("GE",),
    "08": ("BO",),
    "09": ("FI",),
    "10": ("PG",),
    "11": ("AN",),
    "12": ("RM",),
    "13": ("AQ",),
    "14": ("CB",),
    "15": ("NA",),
    "16": ("BA",),
    "17": ("PZ",),
    "18": ("CZ",),
    "19": ("PA",),
    "20": ("CA",),
}
"""Where a region's offices are: no Italian region has a holiday of its own, its capital has its patron saint's."""


def holidays_of(territory: str | None, since: date, last_day: date, language: str = "it") -> dict[date, str]:
    """Days and their names: the national holidays and, in a municipality or a province, the patron saint's day of the
    provincial capital (or of the town, where it is known); in a region its capital's."""
    found: dict[date, str] = {}
    for place in _subdivisions(territory) or (None,):
        for year in range(since.year, last_day.year + 1):
            found |= {
                on: name
                for on, name in _holidays(place, year, NAMES[language])
                if since <= on <= last_day and on not in found
            }
    return found


def _subdivisions(territory: str | None) -> tuple[str, ...]:
    if territory is None:
        return ()
    italy = territories.load()
    province, municipality = italy.province(territory), italy.today(territory)
    if municipality is not None:
        town = municipality.italian_name.replace("ì", "i")
        return tuple(code for code in (town, municipality.province) if code in _patrons())[:1]
    if province is not None:
        return (province.sigla,) if province.sigla in _patrons() else ()
    return CAPITALS.get(territory, ())


@lru_cache(maxsize=1)
def _patrons() -> frozenset[str]:
    return frozenset(country_holidays("IT").subdivisions)


NAMES = {"it": "it_IT", "en": "en_US"}


@lru_cache(maxsize=4096)
def _holidays(place: str | None, year: int, language: str) -> tuple[tuple[date, str], ...]:
    return tuple(sorted(country_holidays("IT", subdiv=place, years=year, language=language).items()))
