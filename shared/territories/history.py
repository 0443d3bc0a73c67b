"""What municipalities were called and in which province they lay, and what became of those that are gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Period:
    """A municipality under one name in one province, from `since` until `until` (exclusive; None: today)."""

    code: str
    name: str
    province: str
    since: date | None
    until: date | None

    def holds(self, on: date) -> bool:
        return (self.since is None or self.since <= on) and (self.until is None or on < self.until)


class History:
    """The periods of every municipality that is gone or has changed, and where those that are gone went."""

    def __init__(self, periods: Iterable[Period], successors: Mapping[str, Sequence[str]]) -> None:
        of: dict[str, list[Period]] = defaultdict(list)
        for period in periods:
            of[period.code].append(period)
        self._periods: Mapping[str, tuple[Period, ...]] = {code: tuple(found) for code, found in of.items()}
        self._successors = {code: tuple(into) for code, into in successors.items() if into}
        self._predecessors: dict[str, list[str]] = defaultdict(list)
        for code, into in self._successors.items():
            for one in into:
                self._predecessors[one].append(code)

    def periods(self, code: str) -> tuple[Period, ...]:
        """From the oldest to the newest; empty for a code that never was, or that has always been as it is."""
        return self._periods.get(code, ())

    def on(self, code: str, day: date) -> Period | None:
        """How a municipality was called on that day; None when it was not there, or has never changed."""
        return next((period for period in self.periods(code) if period.holds(day)), None)

    def successors(self, code: str) -> tuple[str, ...]:
        """The municipalities of today that hold the territory of one that is gone; empty when no source says it."""
        return self._successors.get(code, ())

    def predecessors(self, code: str) -> tuple[str, ...]:
        """Those that are gone and whose territory, or a part of it, lies in this one."""
        return tuple(self._predecessors.get(code, ()))

    def siglas(self) -> Mapping[str, frozenset[str]]:
        """The municipalities that were ever under each sigla."""
        found: dict[str, set[str]] = defaultdict(set)
        for periods in self._periods.values():
            for period in periods:
                found[period.province].add(period.code)
        return {sigla: frozenset(codes) for sigla, codes in found.items()}

    def everything(self) -> Iterator[Period]:
        """Every period, by municipality."""
        return (period for periods in self._periods.values() for period in periods)
