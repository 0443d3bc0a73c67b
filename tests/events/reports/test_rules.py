"""Percents, the life of a report, and what a composition's groups take: without a loop."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.reports.rules import NotPossibleNow, Report, State, percent

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def report() -> Report:
    return Report(uuid4(), 1, "Relazione", "it", ["participation"], [], "0" * 64, "1" * 64, NOW, series_id=uuid4())


def test_shares_are_rounded_one_by_one_and_need_not_make_a_hundred() -> None:
    shares = [percent(count, 95) for count in (57, 11, 10, 6, 11)]
    assert shares == [60, 12, 11, 6, 12]
    assert sum(share or 0 for share in shares) == 101


def test_a_half_is_rounded_up_and_nothing_has_no_share() -> None:
    assert (percent(1, 8), percent(1, 200), percent(0, 7), percent(7, 7)) == (13, 1, 0, 100)
    assert percent(0, 0) is None


@given(of=st.integers(1, 10**6), data=st.data())
def test_a_percent_is_never_further_than_half_a_point_from_its_share(of: int, data: Any) -> None:
    count = data.draw(st.integers(0, of))
    rounded = percent(count, of)
    assert rounded is not None
    assert Fraction(-1, 2) < rounded - Fraction(100 * count, of) <= Fraction(1, 2)


def test_a_report_is_released_once_and_what_was_withdrawn_does_not_come_back() -> None:
    one, by = report(), uuid4()
    assert one.actions() == ["release"]
    with pytest.raises(NotPossibleNow):
        one.withdraw(by, NOW)
    one.release(by, NOW)
    assert (one.state, one.released_by, one.released_at, one.actions()) == (State.RELEASED, by, NOW, ["withdraw"])
    with pytest.raises(NotPossibleNow):
        one.release(by, NOW)
    one.withdraw(by, NOW)
    assert (one.state, one.withdrawn_by, one.withdrawn_at, one.actions()) == (State.WITHDRAWN, by, NOW, [])
    with pytest.raises(NotPossibleNow):
        one.release(by, NOW)
