"""Secret addresses of calendars: of one's own invitations, of a body's meetings, of a network's.

A feed is a person's. Whoever has its address reads it, as calendar programs do, which cannot sign in; so the address is
random (256 bits), shown once, kept as a hash, and its owner can have another one or end it. What it shows is asked
anew at each reading: a body's feed ends with the mandate by which its owner may read the body's meetings.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from services.events.invitations.rules import Reply
from services.events.invitations.rules import State as InvitationState
from services.events.meetings.rules import State as MeetingState
from shared.calendars import Status

BACK, AHEAD = timedelta(days=365), timedelta(days=730)
"""Meetings that a feed shows, around now."""
CANCELLED_FOR = timedelta(days=7)
"""So long after it would have been over is a meeting that is off still shown as such: programs that look rarely learn
that it is, and nobody's calendar fills with what was not."""
MOST = 50
"""Of one person at a time."""


class Kind(StrEnum):
    PERSON = "person"
    BODY = "body"
    NETWORK = "network"


class UnknownFeed(Exception):
    """No feed has this id or this secret, or none that the caller may know of."""


class FeedEnded(Exception):
    """It was revoked, or its owner may not read these meetings any more."""


class TooMany(Exception):
    """Its owner has as many as one may have."""

    def __init__(self) -> None:
        super().__init__(f"{MOST}")
        self.accepted = f"at most {MOST}"


class OnlyPeople(Exception):
    """A partner's key is nobody whose calendar this could be."""


@dataclass(eq=False)
class Feed:
    """`secret_sha256` is all that is kept of its address. `read_on` is the last day on which it was read."""

    kind: Kind
    person_id: UUID
    language: str
    created_at: datetime
    network_id: UUID | None = None
    body_id: UUID | None = None
    secret_sha256: str = ""
    revoked_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def renew(self) -> str:
        """A new secret; the old one is worth nothing from now on. Raises FeedEnded."""
        if self.revoked_at is not None:
            raise FeedEnded
        secret = secrets.token_urlsafe(32)
        self.secret_sha256 = digest(secret)
        return secret

    def revoke(self, now: datetime) -> None:
        """For good; once more changes nothing."""
        self.revoked_at = self.revoked_at or now

    def actions(self) -> list[str]:
        return [] if self.revoked_at is not None else ["rotate", "revoke"]


def digest(secret: str) -> str:
    """What is kept of a secret. It is random: no salt, no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a meeting stands in somebody's calendar. `free`: it takes none of their time; `joins`: they may be told where
    one connects."""

    status: Status
    free: bool = False
    joins: bool = False


def standing(
    meeting: MeetingState, invitation: InvitationState | None, answer: Reply | None, *, waiting: bool
) -> Standing:
    """Of a meeting for who is invited (`invitation`), or for who reads a body's calendar (None)."""
    if meeting is MeetingState.CANCELLED or invitation is InvitationState.WITHDRAWN:
        return Standing(Status.CANCELLED, free=True)
    if invitation is None:
        return Standing(Status.CONFIRMED)
    if answer in (Reply.NO, Reply.DELEGATED):
        return Standing(Status.CONFIRMED, free=True, joins=True)  # who changes their mind may still come
    if waiting or answer is not Reply.YES:
        return Standing(Status.TENTATIVE, joins=not waiting)
    return Standing(Status.CONFIRMED, joins=True)
