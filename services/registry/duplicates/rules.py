"""Two records of one person: what makes one suspect it, what stands in the way, and what the one that remains takes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.registry.mandates.rules import Mandate
from services.registry.people.rules import Person


class Reason(StrEnum):
    """What two people of the same name have in common."""

    SAME_MAILBOX = "same_mailbox"
    SAME_PHONE = "same_phone"
    SAME_ORGANISATION = "same_organisation"


class SamePerson(Exception):
    """A record is no duplicate of itself."""


class UnknownSurvivor(Exception):
    """Nobody has this id whom the caller may know of, or they have been erased."""


class KnownElsewhere(Exception):
    """Another network knows one of them, too: only who may merge people in every such network can say that they are
    one. Otherwise a network could give somebody of its own the offices that a person holds elsewhere."""


class UnderErasure(Exception):
    """One of them is in quarantine, or their erasure is under way."""


class BothHold(Exception):
    """Both hold the same office on one of these days: `first` of the one that goes, `second` of the one that stays."""

    def __init__(self, first: Mandate, second: Mandate) -> None:
        super().__init__(f"mandates {first.id} and {second.id}")
        self.first, self.second = first.id, second.id
        self.role = first.role


def clashes(going: Iterable[Mandate], staying: Iterable[Mandate]) -> list[tuple[Mandate, Mandate]]:
    """The mandates by which one person would hold the same office twice on one day."""
    kept = list(staying)
    return [(one, other) for one in going for other in kept if one.office == other.office and one.overlaps(other)]


def taken(going: Person, staying: Person) -> dict[str, Any]:
    """What the one that stays takes over: how they are reached, where nothing was known; a mailbox that was verified
    counts as verified for both."""
    found: dict[str, Any] = {}
    if staying.email is None and going.email is not None:
        found |= {"email": going.email, "email_verified_at": going.email_verified_at}
    elif staying.email == going.email and staying.email_verified_at is None and going.email_verified_at is not None:
        found |= {"email_verified_at": going.email_verified_at}
    if staying.phone is None and going.phone is not None:
        found |= {"phone": going.phone}
    return found


def merge(going: Person, staying: Person, now: datetime) -> bool:
    """What is left of the one is a row that names the other; True when the other has changed, too."""
    found = taken(going, staying)
    for name, value in found.items():
        setattr(staying, name, value)
    going.merge_into(staying.id, now)
    return bool(found)


def require_two(going: UUID, staying: UUID) -> None:
    if going == staying:
        raise SamePerson
