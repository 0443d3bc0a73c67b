"""How figures become a map: shapes on a plane of whole points, and classes of colour with their bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, cos, radians
from typing import Any

CLASSES = 5
"""Colours besides the one of nothing: more cannot be told apart in a legend."""
WIDTH = 600
"""Points from the western to the eastern end of a map."""


@dataclass(frozen=True)
class Frame:
    """A plane for some shapes: longitudes shrunk as at their middle latitude, north above."""

    west: float
    north: float
    width: int
    height: int
    scale: float
    shrink: float

    @classmethod
    def around(cls, geometries: Iterable[Mapping[str, Any]], width: int = WIDTH) -> Frame:
        points = [point for geometry in geometries for ring in rings(geometry) for point in ring]
        west, east = min(x for x, _ in points), max(x for x, _ in points)
        south, north = min(y for _, y in points), max(y for _, y in points)
        shrink = cos(radians((south + north) / 2))
        scale = width / ((east - west) * shrink)
        return cls(west, north, width, ceil((north - south) * scale), scale, shrink)

    def point(self, longitude: float, latitude: float) -> tuple[int, int]:
        x = (longitude - self.west) * self.shrink * self.scale
        return round(x), round((self.north - latitude) * self.scale)


def rings(geometry: Mapping[str, Any]) -> Iterator[Sequence[Sequence[float]]]:
    """The rings of a GeoJSON MultiPolygon."""
    for polygon in geometry["coordinates"]:
        yield from polygon


def outline(geometry: Mapping[str, Any], frame: Frame) -> str:
    """An SVG path. Points that fall on the one before are left out, and islands of less than three points with them."""
    parts = []
    for ring in rings(geometry):
        placed = [frame.point(x, y) for x, y in ring]
        kept = [at for i, at in enumerate(placed) if i == 0 or at != placed[i - 1]]
        if len(set(kept)) < 3:
            continue
        (x, y), *others = kept
        steps = []
        for next_x, next_y in others:
            steps.append(f"{next_x - x} {next_y - y}")
            x, y = next_x, next_y
        parts.append(f"M{kept[0][0]} {kept[0][1]}l{' '.join(steps)}z")
    return "".join(parts)


def bounds(counts: Iterable[int]) -> list[int]:
    """The first count of each class of colour, ascending, beginning with 1: about as many territories in each class,
    never one count in two of them. Without any count above zero there is no class."""
    found = sorted(count for count in counts if count > 0)
    if not found:
        return []
    firsts = {1}
    for part in range(1, CLASSES):
        firsts.add(found[min(len(found) * part // CLASSES, len(found) - 1)])
    return sorted(firsts)


def class_of(count: int, firsts: Sequence[int]) -> int:
    """0 for nothing, then 1 up to the number of classes."""
    return sum(1 for first in firsts if count >= first)


def legend(firsts: Sequence[int], most: int) -> list[tuple[int, int, int]]:
    """(class, first, last count) of each colour."""
    if not firsts:
        return []
    lasts = [*(first - 1 for first in firsts[1:]), max(most, firsts[-1])]
    return [(number, first, last) for number, (first, last) in enumerate(zip(firsts, lasts, strict=True), 1)]
