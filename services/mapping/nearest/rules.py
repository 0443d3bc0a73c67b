"""What is nearest: places in order of distance, without looking at those that are surely farther."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.mapping.territories.rules import Point, great_circle

T = TypeVar("T")
RINGS = (15.0, 40.0, 100.0, 250.0, 1_500.0)
"""Kilometres around the asked point within which municipalities are looked at, one ring after the other; the last holds
all of Italy."""
SPREAD = 40.0
"""How far, in km, a place may be from the point of its municipality: more than the largest municipality reaches."""


@dataclass(frozen=True, slots=True)
class Near(Generic[T]):
    """Something, and how far it is in kilometres."""

    one: T
    km: float


def away(here: Point, points: Iterable[tuple[str, Point]]) -> list[tuple[float, str]]:
    """How far each municipality's point is, the nearest first."""
    return sorted((great_circle(here, point), code) for code, point in points)


def within(there: Sequence[tuple[float, str]], radius: float) -> list[str]:
    """The municipalities, of those in order of distance, that are not farther than so many kilometres."""
    return [code for _, code in there[: bisect_right(there, radius, key=lambda one: one[0])]]


def nearest(here: Point, found: Iterable[tuple[T, Point]], limit: int) -> list[Near[T]]:
    """The nearest first; of equally far ones in the order given."""
    return sorted((Near(one, great_circle(here, at)) for one, at in found), key=lambda near: near.km)[:limit]


def enough(found: Sequence[Near[T]], limit: int, radius: float) -> bool:
    """Whether what lies beyond the ring cannot be nearer than what was found in it."""
    return len(found) >= limit and found[limit - 1].km <= radius - SPREAD
