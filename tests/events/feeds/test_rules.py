"""How a meeting stands in somebody's calendar, and what becomes of a feed's secret."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.events.feeds.rules import Feed, FeedEnded, Kind, digest, standing
from services.events.invitations.rules import Reply
from services.events.invitations.rules import State as InvitationState
from services.events.meetings.rules import State as MeetingState
from shared.calendars import Status

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
ISSUED, WITHDRAWN = InvitationState.ISSUED, InvitationState.WITHDRAWN
CONVENED, HELD, CANCELLED = MeetingState.CONVENED, MeetingState.HELD, MeetingState.CANCELLED


@pytest.mark.parametrize(
    ("meeting", "invitation", "answer", "waiting", "stands"),
    [
        (CONVENED, ISSUED, None, False, (Status.TENTATIVE, False, True)),
        (CONVENED, ISSUED, Reply.PERHAPS, False, (Status.TENTATIVE, False, True)),
        (CONVENED, ISSUED, Reply.YES, False, (Status.CONFIRMED, False, True)),
        (CONVENED, ISSUED, Reply.YES, True, (Status.TENTATIVE, False, False)),
        (CONVENED, ISSUED, Reply.NO, False, (Status.CONFIRMED, True, True)),
        (CONVENED, ISSUED, Reply.DELEGATED, False, (Status.CONFIRMED, True, True)),
        (HELD, ISSUED, Reply.YES, False, (Status.CONFIRMED, False, True)),
        (CONVENED, WITHDRAWN, Reply.YES, False, (Status.CANCELLED, True, False)),
        (CANCELLED, ISSUED, Reply.YES, False, (Status.CANCELLED, True, False)),
        (CONVENED, None, None, False, (Status.CONFIRMED, False, False)),
        (CANCELLED, None, None, False, (Status.CANCELLED, True, False)),
    ],
)
def test_a_meeting_stands_as_its_person_has_answered(
    meeting: MeetingState,
    invitation: InvitationState | None,
    answer: Reply | None,
    waiting: bool,
    stands: tuple[Status, bool, bool],
) -> None:
    found = standing(meeting, invitation, answer, waiting=waiting)
    assert (found.status, found.free, found.joins) == stands


def test_a_secret_is_kept_as_a_hash_and_replaced_whole() -> None:
    feed = Feed(Kind.PERSON, UUID(int=1), "it", NOW)
    first, second = feed.renew(), feed.renew()
    assert first != second
    assert len(first) == 43
    assert feed.secret_sha256 == digest(second)
    assert first not in vars(feed).values()


def test_a_revoked_feed_gets_no_other_secret() -> None:
    feed = Feed(Kind.PERSON, UUID(int=1), "it", NOW)
    feed.renew()
    assert feed.actions() == ["rotate", "revoke"]
    feed.revoke(NOW)
    feed.revoke(datetime(2027, 1, 1, tzinfo=UTC))
    assert feed.revoked_at == NOW
    assert feed.actions() == []
    with pytest.raises(FeedEnded):
        feed.renew()
