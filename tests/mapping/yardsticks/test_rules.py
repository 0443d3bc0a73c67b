"""How many a territory needs, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mapping.yardsticks.rules import BadYardstick, Range, Yardstick, missing, needed


def yardstick(fewest: int = 40_000, most: int = 50_000) -> Yardstick:
    return Yardstick(
        network_id=None,
        code="hub",
        title_it="Hub",
        title_en="Hub",
        item="place",
        facet="kind:hub",
        fewest=fewest,
        most=most,
        source="DM 77/2022",
    )


@pytest.mark.parametrize(
    ("population", "least", "most"),
    [
        (0, 0, 0),
        (1, 1, 1),
        (40_000, 1, 1),
        (40_001, 1, 2),
        (50_000, 1, 2),
        (50_001, 2, 2),
        (100_000, 2, 3),
        (400_000, 8, 10),
    ],
)
def test_one_hub_for_forty_to_fifty_thousand_inhabitants(population: int, least: int, most: int) -> None:
    assert needed(population, yardstick()) == Range(least, most)


@given(st.integers(0, 60_000_000), st.integers(1, 100_000), st.integers(0, 100_000), st.integers(0, 5_000))
def test_what_is_needed_suffices_and_what_is_missing_completes_it(
    population: int, fewest: int, more: int, have: int
) -> None:
    measure = yardstick(fewest, fewest + more)
    need = needed(population, measure)
    assert need.least <= need.most
    for count, inhabitants in ((need.least, measure.most), (need.most, measure.fewest)):
        assert count * inhabitants >= population
        assert count == 0 or (count - 1) * inhabitants < population
    lack = missing(need, have)
    assert have + lack.least >= need.least
    assert lack.least in (0, need.least - have)
    assert lack.most in (0, need.most - have)
    assert 0 <= lack.least <= lack.most


@pytest.mark.parametrize(("fewest", "most", "path"), [(0, 5, "/inhabitants_from"), (6, 5, "/inhabitants_to")])
def test_a_yardstick_without_sense_is_refused(fewest: int, most: int, path: str) -> None:
    with pytest.raises(BadYardstick) as refused:
        yardstick(fewest, most).check()
    assert refused.value.path == path
