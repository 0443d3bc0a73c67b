"""Decisions: what a body decides in a meeting. Proposed while the minutes are being written, adopted with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7


class Kind(StrEnum):
    ACTION = "action"
    APPOINTMENT = "appointment"
    RESOLUTION = "resolution"
    COMMUNICATION = "communication"
    EXPENDITURE = "expenditure"
    REGULATION = "regulation"
    OTHER = "other"


LABELS: dict[Kind, tuple[str, str]] = {
    Kind.ACTION: ("Azione", "Action"),
    Kind.APPOINTMENT: ("Nomina", "Appointment"),
    Kind.RESOLUTION: ("Deliberazione", "Resolution"),
    Kind.COMMUNICATION: ("Comunicazione", "Communication"),
    Kind.EXPENDITURE: ("Spesa", "Expenditure"),
    Kind.REGULATION: ("Regolamento", "Regulation"),
    Kind.OTHER: ("Altro", "Other"),
}
"""In Italian and in English: for the vocabulary, and for the minutes, which are written in the network's language."""


class State(StrEnum):
    """A decision of a meeting without a quorum lapses when its minutes are approved: it was never taken."""

    PROPOSED = "proposed"
    ADOPTED = "adopted"
    LAPSED = "lapsed"


class Kept(StrEnum):
    """What became of what was decided: `open`, `late`, `fulfilled` or `waived` as the commitment that it made is;
    `none` when nobody owes anything by it, or not yet."""

    OPEN = "open"
    LATE = "late"
    FULFILLED = "fulfilled"
    WAIVED = "waived"
    NONE = "none"


class UnknownDecision(Exception):
    """No decision has this id."""


class InvalidDecision(Exception):
    """What is missing, or contradicts the rest; `path` names the field, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class Recorded(Exception):
    """The minutes that record the decision are in approval or approved: it stands as it is."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.minutes_state = state


class NotCarried(Exception):
    """The ballot on which the decision rests is open, was lost, or had no quorum."""

    def __init__(self, outcome: str | None) -> None:
        super().__init__(outcome or "open")
        self.outcome = outcome or "open"
        self.path, self.code, self.accepted = "/ballot_id", "not_carried", "a ballot of this meeting that was carried"


@dataclass(eq=False)
class Decision:
    meeting_id: UUID
    network_id: UUID
    title: str
    kind: Kind
    body_id: UUID | None = None
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    owner_body_id: UUID | None = None
    due: date | None = None
    ballot_id: UUID | None = None
    state: State = State.PROPOSED
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def owners(self) -> list[tuple[str, UUID]]:
        """The fields that name an owner, and whom."""
        named = (
            ("organisation_id", self.organisation_id),
            ("person_id", self.person_id),
            ("body_id", self.owner_body_id),
        )
        return [(name, id_) for name, id_ in named if id_ is not None]

    def check(self, held_on: date) -> None:
        """Raises InvalidDecision: more than one owner, an owner without a day or a day without an owner, a day before
        the meeting."""
        owners = self.owners
        if len(owners) > 1:
            raise InvalidDecision(f"/{owners[1][0]}", "one_owner", "one of organisation_id, person_id, body_id")
        if owners and self.due is None:
            raise InvalidDecision("/due", "missing", f"a day from {held_on} on: the owner must know by when")
        if self.due is not None and not owners:
            raise InvalidDecision("/organisation_id", "missing", "an owner: organisation_id, person_id or body_id")
        if self.due is not None and self.due < held_on:
            raise InvalidDecision("/due", "before_the_meeting", f"a day from {held_on} on")


def require_unrecorded(minutes_state: str | None) -> None:
    """Decisions are written until the minutes are submitted, and again when they were returned."""
    if minutes_state not in (None, "draft"):
        raise Recorded(str(minutes_state))


def require_carried(outcome: str | None) -> None:
    if outcome != "carried":
        raise NotCarried(outcome)
