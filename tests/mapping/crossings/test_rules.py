"""What is shown of crossings, who is the best, and how sheets are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mapping.crossings import rules
from services.mapping.crossings.pages import COLOURS, EMPTY, colours
from services.mapping.crossings.rules import EVERYBODY, LEAST, BadCrossing, Crossing, Figure, Scoring, Sheet
from tests.mapping.crossings.grid import body

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 14), max_size=6)
NOW = datetime(2026, 5, 4, tzinfo=UTC)
SOMEBODY = UUID("0192f0c1-2b3a-7c4d-8e5f-60718293a4b5")


def crossing(fields: int = 2, needs: int = 3, resources: int = 4) -> Crossing:
    return Crossing(network_id=SOMEBODY, entitled=95, opened_at=NOW, **body(fields, needs, resources))


@given(COUNTS)
def test_nothing_that_is_shown_or_can_be_worked_out_stands_for_a_few(counts: dict[str, int]) -> None:
    kept = rules.shown(counts)
    whole = sum(counts.values())
    assert (EVERYBODY in kept) == (whole >= LEAST)
    cohorts = kept - {EVERYBODY}
    assert all(counts[cohort] >= LEAST for cohort in cohorts)
    rest = whole - sum(counts[cohort] for cohort in cohorts)
    assert rest == 0 or rest >= LEAST or not kept


@given(COUNTS)
def test_no_more_is_hidden_than_it_takes(counts: dict[str, int]) -> None:
    kept = rules.shown(counts)
    if EVERYBODY in kept and all(count == 0 or count >= LEAST for count in counts.values()):
        assert kept == {EVERYBODY, *(cohort for cohort, count in counts.items() if count)}


def test_the_smallest_of_the_others_is_hidden_with_a_small_cohort() -> None:
    assert rules.shown({"a": 9, "b": 6, "c": 4}) == {EVERYBODY, "a"}
    assert rules.shown({"a": 9, "b": 6, "c": 4, "d": 1}) == {EVERYBODY, "a", "b"}
    assert rules.shown({"a": 5}) == {EVERYBODY, "a"}
    assert rules.shown({"a": 4}) == frozenset()
    assert rules.shown({"a": 3, "b": 2}) == {EVERYBODY}


@given(st.lists(COUNTS, min_size=1, max_size=4), st.sets(st.sampled_from("abcdef")))
def test_no_cell_has_a_figure_of_a_few_scores(cells: list[dict[str, int]], groups: set[str]) -> None:
    figures = [
        Figure(cohort, cell, n, 0, n * 3, 3.0)
        for cell, counts in enumerate(cells)
        for cohort, n in {**counts, EVERYBODY: sum(counts.values())}.items()
    ]
    found = rules.published(figures, {EVERYBODY, *groups})
    for cell, counts in enumerate(cells):
        told = {one.cohort: one.n for one in found if one.cell == cell and one.total is not None}
        assert all(n >= LEAST for n in told.values())
        assert set(told) <= {EVERYBODY, *groups}
        if EVERYBODY in told:
            rest = sum(counts.values()) - sum(n for cohort, n in told.items() if cohort)
            assert rest == 0 or rest >= LEAST


FIGURES = st.lists(
    st.builds(
        lambda cell, n, mean: Figure("", cell, n, 0, round(mean * n) if n else None),
        st.integers(0, 23),
        st.integers(0, 9),
        st.floats(1, 10),
    ),
    unique_by=lambda one: one.cell,
)


@given(FIGURES, st.integers(5, 7), st.randoms())
def test_ranks_follow_the_exact_means_in_whatever_order(figures: list[Figure], minimum: int, luck: object) -> None:
    shuffled = list(figures)
    luck.shuffle(shuffled)  # type: ignore[attr-defined]
    found = {one.cell: one for one in rules.ranked(shuffled, 12, minimum)}
    assert found == {one.cell: one for one in rules.ranked(figures, 12, minimum)}
    for field in (0, 1):
        placed = [one for one in found.values() if one.cell // 12 == field and one.rank is not None]
        assert {one.cell for one in placed} == {
            one.cell for one in figures if one.cell // 12 == field and one.n >= minimum
        }
        means = {one.cell: Fraction(one.total or 0, one.n) for one in placed}
        for one in placed:
            assert one.rank == 1 + sum(mean > means[one.cell] for mean in means.values())
            assert one.tied == (list(means.values()).count(means[one.cell]) > 1)
        if placed:
            assert {one.cell for one in placed if one.rank == 1} == {
                cell for cell, mean in means.items() if mean == max(means.values())
            }


def test_means_are_compared_exactly() -> None:
    third, sixth, other = Figure("", 0, 30, 0, 70), Figure("", 1, 6, 0, 14), Figure("", 2, 7, 0, 16)
    first, second, last = rules.ranked([third, sixth, other], 3, 5)
    assert (first.rank, first.tied, second.rank, second.tied) == (1, True, 1, True)
    assert (last.rank, last.tied) == (3, False)


SCORES = st.one_of(st.none(), st.integers(1, 10))
CELLS = st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 4))


@given(st.dictionaries(CELLS, SCORES), st.randoms())
def test_a_sheet_reads_as_its_cells_in_whatever_order(answers: dict[tuple[int, int, int], int], luck: object) -> None:
    made = crossing()
    scorings = [Scoring(f"f{f}", f"n{n}", f"r{r}", score) for (f, n, r), score in answers.items()]
    luck.shuffle(scorings)  # type: ignore[attr-defined]
    found, wrong = made.grid.read(Sheet("aps_odv", scorings))
    assert wrong == []
    assert found == {((f - 1) * 3 + n - 1) * 4 + r - 1: score for (f, n, r), score in answers.items()}
    for cell in found:
        field, need, resource = made.terms(cell)
        assert made.grid.cell(Scoring(field["code"], need["code"], resource["code"], 1)) == cell


@pytest.mark.parametrize("score", [0, 11, -1, 7.0, 7.5, True, "7", "sette", [7]])
def test_only_whole_numbers_of_the_scale_are_scores(score: object) -> None:
    found, wrong = crossing().grid.read(Sheet("others", [Scoring("f1", "n1", "r1", score)]), "/sheets/3")
    assert found == {}
    assert [(one.path, one.code) for one in wrong] == [("/sheets/3/items/0/score", "score")]


def test_both_ends_of_the_scale_are_scores() -> None:
    made = replace(crossing(), lowest=2, highest=5)
    ends = [Scoring("f1", "n1", f"r{at}", score) for at, score in enumerate((2, 5, 1, 6), 1)]
    found, wrong = made.grid.read(Sheet("others", ends))
    assert found == {0: 2, 1: 5}
    assert [one.path for one in wrong] == ["/items/2/score", "/items/3/score"]


def test_a_respondent_answers_once_in_a_request_and_paper_as_often_as_there_is() -> None:
    one, paper = Sheet("a", (), SOMEBODY), Sheet("a", ())
    assert rules.twice([one, paper, paper, one, Sheet("b", (), SOMEBODY)]) == [3, 4]


def test_the_trace_of_a_respondent_is_not_their_id_and_another_one_elsewhere() -> None:
    one, other = crossing(), crossing()
    assert one.trace(SOMEBODY) == one.trace(UUID(str(SOMEBODY)))
    assert len({one.trace(SOMEBODY), other.trace(SOMEBODY), SOMEBODY}) == 3


def test_the_largest_grid_has_two_thousand_cells() -> None:
    crossing(20, 10, 10).check()
    with pytest.raises(BadCrossing):
        crossing(20, 10, 11).check()


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_figure_stands_out_from_its_cell() -> None:
    for fill, ink in (*COLOURS, EMPTY):
        light, dark = sorted((_luminance(fill), _luminance(ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (fill, ink)
    assert colours(1, 1, 10) == COLOURS[0]
    assert colours(10, 1, 10) == COLOURS[-1]
    assert colours(5.5, 1, 10) == COLOURS[2]
