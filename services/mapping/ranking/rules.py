"""The order of the regions that decides where coordinations start.

First presence (members in the region), then organisation (members with an acting mandate in the region). Regions equal
in both are tied and share a rank; inside a tie the more populous is shown first, then by name, which decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby


class Reason(StrEnum):
    """What set a region apart from the one ranked just below it."""

    PRESENCE = "presence"
    ORGANISATION = "organisation"
    TIE = "tie"
    NOBODY = "nobody"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Figures:
    """A region with the members present, those of them with an acting mandate there, and its inhabitants."""

    region: str
    name: str
    organisations: int
    organised: int
    population: int

    @property
    def score(self) -> tuple[int, int]:
        return self.organisations, self.organised


@dataclass(frozen=True, slots=True)
class Place:
    """A region's place: `rank` counts from 1 and is shared by ties (1, 2, 2, 4)."""

    rank: int
    figures: Figures
    tied_with: tuple[str, ...]
    reason: Reason


def rank(regions: Iterable[Figures]) -> list[Place]:
    """All regions given, those without anybody included."""
    ordered = sorted(regions, key=lambda f: (-f.organisations, -f.organised, -f.population, f.name))
    groups = [list(group) for _, group in groupby(ordered, key=lambda f: f.score)]
    places: list[Place] = []
    for at, group in enumerate(groups):
        below = groups[at + 1][0] if at + 1 < len(groups) else None
        first = len(places) + 1
        for figures in group:
            tied = tuple(other.region for other in group if other is not figures)
            places.append(Place(first, figures, tied, _reason(figures, below, tied=bool(tied))))
    return places


def _reason(figures: Figures, below: Figures | None, *, tied: bool) -> Reason:
    if not figures.organisations:
        return Reason.NOBODY
    if tied:
        return Reason.TIE
    if below is None:
        return Reason.LAST
    return Reason.PRESENCE if figures.organisations > below.organisations else Reason.ORGANISATION
