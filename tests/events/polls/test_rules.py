"""What is a poll, whose answers are whole, and which date is the best."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.polls import rules
from services.events.polls.rules import (
    Answer,
    IncompleteAnswers,
    InvalidPoll,
    NotPossibleNow,
    Option,
    Poll,
    Request,
    RequestState,
    Span,
    State,
    Tally,
)

NOW = datetime(2030, 9, 1, 8, tzinfo=UTC)


def span(days: float, hours: float = 2) -> Span:
    return Span(NOW + timedelta(days=days), NOW + timedelta(days=days, hours=hours))


def poll() -> Poll:
    return Poll(uuid4(), "Ottobre", NOW + timedelta(days=5), rules.first_day([span(10)]))


def option(days: float = 10) -> Option:
    return Option(uuid4(), span(days).starts_at, span(days).ends_at)


@given(st.dictionaries(st.integers(0, 30), st.lists(st.sampled_from(list(Answer)), max_size=8), max_size=8))
def test_the_best_have_most_who_can_then_most_who_can_if_need_be(given_answers: dict[int, list[Answer]]) -> None:
    ids = {number: UUID(int=number) for number in given_answers}
    tallies = {
        ids[number]: Tally(said.count(Answer.YES), said.count(Answer.IF_NEED_BE), said.count(Answer.NO))
        for number, said in given_answers.items()
    }
    best = rules.best(tallies)
    ranks = {id_: (tally.yes, tally.if_need_be) for id_, tally in tallies.items()}
    if not any(rank > (0, 0) for rank in ranks.values()):
        assert best == []
        return
    top = max(ranks.values())
    assert set(best) == {id_ for id_, rank in ranks.items() if rank == top}
    for id_, tally in tallies.items():  # a "no" more or less changes nothing
        assert (id_ in rules.best({**tallies, id_: Tally(tally.yes, tally.if_need_be, tally.no + 1)})) == (id_ in best)


def test_one_yes_beats_any_number_of_if_need_be() -> None:
    first, second = uuid4(), uuid4()
    assert rules.best({first: Tally(yes=1), second: Tally(if_need_be=9)}) == [first]
    assert rules.best({first: Tally(yes=1), second: Tally(yes=1, if_need_be=1)}) == [second]
    assert rules.best({first: Tally(yes=1, no=5), second: Tally(yes=1)}) == [first, second]


@pytest.mark.parametrize(
    ("spans", "closes", "path"),
    [
        ([span(10)], 5, "/options"),
        ([span(10 + n) for n in range(31)], 5, "/options"),
        ([span(10), span(10)], 5, "/options/1"),
        ([span(10), span(11, hours=0)], 5, "/options/1/ends_at"),
        ([span(10), span(11, hours=31 * 24 + 1)], 5, "/options/1/ends_at"),
        ([span(0), span(10)], -1, "/options/0/starts_at"),
        ([span(10), span(11)], 0, "/closes_at"),
        ([span(11), span(10)], 10.001, "/closes_at"),
    ],
)
def test_what_does_not_fit_is_named(spans: list[Span], closes: float, path: str) -> None:
    with pytest.raises(InvalidPoll) as refused:
        rules.fitting(spans, NOW + timedelta(days=closes), NOW)
    assert refused.value.path == path


def test_the_bounds_themselves_fit() -> None:
    rules.fitting([span(10), span(11)], span(10).starts_at, NOW)
    rules.fitting([span(10 + n) for n in range(30)], NOW + timedelta(seconds=1), NOW)
    rules.fitting([span(10), span(11, hours=31 * 24)], NOW + timedelta(days=5), NOW)


def test_the_day_is_that_of_the_earliest_option_in_italy() -> None:
    late = Span(datetime(2030, 10, 3, 22, 30, tzinfo=UTC), datetime(2030, 10, 3, 23, tzinfo=UTC))
    assert rules.first_day([span(60), late]).isoformat() == "2030-10-04"


@given(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 7)))
def test_answers_are_whole_or_nothing(asked: set[int], said: set[int]) -> None:
    options = [Option(uuid4(), NOW, NOW, id=UUID(int=number)) for number in asked]
    request = Request(uuid4(), uuid4(), uuid4())
    answers = {UUID(int=number): Answer.NO for number in said}
    if asked == said:
        assert dict(request.answer(answers, options, NOW, None)) == answers
        assert (request.state, request.answered_at) == (RequestState.ANSWERED, NOW)
        return
    with pytest.raises(IncompleteAnswers) as refused:
        request.answer(answers, options, NOW, None)
    assert set(refused.value.missing) == {UUID(int=number) for number in asked - said}
    assert set(refused.value.unknown) == {UUID(int=number) for number in said - asked}
    assert (request.state, request.answered_at) == (RequestState.ASKED, None)


def test_answers_are_taken_until_the_very_instant() -> None:
    one = poll()
    one.require_open(one.closes_at - timedelta(microseconds=1))
    with pytest.raises(rules.PollClosed):
        one.require_open(one.closes_at)


def test_what_a_state_allows() -> None:
    one = poll()
    assert one.actions() == ["change", "close", "choose", "withdraw"]
    one.close(NOW)
    assert one.actions() == ["choose", "withdraw"]
    meeting = uuid4()
    assert one.choose(option(), meeting, NOW) is False
    assert (one.actions(), one.meeting_id) == ([], meeting)
    for act in (one.close, one.withdraw):
        with pytest.raises(NotPossibleNow):
            act(NOW)
    other = poll()
    assert other.choose(option(), meeting, NOW) is True
    assert (other.state, other.closed_at) == (State.CLOSED, NOW)


def test_a_date_that_has_begun_is_not_chosen() -> None:
    with pytest.raises(InvalidPoll):
        poll().choose(option(), uuid4(), span(10).starts_at)
