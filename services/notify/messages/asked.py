"""What a message asks for while it is put into words: what is known, which day it is, a link for its reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol
from uuid import UUID

from services.notify.messages import rules
from services.notify.messages.queries import Known
from shared.access.actor import ROME


class TooLate(Exception):
    """What the message says has no use any more."""


class MintLink(Protocol):
    def __call__(self, audience: str, purpose: str, subject: UUID, expires: datetime, **claims: Any) -> str:
        """The token of a link for that service."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One delivery to be put into words. `given` are its parameters, `now` is the domain clock's, `wall` is wall time,
    by which links expire; `home` is where people reach the platform. A link names its person where somebody else can
    follow them in what it lets them do."""

    given: Mapping[str, Any]
    network_id: UUID | None
    known: Known
    language: str
    wall: datetime
    now: datetime
    home: str
    mint: MintLink
    person_id: UUID | None = None

    @property
    def today(self) -> date:
        return self.now.astimezone(ROME).date()

    def id(self, parameter: str) -> UUID:
        return UUID(self.given[parameter])

    def link(self, audience: str, path: str, purpose: str, subject: UUID, expires: datetime, **claims: Any) -> str:
        """`expires` is wall time."""
        token = self.mint(audience, purpose, subject, expires, **claims)
        return f"{self.home}/{audience}/v1/{path}?token={token}"

    def until(self, instant: datetime) -> datetime:
        return rules.link_until(instant, self.now, self.wall)


def end_of(day: date) -> datetime:
    """The midnight at which that day is over in Italy."""
    return datetime.combine(day + timedelta(days=1), time(), ROME)
