from datetime import UTC, datetime, timedelta

from services.notify.meetings import rules

START = datetime(2024, 9, 12, 13, 30, tzinfo=UTC)
END = START + timedelta(hours=2)


def test_a_meeting_is_to_come_until_it_ends() -> None:
    assert rules.to_come("convened", END, START)
    assert rules.to_come("convened", END, END - timedelta(seconds=1))
    assert not rules.to_come("convened", END, END)
    assert not rules.to_come("cancelled", END, START)
    assert not rules.to_come("held", END, START)


def test_nobody_is_reminded_of_what_has_begun() -> None:
    assert rules.about_to_begin("convened", START, START - timedelta(seconds=1))
    assert not rules.about_to_begin("convened", START, START)
    assert not rules.about_to_begin("cancelled", START, START - timedelta(days=1))
