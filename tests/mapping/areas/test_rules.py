"""What lies in an area, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mapping.areas.rules import MOST, BadArea, code_of, drawn, whole
from services.mapping.territories.rules import Area, Level

ITALY = [
    Area(f"{region}{province}{n}", f"0{region}", f"{region}{province}0", f"{region}{province}{n}")
    for region in (1, 2)
    for province in (1, 2)
    for n in range(1, 4)
]


def test_an_area_of_all_of_a_province_holds_the_province_and_not_the_region() -> None:
    province = [area for area in ITALY if area.province == "110"]
    assert set(whole(province, ITALY)) - {(area.code, Level.MUNICIPALITY) for area in province} == {
        ("110", Level.PROVINCE)
    }


@given(st.sets(st.sampled_from(ITALY), min_size=1))
def test_what_lies_wholly_inside_has_no_municipality_outside(inside: set[Area]) -> None:
    found = whole(inside, ITALY)
    codes = {code for code, _ in found}
    for area in ITALY:
        assert (area.code in codes) == (area in inside)
        if area.province in codes or area.region in codes:
            assert area in inside
    for level, name in ((Level.PROVINCE, "province"), (Level.REGION, "region")):
        for code in {getattr(area, name) for area in ITALY}:
            complete = all(area in inside for area in ITALY if getattr(area, name) == code)
            assert ((code, level) in found) == complete


def test_an_area_has_one_municipality_at_least_and_each_once() -> None:
    assert drawn([ITALY[3], ITALY[0], ITALY[3]]) == [ITALY[0].code, ITALY[3].code]
    with pytest.raises(BadArea):
        drawn([])
    with pytest.raises(BadArea):
        drawn(Area(f"X{n}", "01", "110", f"X{n}") for n in range(MOST + 1))


@pytest.mark.parametrize(
    ("title", "given", "code"),
    [("Ambito cremasco", None, "ambito-cremasco"), ("L'Adda", None, "l-adda"), ("Qualsiasi", "x-1", "x-1")],
)
def test_a_code_is_made_of_the_title(title: str, given: str | None, code: str) -> None:
    assert code_of(title, given, title.lower()) == code


@pytest.mark.parametrize(("title", "given"), [("Crema", "Crema"), ("Crema", "a--b"), ("Crema", "x" * 51), ("!", None)])
def test_a_code_that_no_filter_could_name_is_refused(title: str, given: str | None) -> None:
    with pytest.raises(BadArea):
        code_of(title, given, "" if title == "!" else title.lower())
