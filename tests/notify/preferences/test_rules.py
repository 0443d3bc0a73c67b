"""What people's choices make of a message, and when quiet and digests are over: pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.deliveries.rules import Problem
from services.notify.messages.rules import MEETING_CONVENED, MEETING_REMINDER, NEWS_PUBLISHED, SIGN_IN, TOPICS
from services.notify.preferences import rules
from services.notify.preferences.rules import (
    AT_ONCE,
    EVERY_DAY,
    AlwaysQuiet,
    Channel,
    Choice,
    Digests,
    Handling,
    Quiet,
    TopicOwed,
    TopicUnknown,
    UnfitChoice,
    Wishes,
    handled,
)
from shared.access.actor import ROME

HERE, ELSEWHERE = UUID(int=1), UUID(int=2)
NIGHT = Quiet(time(22), time(7))


def rome(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=ROME).astimezone(UTC)  # type: ignore[arg-type, misc]


def test_every_topic_is_in_a_group_by_name() -> None:
    ungrouped = {code for code in TOPICS if code.split("-", 1)[0] not in rules.BY_WORD}
    assert ungrouped == set()
    assert set(rules.GROUPED) == set(rules.GROUPS)
    assert not set(rules.GROUPS) & set(TOPICS)  # a choice is about one or the other


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ((2026, 6, 10, 21, 59), None),
        ((2026, 6, 10, 22, 0), (2026, 6, 11, 7, 0)),
        ((2026, 6, 11, 6, 59), (2026, 6, 11, 7, 0)),
        ((2026, 6, 11, 7, 0), None),
        ((2026, 3, 28, 23, 0), (2026, 3, 29, 7, 0)),  # the night in which summer time begins
        ((2026, 10, 24, 23, 0), (2026, 10, 25, 7, 0)),  # and ends
    ],
)
def test_a_night_of_quiet_ends_at_its_hour_by_the_clock_on_the_wall(now: tuple[int, ...], end: tuple[int, ...]) -> None:
    assert NIGHT.ends(rome(*now)) == (rome(*end) if end else None)


def test_quiet_is_only_on_its_days_and_lasts_into_the_next() -> None:
    weekend = Quiet(time(22), time(7), frozenset({5}))  # nights that begin on Friday
    assert weekend.ends(rome(2026, 6, 12, 23)) == rome(2026, 6, 13, 7)
    assert weekend.ends(rome(2026, 6, 13, 6)) == rome(2026, 6, 13, 7)
    assert weekend.ends(rome(2026, 6, 13, 23)) is None


def test_days_of_quiet_that_touch_are_one_quiet() -> None:
    assert Quiet(time(0), time(0), frozenset({6, 7})).ends(rome(2026, 6, 13, 10)) == rome(2026, 6, 15)


def test_an_hour_that_comes_twice_is_quiet_both_times() -> None:
    until_half_past_two = Quiet(time(22), time(2, 30))
    second = datetime(2026, 10, 25, 2, 10, tzinfo=ROME).replace(fold=1).astimezone(UTC)
    assert until_half_past_two.ends(second) == second + timedelta(minutes=20)


@pytest.mark.parametrize("days", [EVERY_DAY, frozenset[int](), frozenset({0, 1})])
def test_quiet_that_never_ends_or_is_on_no_day_is_refused(days: frozenset[int]) -> None:
    with pytest.raises(AlwaysQuiet):
        Quiet(time(8), time(8), days)


@given(
    st.times(timezones=st.none()),
    st.times(timezones=st.none()),
    st.frozensets(st.integers(1, 7), min_size=1, max_size=6),
    st.integers(1_577_836_800, 2_208_988_800).map(lambda at: datetime.fromtimestamp(at, UTC)),
)
def test_quiet_ends_within_a_week_when_it_is_quiet_no_more(
    since: time, until: time, days: frozenset[int], now: datetime
) -> None:
    quiet = Quiet(since, until, days)
    end = quiet.ends(now)
    if end is not None:
        assert now < end <= now + timedelta(days=8)
        assert quiet.ends(end) is None


def test_digests_come_at_their_hour_after_now() -> None:
    digests = Digests(hour=7, weekday=1)
    assert digests.daily(rome(2026, 6, 10, 6, 59)) == rome(2026, 6, 10, 7)
    assert digests.daily(rome(2026, 6, 10, 7)) == rome(2026, 6, 11, 7)
    assert digests.weekly(rome(2026, 6, 10, 12)) == rome(2026, 6, 15, 7)  # Wednesday: next Monday
    assert digests.weekly(rome(2026, 6, 15, 6)) == rome(2026, 6, 15, 7)
    assert digests.weekly(rome(2026, 6, 15, 7)) == rome(2026, 6, 22, 7)
    assert digests.weekly(rome(2026, 3, 25, 12)) == rome(2026, 3, 30, 7)  # across the change of the clocks
    assert Digests(hour=2).daily(rome(2026, 3, 28, 3)) == rome(2026, 3, 29, 3)  # 2:00 is not, that night


def wishes(*chosen: tuple[UUID | None, str, Choice], **more: object) -> Wishes:
    return Wishes({(n, about, Channel.EMAIL): choice for n, about, choice in chosen}, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("chosen", "here"),
    [
        ((), Choice.NOW),
        (((None, "knowledge", Choice.DAILY),), Choice.DAILY),
        (((None, "knowledge", Choice.DAILY), (None, "news-published", Choice.WEEKLY)), Choice.WEEKLY),
        (((None, "news-published", Choice.NEVER), (HERE, "knowledge", Choice.NOW)), Choice.NOW),
        (((HERE, "knowledge", Choice.NOW), (HERE, "news-published", Choice.NEVER)), Choice.NEVER),
        (((ELSEWHERE, "news-published", Choice.NEVER),), Choice.NOW),
    ],
)
def test_the_most_particular_choice_counts(chosen: tuple[tuple[UUID | None, str, Choice], ...], here: Choice) -> None:
    assert wishes(*chosen).choice(NEWS_PUBLISHED, HERE, Channel.EMAIL) is here


def test_what_is_owed_comes_at_once_whatever_was_chosen() -> None:
    """Also if a topic has become owed since somebody chose it away."""
    never = Wishes(
        {(None, about, c): Choice.NEVER for about in ("meetings", "account", "meeting-convened") for c in Channel},
        quiet=NIGHT,
    )
    for topic in (MEETING_CONVENED, SIGN_IN):
        assert handled(never, topic, HERE, {}, rome(2026, 6, 10, 23)) == AT_ONCE


def test_a_message_that_is_not_wanted_stays_in_the_inbox_unless_that_is_off_too() -> None:
    off = wishes((None, "knowledge", Choice.NEVER))
    assert handled(off, NEWS_PUBLISHED, HERE, {}, rome(2026, 6, 10, 12)) == Handling(Problem.NOT_WANTED)
    both = Wishes({**off.choices, (None, "news-published", Channel.INBOX): Choice.NEVER})
    assert not handled(both, NEWS_PUBLISHED, HERE, {}, rome(2026, 6, 10, 12)).in_inbox


def test_mails_wait_for_the_digest_or_for_the_end_of_the_quiet() -> None:
    night = rome(2026, 6, 10, 23)
    quiet = wishes(quiet=NIGHT)
    assert handled(quiet, NEWS_PUBLISHED, HERE, {}, night) == Handling(Problem.QUIET_HOURS, rome(2026, 6, 11, 7))
    assert handled(quiet, NEWS_PUBLISHED, HERE, {}, rome(2026, 6, 10, 12)) == AT_ONCE
    weekly = wishes((None, "knowledge", Choice.WEEKLY), quiet=NIGHT)
    assert handled(weekly, NEWS_PUBLISHED, HERE, {}, night) == Handling(Problem.IN_DIGEST, rome(2026, 6, 15, 7))


@pytest.mark.parametrize("choice", [Choice.DAILY, Choice.WEEKLY])
def test_a_digest_whose_hour_is_quiet_comes_when_the_quiet_is_over(choice: Choice) -> None:
    late = wishes((None, "knowledge", choice), quiet=Quiet(time(22), time(8, 30)), digests=Digests(weekday=4))
    now = rome(2026, 6, 10, 12)
    assert handled(late, NEWS_PUBLISHED, HERE, {}, now) == Handling(Problem.IN_DIGEST, rome(2026, 6, 11, 8, 30))


@pytest.mark.parametrize(
    ("hour", "starts", "problem", "until"),
    [
        (7, (2026, 6, 15, 8, 0), Problem.IN_DIGEST, (2026, 6, 15, 7, 0)),  # an hour after the weekly one: in time
        (7, (2026, 6, 15, 7, 59), Problem.IN_DIGEST, (2026, 6, 11, 7, 0)),  # not in time: the next morning's
        (9, (2026, 6, 11, 9, 30), Problem.QUIET_HOURS, (2026, 6, 11, 7, 0)),
        (9, (2026, 6, 11, 7, 30), None, None),  # useless after the night: at once
    ],
)
def test_what_would_be_useless_after_waiting_goes_sooner(
    hour: int, starts: tuple[int, ...], problem: Problem | None, until: tuple[int, ...] | None
) -> None:
    weekly = wishes((None, "meetings", Choice.WEEKLY), quiet=NIGHT, digests=Digests(hour, weekday=1))
    said = {"starts_at": rome(*starts).isoformat()}
    found = handled(weekly, MEETING_REMINDER, HERE, said, rome(2026, 6, 10, 23))
    assert found == Handling(problem, rome(*until) if until else None)


def test_a_day_is_over_at_its_midnight_and_what_is_past_bounds_nothing() -> None:
    now = rome(2026, 6, 10, 12)
    assert rules.over_at({"due": "2026-06-10"}, now) == rome(2026, 6, 11)
    assert rules.over_at({"due": "2026-06-09", "closes_at": rome(2026, 6, 12).isoformat()}, now) == rome(2026, 6, 12)
    assert rules.over_at({"due": None}, now) is None


@pytest.mark.parametrize(
    ("about", "channel", "choice", "refusal"),
    [
        ("meeting-convened", Channel.EMAIL, Choice.NEVER, TopicOwed),
        ("digest", Channel.EMAIL, Choice.NEVER, TopicUnknown),
        ("gossip", Channel.EMAIL, Choice.NEVER, TopicUnknown),
        ("news-published", Channel.INBOX, Choice.DAILY, UnfitChoice),
    ],
)
def test_choices_that_cannot_be_are_refused(
    about: str, channel: Channel, choice: Choice, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        rules.checked((None, about, channel), choice, "/choices/0")
