import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.notify.messages import rules, words

START = datetime(2024, 9, 12, 13, 30, tzinfo=UTC)


def test_a_period_is_told_by_the_clocks_of_italy() -> None:
    assert words.period(START, START + timedelta(hours=2), "it") == (
        "giovedì 12 settembre 2024, dalle 15:30 alle 17:30 (ora italiana)"
    )
    assert words.period(START, START + timedelta(hours=2), "en") == (
        "Thursday, September 12, 2024, from 15:30 to 17:30 (Italian time)"
    )


@pytest.mark.parametrize(
    ("on", "article", "expected"),
    [
        (date(2024, 9, 12), "il", "il 12 settembre 2024"),
        (date(2024, 11, 8), "il", "l'8 novembre 2024"),
        (date(2024, 11, 11), "al", "all'11 novembre 2024"),
        (date(2024, 11, 18), "dal", "dal 18 novembre 2024"),
        (datetime(2024, 11, 7, 23, 30, tzinfo=UTC), "del", "dell'8 novembre 2024"),
    ],
)
def test_a_day_has_its_article_in_italian(on: date, article: str, expected: str) -> None:
    assert words.dated(on, article, "it") == expected


@pytest.mark.parametrize(
    "path", sorted(words.TEMPLATES.rglob("it/*")), ids=lambda path: f"{path.parts[-3]}/{path.name}"
)
def test_no_template_writes_an_article_before_a_day_itself(path: Path) -> None:
    assert not re.search(r"\b(il|al|del|dal)\s+\{\{[^}]*\| day\(", path.read_text())


def test_a_period_over_midnight_names_both_days() -> None:
    late = datetime(2024, 12, 31, 21, 0, tzinfo=UTC)
    assert words.period(late, late + timedelta(hours=3), "it") == (
        "martedì 31 dicembre 2024 alle 22:00 – mercoledì 1 gennaio 2025 alle 01:00 (ora italiana)"
    )


def test_the_hour_follows_the_summer_time() -> None:
    assert words.hour(datetime(2024, 10, 26, 13, tzinfo=UTC), "it") == "15:00"
    assert words.hour(datetime(2024, 10, 27, 13, tzinfo=UTC), "it") == "14:00"


@pytest.mark.parametrize(
    ("days", "italian", "english"),
    [(-1, "oggi", "today"), (0, "oggi", "today"), (1, "domani", "tomorrow"), (14, "fra 14 giorni", "in 14 days")],
)
def test_days_are_counted_as_people_do(days: int, italian: str, english: str) -> None:
    on = date(2024, 9, 12)
    assert words.countdown(on + timedelta(days=days), on, "it") == italian
    assert words.countdown(on + timedelta(days=days), on, "en") == english


def test_a_link_lasts_as_long_as_the_domain_has_time_left_and_at_least_a_day() -> None:
    now, wall = START, datetime(2026, 11, 22, tzinfo=UTC)
    assert rules.link_until(now + timedelta(days=9), now, wall) == wall + timedelta(days=9)
    assert rules.link_until(now + timedelta(hours=2), now, wall) == wall + timedelta(days=1)
    assert rules.link_until(now - timedelta(days=700), now, wall) == wall + timedelta(days=1)


def test_what_falls_late_together_is_told_together() -> None:
    network, due = UUID(int=1), date(2024, 10, 10)
    told = rules.lateness_told(network, due, date(2024, 10, 11))
    assert told == rules.lateness_told(network, due, date(2024, 10, 11))
    assert told != rules.lateness_told(network, due, date(2024, 12, 1)), "entered after its own day"
    assert told != rules.lateness_told(network, date(2024, 10, 11), date(2024, 10, 11))
