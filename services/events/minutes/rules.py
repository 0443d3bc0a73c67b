"""Minutes: draft -> in approval -> approved; returned ones are drafts again. Approved ones never change.

They are numbered in approving, for each body and year of the meeting, without gaps: who approves holds the counter
until the commit, so a number is used by whoever commits and by nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7


class State(StrEnum):
    DRAFT = "draft"
    IN_APPROVAL = "in_approval"
    APPROVED = "approved"


class UnknownMinutes(Exception):
    """No minutes have this id."""


class NotHeld(Exception):
    """There are no minutes of a meeting that was not held (yet)."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class HasMinutes(Exception):
    """A meeting has one set of minutes, and it has been begun."""

    def __init__(self, minutes_id: UUID) -> None:
        super().__init__(str(minutes_id))
        self.minutes_id = minutes_id
        self.headers = {"location": f"/events/v1/minutes/{minutes_id}"}


class NotPossibleNow(Exception):
    """What was asked does not go with the minutes' state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


FROM: dict[str, State] = {
    "write": State.DRAFT,
    "submit": State.DRAFT,
    "return": State.IN_APPROVAL,
    "approve": State.IN_APPROVAL,
}
"""What may be done, and from which state."""


@dataclass(eq=False)
class Minutes:
    """`document` is what was composed, as it is read; `text` what its writer adds; `remarks` why it was returned."""

    meeting_id: UUID
    network_id: UUID
    held_on: date
    quorate: bool
    present: int
    entitled: int
    body_id: UUID | None = None
    founding: bool = False
    text: str = ""
    remarks: str | None = None
    document: dict[str, Any] = field(default_factory=dict)
    state: State = State.DRAFT
    number: int | None = None
    drafted_by: UUID | None = None
    submitted_by: UUID | None = None
    approved_by: UUID | None = None
    approved_at: datetime | None = None
    approved_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def series(self) -> tuple[UUID, int]:
        """Whose numbers these are, and of which year: the body's (the network's own meetings have theirs)."""
        return self.body_id or self.network_id, self.held_on.year

    @property
    def label(self) -> str | None:
        """`1/2024`"""
        return None if self.number is None else f"{self.number}/{self.held_on.year}"

    def actions(self) -> list[str]:
        """What the state allows; who may do it is the policy's to say."""
        return [action for action, state in FROM.items() if state is self.state]

    def require(self, action: str) -> None:
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)

    def submit(self, by: UUID | None) -> None:
        self.require("submit")
        self.state, self.submitted_by, self.remarks = State.IN_APPROVAL, by, None

    def send_back(self, remarks: str) -> None:
        self.require("return")
        self.state, self.remarks = State.DRAFT, remarks

    def approve(self, number: int, by: UUID | None, now: datetime, on: date) -> None:
        self.require("approve")
        self.state, self.number = State.APPROVED, number
        self.approved_by, self.approved_at, self.approved_on = by, now, on


def require_held(state: str) -> None:
    if state != "held":
        raise NotHeld(state)
