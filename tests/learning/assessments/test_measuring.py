"""Figures of groups, and that nobody's answers follow from those that are told."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.learning.assessments.measuring import (
    EVERYBODY,
    LEAST,
    Group,
    Measured,
    Of,
    figures,
    gain,
    rounded,
    shown,
)
from services.learning.assessments.rules import Competence, Item, Kind, Option, Place

ITEM = Item("Quanto?", steps=5)
COMPETENCE = Competence("uno", "Uno", (ITEM,))


def person(before: int, after: int, *bodies: UUID, region: str | None = None, cohort: str | None = None) -> Measured:
    return Measured(Place(bodies, region, cohort), {ITEM.id: before}, {ITEM.id: after})


def test_the_gain_is_what_was_closed_of_what_was_missing_in_the_groups_means() -> None:
    # 25, 50, 75, 0 and 0 % before; 75, 75, 100, 50 and 50 % after: means of 30 and 70
    people = [person(2, 4), person(3, 4), person(4, 5), person(1, 3), person(1, 3)]
    (everybody,) = figures([COMPETENCE], people)
    assert (everybody.n, everybody.before, everybody.after) == (5, 30.0, 70.0)
    assert everybody.gain == 0.5714  # 40 of 70, and not the mean of people's own gains (0.633…)


def test_the_gain_is_undefined_when_nothing_was_missing_and_negative_when_less_is_known() -> None:
    (full,) = figures([COMPETENCE], [person(5, 4)] * 5)
    assert (full.before, full.after, full.gain) == (100.0, 75.0, None)
    (less,) = figures([COMPETENCE], [person(3, 2)] * 5)
    assert less.gain == -0.5
    assert gain(Fraction(100), Fraction(100)) is None


@pytest.mark.parametrize(("value", "told"), [(Fraction(1, 3), 0.3333), (Fraction(12345, 100000), 0.1234), (None, None)])
def test_a_figure_is_rounded_once_and_half_to_even(value: Fraction | None, told: float | None) -> None:
    assert rounded(value) == told


def test_items_weigh_alike_and_options_count_their_points() -> None:
    choice = Item("Quale?", Kind.CHOICE, options=(Option("a", 0), Option("b", 1), Option("c", 4)))
    both = Competence("due", "Due", (ITEM, choice))
    assert both.level({ITEM.id: 5, choice.id: 2}) == Fraction(125, 2)  # 100 % and 25 %
    assert both.level({ITEM.id: 1, choice.id: 3}) == 50


def test_groups_of_fewer_than_five_have_no_figure_at_all() -> None:
    body = uuid7()
    people = [person(1, 2, body)] * 4
    assert [(one.group, one.shown, one.before, one.gain) for one in figures([COMPETENCE], people)] == [
        (EVERYBODY, False, None, None),
        (Group(Of.BODY, str(body)), False, None, None),
    ]
    five = figures([COMPETENCE], [*people, person(1, 2, body)])
    assert [one.n for one in five] == [5, 5]


def groups(**sizes: range) -> dict[Group, frozenset[int]]:
    found = {Group(Of(name.split("_")[0]), name): frozenset(people) for name, people in sizes.items()}
    return {EVERYBODY: frozenset().union(*found.values()), **found}


def told(**sizes: range) -> set[str]:
    return {group.key or "all" for group in shown(groups(**sizes))}


def test_with_one_small_body_another_is_kept_back_so_that_the_total_does_not_tell() -> None:
    assert told(body_a=range(8), body_b=range(8, 15), body_c=range(15, 18)) == {"all", "body_a"}


def test_two_small_bodies_together_of_fewer_than_five_are_no_better() -> None:
    assert told(body_a=range(8), body_b=range(8, 14), body_c=range(14, 16), body_d=range(16, 18)) == {"all", "body_a"}


def test_two_small_bodies_together_of_five_hide_each_other() -> None:
    assert told(body_a=range(8), body_b=range(8, 11), body_c=range(11, 13)) == {"all", "body_a"}
    assert "body_a" in told(body_a=range(8), body_b=range(8, 14), body_c=range(14, 17), body_d=range(17, 19))


def test_a_region_that_has_a_small_body_beside_a_large_one_does_not_give_it_away() -> None:
    found = told(body_a=range(6), body_b=range(6, 9), body_c=range(9, 20), body_d=range(20, 30), region_x=range(9))
    assert not {"body_a", "region_x"} <= found


def test_people_without_a_body_are_not_what_is_left_of_everybody() -> None:
    sets = groups(body_a=range(10))
    sets[EVERYBODY] = frozenset(range(12))
    assert {group.key for group in shown(sets)} == {""}


PEOPLE = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=26)


@settings(max_examples=120, deadline=None)
@given(PEOPLE)
def test_nothing_about_one_to_four_people_follows_from_what_is_told(places: list[tuple[int, int, int]]) -> None:
    """Whatever groups there are, none that is not told is a sum or difference of those told: solved here by fractions,
    apart from the code."""
    sets: dict[Group, set[int]] = {EVERYBODY: set(range(len(places)))}
    for number, place in enumerate(places):
        for of, key in zip((Of.BODY, Of.REGION, Of.COHORT), place, strict=True):
            if key:
                sets.setdefault(Group(of, str(key)), set()).add(number)
    frozen = {group: frozenset(people) for group, people in sets.items()}
    open_ = shown(frozen)
    assert all(len(frozen[group]) >= LEAST for group in open_)
    rows = [[Fraction(int(number in frozen[group])) for number in range(len(places))] for group in open_]
    few = [people for people in frozen.values() if len(people) < LEAST]
    few += [one & other for one, other in combinations(frozen.values(), 2) if 0 < len(one & other) < LEAST]
    few += [one - other for one in frozen.values() for other in frozen.values() if 0 < len(one - other) < LEAST]
    for people in few:
        if any(people == frozen[group] for group in open_):
            raise AssertionError(people)
        assert not spanned(rows, [Fraction(int(number in people)) for number in range(len(places))])


def spanned(rows: list[list[Fraction]], wanted: list[Fraction]) -> bool:
    """Gauss: the wanted row is a combination of the others."""
    return rank([*rows, wanted]) == rank(rows)


def rank(rows: list[list[Fraction]]) -> int:
    left, found = [list(row) for row in rows], 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((row for row in left[found:] if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        left.insert(found, pivot)
        for row in left[found + 1 :]:
            factor = row[column] / pivot[column]
            for at in range(column, len(row)):
                row[at] -= factor * pivot[at]
        found += 1
    return found
