"""Credentials: what is attested to a person, by which achievement it was earned, and how long it holds.

An achievement is what can be earned: bound to a path, whoever completes the path has earned it; bound to none, it is
given by hand, for a reason. A credential is issued once for each time that somebody earned it, and is good until the
day it expires or is revoked. Whoever has the address of its page can verify it; its holder is named there only if they
said so.
"""

from __future__ import annotations

import secrets
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7


class State(StrEnum):
    ISSUED = "issued"
    REVOKED = "revoked"


class Standing(StrEnum):
    """What a verifier is told on a day."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class UnknownAchievement(Exception):
    """No achievement has this id, or none that the caller may see."""


class UnknownCredential(Exception):
    """No credential has this id or this address, or none that the caller may see."""


class NoLonger(Exception):
    """The credential was of somebody who has been erased: there is nothing to be said about it any more."""


class Retired(Exception):
    """The achievement is given to nobody any more."""


class HasIt(Exception):
    """The person holds it already, and it is good."""

    def __init__(self, credential_id: UUID) -> None:
        super().__init__(str(credential_id))
        self.path, self.accepted = "/person_id", "somebody who does not hold it; or once the one they hold is revoked"


class RevokedAlready(Exception):
    """It is revoked already."""

    def __init__(self, on: date) -> None:
        super().__init__(str(on))
        self.revoked_on = on


class NotTheHolder(Exception):
    """Whether a name is shown, its bearer alone decides."""


def later(on: date, months: int) -> date:
    """So many months after a day: the same day of the month, or the last one that the month has."""
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    return date(year, month + 1, min(on.day, monthrange(year, month + 1)[1]))


@dataclass(eq=False)
class Achievement:
    """What can be earned; `months` is how long a credential of it holds, None: for good."""

    network_id: UUID
    title: str
    description: str
    criteria: str
    months: int | None = None
    path_id: UUID | None = None
    retired_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def change(self, changes: Mapping[str, Any]) -> bool:
        """What is attested already says what it said when it is read: the credentials point here. Raises Retired."""
        self.require_open()
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)

    def retire(self, on: date) -> None:
        self.require_open()
        self.retired_on = on

    def require_open(self) -> None:
        if self.retired_on is not None:
            raise Retired(self.id)

    def expiry(self, issued_on: date) -> date | None:
        """The last day on which a credential that is issued that day holds."""
        return None if self.months is None else later(issued_on, self.months)


@dataclass(eq=False)
class Credential:
    """`code` is the address of its page, which nobody guesses; `salt` hides the holder's name in the signed form.
    `enrolment_id` and `attempt` say by which completion of a path it was earned; `reason`, why it was given by hand."""

    achievement_id: UUID
    network_id: UUID
    person_id: UUID | None  # None: the person was erased
    issued_at: datetime
    issued_on: date
    expires_on: date | None = None
    path_id: UUID | None = None
    enrolment_id: UUID | None = None
    attempt: int | None = None
    reason: str | None = None
    given_by: UUID | None = None
    named: bool = False
    state: State = State.ISSUED
    revoked_on: date | None = None
    revoked_for: str | None = None
    revoked_by: UUID | None = None
    place: int | None = None
    """In the status lists, given by the database; never used twice."""
    code: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    salt: str = field(default_factory=lambda: secrets.token_hex(16))
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def standing(self, on: date) -> Standing:
        """The day in `expires_on` is still good."""
        if self.state is State.REVOKED:
            return Standing.REVOKED
        if self.expires_on is not None and self.expires_on < on:
            return Standing.EXPIRED
        return Standing.VALID

    def revoke(self, on: date, reason: str, by: UUID | None) -> None:
        """Raises RevokedAlready."""
        if self.state is State.REVOKED:
            raise RevokedAlready(self.revoked_on or on)
        self.state, self.revoked_on, self.revoked_for, self.revoked_by = State.REVOKED, on, reason, by

    def name(self, shown: bool) -> bool:
        """Whether the holder's name is shown from now on; False when that is so already."""
        changed = self.named is not shown
        self.named = shown
        return changed


def give(
    achievement: Achievement, person_id: UUID, now: datetime, on: date, *, reason: str, by: UUID | None
) -> Credential:
    """By hand. Raises Retired."""
    achievement.require_open()
    return Credential(
        achievement.id,
        achievement.network_id,
        person_id,
        now,
        on,
        achievement.expiry(on),
        path_id=achievement.path_id,
        reason=reason,
        given_by=by,
    )


def actions(credential: Credential, reader: UUID | None, *, may_revoke: bool) -> list[str]:
    """What the reader may do with it."""
    own = reader is not None and reader == credential.person_id
    good = credential.state is State.ISSUED
    return [name for name, yes in (("name", own), ("revoke", may_revoke and good)) if yes]
