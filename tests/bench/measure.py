"""What a figure is: series measured in turns, so that the moods of the machine meet all of them, and their bars."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Measure = Callable[[], Awaitable[float]]
Sense = Literal["at least", "at most"]


@dataclass
class Series:
    """The same thing measured several times; `values` in the order of the turns."""

    name: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def to_json(self) -> dict[str, Any]:
        return {
            "median": rounded(self.median),
            "low": rounded(min(self.values)),
            "high": rounded(max(self.values)),
            "values": [rounded(value) for value in self.values],
        }


@dataclass(frozen=True)
class Check:
    """A value, the bar it is held to, and in which sense."""

    what: str
    value: float
    bar: float
    sense: Sense
    unit: str = ""

    @property
    def holds(self) -> bool:
        return self.value >= self.bar if self.sense == "at least" else self.value <= self.bar

    def to_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "value": rounded(self.value),
            "bar": self.bar,
            "sense": self.sense,
            "unit": self.unit,
            "holds": self.holds,
        }


@dataclass
class Figure:
    """`key` is its name on the command line; `unit` is that of all series; the first series is the product's."""

    key: str
    title: str
    unit: str
    series: list[Series]
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lower_is_better: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "unit": self.unit,
            "series": {series.name: series.to_json() for series in self.series},
            "checks": [check.to_json() for check in self.checks],
            "notes": self.notes,
        }


async def in_turns(measures: Mapping[str, Measure], turns: int) -> dict[str, Series]:
    """Each measure once in every turn; every other turn goes backwards: none always comes after the same."""
    series = {name: Series(name) for name in measures}
    for turn in range(turns):
        names = list(measures)
        for name in names if turn % 2 == 0 else reversed(names):
            value = await measures[name]()
            series[name].values.append(value)
            say(f"    {name:<44} {rounded(value):>12,}")
    return series


def say(line: str) -> None:
    """Progress: stdout is for the figures."""
    print(line, file=sys.stderr, flush=True)


def ratio(product: Series, floor: Series) -> float:
    """The median of the ratios of each turn: what the machine did meanwhile met both sides of it."""
    return statistics.median(p / f for p, f in zip(product.values, floor.values, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def rounded(value: float) -> float:
    """Three or more significant digits: more would pretend."""
    return round(value) if abs(value) >= 1000 else float(f"{value:.3g}")
