from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.notify.messages import rules

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("preferred", "used"), [("it", "it"), ("en", "en"), ("de", "it"), ("", "it"), (None, "it"), ("EN", "it")]
)
def test_who_reads_neither_language_reads_italian(preferred: str | None, used: str) -> None:
    assert rules.language_of(preferred) == used


@pytest.mark.parametrize(
    ("left", "late"), [(timedelta(minutes=15), False), (timedelta(seconds=30), False), (timedelta(seconds=29), True)]
)
def test_a_link_that_nobody_could_open_in_time_is_not_sent(left: timedelta, late: bool) -> None:
    assert rules.too_late(NOW + left, NOW) is late


def test_a_mandate_ended_on_its_first_day_never_began() -> None:
    day = date(2026, 11, 22)
    assert rules.never_began(day, day)
    assert rules.never_began(day, day - timedelta(days=1))
    assert not rules.never_began(day, day + timedelta(days=1))
    assert not rules.never_began(day, None)


def test_an_import_is_reported_once_to_each_in_the_secretariat_and_to_who_asked() -> None:
    first, second, third = (UUID(int=n) for n in (1, 2, 3))
    assert rules.audience_of_import([second, first], third) == [first, second, third]
    assert rules.audience_of_import([second, first, second], first) == [first, second]
    assert rules.audience_of_import([], None) == []


def test_topics_and_roles_have_words_in_both_languages() -> None:
    for topic in rules.TOPICS.values():
        assert all(topic.label)
    assert set(rules.MEANING) == set(rules.ROLES)
    for words in (*rules.ROLES.values(), *rules.MEANING.values()):
        assert len(words) == 2
        assert words[0] != words[1] or words[0] == "community maker"  # which Italian says as English does


def test_words_follow_the_language() -> None:
    assert rules.in_language(("uno", "one"), "it") == "uno"
    assert rules.in_language(("uno", "one"), "en") == "one"
