"""When an answer is right, how often one may try, and what is told when: without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid4, uuid7

from services.learning.courses.rules import Unfit
from services.learning.quizzes.rules import (
    Asked,
    Attempt,
    Edition,
    Feedback,
    NoneLeft,
    Option,
    PassedAlready,
    Question,
    Quiz,
    Refused,
    Standing,
    StillLeft,
    SubmittedAlready,
    answered,
    edited,
    in_order,
    number_of,
    read,
    right,
    shares,
    told,
    written,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
SINGLE = Question(Asked.SINGLE, "Chi?", options=(Option("Uno", right=True), Option("Due")))
SEVERAL = Question(Asked.MULTIPLE, "Quali?", 2, options=(Option("A", right=True), Option("B", right=True), Option("C")))
NUMBER = Question(Asked.NUMERIC, "Quanto?", 3, value=Decimal("12.5"), tolerance=Decimal("0.1"))
ALL = (SINGLE, SEVERAL, NUMBER)


def ids(question: Question, *places: int) -> list[str]:
    return [str(question.options[place].id) for place in places]


def attempt(**more: Any) -> Attempt:
    return Attempt(uuid7(), 1, uuid7(), uuid7(), 1, uuid7(), uuid7(), 1, NOW, **more)


def marked(percent: int, answers: dict[UUID, Any] | None = None) -> Attempt:
    one = attempt()
    given_ = {SINGLE.id: ids(SINGLE, 0), SEVERAL.id: ids(SEVERAL, 0, 1), NUMBER.id: "12,5", **(answers or {})}
    one.submit(Edition(ALL, percent), answered(ALL, given_), NOW)
    return one


def test_a_question_is_right_or_not_and_its_points_are_given_whole() -> None:
    assert marked(100).passed is True
    some = marked(50, {SEVERAL.id: ids(SEVERAL, 0)})
    assert (some.marks, some.points, some.of) == ({SINGLE.id: 1, SEVERAL.id: 0, NUMBER.id: 3}, 4, 6)
    assert (some.percent, some.passed) == (66.66, True)
    too_many = marked(67, {SEVERAL.id: ids(SEVERAL, 0, 1, 2)})
    assert (too_many.points, too_many.passed) == (4, False)


@pytest.mark.parametrize(("percent", "passed"), [(50, True), (51, False)])
def test_the_mark_that_passes_is_reached_and_not_nearly(percent: int, passed: bool) -> None:
    half = marked(percent, {SINGLE.id: ids(SINGLE, 1), SEVERAL.id: ids(SEVERAL, 2)})
    assert (half.percent, half.passed) == (50.0, passed)


@pytest.mark.parametrize(
    ("said", "rights"),
    [("12,5", True), ("12.4", True), ("12,6", True), ("12,61", False), ("12.39", False), ("+12,50", True)],
)
def test_a_number_is_right_within_its_tolerance(said: str, rights: bool) -> None:
    kept = answered([NUMBER], {NUMBER.id: said})[NUMBER.id]
    assert right(NUMBER, kept) is rights


@pytest.mark.parametrize(
    ("written_", "number"),
    [
        ("1250,5", "1250.5"),
        ("1.250,5", "1250.5"),
        (" 1 250,5 ", "1250.5"),
        ("-3", "-3"),
        ("0.125", "0.125"),
        ("12,,5", None),
        ("1e5", None),
        ("NaN", None),
        ("9" * 13, None),
        ("", None),
        ("12,5 %", None),
        ("١٢", None),
    ],
)
def test_numbers_are_read_as_italians_write_them(written_: str, number: str | None) -> None:
    assert number_of(written_) == (None if number is None else Decimal(number))


@given(st.decimals(-(10**9), 10**9, places=3))
def test_a_number_with_a_comma_is_the_one_with_a_point(number: Decimal) -> None:
    assert number_of(f"{number:f}".replace(".", ",")) == number == number_of(f"{number:f}")


@pytest.mark.parametrize(
    ("question", "said", "code"),
    [
        (NUMBER, "1.250", "ambiguous"),
        (NUMBER, "dodici", "number"),
        (NUMBER, "", "missing"),
        (NUMBER, ids(SINGLE, 0), "missing"),
        (SINGLE, None, "missing"),
        (SINGLE, [], "missing"),
        (SINGLE, "12", "missing"),
        (SINGLE, ids(SINGLE, 0, 1), "one"),
        (SINGLE, ids(SEVERAL, 0), "unknown"),
        (SEVERAL, ["x"], "unknown"),
    ],
)
def test_what_is_no_answer_is_refused_with_its_question(question: Question, said: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        answered([question], {question.id: said})
    assert [(id_, why) for id_, why, _ in refused.value.errors] == [(question.id, code)]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    stranger = uuid7()
    with pytest.raises(Refused) as refused:
        answered(ALL, {SEVERAL.id: ids(SEVERAL, 0), stranger: "1"})
    assert {(id_, code) for id_, code, _ in refused.value.errors} == {
        (SINGLE.id, "missing"),
        (NUMBER.id, "missing"),
        (stranger, "unknown"),
    }


def test_what_was_handed_in_stays() -> None:
    one = marked(50)
    with pytest.raises(SubmittedAlready):
        one.submit(Edition(ALL, 50), dict(one.answers or {}), NOW)


def test_nobody_tries_more_often_than_allowed_and_whoever_passed_not_again() -> None:
    Standing(1, 2, passed=False).require_another()
    Standing(99, None, passed=False).require_another()
    with pytest.raises(NoneLeft):
        Standing(2, 2, passed=False).require_another()
    with pytest.raises(PassedAlready):
        Standing(1, 2, passed=True).require_another()
    Standing(2, 2, passed=False).require_none_left()
    for standing in (Standing(1, 2, passed=False), Standing(2, 2, passed=True), Standing(9, None, passed=False)):
        with pytest.raises(StillLeft):
            standing.require_none_left()


@given(
    feedback=st.sampled_from(Feedback),
    used=st.integers(0, 5),
    allowed=st.none() | st.integers(1, 5),
    passed=st.booleans(),
    submitted=st.booleans(),
    open_=st.booleans(),
)
def test_right_answers_are_told_only_when_nothing_is_left_to_try_and_nothing_to_hand_in(
    feedback: Feedback, used: int, allowed: int | None, passed: bool, submitted: bool, open_: bool
) -> None:
    shown = told(feedback, attempt(submitted_at=NOW if submitted else None), Standing(used, allowed, passed, open_))
    over = passed or (allowed is not None and used >= allowed and not open_)
    assert shown.answers == (submitted and over and feedback is Feedback.ANSWERS)
    assert shown.questions == (submitted and feedback is not Feedback.RESULT)


def test_the_order_is_the_attempts_own_and_stays() -> None:
    many = tuple(Question(Asked.SINGLE, str(n), options=SINGLE.options) for n in range(20))
    one, other = uuid4(), uuid4()
    assert in_order(one, many, shuffled=True) == in_order(one, many, shuffled=True)
    orders = [[q.id for q in in_order(each, many, shuffled=True)] for each in (one, other)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(q.id for q in many)
    assert in_order(one, many, shuffled=False) == list(many)


def test_ids_of_options_do_not_say_which_was_written_first() -> None:
    orders = {
        tuple(sorted(range(4), key=[o.id for o in (Option(str(n)) for n in range(4))].__getitem__)) for _ in range(40)
    }
    assert len(orders) > 5


@pytest.mark.parametrize(
    ("question", "path"),
    [
        (Question(Asked.SINGLE, "?", options=(Option("A"),)), "/options"),
        (Question(Asked.SINGLE, "?", options=(Option("A"), Option("B"))), "/options"),
        (Question(Asked.SINGLE, "?", options=(Option("A", True), Option("B", True))), "/options"),
        (Question(Asked.MULTIPLE, "?", options=(Option("A"), Option("B"))), "/options"),
        (Question(Asked.SINGLE, "?", options=(Option("A", True), Option("a"))), "/options"),
        (Question(Asked.SINGLE, "?", options=SINGLE.options, value=Decimal(1)), "/value"),
        (Question(Asked.SINGLE, "?", options=SINGLE.options, tolerance=Decimal(1)), "/tolerance"),
        (Question(Asked.NUMERIC, "?"), "/value"),
        (Question(Asked.NUMERIC, "?", value=Decimal(1), options=SINGLE.options), "/options"),
        (Question(Asked.NUMERIC, "?", value=Decimal(1), tolerance=Decimal(-1)), "/tolerance"),
    ],
)
def test_a_question_that_cannot_be_marked_is_refused(question: Question, path: str) -> None:
    with pytest.raises(Unfit) as refused:
        Quiz(uuid7(), "Quiz", "", (SINGLE, question), 60, None, True, Feedback.RESULT)
    assert refused.value.path == f"/questions/1{path}"


def test_what_a_published_quiz_asks_is_a_new_edition_and_its_title_is_not() -> None:
    quiz = Quiz(uuid7(), "Quiz", "", ALL, 60, 2, True, Feedback.RESULT)
    quiz.change({"questions": (SINGLE,)})
    assert quiz.edition == 0
    quiz.publish(NOW.date())
    quiz.change({"title": "Altro", "attempts": 3, "feedback": Feedback.ANSWERS})
    assert quiz.edition == 1
    assert quiz.change({"pass_percent": 60}) is False
    quiz.change({"pass_percent": 70})
    quiz.change({"questions": ALL})
    assert quiz.edition == 3
    with pytest.raises(Unfit):
        quiz.change({"questions": ()})


def test_questions_and_options_keep_their_ids_and_take_no_strangers() -> None:
    sent = [{**vars(SINGLE), "options": [vars(option) for option in SINGLE.options]}]
    assert edited(ALL, sent) == (SINGLE,)
    for wrong, path in (
        ([{**sent[0], "id": uuid7()}], "/questions/0/id"),
        ([sent[0], sent[0]], "/questions/1/id"),
        ([{**sent[0], "options": [{"text": "x", "id": UUID(int=1)}]}], "/questions/0/options/0/id"),
    ):
        with pytest.raises(Unfit) as refused:
            edited(ALL, wrong)
        assert refused.value.path == path


@pytest.mark.parametrize("question", ALL)
def test_a_question_is_read_as_it_was_written(question: Question) -> None:
    assert read(written(question)) == question


def test_what_fewer_than_five_people_answered_is_not_shown() -> None:
    four, five = uuid7(), uuid7()
    assert shares([(four, 4, 4), (five, 5, 3)]) == {four: (None, None), five: (5, 0.6)}
