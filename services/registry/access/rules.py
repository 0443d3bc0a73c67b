"""Signing in: whom a mailed link or another provider's statement lets in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.registry.people.rules import Person

AT_ONCE = 3
"""Links that one person may be mailed within AGAIN: nobody's mailbox can be filled from here."""
AGAIN = timedelta(minutes=15)


class LinkSpent(Exception):
    """The request that the link names was used, has run out, or is for an address that the person no longer has."""


class NobodyKnown(Exception):
    """The provider says who signed in, and no person has that identity or that verified address."""


class SeveralPeople(Exception):
    """Several people share the address, so it does not say who signed in."""


class AddressUnverified(Exception):
    """The provider does not vouch for the address, and the identity is not known yet."""


class UnknownProvider(Exception):
    """No provider of this name is configured, or none whose statement this is."""


class SignInFailed(Exception):
    """The browser came back from the provider without what it was sent for."""


@dataclass(eq=False)
class SignInRequest:
    """A link was asked for; what it names is used once, until `expires_at` (wall time)."""

    person_id: UUID
    email_sha256: str
    requested_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)

    def check(self, person: Person, now: datetime) -> None:
        """Raises LinkSpent. The link proves one mailbox: not another that the person has been given since."""
        same = person.email is not None and digest(person.email) == self.email_sha256
        if self.used_at is not None or now >= self.expires_at or not same or person.erased_at is not None:
            raise LinkSpent

    def use(self, person: Person, now: datetime) -> None:
        """Once. Raises LinkSpent."""
        self.check(person, now)
        self.used_at = now


def digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()


def only(people: Sequence[Person], vouched: bool) -> Person:
    """Who a first statement of a provider is about: the one person with the address for which it vouches."""
    if not vouched:
        raise AddressUnverified
    if not people:
        raise NobodyKnown
    if len(people) > 1:
        raise SeveralPeople
    return people[0]
