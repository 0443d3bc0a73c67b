"""Access requests: a person's data from all services in one archive (GDPR art. 15 and 20), for a while.

Every service seals its part for a key made for the request. The archive is kept for 30 days; then it goes, and the key
with it: what the streams and backups still have of the parts can be opened by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access.roles import Level

KEPT = timedelta(days=30)


class State(StrEnum):
    GATHERING = "gathering"  # some services have not given their part
    READY = "ready"
    CLOSED = "closed"  # archive and key are gone


class UnknownRequest(Exception):
    """Nothing has this id that the caller may know of."""


class RequestRuns(Exception):
    """The archive that was asked for before is still being made."""

    def __init__(self, request_id: UUID) -> None:
        super().__init__(str(request_id))
        self.request_id = request_id


class NotReady(Exception):
    """Not all services have given their part."""

    def __init__(self, services: list[str]) -> None:
        super().__init__(", ".join(services))
        self.services = services


class ArchiveGone(Exception):
    """The archive was kept until that day."""

    def __init__(self, closed_on: date | None) -> None:
        super().__init__(str(closed_on))
        self.closed_on = closed_on


class TooWeak(Exception):
    """Whoever has a mailed page may not take everything that is kept of somebody: they sign in first."""

    def __init__(self, level: Level) -> None:
        super().__init__(level.label)
        self.level, self.path, self.accepted = level.label, "Authorization", [Level.MAILBOX.label, Level.OIDC.label]


@dataclass(eq=False)
class AccessRequest:
    """`private_key`: a JWK, as long as the archive is kept. `language`: in which the index is written."""

    person_id: UUID
    network_id: UUID
    requested_at: datetime
    language: str
    requested_by: UUID | None
    private_key: str | None
    correlation: UUID | None = None
    state: State = State.GATHERING
    ready_at: datetime | None = None
    until: datetime | None = None
    closed_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def ready(self, now: datetime) -> None:
        self.state, self.ready_at, self.until = State.READY, now, now + KEPT

    def close(self, on: date) -> bool:
        """Forgets the key; False when that was done."""
        if self.state is State.CLOSED:
            return False
        self.state, self.closed_on, self.private_key = State.CLOSED, on, None
        return True

    def hand_over(self, level: Level, lacking: list[str]) -> None:
        """Raises TooWeak, ArchiveGone, NotReady."""
        if level < Level.MAILBOX:
            raise TooWeak(level)
        if self.state is State.CLOSED:
            raise ArchiveGone(self.closed_on)
        if self.state is State.GATHERING:
            raise NotReady(lacking)


def actions(request: AccessRequest) -> list[str]:
    return {State.GATHERING: ["close"], State.READY: ["download", "close"], State.CLOSED: []}[request.state]
