"""Needs that people bring to a place: collected -> assigned -> answered, or withdrawn, with the times of each.

What was asked is about a person. It is kept here only, seen by who collected it, who is to answer and the coordinator,
and erased some time after the answer; the times stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

DAYS_KEPT = 90
"""Days after the end of a need for which its text is kept, unless the network says otherwise."""


class State(StrEnum):
    COLLECTED = "collected"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


OPEN = (State.COLLECTED, State.ASSIGNED)


class Withdrawal(StrEnum):
    """Why a need is no longer followed: a code, because free text would be about a person."""

    RESOLVED_ELSEWHERE = "resolved_elsewhere"
    BY_THE_PERSON = "by_the_person"
    DUPLICATE = "duplicate"
    NOT_A_NEED = "not_a_need"


class UnknownNeed(Exception):
    """No need has this id, or none that the caller may know of."""


class AssigneeMissing(Exception):
    """A need is assigned to an organisation, a person or both."""


class UnknownAssignee(Exception):
    """Not of this network; `path` names the field."""

    def __init__(self, field: str, accepted: str) -> None:
        super().__init__(field)
        self.path, self.accepted = f"/{field}", accepted


class NotOpen(Exception):
    """Answered or withdrawn already, or not assigned yet; `accepted` the states from which this can be done."""

    def __init__(self, state: State, accepted: Iterable[State]) -> None:
        super().__init__(state)
        self.state, self.accepted = state, [str(one) for one in accepted]


@dataclass(eq=False, kw_only=True)
class Need:
    """`text` and `answer` are None once erased (`text_erased_at`)."""

    network_id: UUID
    place_id: UUID
    municipality: str
    theme: str
    collected_at: datetime
    text: str | None = None
    collected_by: UUID | None = None
    areas: list[str] = field(default_factory=list)
    state: State = State.COLLECTED
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    assigned_at: datetime | None = None
    answered_at: datetime | None = None
    answer: str | None = None
    withdrawn_at: datetime | None = None
    withdrawal: Withdrawal | None = None
    text_erased_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def ended_at(self) -> datetime | None:
        return self.answered_at or self.withdrawn_at

    def actions(self) -> list[str]:
        return {
            State.COLLECTED: ["assign", "withdraw"],
            State.ASSIGNED: ["assign", "answer", "withdraw"],
        }.get(self.state, [])

    def assign(self, organisation_id: UUID | None, person_id: UUID | None, now: datetime) -> bool:
        """To whom it is; False when it is theirs already. The first assignment is what its time is taken to. Raises
        NotOpen, AssigneeMissing."""
        self._require(*OPEN)
        if organisation_id is None and person_id is None:
            raise AssigneeMissing
        if (self.organisation_id, self.person_id) == (organisation_id, person_id):
            return False
        self.organisation_id, self.person_id = organisation_id, person_id
        self.state, self.assigned_at = State.ASSIGNED, self.assigned_at or now
        return True

    def reply(self, answer: str, now: datetime) -> None:
        """Raises NotOpen."""
        self._require(State.ASSIGNED)
        self.state, self.answer, self.answered_at = State.ANSWERED, answer, now

    def withdraw(self, why: Withdrawal, now: datetime) -> None:
        """Raises NotOpen."""
        self._require(*OPEN)
        self.state, self.withdrawal, self.withdrawn_at = State.WITHDRAWN, why, now

    def erase_text(self, now: datetime) -> bool:
        """What was asked and answered is gone; False when it was already."""
        if self.text_erased_at is not None:
            return False
        self.text, self.answer, self.text_erased_at = None, None, now
        return True

    def _require(self, *accepted: State) -> None:
        if self.state not in accepted:
            raise NotOpen(self.state, accepted)


def erase_at(ended: datetime, days: int) -> datetime:
    return ended + timedelta(days=days)
