from datetime import date, timedelta

import pytest

from services.notify.commitments import rules

DUE = date(2024, 10, 10)


@pytest.mark.parametrize(("state", "owed"), [("open", True), ("late", True), ("fulfilled", False), ("waived", False)])
def test_what_is_kept_or_waived_asks_nothing_any_more(state: str, owed: bool) -> None:
    assert rules.outstanding(state) is owed
    assert rules.overdue(state, DUE, DUE + timedelta(days=1)) is owed


def test_the_day_itself_is_included() -> None:
    assert not rules.overdue("open", DUE, DUE)
    assert rules.overdue("open", DUE, DUE + timedelta(days=1))
    assert not rules.overdue("late", DUE + timedelta(days=9), DUE), "it was moved"
