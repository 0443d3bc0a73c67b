"""Goals as plain functions: right to the day, decided once, and where to go on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.registry.bodies.rules import Kind
from services.registry.constitutions.rules import Code
from services.registry.goals.commands import over_at
from services.registry.goals.pages import summary, why
from services.registry.goals.queries import Constituted, Tracked
from services.registry.goals.rules import (
    Candidate,
    Choice,
    Decided,
    Goal,
    InvalidGoal,
    Reason,
    State,
    check,
    next_best,
)

FIRST, LAST = date(2024, 9, 12), date(2025, 3, 12)
BEFORE, AFTER = LAST - timedelta(days=1), LAST + timedelta(days=1)


def goal(**more: Any) -> Goal:
    fields: dict[str, Any] = {"minimum": 4, "full": 6, "since": FIRST, "last_day": LAST, **more}
    return Goal(uuid7(), "Sei coordinamenti", Kind.REGIONAL_COORDINATION, **fields)


def bodies(number: int) -> list[Any]:
    return [uuid7() for _ in range(number)]


@pytest.mark.parametrize(
    ("reached", "outcome"),
    [
        (0, State.MISSED),
        (3, State.MISSED),
        (4, State.MET),
        (5, State.MET),
        (6, State.FULL),
        (7, State.FULL),
    ],
)
def test_three_miss_it_four_meet_it_six_fill_it(reached: int, outcome: State) -> None:
    held = goal()
    assert held.decide(bodies(reached), AFTER)
    assert (held.state, held.reached) == (outcome, reached)


def test_the_last_day_belongs_to_the_goal() -> None:
    held = goal()
    assert held.running(LAST)
    assert held.covers(LAST)
    assert not held.decide(bodies(6), LAST)
    assert held.state is State.RUNNING
    assert not held.running(AFTER)
    assert not held.covers(AFTER)


def test_what_was_constituted_before_its_first_day_does_not_count() -> None:
    assert goal().covers(FIRST)
    assert not goal().covers(FIRST - timedelta(days=1))
    assert not goal().covers(None)


def test_it_is_decided_once() -> None:
    held = goal()
    assert held.decide(bodies(3), AFTER)
    assert not held.decide(bodies(6), AFTER + timedelta(days=1))
    assert (held.state, held.reached) == (State.MISSED, 3)


@pytest.mark.parametrize(
    ("last_day", "instant"),
    [
        (date(2025, 3, 12), datetime(2025, 3, 12, 23, 0, tzinfo=UTC)),
        (date(2025, 3, 29), datetime(2025, 3, 29, 23, 0, tzinfo=UTC)),  # the night before summer time begins
        (date(2025, 3, 30), datetime(2025, 3, 30, 22, 0, tzinfo=UTC)),
        (date(2024, 10, 26), datetime(2024, 10, 26, 22, 0, tzinfo=UTC)),  # the night before it ends
        (date(2024, 10, 27), datetime(2024, 10, 27, 23, 0, tzinfo=UTC)),
        (date(2024, 2, 28), datetime(2024, 2, 28, 23, 0, tzinfo=UTC)),
        (date(2024, 12, 31), datetime(2024, 12, 31, 23, 0, tzinfo=UTC)),
    ],
)
def test_it_is_over_at_midnight_in_italy_in_winter_and_in_summer(last_day: date, instant: datetime) -> None:
    assert over_at(goal(last_day=last_day)) == instant


@pytest.mark.parametrize(("on", "left"), [(FIRST, 181), (date(2025, 1, 30), 41), (BEFORE, 1), (LAST, 0), (AFTER, 0)])
def test_days_left_are_those_after_today(on: date, left: int) -> None:
    assert goal().days_left(on) == left


def test_a_goal_that_is_over_before_it_is_set_is_refused() -> None:
    assert check(goal(), LAST).last_day == LAST
    with pytest.raises(InvalidGoal) as refused:
        check(goal(), AFTER)
    assert (refused.value.path, refused.value.code) == ("/last_day", "past")


def test_figures_and_days_that_contradict_each_other_are_refused_by_name() -> None:
    with pytest.raises(InvalidGoal) as figures:
        check(goal(minimum=7), FIRST)
    assert figures.value.path == "/full"
    with pytest.raises(InvalidGoal) as days:
        check(goal(since=AFTER), FIRST)
    assert days.value.path == "/last_day"
    assert check(goal(minimum=6), FIRST).full == 6


def test_a_running_goal_can_be_changed_until_its_last_day_is_over() -> None:
    held = goal()
    assert held.change(LAST, minimum=3, last_day=AFTER)
    assert not held.change(LAST, minimum=3)
    assert (held.minimum, held.last_day) == (3, AFTER)
    with pytest.raises(Decided):
        held.change(AFTER + timedelta(days=1), minimum=2)


def test_a_refused_change_changes_nothing() -> None:
    held = goal()
    with pytest.raises(InvalidGoal):
        held.change(FIRST, title="Altro", minimum=9)
    assert (held.title, held.minimum) == ("Sei coordinamenti", 4)


@given(st.integers(1, 8), st.integers(0, 8), st.lists(st.tuples(st.integers(-5, 190), st.integers(0, 9)), max_size=12))
def test_an_outcome_never_changes_and_never_comes_before_the_last_day_is_over(
    minimum: int, more: int, script: list[tuple[int, int]]
) -> None:
    held = goal(minimum=minimum, full=minimum + more)
    outcomes = []
    for offset, reached in script:
        on = FIRST + timedelta(days=offset)
        if held.decide(bodies(reached), on):
            assert on > LAST
            outcomes.append(held.outcome(reached))
    assert len(outcomes) <= 1
    assert held.state is (outcomes[0] if outcomes else State.RUNNING)


# --- where to go on ---------------------------------------------------------------------------------------------------


def candidate(code: str, members: int, missing: int = 2, *, begun: bool = False) -> Candidate:
    return Candidate(code, members, tuple(Code)[:missing], begun)


def test_the_next_is_where_most_members_have_referents() -> None:
    choice = next_best([candidate("01", 2, 1), candidate("03", 4, 3), candidate("12", 3, 0)])
    assert choice is not None
    assert (choice.best.code, choice.reason) == ("03", Reason.MEMBERS)
    assert choice.runner_up is not None
    assert choice.runner_up.code == "12"


def test_of_two_with_as_many_members_it_is_the_one_that_lacks_less() -> None:
    choice = next_best([candidate("01", 3, 2), candidate("09", 3, 1)])
    assert choice is not None
    assert (choice.best.code, choice.reason) == ("09", Reason.MISSING)


def test_of_two_alike_it_is_the_smaller_code() -> None:
    choice = next_best([candidate("09", 3), candidate("03", 3)])
    assert choice is not None
    assert (choice.best.code, choice.reason) == ("03", Reason.CODE)


def test_where_nobody_is_and_nobody_has_begun_is_nowhere_to_go_on() -> None:
    assert next_best([candidate("01", 0, 4), candidate("03", 0, 4)]) is None
    choice = next_best([candidate("01", 0, 4), candidate("03", 0, 4, begun=True)])
    assert choice is not None
    assert (choice.best.code, choice.reason) == ("03", Reason.ONLY)


candidates = st.lists(
    st.builds(candidate, st.sampled_from([f"{n:02d}" for n in range(1, 21)]), st.integers(0, 4), st.integers(0, 4)),
    max_size=20,
    unique_by=lambda each: each.code,
)


@given(candidates, st.randoms())
def test_the_choice_does_not_depend_on_the_order_and_nobody_ranks_before_it(
    given_: list[Candidate], random: Any
) -> None:
    shuffled = list(given_)
    random.shuffle(shuffled)
    assert next_best(given_) == next_best(shuffled)
    choice = next_best(given_)
    assert (choice is None) == (not any(each.members for each in given_))
    if choice is not None:
        assert all(choice.best.rank <= each.rank for each in given_ if each.members)


# --- in words ---------------------------------------------------------------------------------------------------------


def tracked(reached: int, best: str | None = None, state: State = State.RUNNING, **more: Any) -> Tracked:
    held = goal(state=state, reached=reached, **more)
    constituted = [Constituted(uuid7(), "Coordinamento", "03", FIRST) for _ in range(reached)]
    return Tracked(held, constituted, Choice(candidate(best, 4), None, Reason.ONLY) if best else None)


@pytest.mark.parametrize(
    ("found", "on", "it", "en"),
    [
        (
            tracked(3, "03"),
            date(2025, 1, 30),
            "3 di 4 regioni, mancano 41 giorni, la prossima: Lombardia",
            "3 of 4 regions, 41 days left, next best: Lombardia",
        ),
        (tracked(0), BEFORE, "0 di 4 regioni, manca 1 giorno", "0 of 4 regions, 1 day left"),
        (tracked(0, minimum=1), LAST, "0 di 1 regione, oggi è l'ultimo giorno", "0 of 1 region, today is the last day"),
        (
            tracked(5, "12"),
            LAST,
            "5 di 6 regioni, il minimo di 4 è raggiunto, oggi è l'ultimo giorno, la prossima: Lazio",
            "5 of 6 regions, the minimum of 4 is reached, today is the last day, next best: Lazio",
        ),
        (tracked(3), AFTER, "3 di 4 regioni, il termine è passato", "3 of 4 regions, the last day is over"),
        (
            tracked(3, state=State.MISSED),
            AFTER,
            "Obiettivo mancato: 3 di 4 regioni entro mercoledì 12 marzo 2025",
            "Goal missed: 3 of 4 regions by Wednesday 12 March 2025",
        ),
        (
            tracked(4, state=State.MET),
            AFTER,
            "Obiettivo raggiunto: 4 regioni entro mercoledì 12 marzo 2025, il minimo era 4",
            "Goal met: 4 regions by Wednesday 12 March 2025, the minimum was 4",
        ),
        (
            tracked(6, state=State.FULL),
            AFTER,
            "Obiettivo pieno: 6 regioni su 6 entro mercoledì 12 marzo 2025",
            "Full goal: 6 regions of 6 by Wednesday 12 March 2025",
        ),
    ],
    ids=["running", "one-day", "last-day", "enough", "over", "missed", "met", "full"],
)
def test_a_goal_says_where_it_stands(found: Tracked, on: date, it: str, en: str) -> None:
    assert (summary(found, on, "it"), summary(found, on, "en")) == (it, en)


def test_the_choice_is_explained() -> None:
    best, second = candidate("03", 4, 1), candidate("12", 3, 2)
    assert why(Choice(best, second, Reason.MEMBERS), "it") == (
        "Ha più enti con referenti regionali di ogni altra regione da costituire: 4, contro 3 (Lazio). "
        "Le mancano: enti aderenti con referenti regionali."
    )
    assert why(Choice(candidate("03", 3, 0), candidate("12", 3, 1), Reason.MISSING), "en") == (
        "It has as many members with referents as Lazio (3), and lacks fewer requirements: 0 against 1."
    )
    assert why(Choice(candidate("03", 3, 0), candidate("12", 3, 0), Reason.CODE), "it").startswith(
        "Ha gli stessi numeri di Lazio"
    )
