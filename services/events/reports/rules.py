"""Final reports: made of what is known at an instant, kept as they are, shown to everybody only when they are released.

Figures are counts; a share is shown beside its count and never made to fit: shares that are rounded one by one need not
make 100.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7


class State(StrEnum):
    MADE = "made"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


class UnknownReport(Exception):
    """No report has this id, or none that the caller may know of."""


class UnknownProject(Exception):
    """The network has no such project (or it has not arrived here yet)."""


class NotPossibleNow(Exception):
    """What was asked does not go with the report's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


@dataclass(eq=False)
class Report:
    """Of a programme or of a project. `chapters` are all that it has, `empty` those with nothing to say."""

    network_id: UUID
    number: int
    title: str
    language: str
    chapters: list[str]
    empty: list[str]
    document_sha256: str
    sha256: str
    made_at: datetime
    series_id: UUID | None = None
    project_id: UUID | None = None
    made_by: UUID | None = None
    state: State = State.MADE
    released_at: datetime | None = None
    released_by: UUID | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def actions(self) -> list[str]:
        """What its state allows; who may do it is the policy's to say. What was withdrawn is not shown again: a new
        report is made."""
        return {State.MADE: ["release"], State.RELEASED: ["withdraw"], State.WITHDRAWN: []}[self.state]

    def release(self, by: UUID | None, now: datetime) -> None:
        self._require("release")
        self.state, self.released_by, self.released_at = State.RELEASED, by, now

    def withdraw(self, by: UUID | None, now: datetime) -> None:
        self._require("withdraw")
        self.state, self.withdrawn_by, self.withdrawn_at = State.WITHDRAWN, by, now

    def _require(self, action: str) -> None:
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)


def percent(count: int, of: int) -> int | None:
    """Rounded half up by itself, on integers: 11 of 95 is 12. None of nothing is no share."""
    return (200 * count + of) // (2 * of) if of else None
