"""When somebody is reminded, as plain functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.reminders.rules import (
    Planned,
    State,
    Subject,
    Topic,
    UnfitDays,
    due_of,
    end_of,
    fit,
    instant,
    level,
    outcomes,
    plan,
)
from shared.access.actor import ROME

NETWORK = UUID(int=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


def meeting(starts: str) -> Subject:
    return Subject(Topic.MEETING, uuid4(), NETWORK, at(starts), live=True)


def commitment(due: str) -> Subject:
    return Subject(Topic.COMMITMENT, uuid4(), NETWORK, end_of(date.fromisoformat(due)), live=True)


@pytest.mark.parametrize(
    ("starts", "days", "expected"),
    [
        ("2024-09-26T17:30", 7, "2024-09-19T17:30"),
        ("2025-03-31T18:00", 7, "2025-03-24T18:00"),  # summer time begins on 30 March: the same hour on the wall
        ("2024-10-28T09:00", 1, "2024-10-27T09:00"),  # and ends on 27 October
        ("2025-03-30T18:00", 1, "2025-03-29T18:00"),
        ("2025-10-26T10:00", 7, "2025-10-19T10:00"),
    ],
)
def test_a_meeting_is_reminded_of_at_its_own_hour(starts: str, days: int, expected: str) -> None:
    assert instant(meeting(starts), days) == at(expected)


def test_an_hour_that_the_clock_leaves_out_is_the_one_after() -> None:
    """At half past two on 30 March 2025 clocks in Italy showed half past three."""
    assert instant(meeting("2025-04-06T02:30"), 7).astimezone(UTC) == datetime(2025, 3, 30, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("due", "hour"), [("2025-03-30", 22), ("2025-03-29", 23), ("2025-10-26", 23), ("2025-10-25", 22)]
)
def test_a_day_is_over_at_midnight_in_italy_whatever_time_it_keeps(due: str, hour: int) -> None:
    day = date.fromisoformat(due)
    assert end_of(day).astimezone(UTC) == datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    assert due_of(end_of(day)) == day


def test_a_commitment_is_reminded_of_in_the_morning_counting_from_the_day_on_which_it_is_due() -> None:
    assert instant(commitment("2024-10-12"), 14) == at("2024-09-28T08:00")
    assert instant(commitment("2024-10-12"), 3) == at("2024-10-09T08:00")


def test_a_reminder_whose_instant_has_passed_is_said_to_be_past_and_the_others_are_planned() -> None:
    planned = plan(commitment("2024-10-12"), (14, 3), at("2024-10-01T12:00"))
    assert [(one.days, one.state) for one in planned] == [(14, State.PAST), (3, State.PLANNED)]


def test_a_subject_that_is_over_is_never_planned() -> None:
    planned = plan(meeting("2024-09-26T17:30"), (7, 1), at("2024-09-26T17:30"))
    assert {one.state for one in planned} == {State.PAST}


def test_of_reminders_that_come_at_once_only_the_last_is_sent() -> None:
    both = plan(commitment("2024-10-12"), (14, 3), at("2024-09-12T09:00"))
    assert list(outcomes(both, at("2024-10-10T09:00")).values()) == [State.SUPERSEDED, State.SENT]


def test_after_the_day_nobody_is_reminded() -> None:
    both = plan(commitment("2024-10-12"), (14, 3), at("2024-09-12T09:00"))
    assert set(outcomes(both, at("2024-10-13T00:00")).values()) == {State.PAST}
    assert State.SENT in outcomes(both, at("2024-10-12T23:59")).values()


@pytest.mark.parametrize("days", [[0], [-1], [91], [7, 7], [1, 2, 3, 4, 5, 6]])
def test_days_that_cannot_be(days: list[int]) -> None:
    with pytest.raises(UnfitDays):
        fit(days)


def test_days_are_kept_the_longest_before_first_and_may_be_none() -> None:
    assert fit([1, 21, 7]) == (21, 7, 1)
    assert fit([]) == ()


instants = st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1), timezones=st.just(ROME))  # noqa: DTZ001 (its bounds have none)


@given(instants, st.lists(st.integers(1, 90), unique=True, max_size=5), instants)
def test_a_reminder_comes_before_its_subject_and_is_planned_only_in_the_future(
    starts: datetime, days: list[int], now: datetime
) -> None:
    subject = Subject(Topic.MEETING, uuid4(), NETWORK, starts, live=True)
    planned = plan(subject, days, now)
    assert all(one.at < starts for one in planned)
    assert all((one.state is State.PLANNED) == (one.at > now) for one in planned)
    assert len({one.id for one in planned}) == len(days)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 90)), unique=True, max_size=12), st.integers(0, 100))
def test_at_most_one_reminder_of_a_subject_is_sent_at_a_time(which: list[tuple[int, int]], later: int) -> None:
    starts = at("2024-10-12T09:00")
    due = [
        Planned(
            uuid4(),
            Topic.MEETING,
            UUID(int=n),
            NETWORK,
            days,
            starts - timedelta(days=days),
            starts,
            State.PLANNED,
        )
        for n, days in which
    ]
    now = starts - timedelta(days=1) + timedelta(hours=later)
    decided = outcomes(due, now)
    sent = [one.subject_id for one in due if decided[one.id] is State.SENT]
    assert len(sent) == len(set(sent))
    assert set(sent) == ({one.subject_id for one in due} if now < starts else set())


def climbing(due: str) -> Subject:
    return Subject(Topic.CLIMB, uuid4(), NETWORK, end_of(date.fromisoformat(due)), live=True)


def test_what_climbs_does_so_in_the_morning_so_many_days_after() -> None:
    late = climbing("2026-03-02")
    now = late.at + timedelta(days=10)
    planned = {one.days: one for one in plan(late, (7, 15, 30), now)}
    assert {days: one.state for days, one in planned.items()} == {
        7: State.PAST,
        15: State.PLANNED,
        30: State.PLANNED,
    }
    assert planned[15].at.isoformat() == "2026-03-17T08:00:00+01:00"
    assert planned[30].at.isoformat() == "2026-04-01T08:00:00+02:00"


def test_levels_that_come_at_once_are_all_told() -> None:
    late = climbing("2026-03-02")
    due = plan(late, (7, 15), late.at)
    assert set(outcomes(due, late.at + timedelta(days=40)).values()) == {State.SENT}


def test_a_reminder_before_the_day_does_not_stand_for_what_climbs_after_it() -> None:
    subject = climbing("2026-03-02")
    before = plan(replace(subject, topic=Topic.COMMITMENT), (3,), subject.at - timedelta(days=9))
    after = plan(subject, (7,), subject.at)
    found = outcomes([*before, *after], subject.at + timedelta(days=8))
    assert found == {before[0].id: State.PAST, after[0].id: State.SENT}


def test_the_level_is_the_place_of_the_day_in_the_rule() -> None:
    assert [level(days, (30, 7, 15)) for days in (7, 15, 30, 8)] == [1, 2, 3, 0]
