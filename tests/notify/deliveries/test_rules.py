"""When a delivery is tried again, when it is given up, and what may be kept of a relay's words."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.notify.deliveries.rules import (
    BACKOFF,
    PATIENCE,
    Delivery,
    NotFailed,
    Outcome,
    Problem,
    State,
    Verdict,
    idempotency_key,
    outcome_of,
    verdict,
    without_addresses,
)

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
UNSPREAD = UUID(int=0)


def delivery(state: State = State.QUEUED) -> Delivery:
    return Delivery(topic="sign-in", channel="email", key="k", because_of=uuid4(), intended_at=AT, state=state)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (200, Outcome.ACCEPTED),
        (250, Outcome.ACCEPTED),
        (421, Outcome.DEFERRED),
        (451, Outcome.DEFERRED),
        (499, Outcome.DEFERRED),
        (500, Outcome.REFUSED),
        (550, Outcome.REFUSED),
    ],
)
def test_a_reply_code_is_an_outcome(code: int, outcome: Outcome) -> None:
    assert outcome_of(code) is outcome


def test_what_the_relay_takes_is_sent_and_what_it_refuses_has_failed_at_once() -> None:
    assert verdict(Outcome.ACCEPTED, 1, AT, AT, UNSPREAD) == Verdict(State.SENT)
    assert verdict(Outcome.REFUSED, 1, AT, AT, UNSPREAD) == Verdict(State.FAILED, Problem.RELAY_REFUSES)


@pytest.mark.parametrize(("attempts", "wait"), [(1, BACKOFF[0]), (2, BACKOFF[1]), (13, BACKOFF[12]), (14, BACKOFF[12])])
def test_what_the_relay_defers_waits_longer_each_time(attempts: int, wait: timedelta) -> None:
    assert verdict(Outcome.DEFERRED, attempts, AT, AT, UNSPREAD) == Verdict(
        State.QUEUED, Problem.RELAY_DEFERS, AT + wait
    )


def test_a_broken_connection_is_tried_again_and_named() -> None:
    assert verdict(Outcome.BROKEN, 1, AT, AT, UNSPREAD).problem is Problem.CONNECTION_BROKE


def test_retries_of_one_instant_are_spread_by_a_tenth_at_most() -> None:
    tries = {verdict(Outcome.DEFERRED, 3, AT, AT, UUID(int=n)).next_try for n in range(1000)}
    assert len(tries) == 1000
    assert min(t for t in tries if t) == AT + BACKOFF[2]
    assert max(t for t in tries if t) < AT + BACKOFF[2] * 1.1


def test_a_day_after_the_first_try_it_is_given_up_and_not_before() -> None:
    last = AT + PATIENCE - BACKOFF[-1]
    assert verdict(Outcome.DEFERRED, 20, AT, last, UNSPREAD).state is State.QUEUED
    late = last + timedelta(seconds=1)
    assert verdict(Outcome.DEFERRED, 20, AT, late, UNSPREAD) == Verdict(State.FAILED, Problem.GIVEN_UP)


def test_the_whole_schedule_takes_about_a_day_and_some_fifteen_attempts() -> None:
    at, attempts = AT, 1
    while (next_try := verdict(Outcome.DEFERRED, attempts, AT, at, UNSPREAD).next_try) is not None:
        at, attempts = next_try, attempts + 1
    assert PATIENCE - timedelta(hours=4) <= at - AT <= PATIENCE
    assert 12 <= attempts <= 16


def test_only_what_failed_or_came_back_can_be_tried_again() -> None:
    for state in set(State) - {State.FAILED, State.BOUNCED}:
        with pytest.raises(NotFailed, match=state):
            delivery(state).retry(AT)
    returned = delivery(State.BOUNCED)
    returned.retry(AT)
    assert returned.state is State.QUEUED


def test_a_retry_by_hand_has_a_whole_day_again() -> None:
    failed = delivery(State.FAILED)
    failed.first_try, failed.problem, failed.reason, failed.attempts = AT, Problem.GIVEN_UP, "451 later", 14
    failed.retry(AT + timedelta(days=3))
    expected = delivery(State.QUEUED)
    expected.next_try = expected.updated_at = AT + timedelta(days=3)
    expected.attempts = 14
    same = ("state", "problem", "reason", "next_try", "first_try", "attempts")
    assert [getattr(failed, name) for name in same] == [getattr(expected, name) for name in same]


def test_a_key_names_rule_subject_instant_and_person() -> None:
    subject, person = uuid4(), uuid4()
    assert idempotency_key("r", subject) == f"r:{subject}"
    assert idempotency_key("r", subject, "2026-11-22", person) == f"r:{subject}:2026-11-22:{person}"
    assert idempotency_key("r", subject, person_id=person) != idempotency_key("r", subject)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("5.1.1 <maria.rossi@example.org>: user unknown", "5.1.1 <…>: user unknown"),
        ("no mailbox for maria@müller.example, sorry", "no mailbox for …, sorry"),
        ("5.7.1 try\r\nagain\tlater", "5.7.1 try again later"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_a_relays_words_are_kept_without_addresses_on_one_line(said: str, kept: str) -> None:
    assert without_addresses(said) == kept
