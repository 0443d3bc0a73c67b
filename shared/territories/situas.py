"""ISTAT's own list of municipalities (SITUAS, `;`-separated): read it, and say what it changes against what we hold.

Pure: who applies the changes (the mapping service) decides what to do with each.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
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

CLASSIC: Mapping[str, str] = {
    "code": "Codice Catastale del comune",
    "istat": "Codice Comune formato alfanumerico",
    "name": "Denominazione (Italiana e straniera)",
    "italian_name": "Denominazione in italiano",
    "other_name": "Denominazione altra lingua",
    "province": "Sigla automobilistica",
    "province_code": "Codice dell'Unità territoriale sovracomunale (valida a fini statistici)",
    "region": "Codice Regione",
    "nuts3": "Codice NUTS3 2024",
}
"""The same in ISTAT's older layout, the "Elenco dei comuni italiani"; its headers have line breaks in them."""

VARIATION = "Tipo variazione"
ENDED = "ES"
FROM = ("Codice Comune formato alfanumerico", "Codice Istat del Comune")
INTO = ("Codice del Comune associato alla variazione", "Codice Istat del Comune associato alla variazione")


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
    rows = _read(text)
    heads = rows.fieldnames or ()
    layout = CLASSIC if CLASSIC["code"] in heads else COLUMNS
    missing = tuple(column for column in layout.values() if column not in heads)
    if missing:
        raise NotSituas(missing)
    found: dict[str, Listed] = {}
    for row in rows:
        cells = {field: (row[column] or "").strip() for field, column in layout.items()}
        empty = next((layout[f] for f, cell in cells.items() if not cell and f not in ("other_name", "nuts3")), None)
        if empty or cells["code"] in found:
            raise NotSituas(line=rows.line_num, column=empty or layout["code"])
        cells["region"], cells["istat"] = cells["region"].zfill(2), cells["istat"].zfill(6)
        found[cells["code"]] = Listed(**cells)
    return list(found.values())


def read_variations(text: str) -> dict[str, tuple[str, ...]]:
    """Of ISTAT's "Variazioni amministrative e territoriali": the ISTAT code of each municipality that ended (`ES`) and
    those of the ones to which its territory went. Raises `NotSituas`."""
    rows = _read(text)
    heads = rows.fieldnames or ()
    ended, into = (next((h for h in heads if h.startswith(names)), None) for names in (FROM, INTO))
    if VARIATION not in heads or ended is None or into is None:
        named = {VARIATION: VARIATION in heads, FROM[0]: ended, INTO[0]: into}
        raise NotSituas(tuple(name for name, found in named.items() if not found))
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if (row[VARIATION] or "").strip() == ENDED and row[ended] and row[into]:
            found[row[ended].strip().zfill(6)].add(row[into].strip().zfill(6))
    return {code: tuple(sorted(codes)) for code, codes in found.items()}


def _read(text: str) -> csv.DictReader[str]:
    """The rows under headers without the line breaks and double spaces that ISTAT's have."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";")
    rows.fieldnames = [" ".join(head.split()) for head in rows.fieldnames or ()]
    return rows


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
