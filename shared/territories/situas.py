"""ISTAT's own list of municipalities (SITUAS, `;`-separated): read it, and say what it changes against what we hold.

Pure: who applies the changes (the mapping service) decides what to do with each.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shared.territories.model import Municipality

COLUMNS = {
    "code": "Codice catasto",
    "istat": "Codice Comune (alfanumerico)",
    "name": "Comune",
    "italian_name": "Comune (dizione italiana)",
    "other_name": "Comune (dizione straniera)",
    "province": "Sigla automobilistica",
    "province_code": "Codice Provincia/Uts",
    "region": "Codice Regione",
    "nuts3": "Codice NUTS3 2024",
}


class NotSituas(Exception):
    """The text is not ISTAT's layout: `missing` names the absent columns, or `line` and `column` the first bad cell."""

    def __init__(self, missing: tuple[str, ...] = (), line: int | None = None, column: str | None = None) -> None:
        self.missing, self.line, self.column = missing, line, column
        super().__init__(f"missing columns {missing}" if missing else f"line {line}: {column}")


@dataclass(frozen=True, slots=True)
class Listed:
    """One municipality as ISTAT lists it; the fields mean what they mean in `Municipality`."""

    code: str
    istat: str
    name: str
    italian_name: str
    other_name: str
    province: str
    province_code: str
    region: str
    nuts3: str


@dataclass(frozen=True, slots=True)
class Change:
    """What ISTAT's list says of one municipality that ours does not; `was` or `now` is None when added or removed.

    One municipality may be renamed, moved (other province or region) and recoded (other ISTAT or NUTS code) at once.
    """

    kind: Literal["added", "removed", "renamed", "moved", "recoded"]
    code: str
    was: Listed | None
    now: Listed | None


def read_situas(text: str) -> list[Listed]:
    """The rows of a SITUAS export, in its order. A BOM and further columns are ignored. Raises `NotSituas`.

    Two rows with one cadastral code, or an empty code, name, sigla or region, are refused: the file was edited.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";")
    missing = tuple(column for column in COLUMNS.values() if column not in (rows.fieldnames or ()))
    if missing:
        raise NotSituas(missing)
    found: dict[str, Listed] = {}
    for row in rows:
        cells = {field: (row[column] or "").strip() for field, column in COLUMNS.items()}
        empty = next((COLUMNS[f] for f, cell in cells.items() if not cell and f not in ("other_name", "nuts3")), None)
        if empty or cells["code"] in found:
            raise NotSituas(line=rows.line_num, column=empty or COLUMNS["code"])
        cells["region"], cells["istat"] = cells["region"].zfill(2), cells["istat"].zfill(6)
        found[cells["code"]] = Listed(**cells)
    return list(found.values())


def listed(municipalities: Iterable[Municipality]) -> list[Listed]:
    """Ours in the shape of ISTAT's rows, so that they can be compared."""
    return [
        Listed(m.code, m.istat, m.name, m.italian_name, m.other_name, m.province, m.province_code, m.region, m.nuts3)
        for m in municipalities
    ]


def compare(current: Iterable[Listed], new: Iterable[Listed]) -> list[Change]:
    """What turns `current` into `new`, by cadastral code; empty when they say the same."""
    was, now = {m.code: m for m in current}, {m.code: m for m in new}
    changes: list[Change] = []
    for code in sorted(was.keys() | now.keys()):
        old, fresh = was.get(code), now.get(code)
        if old is None:
            changes.append(Change("added", code, None, fresh))
        elif fresh is None:
            changes.append(Change("removed", code, old, None))
        else:
            changes += _differences(old, fresh)
    return changes


def _differences(old: Listed, new: Listed) -> list[Change]:
    kinds: list[Literal["renamed", "moved", "recoded"]] = []
    if (old.name, old.italian_name, old.other_name) != (new.name, new.italian_name, new.other_name):
        kinds.append("renamed")
    if (old.province, old.province_code, old.region) != (new.province, new.province_code, new.region):
        kinds.append("moved")
    if (old.istat, old.nuts3) != (new.istat, new.nuts3):
        kinds.append("recoded")
    return [Change(kind, old.code, old, new) for kind in kinds]
