"""The schedule and the score, without a clock."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.mapping.freshness.rules import AlreadyAnswered, Answer, Question, Rule
from services.mapping.items.rules import Subject

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
RULES = st.builds(Rule, st.integers(1, 60), st.integers(1, 365))


@given(RULES, DAYS)
def test_what_is_stale_is_exactly_what_has_come_due(rule: Rule, on: date) -> None:
    limit = rule.stale_before(on)
    for checked in (limit + timedelta(days=n) for n in range(-4, 5)):
        assert (checked < limit) == (rule.due_on(checked) <= on)


@given(RULES, DAYS, st.integers(0, 3000))
def test_the_score_falls_from_one_to_nothing(rule: Rule, checked: date, age: int) -> None:
    expires = rule.due_on(checked) + timedelta(days=rule.days)
    on = checked + timedelta(days=age)
    score = rule.score(checked, on)
    assert score is not None
    assert rule.score(checked, checked) == 1
    assert rule.score(checked, expires) == 0
    assert 0 <= score <= 1
    later = rule.score(checked, on + timedelta(days=1))
    assert later is not None
    assert later <= score


def test_what_was_never_checked_has_no_score() -> None:
    assert Rule().score(None, date(2026, 1, 1)) is None


def test_the_half_of_the_way_is_a_half() -> None:
    rule = Rule(6, 30)  # 184 days from March to September, and 30
    assert rule.score(date(2026, 3, 1), date(2026, 3, 1) + timedelta(days=107)) == 0.5


@pytest.mark.parametrize(
    ("checked", "expires", "answer_by", "look"),
    [
        (date(2026, 1, 1), None, None, date(2026, 7, 1)),
        (date(2026, 8, 31), None, None, date(2027, 2, 28)),
        (date(2026, 1, 1), date(2026, 3, 1), None, date(2026, 3, 1)),
        (date(2026, 1, 1), None, date(2026, 7, 31), date(2026, 8, 1)),
        (date(2026, 1, 1), date(2026, 7, 20), date(2026, 7, 31), date(2026, 7, 20)),
        (None, None, None, None),
    ],
)
def test_the_next_look_is_at_the_first_thing_to_happen(
    checked: date | None, expires: date | None, answer_by: date | None, look: date | None
) -> None:
    assert Rule().next_look(checked, expires, answer_by) == look


def test_a_question_is_answered_once_but_late_after_it_lapsed() -> None:
    on = date(2026, 7, 1)
    question = Question(network_id=uuid7(), item=Subject.PLACE, item_id=uuid7(), title="x", asked_on=on, answer_by=on)
    question.close(Answer.LAPSED, on)
    question.close(Answer.CONFIRMED, on)
    with pytest.raises(AlreadyAnswered):
        question.close(Answer.GONE, on)
    assert question.answer is Answer.CONFIRMED
