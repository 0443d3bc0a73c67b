"""Shapes and classes of colour, without a loop."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.mapping.atlas import rules
from services.mapping.atlas.rules import Frame
from shared.territories.boundaries import boundaries

SQUARE = {"type": "MultiPolygon", "coordinates": [[[[10, 40], [12, 40], [12, 42], [10, 42], [10, 40]]]]}


def test_a_map_is_as_wide_as_asked_and_north_is_above() -> None:
    frame = Frame.around([SQUARE], width=100)
    assert frame.width == 100
    assert frame.point(10, 42) == (0, 0)
    assert frame.point(12, 42) == (100, 0)
    assert frame.height > 100, "a degree of latitude is longer than one of longitude in Italy"
    assert frame.point(10, 40)[1] in (frame.height, frame.height - 1)


def test_an_outline_goes_round_and_closes() -> None:
    frame = Frame.around([SQUARE], width=100)
    path = rules.outline(SQUARE, frame)
    assert path.startswith("M0 ")
    assert path.endswith("z")
    assert path.count("M") == 1


def test_an_island_smaller_than_a_point_is_left_out() -> None:
    small = {"coordinates": [[[[10, 40], [10.001, 40], [10.001, 40.001], [10, 40]]]]}
    assert rules.outline(small, Frame.around([SQUARE], width=10)) == ""


def test_all_regions_fit_the_frame_of_italy_and_none_is_lost() -> None:
    shapes = boundaries("region")
    frame = Frame.around(shapes.values())
    paths = {code: rules.outline(shape, frame) for code, shape in shapes.items()}
    assert all(paths.values())
    assert len(paths) == 20
    assert sum(map(len, paths.values())) < 60_000, "a page of the atlas stays light"


@given(st.lists(st.integers(min_value=0, max_value=5_000), max_size=120))
def test_classes_are_ordered_cover_all_counts_and_zero_is_its_own(counts: list[int]) -> None:
    firsts = rules.bounds(counts)
    assert firsts == sorted(set(firsts))
    assert len(firsts) <= rules.CLASSES
    for count in counts:
        level = rules.class_of(count, firsts)
        assert (level == 0) == (count == 0)
        shown = [number for number, first, last in rules.legend(firsts, max(counts)) if first <= count <= last]
        assert shown == ([level] if count else [])


def test_without_anything_there_are_no_colours() -> None:
    assert rules.bounds([0, 0]) == []
    assert rules.legend([], 0) == []
    assert rules.bounds([]) == []
