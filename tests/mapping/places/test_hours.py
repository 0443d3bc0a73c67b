"""When a place is open: rules as people write them, odd ones, and hostile ones."""

from __future__ import annotations

import time as clock
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from services.mapping.places.hours import (
    InvalidHours,
    Opening,
    checked,
    next_opening,
    open_at,
    read,
    times,
    week_of,
)

ROME = ZoneInfo("Europe/Rome")
MORNING = Opening("FREQ=WEEKLY;BYDAY=MO,WE,FR", time(9), time(12, 30))


def kept(*openings: Opening) -> list[dict[str, Any]]:
    return checked(openings)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ("2026-03-02T09:00", True),
        ("2026-03-02T08:59", False),
        ("2026-03-02T12:29", True),
        ("2026-03-02T12:30", False),
        ("2026-03-03T10:00", False),
    ],
)
def test_open_from_the_first_minute_to_the_last_exclusive(instant: str, is_open: bool) -> None:
    assert open_at(kept(MORNING), at(instant)) is is_open


def test_nobody_has_said_is_not_closed() -> None:
    assert open_at([], at("2026-03-02T10:00")) is None
    assert next_opening([], at("2026-03-02T10:00")) is None


def test_hours_are_italian_in_summer_and_in_winter() -> None:
    for day, utc in ((date(2026, 3, 27), 8), (date(2026, 3, 30), 7)):  # Friday and Monday around the change
        [one] = times(kept(MORNING), day, day)
        assert one.opens_at.astimezone(UTC).hour == utc


def test_the_week_is_told_from_monday_to_sunday() -> None:
    monday, sunday = week_of(datetime(2026, 3, 1, 22, 59, tzinfo=UTC))  # still Sunday in Italy
    assert (monday, sunday) == (date(2026, 2, 23), date(2026, 3, 1))
    assert week_of(datetime(2026, 3, 1, 23, 0, tzinfo=UTC))[0] == date(2026, 3, 2)
    afternoon = Opening("FREQ=WEEKLY;BYDAY=WE", time(15), time())
    found = times(kept(MORNING, afternoon), date(2026, 3, 2), date(2026, 3, 8))
    assert [(f"{o.opens_at:%a %H:%M}", f"{o.closes_at:%a %H:%M}") for o in found] == [
        ("Mon 09:00", "Mon 12:30"),
        ("Wed 09:00", "Wed 12:30"),
        ("Wed 15:00", "Thu 00:00"),
        ("Fri 09:00", "Fri 12:30"),
    ]


def test_openings_that_touch_are_one() -> None:
    found = times(kept(MORNING, Opening("FREQ=WEEKLY;BYDAY=MO", time(12, 30), time(14))), *[date(2026, 3, 2)] * 2)
    assert [(o.opens_at.hour, o.closes_at.hour) for o in found] == [(9, 14)]


def test_the_next_opening_is_the_one_that_runs_or_the_first_to_come() -> None:
    running = next_opening(kept(MORNING), at("2026-03-02T10:00"))
    assert running is not None
    assert running.opens_at == at("2026-03-02T09:00")
    coming = next_opening(kept(MORNING), at("2026-03-06T13:00"))  # Friday afternoon
    assert coming is not None
    assert coming.opens_at == at("2026-03-09T09:00")
    yearly = Opening("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=14", time(9), time(10))
    valentine = next_opening(kept(yearly), at("2026-03-01T00:00"))
    assert valentine is not None
    assert valentine.opens_at == at("2027-02-14T09:00")


def test_every_second_week_is_counted_from_the_day_that_is_said() -> None:
    fortnight = Opening("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", time(9), time(10), since=date(2026, 3, 5))
    found = times(kept(fortnight), date(2026, 3, 1), date(2026, 4, 1))
    assert [o.opens_at.date() for o in found] == [date(2026, 3, 17), date(2026, 3, 31)]


