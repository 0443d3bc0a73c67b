"""What is nearest, without a database."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.mapping.nearest.rules import RINGS, SPREAD, Near, away, enough, nearest, within
from services.mapping.territories.rules import great_circle

HERE = (45.0, 9.0)
points = st.tuples(st.floats(35.5, 47.5), st.floats(6.5, 18.5))


def test_the_last_ring_holds_all_of_italy() -> None:
    assert great_circle((35.5, 12.6), (47.1, 12.2)) < RINGS[-1]
    assert list(RINGS) == sorted(RINGS)


def test_enough_is_found_only_when_nothing_beyond_the_ring_can_be_nearer() -> None:
    found = [Near("a", 1.0), Near("b", 100.0 - SPREAD)]
    assert enough(found, 2, 100.0)
    assert not enough(found, 2, 99.9)
    assert not enough(found, 3, 100.0)


@given(points, st.lists(points, max_size=20), st.integers(1, 5))
def test_the_nearest_come_first_and_none_nearer_is_left_out(here: Any, there: list[Any], limit: int) -> None:
    found = nearest(here, enumerate(there), limit)
    away = sorted(great_circle(here, point) for point in there)
    assert [near.km for near in found] == away[:limit]


@given(st.lists(points, max_size=20), st.sampled_from(RINGS))
def test_a_ring_holds_what_is_not_farther(there: list[Any], radius: float) -> None:
    held = within(away(HERE, ((str(n), point) for n, point in enumerate(there))), radius)
    assert sorted(held) == sorted(str(n) for n, point in enumerate(there) if great_circle(HERE, point) <= radius)
