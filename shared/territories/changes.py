"""What has happened to municipalities since the data were built, as lists of ISTAT's say that operators apply.

The data are of `AS_OF`. A change that took effect before is in them already and is not laid over them again, so that a
newer release of the data may be deployed over a database that still has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from shared.territories.history import Period
from shared.territories.model import Former, Municipality, Province

AS_OF = date(2026, 8, 14)
"""The day of ISTAT's list that the built data equal."""


@dataclass(frozen=True, slots=True)
class Update:
    """A municipality as ISTAT's newer list has it from `since`. One that is gone has `until`, the first day without it,
    and the codes of its successors; its names are the last ones. `past` are its periods since the data were built."""

    code: str
    istat: str
    name: str
    italian_name: str
    other_name: str
    province: str
    nuts3: str
    since: date
    until: date | None = None
    successors: tuple[str, ...] = ()
    past: tuple[Period, ...] = ()

    @property
    def effective(self) -> date:
        return self.until or self.since


@dataclass(frozen=True)
class Overlaid:
    """The municipalities of today, and what the changes add to the names and the history of the data."""

    municipalities: list[Municipality]
    former: list[Former]
    periods: list[Period]
    successors: dict[str, tuple[str, ...]]


def overlay(standing: Sequence[Municipality], provinces: Mapping[str, Province], updates: Iterable[Update]) -> Overlaid:
    """The changes laid over the data. A municipality that came of others has their residents and the point of the most
    populous of them; one of which nobody said of whom it came has none, and the point of its province's seat."""
    wanted = sorted((u for u in updates if u.effective > AS_OF and u.province in provinces), key=lambda u: u.code)
    base = {m.code: m for m in standing}
    chains = {u.code: _chain(u, known=u.code in base) for u in wanted}
    gone = {u.code: u.successors for u in wanted if u.until is not None}
    return Overlaid(
        _today(base, provinces, wanted, gone),
        [_former(period, u) for u in wanted for period in chains[u.code] if period.until is not None],
        [period for chain in chains.values() for period in chain],
        gone,
    )


def _today(
    base: Mapping[str, Municipality],
    provinces: Mapping[str, Province],
    wanted: Sequence[Update],
    gone: Mapping[str, tuple[str, ...]],
) -> list[Municipality]:
    now = {code: m for code, m in base.items() if code not in gone}
    for u in wanted:
        if u.until is None:
            now[u.code] = _standing(u, base.get(u.code), provinces[u.province], _seat(base.values(), u.province))
    parts: dict[str, list[Municipality]] = defaultdict(list)
    for code in sorted(gone.keys() & base.keys()):
        into = ends(code, gone)
        if len(into) == 1 and into[0] in now:
            parts[into[0]].append(base[code])
    for code, those in parts.items():
        now[code] = _joined(now[code], those)
    return [now[code] for code in sorted(now)]


def ends(code: str, into: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Where a chain of successors ends; a circle, which no list of ISTAT's has, ends where it closes."""
    found, ahead, seen = set[str](), [code], set[str]()
    while ahead:
        one = ahead.pop()
        if one in seen:
            continue
        seen.add(one)
        if into.get(one):
            ahead += into[one]
        else:
            found.add(one)
    return sorted(found)


def _chain(u: Update, *, known: bool) -> list[Period]:
    """Its periods from the one of the data on, whose beginning the data know (None), to the one of today."""
    since = u.past[-1].until if u.past else None if known else u.since
    return [*u.past, Period(u.code, u.name, u.province, since, u.until)]


def _former(period: Period, u: Update) -> Former:
    until = period.until.isoformat() if period.until else ""
    return Former(u.code, period.name, period.province, until, " ".join(u.successors) if u.until else u.code)


def _standing(u: Update, base: Municipality | None, province: Province, seat: Municipality | None) -> Municipality:
    like = base or seat
    assert like is not None  # every province has municipalities
    left = {base.province} if base and base.province != u.province else set()
    return replace(
        like,
        code=u.code,
        istat=u.istat,
        name=u.name,
        italian_name=u.italian_name,
        other_name=u.other_name,
        province=u.province,
        province_code=province.code,
        region=province.region,
        nuts3=u.nuts3,
        formerly=tuple(sorted({*base.formerly, *left} - {u.province})) if base else (),
        population=base.population if base else 0,
        ages=base.ages if base else tuple(0 for _ in like.ages),
    )


def _seat(standing: Iterable[Municipality], province: str) -> Municipality | None:
    return max((m for m in standing if m.province == province), key=lambda m: m.population, default=None)


def _joined(one: Municipality, parts: Sequence[Municipality]) -> Municipality:
    largest = max([one, *parts], key=lambda m: m.population)
    ages = tuple(map(sum, zip(one.ages, *(m.ages for m in parts), strict=True)))
    siglas = {s for m in parts for s in (m.province, *m.formerly)} | set(one.formerly)
    return replace(
        one,
        ages=ages,
        population=sum(ages),
        lat=largest.lat,
        lon=largest.lon,
        formerly=tuple(sorted(siglas - {one.province})),
    )