def test_from_and_until_bound_an_opening() -> None:
    summer = Opening("FREQ=DAILY", time(9), time(10), since=date(2026, 6, 1), until=date(2026, 6, 4))
    found = times(kept(summer), date(2026, 5, 20), date(2026, 6, 20))
    assert [o.opens_at.day for o in found] == [1, 2, 3]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=1",
        "FREQ=DAILY;COUNT=3",
        "FREQ=DAILY;BYSECOND=1",
        "FREQ=DAILY;BYHOUR=1,2",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=MONTHLY",
        "FREQ=YEARLY;BYDAY=MO",
        "FREQ=YEARLY;BYYEARDAY=1",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=999999999999",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;UNTIL=2026",
        "DTSTART:20260101\nFREQ=DAILY",
        "FREQ=DAILY;BYDAY=XX",
        "",
        "FREQ=DAILY;" * 40,
        "\0",
    ],
)
def test_what_is_no_rule_of_days_is_refused_with_what_would_do(rule: str) -> None:
    with pytest.raises(InvalidHours) as refused:
        read(rule)
    assert refused.value.accepted


def test_numbered_and_plain_weekdays_stand_side_by_side() -> None:
    days = read("FREQ=MONTHLY;BYDAY=1MO,WE")
    assert [n for n in range(1, 15) if days.on(date(2026, 3, n), None)] == [2, 4, 11]


def test_a_rule_that_never_comes_true_costs_nothing() -> None:
    never = [Opening("FREQ=MONTHLY;BYMONTHDAY=30;BYMONTH=2", time(9), time(10)) for _ in range(50)]
    began = clock.perf_counter()
    assert next_opening(kept(*never), at("2026-03-02T10:00")) is None
    assert clock.perf_counter() - began < 1.0


@pytest.mark.parametrize(
    ("opening", "path"),
    [
        (Opening("FREQ=DAILY", time(9), time(9)), "/hours/0/closes"),
        (Opening("FREQ=DAILY", time(9), time(8)), "/hours/0/closes"),
        (Opening("FREQ=DAILY;INTERVAL=2", time(9), time(10)), "/hours/0/since"),
        (Opening("FREQ=DAILY", time(9), time(10), since=date(1, 1, 1)), "/hours/0/since"),
        (Opening("FREQ=DAILY", time(9), time(10), date(2026, 1, 2), date(2026, 1, 2)), "/hours/0/until"),
    ],
)
def test_hours_that_cannot_be_name_their_field(opening: Opening, path: str) -> None:
    with pytest.raises(InvalidHours) as refused:
        checked([opening])
    assert refused.value.path == path


WEEKDAYS = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, unique=True).map(",".join)
ORDINALS = st.lists(st.sampled_from(["1MO", "2TU", "-1FR", "5SU", "-2WE"]), min_size=1, unique=True).map(",".join)
"""Without plain weekdays beside them: dateutil asks for both at once then, and never finds a day."""
MONTH_DAYS = st.lists(st.integers(-28, 28).filter(bool), min_size=1, max_size=4, unique=True).map(
    lambda days: ",".join(map(str, days))
)
INTERVALS = st.integers(1, 5)
RULES = st.one_of(
    st.builds("FREQ=DAILY;INTERVAL={}".format, INTERVALS),
    st.builds("FREQ=WEEKLY;INTERVAL={};BYDAY={}".format, INTERVALS, WEEKDAYS),
    st.builds("FREQ=MONTHLY;INTERVAL={};BYDAY={}".format, INTERVALS, ORDINALS),
    st.builds("FREQ=MONTHLY;INTERVAL={};BYMONTHDAY={}".format, INTERVALS, MONTH_DAYS),
    st.builds("FREQ=YEARLY;BYMONTH=2,7;BYMONTHDAY={}".format, MONTH_DAYS),
)


@settings(deadline=None)
@given(RULES, st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_the_days_are_those_of_the_standard(rule: str, since: date) -> None:
    """As python-dateutil, which reads RFC 5545 for the whole world, unfolds the same rule."""
    begins, ends = datetime.combine(since, time()), datetime.combine(since + timedelta(days=366), time())
    standard = {found.date() for found in rrulestr(rule, dtstart=begins).between(begins, ends, inc=True)}
    days = read(rule)
    ours = {day for n in range(367) if days.on(day := since + timedelta(days=n), since)}
    assert ours == standard
