"""What a plan may become, on which day, and what is carried over: pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.registry.plans.rules import (
    ACTIONS,
    MOST_OBJECTIVES,
    Act,
    InvalidPlan,
    NotOver,
    NotPossible,
    Objective,
    Outcome,
    Plan,
    State,
    Undecided,
    UnfitFollower,
    check,
    check_objective,
    require_room,
    total,
)

NETWORK = uuid7()
START, END = date(2021, 1, 1), date(2023, 12, 31)
ACT = Act("Verbale 12", date(2021, 3, 1), "Assemblea dei Sindaci")
PROLONGED = Act("DGR 1473", date(2023, 12, 4), "Regione Lombardia")


def plan(state: State = State.ADOPTED, **given: Any) -> Plan:
    found = Plan(NETWORK, "Piano di zona", START, END, **given)
    if state is not State.DRAFT:
        found.adopt(ACT, date(2021, 4, 1))
    return found


def objective(outcome: Outcome = Outcome.OPEN, **given: Any) -> Objective:
    return Objective(uuid7(), 1, "Punti di accesso", outcome=outcome, **given)


def test_the_last_day_is_still_the_plans_and_the_next_is_not() -> None:
    assert plan().state_on(END) is State.ADOPTED
    assert plan().state_on(END + timedelta(days=1)) is State.EXPIRED
    assert not plan().expire(END)
    over = plan()
    assert over.expire(END + timedelta(days=1))
    assert over.state is State.EXPIRED
    assert not over.expire(END + timedelta(days=2))
    assert plan().over_at.isoformat() == "2024-01-01T00:00:00+01:00"


def test_an_act_is_of_today_or_before() -> None:
    draft = plan(State.DRAFT)
    with pytest.raises(InvalidPlan) as refused:
        draft.adopt(ACT, ACT.day - timedelta(days=1))
    assert (refused.value.path, draft.state) == ("/act/day", State.DRAFT)
    draft.adopt(ACT, ACT.day)
    assert (draft.state, draft.adopted) == (State.ADOPTED, ACT.json())
    assert Act.read(ACT.json()) == ACT


def test_an_extension_moves_the_last_day_and_brings_back_what_had_expired() -> None:
    extended = plan()
    extended.expire(date(2024, 1, 5))
    extended.extend(PROLONGED, date(2024, 12, 31), date(2024, 1, 5))
    assert (extended.state, extended.last_day, extended.extended_from) == (State.ADOPTED, date(2024, 12, 31), END)
    extended.extend(Act("2", date(2024, 6, 1), "Regione"), date(2025, 6, 30), date(2024, 6, 1))
    assert (len(extended.extensions), extended.extended_from) == (2, END)
    for last_day, act, path in (
        (date(2025, 6, 30), PROLONGED, "/last_day"),
        (date(2025, 7, 1), Act("0", ACT.day - timedelta(days=1), "Prima"), "/act/day"),
    ):
        with pytest.raises(InvalidPlan) as refused:
            extended.extend(act, last_day, date(2025, 1, 1))
        assert refused.value.path == path


def test_a_plan_closes_after_its_last_day_with_every_objective_decided() -> None:
    achieved, lapsed, carried = (objective(one) for one in (Outcome.ACHIEVED, Outcome.LAPSED, Outcome.CARRIED_OVER))
    still = [objective(), objective()]
    with pytest.raises(NotOver) as early:
        plan().close([achieved], END)
    assert early.value.last_day == END
    with pytest.raises(Undecided) as undecided:
        plan().close([achieved, *still, carried], END + timedelta(days=1))
    assert [id_ for id_, _ in undecided.value.objectives] == [one.id for one in still]
    over = plan()
    assert over.close([achieved, lapsed, carried], END + timedelta(days=1)) == [carried]
    assert (over.state, over.closed_on) == (State.CLOSED, END + timedelta(days=1))
    with pytest.raises(NotPossible) as closed:
        over.close([], END + timedelta(days=2))
    assert closed.value.possible == ["–"]


@given(st.sampled_from(State), st.sampled_from(sorted({action for actions in ACTIONS.values() for action in actions})))
def test_what_is_refused_says_what_is_possible(state: State, action: str) -> None:
    found = plan(State.DRAFT)
    found.state = state
    if action in ACTIONS[state]:
        found.require(action, START)
        return
    with pytest.raises(NotPossible) as refused:
        found.require(action, START)
    assert refused.value.possible == (list(ACTIONS[state]) or ["–"])


def test_the_days_of_an_adopted_plan_are_moved_by_an_act_only() -> None:
    with pytest.raises(InvalidPlan) as refused:
        plan().change(START, last_day=END + timedelta(days=1))
    assert (refused.value.path, refused.value.code) == ("/last_day", "by_act")
    assert plan().change(START, title="Altro", last_day=END)
    assert not plan().change(START, title="Piano di zona")
    draft = plan(State.DRAFT)
    assert draft.change(START, last_day=START)
    with pytest.raises(InvalidPlan):
        draft.change(START, last_day=START - timedelta(days=1))
    assert draft.last_day == START


def test_an_objective_is_decided_until_the_plan_is_closed() -> None:
    one = objective(target=4.0)
    with pytest.raises(InvalidPlan):
        one.decide(Outcome.OPEN, None, None, END)
    with pytest.raises(InvalidPlan) as refused:
        one.decide(Outcome.LAPSED, None, None, END)
    assert refused.value.path == "/reason"
    one.decide(Outcome.ACHIEVED, None, 3.0, END)
    assert (one.outcome, one.actual, one.progress, one.decided_on) == (Outcome.ACHIEVED, 3.0, 0.75, END)
    one.decide(Outcome.LAPSED, "Fondi esauriti", None, END)
    assert (one.outcome, one.actual, one.reason) == (Outcome.LAPSED, 3.0, "Fondi esauriti")


def test_progress_is_undefined_without_a_target_or_with_none_reached() -> None:
    assert objective(actual=3.0).progress is None
    assert objective(target=3.0).progress is None
    assert objective(target=0.0, actual=3.0).progress is None
    assert objective(target=4.0, actual=0.0).progress == 0


def test_an_objective_that_is_carried_over_begins_anew_and_says_from_where() -> None:
    one = objective(Outcome.CARRIED_OVER, target=4.0, actual=1.0, reason="In corso", decided_on=END)
    following = uuid7()
    again = one.carried(following, 7)
    assert (again.plan_id, again.position, again.carried_from_id) == (following, 7, one.id)
    assert (again.outcome, again.reason, again.decided_on) == (Outcome.OPEN, None, None)
    assert (again.title, again.target, again.actual) == (one.title, 4.0, 1.0)
    assert again.id != one.id


def test_an_owner_takes_the_place_of_the_one_before_and_is_one() -> None:
    organisation, body = uuid7(), uuid7()
    one = objective(organisation_id=organisation)
    assert one.change(body_id=body)
    assert (one.organisation_id, one.body_id) == (None, body)
    with pytest.raises(InvalidPlan):
        one.change(organisation_id=organisation, body_id=body)
    with pytest.raises(InvalidPlan):
        check_objective(objective(organisation_id=organisation, body_id=body))


def test_a_plan_follows_one_that_began_before_it() -> None:
    first = plan()
    later = Plan(NETWORK, "Dopo", END + timedelta(days=1), date(2027, 12, 31))
    later.follow(first)
    later.follow(first)
    assert later.follows_id == first.id
    with pytest.raises(UnfitFollower):
        later.follow(plan())  # follows another already
    for unfit in (
        Plan(NETWORK, "Prima", START, END),
        Plan(uuid7(), "Altrove", END, END),
        Plan(NETWORK, "Chiuso", END, END, state=State.CLOSED),
        first,
    ):
        with pytest.raises(UnfitFollower):
            unfit.follow(first)


def test_days_and_numbers_are_within_reason() -> None:
    with pytest.raises(InvalidPlan):
        check(Plan(NETWORK, "Eterno", START, date(2201, 1, 1)))
    with pytest.raises(InvalidPlan):
        check(Plan(NETWORK, "Troppi", START, END, territories=["E507"] * 301))
    require_room(MOST_OBJECTIVES)
    with pytest.raises(InvalidPlan):
        require_room(MOST_OBJECTIVES + 1)


@given(st.lists(st.integers(min_value=0, max_value=10**13)))
def test_funds_add_up_to_the_cent(cents: list[int]) -> None:
    assert total([{"cents": one} for one in cents]) == sum(cents)
