from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from services.registry.access_requests.rules import AccessRequest, ArchiveGone, NotReady, State, TooWeak, actions
from shared.access.roles import Level

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def request() -> AccessRequest:
    return AccessRequest(uuid4(), uuid4(), NOW, "it", None, "{}")


@pytest.mark.parametrize("level", [Level.KEY, Level.LINK])
def test_who_came_by_a_link_or_a_key_does_not_get_the_archive(level: Level) -> None:
    asked = request()
    asked.ready(NOW)
    with pytest.raises(TooWeak):
        asked.hand_over(level, [])
    asked.hand_over(Level.MAILBOX, [])
    asked.hand_over(Level.OIDC, [])


def test_the_archive_is_kept_for_thirty_days_and_its_key_with_it() -> None:
    asked = request()
    with pytest.raises(NotReady) as refused:
        asked.hand_over(Level.OIDC, ["notify"])
    assert refused.value.services == ["notify"]
    asked.ready(NOW)
    assert (asked.state, asked.until) == (State.READY, NOW + timedelta(days=30))
    assert asked.close(date(2026, 3, 31))
    assert (asked.private_key, asked.closed_on) == (None, date(2026, 3, 31))
    assert not asked.close(date(2026, 4, 1))
    with pytest.raises(ArchiveGone):
        asked.hand_over(Level.OIDC, [])


def test_what_can_be_done_follows_from_the_state() -> None:
    asked = request()
    assert actions(asked) == ["close"]
    asked.ready(NOW)
    assert actions(asked) == ["download", "close"]
    asked.close(date(2026, 3, 31))
    assert actions(asked) == []
