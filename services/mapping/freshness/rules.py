"""Is it still as the map shows it? Asked on a schedule, answered or not.

`every` months after somebody last said that an item is true its organisation is asked, and has `days` to answer;
without an answer the item expires. The score is 1 on the day of the check and falls evenly to 0 when it expires.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from dateutil.relativedelta import relativedelta
from uuid_utils.compat import uuid7

from services.mapping.items.rules import Subject
from shared.access.actor import ROME

EVERY, DAYS = 6, 30
"""Months and days, unless the network says otherwise."""


class Answer(StrEnum):
    CONFIRMED = "confirmed"
    CHANGED = "changed"
    GONE = "gone"
    SUPERSEDED = "superseded"  # somebody dealt with the item in another way before it was answered
    LAPSED = "lapsed"  # nobody answered in time


class UnknownQuestion(Exception):
    """Nobody was asked this, or the caller may not know."""


class AlreadyAnswered(Exception):
    """`answer` is what was said."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Rule:
    """How often a network asks (months), and for how long it waits (days)."""

    every: int = EVERY
    days: int = DAYS

    def due_on(self, checked: date) -> date:
        """The day on which the question is put."""
        return checked + relativedelta(months=self.every)

    def stale_before(self, on: date) -> date:
        """What was checked before this day has come due by `on`."""
        stale = on - relativedelta(months=self.every)
        # the last of a short month stands for the days that it lacks
        while self.due_on(stale + timedelta(days=1)) <= on:
            stale += timedelta(days=1)
        return stale + timedelta(days=1)

    def next_look(self, checked: date | None, expires: date | None, answer_by: date | None) -> date | None:
        """The next day on which something happens to a validated item: its question is put, lapses (`answer_by` is that
        of an open one), or its last day has passed."""
        asking = answer_by + timedelta(days=1) if answer_by else checked and self.due_on(checked)
        return min((one for one in (asking, expires) if one), default=None)

    def score(self, checked: date | None, on: date) -> float | None:
        """1 on the day of the check, 0 when it expires unanswered, evenly in between; None when never checked."""
        if checked is None:
            return None
        life = (self.due_on(checked) - checked).days + self.days
        return round(min(1.0, max(0.0, 1 - (on - checked).days / life)), 3)


@dataclass(eq=False, kw_only=True)
class Question:
    """Whether the item `item_id` is still true: put on `asked_on`, to be answered by `answer_by`, that day included."""

    network_id: UUID
    item: Subject
    item_id: UUID
    title: str
    asked_on: date
    answer_by: date
    organisation_id: UUID | None = None
    answer: Answer | None = None
    answered_on: date | None = None
    answered_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def close(self, answer: Answer, on: date, by: UUID | None = None) -> None:
        """Raises AlreadyAnswered; what has lapsed may still be answered, late."""
        if self.answer is not None and self.answer is not Answer.LAPSED:
            raise AlreadyAnswered(self.answer)
        self.answer, self.answered_on, self.answered_by = answer, on, by


def begins(on: date) -> datetime:
    """The instant at which the day begins in Italy."""
    return datetime.combine(on, time(), ROME)
