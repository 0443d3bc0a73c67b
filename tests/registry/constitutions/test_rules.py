"""Constitution paths as plain functions: requirements are data, a path follows from figures on days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.registry.constitutions.rules import (
    Code,
    Constitution,
    NoRegion,
    Requirement,
    Step,
    assess,
    default_path,
    missing,
    name_of,
    region,
    region_of,
)

OPENED = date(2024, 9, 12)
EVERYTHING = {Code.MEMBERS: 3, Code.MINUTES: 1, Code.COORDINATOR: 1, Code.INTERLOCUTORS: 2}


def path(requirements: tuple[Requirement, ...] | None = None) -> Constitution:
    return Constitution(uuid7(), uuid7(), "03", requirements or default_path("03"), OPENED, OPENED)


def later(days: int) -> date:
    return OPENED + timedelta(days=days)


def test_the_default_path_asks_for_three_members_minutes_a_coordinator_and_both_interlocutors() -> None:
    assert {each.code: each.need for each in default_path("03")} == EVERYTHING


def test_the_two_provinces_of_trentino_alto_adige_make_four_interlocutors() -> None:
    assert {each.code: each.need for each in default_path("04")}[Code.INTERLOCUTORS] == 4


def test_a_network_may_ask_for_more_members() -> None:
    assert {each.code: each.need for each in default_path("03", 5)}[Code.MEMBERS] == 5


def test_what_nobody_has_counted_is_missing() -> None:
    assert missing(assess(default_path("03"), {})) == tuple(Code)
    assert missing(assess(default_path("03"), {**EVERYTHING, Code.MEMBERS: 2})) == (Code.MEMBERS,)
    assert missing(assess(default_path("03"), {**EVERYTHING, Code.MEMBERS: 9})) == ()


def test_a_path_is_completed_on_the_day_on_which_nothing_is_missing() -> None:
    held = path()
    assert held.look(later(1), {**EVERYTHING, Code.MINUTES: 0}) is Step.ADVANCED
    assert held.completed_on is None
    assert held.look(later(30), EVERYTHING) is Step.COMPLETED
    assert held.completed_on == later(30)


def test_a_completed_path_stays_so_whatever_happens_afterwards() -> None:
    held = path()
    held.look(later(1), EVERYTHING)
    before = held.requirements
    assert held.look(later(2), {}) is Step.NOTHING
    assert held.look(later(3), EVERYTHING) is Step.NOTHING
    assert (held.completed_on, held.requirements) == (later(1), before)
    assert not held.completes(EVERYTHING)


def test_a_look_that_finds_the_same_is_no_step() -> None:
    held = path()
    assert held.look(later(1), {Code.MEMBERS: 1}) is Step.ADVANCED
    assert held.look(later(2), {Code.MEMBERS: 1}) is Step.NOTHING
    assert held.look(later(3), {Code.MEMBERS: 2}) is Step.ADVANCED
    assert held.look(later(4), {Code.MEMBERS: 1}) is Step.ADVANCED  # somebody has left: the path goes back, and says so


def test_a_late_look_never_counts_for_a_day_that_was_looked_at_before() -> None:
    held = path()
    held.look(later(10), {Code.MEMBERS: 1})
    assert held.day_of(later(3), date.min) == later(10)
    assert held.day_of(later(20), date.min) == later(20)
    assert held.day_of(later(20), later(30)) == later(30)


@pytest.mark.parametrize("code", ["", "3", "021", "097", "E507", "99"])
def test_a_path_leads_to_a_region_only(code: str) -> None:
    with pytest.raises(NoRegion):
        region(code)


def test_a_territory_counts_for_the_region_in_which_it_lies() -> None:
    assert [region_of(code) for code in ("03", "097", "LC", "E507", "021", "H501", "")] == [
        "03",
        "03",
        "03",
        "03",
        "04",
        "12",
        None,
    ]
    assert name_of("02") == "Valle d'Aosta"


figures = st.fixed_dictionaries(
    {
        Code.MEMBERS: st.integers(0, 4),
        Code.MINUTES: st.integers(0, 1),
        Code.COORDINATOR: st.integers(0, 1),
        Code.INTERLOCUTORS: st.integers(0, 2),
    }
)


@given(st.lists(st.tuples(st.integers(0, 60), figures), max_size=20))
def test_it_is_completed_once_on_the_first_day_that_has_everything_and_days_never_go_back(
    script: list[tuple[int, dict[Code, int]]],
) -> None:
    held, days, completions, expected = path(), [OPENED], 0, None
    for offset, have in script:
        on = held.day_of(later(offset), date.min)
        if expected is None and not missing(assess(default_path("03"), have)):
            expected = on
        completions += held.look(on, have) is Step.COMPLETED
        days.append(held.assessed_on)
    assert days == sorted(days)
    assert held.completed_on == expected
    assert completions == (expected is not None)
