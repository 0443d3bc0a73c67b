from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.mandates.rules import ends, held

SINCE, UNTIL = date(2026, 1, 1), date(2026, 6, 1)


@pytest.mark.parametrize(
    ("until", "holds_over", "ended_on", "expected"),
    [
        (None, False, None, None),
        (UNTIL, False, None, UNTIL),
        (UNTIL, True, None, None),
        (UNTIL, True, date(2026, 8, 1), date(2026, 8, 1)),
        (UNTIL, False, date(2026, 3, 1), date(2026, 3, 1)),
        (None, False, date(2026, 3, 1), date(2026, 3, 1)),
        (UNTIL, False, date(2025, 12, 1), SINCE),
    ],
)
def test_a_decided_end_wins_over_the_term_and_prorogatio_leaves_it_open(
    until: date | None, holds_over: bool, ended_on: date | None, expected: date | None
) -> None:
    assert ends(SINCE, until, holds_over=holds_over, ended_on=ended_on) == expected


@pytest.mark.parametrize(
    ("on", "expected"),
    [(SINCE - timedelta(days=1), False), (SINCE, True), (UNTIL - timedelta(days=1), True), (UNTIL, False)],
)
def test_a_mandate_is_held_from_its_first_day_until_the_day_of_its_end(on: date, expected: bool) -> None:
    assert held(SINCE, UNTIL, on) is expected


@given(st.dates(), st.dates(), st.dates())
def test_a_mandate_that_ended_before_it_began_was_never_held(since: date, ended_on: date, on: date) -> None:
    if ended_on <= since:
        assert not held(since, ends(since, None, holds_over=False, ended_on=ended_on), on)
