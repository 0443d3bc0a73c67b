"""Counting members by territory, without a database."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mapping.coverage.rules import NONE, Cell, Count, counted, difference, share
from services.mapping.presences.rules import Presence, Source
from services.mapping.territories.rules import Area, Level

NETWORK, OTHER = UUID(int=1), UUID(int=2)
LECCO, COMO, ROMA = (
    Area("E507", "03", "097", "E507"),
    Area("C933", "03", "013", "C933"),
    Area("H501", "12", "058", "H501"),
)
PROVINCE, REGION = Area("097", "03", "097"), Area("03", "03")


def presence(
    area: Area, organisation: int = 1, kind: str = "association", network: UUID = NETWORK, source: Source = Source.SEAT
) -> Presence:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return Presence(network, UUID(int=organisation), area, (source,), "x", None, kind, [], at)


def cell(level: Level, area: str, kind: str = "association", network: UUID = NETWORK) -> Cell:
    return Cell(network, level, area, kind)


def test_a_member_in_several_territories_of_a_region_counts_once_in_it() -> None:
    counts = counted([presence(LECCO), presence(COMO), presence(PROVINCE), presence(REGION)])
    assert counts == {
        cell(Level.MUNICIPALITY, "E507"): Count(1),
        cell(Level.MUNICIPALITY, "C933"): Count(1),
        cell(Level.PROVINCE, "097"): Count(1),
        cell(Level.PROVINCE, "013"): Count(1),
        cell(Level.REGION, "03"): Count(1),
        cell(Level.COUNTRY, "IT"): Count(1),
    }


def test_a_member_in_two_regions_counts_in_both_and_once_in_the_country() -> None:
    counts = counted([presence(LECCO), presence(ROMA)])
    assert counts[cell(Level.REGION, "03")] == counts[cell(Level.REGION, "12")] == Count(1)
    assert counts[cell(Level.COUNTRY, "IT")] == Count(1)


def test_a_mandate_organises_the_territories_it_lies_in_and_no_other() -> None:
    counts = counted([presence(LECCO, source=Source.MANDATE), presence(COMO), presence(ROMA)])
    assert counts[cell(Level.PROVINCE, "097")] == Count(1, 1)
    assert counts[cell(Level.PROVINCE, "013")] == Count(1, 0)
    assert counts[cell(Level.REGION, "03")] == Count(1, 1)
    assert counts[cell(Level.REGION, "12")] == Count(1, 0)


def test_networks_and_kinds_are_counted_apart() -> None:
    counts = counted([presence(LECCO), presence(LECCO, 2, "firm"), presence(LECCO, 1, network=OTHER)])
    assert counts[cell(Level.MUNICIPALITY, "E507")] == Count(1)
    assert counts[cell(Level.MUNICIPALITY, "E507", "firm")] == Count(1)
    assert counts[cell(Level.MUNICIPALITY, "E507", network=OTHER)] == Count(1)


def test_moving_within_a_region_changes_nothing_in_the_region() -> None:
    delta = difference([presence(LECCO)], [presence(COMO)])
    assert delta == {
        cell(Level.MUNICIPALITY, "C933"): Count(1),
        cell(Level.MUNICIPALITY, "E507"): Count(-1),
        cell(Level.PROVINCE, "013"): Count(1),
        cell(Level.PROVINCE, "097"): Count(-1),
    }


def test_a_change_of_kind_moves_the_count_from_one_kind_to_the_other() -> None:
    delta = difference([presence(ROMA)], [presence(ROMA, kind="firm")])
    assert delta[cell(Level.REGION, "12")] == Count(-1)
    assert delta[cell(Level.REGION, "12", "firm")] == Count(1)


PRESENCES = st.lists(
    st.builds(
        presence,
        area=st.sampled_from([LECCO, COMO, ROMA, PROVINCE, REGION]),
        organisation=st.integers(1, 3),
        network=st.sampled_from([NETWORK, OTHER]),
        source=st.sampled_from(Source),
    ),
    unique_by=lambda p: p.key,
)


@given(st.lists(PRESENCES, min_size=1, max_size=4))
def test_differences_add_up_to_a_count_from_scratch(steps: list[list[Presence]]) -> None:
    total: dict[Cell, Count] = {}
    before: list[Presence] = []
    for after in steps:
        for where, delta in difference(before, after).items():
            total[where] = total.get(where, NONE) + delta
        before = after
    assert {where: count for where, count in total.items() if count != NONE} == counted(steps[-1])


@given(PRESENCES)
def test_the_differences_are_sorted_so_that_writers_lock_in_one_order(presences: list[Presence]) -> None:
    assert list(difference([], presences)) == sorted(counted(presences))


@pytest.mark.parametrize(("count", "of", "expected"), [(0, 0, None), (0, 4, 0.0), (1, 3, 0.3333), (4, 4, 1.0)])
def test_a_share_of_nothing_is_undefined(count: int, of: int, expected: float | None) -> None:
    assert share(count, of) == expected
