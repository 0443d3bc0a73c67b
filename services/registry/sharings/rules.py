"""What a network may share with another one, from which day until which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access.actor import EARLIEST, LATEST


class What(StrEnum):
    """What may be shared. Contacts are those that the network notes of its members: they say nothing without these."""

    MEMBERS = "members"
    CONTACTS = "contacts"
    PLACES = "places"
    RESOURCES = "resources"
    EXPERIENCES = "experiences"
    PRACTICES = "practices"


class State(StrEnum):
    COMING = "coming"
    IN_FORCE = "in_force"
    ENDED = "ended"


class InvalidSharing(Exception):
    """A field holds what it may not; `path` is the field, `code` a stable word, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = f"/{path}", code, accepted


class SharedAlready(Exception):
    """The two networks have a sharing on one of these days: it is to be changed, or ended first."""

    def __init__(self, sharing_id: UUID) -> None:
        super().__init__(str(sharing_id))
        self.sharing_id = sharing_id


class SharingOver(Exception):
    """It has ended, and stays as it was: share anew."""


@dataclass(eq=False)
class Sharing:
    """`network_id` lets `with_network_id` see `what` of its own, from `since` until `until` (exclusive). It says
    nothing of the other direction."""

    network_id: UUID
    with_network_id: UUID
    what: list[str]
    since: date
    until: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def state(self, on: date) -> State:
        if self.until is not None and self.until <= max(on, self.since):
            return State.ENDED
        return State.IN_FORCE if self.since <= on else State.COMING

    def change(self, on: date, **fields: object) -> bool:
        """Takes `what` and `until`; False when nothing differs. Raises SharingOver, InvalidSharing."""
        if self.state(on) is State.ENDED:
            raise SharingOver
        different = {name: value for name, value in fields.items() if getattr(self, name) != value}
        until = different.get("until")
        if isinstance(until, date) and until < on:
            raise InvalidSharing("until", "past", f"from {on}")
        for name, value in different.items():
            setattr(self, name, value)
        check(self)
        return bool(different)

    def end(self, day: date, on: date) -> None:
        """Seen no longer from `day` on, today or later: what has been seen cannot be unseen. One that has not begun
        never does. Raises SharingOver, InvalidSharing."""
        if self.state(on) is State.ENDED:
            raise SharingOver
        if day < on or (self.until is not None and day > self.until):
            raise InvalidSharing("on", "range", f"{on} to {self.until or LATEST}")
        _check_day("on", day)
        self.until = max(day, self.since)


def what_list(given: Iterable[str]) -> list[str]:
    """Once each, in the order of the vocabulary. Raises InvalidSharing."""
    asked = set(given)
    if not asked:
        raise InvalidSharing("what", "missing", ", ".join(What))
    if What.CONTACTS in asked and What.MEMBERS not in asked:
        raise InvalidSharing("what", "members_missing", f"{What.MEMBERS}, {What.CONTACTS}")
    return [str(what) for what in What if what in asked]


def check(sharing: Sharing) -> Sharing:
    """Raises InvalidSharing."""
    if sharing.network_id == sharing.with_network_id:
        raise InvalidSharing("with_network", "itself", "another network")
    for path in ("since", "until"):
        _check_day(path, getattr(sharing, path))
    if sharing.until is not None and sharing.until <= sharing.since:
        raise InvalidSharing("until", "before", f"later than {sharing.since}")
    return sharing


def _check_day(path: str, day: date | None) -> None:
    if day is not None and not EARLIEST <= day <= LATEST:
        raise InvalidSharing(path, "range", f"{EARLIEST} to {LATEST}")
