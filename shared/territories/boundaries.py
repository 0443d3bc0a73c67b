"""Simplified boundaries as GeoJSON geometries, read when first asked for."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from shared.territories.model import Kind
from shared.territories.store import DATA

SCALE = 10_000  # the files hold steps in units of 1/SCALE degree
_FILES = {"region": "regions.json", "province": "provinces.json", "municipality": "municipalities.json.gz"}


@lru_cache(maxsize=3)
def boundaries(kind: Kind) -> Mapping[str, dict[str, Any]]:
    """Code (region, UTS code, cadastral code) -> GeoJSON MultiPolygon, WGS 84 longitude and latitude.

    Neighbours share their border exactly, and regions fit their provinces. A few hundredths of a second for regions and
    provinces, half a second and 60 MB for the municipalities: for maps only, containment is `Territories.contains`.
    """
    path = DATA / "boundaries" / _FILES[kind]
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    packed: dict[str, list[list[list[int]]]] = json.loads(text)
    return {
        code: {"type": "MultiPolygon", "coordinates": [[_ring(steps) for steps in polygon] for polygon in polygons]}
        for code, polygons in packed.items()
    }


def _ring(steps: list[int]) -> list[list[float]]:
    x = y = 0
    ring = []
    for i in range(0, len(steps), 2):
        x, y = x + steps[i], y + steps[i + 1]
        ring.append([x / SCALE, y / SCALE])
    ring.append(ring[0])
    return ring
