"""Enrolments: who is on which path, how far, and until when.

A person is on a path once. A rule's enrolment lasts as long as some mandate with the path's roles does; if the last one
ends first, it is ended, and a new appointment opens the same enrolment again: what was done is still done, and the time
to finish begins anew (unless the next mandate began on the day on which the last one ended: then nothing happened).
What is completed stays completed, whatever becomes of the mandates and of the path's units. A path may be renewed: so
many months after it was completed the same enrolment begins another attempt with nothing done, as long as the path is
published and (of a rule's) a mandate with its roles is held; what was completed before is kept beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from services.learning.courses.rules import Unit
from services.learning.paths.rules import Admission, Path
from services.learning.paths.rules import State as PathState


class State(StrEnum):
    ACTIVE = "active"
    COMPLETED = "completed"
    ENDED = "ended"


class UnknownEnrolment(Exception):
    """No enrolment has this id."""


class UnknownUnit(Exception):
    """The path has no such unit, or has it no longer."""


class NotOpen(Exception):
    """One does not enrol oneself in this path."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"enrolment by {path.enrolment}")
        self.enrolment = path.enrolment


class NotOfTheNetwork(Exception):
    """The network neither entered this person nor gave them a mandate."""


class SomeNotOfTheNetwork(Exception):
    """Of a list of people some are not of the network, not known yet, or erased; `places` says which of the list."""

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__(f"{len(places)} people")
        self.places = tuple(places)


class NotTheirOwn(Exception):
    """Nobody learns on somebody else's behalf."""


class EnrolmentEnded(Exception):
    """The mandate ended before the path was completed: nothing of it can be done any more."""

    def __init__(self, ended_on: date | None) -> None:
        super().__init__(f"ended on {ended_on}")
        self.ended_on = ended_on


class NotByHand(Exception):
    """A quiz is passed and a meeting attended: nobody says so of themselves."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(f"a unit of kind {unit.kind}")
        self.kind = unit.kind


class NotToLeave(Exception):
    """Who was enrolled by a rule does not leave, and from what is over nobody does."""

    def __init__(self, enrolment: Enrolment) -> None:
        super().__init__(f"{enrolment.state}, by {enrolment.how}")
        self.state, self.how = enrolment.state, enrolment.how


class CompletedAlready(Exception):
    """The path was completed before this unit was added to it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Units done, of so many."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        return share(self.count, self.of)


def share(count: int, of: int) -> float | None:
    """A part of a whole, to four places; undefined, not zero, when the whole is empty."""
    return round(count / of, 4) if of else None


@dataclass(eq=False)
class Enrolment:
    """`done` says when each unit was; it keeps those that were taken out of the path, which may come back."""

    path_id: UUID
    network_id: UUID
    person_id: UUID | None  # None: the person was erased, the figures stay
    how: Admission
    opened_on: date
    due: date | None = None
    mandate_id: UUID | None = None
    state: State = State.ACTIVE
    done: Mapping[UUID, datetime] = field(default_factory=dict)
    completed_at: datetime | None = None
    completed_units: int | None = None  # how many units the path had then
    ended_on: date | None = None
    left: bool = False  # it ended because the person left
    attempt: int = 1
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def progress(self, units: Collection[UUID]) -> Progress:
        """How far it is, of the units that the path has today; once completed, of those that it had then."""
        if self.completed_units is not None:
            return Progress(self.completed_units, self.completed_units)
        return Progress(sum(unit in self.done for unit in units), len(units))

    def late(self, on: date) -> bool:
        """The day in `due` is still in time."""
        return self.state is State.ACTIVE and self.due is not None and self.due < on

    def mark(self, unit: UUID, units: Collection[UUID], now: datetime) -> bool:
        """The person has done a unit; the last one completes the path. False when it was done before.

        Raises UnknownUnit, EnrolmentEnded, CompletedAlready.
        """
        if unit not in units:
            raise UnknownUnit(unit)
        if self.state is State.ENDED:
            raise EnrolmentEnded(self.ended_on)
        if unit in self.done:
            return False
        if self.state is State.COMPLETED:
            raise CompletedAlready(unit)
        self.done = {**self.done, unit: now}
        if all(other in self.done for other in units):
            self.state, self.completed_at, self.completed_units = State.COMPLETED, now, len(units)
        return True

    def leave(self, on: date) -> None:
        """Nobody is kept on a path that they chose, or to which they were invited. Raises NotToLeave."""
        if self.state is not State.ACTIVE or self.how is Admission.RULE:
            raise NotToLeave(self)
        self.state, self.ended_on, self.left = State.ENDED, on, True

    def reopen(self, path: Path, how: Admission, on: date, now: datetime) -> None:
        """Somebody whose mandate had ended, or who had left, is on the path again."""
        again = enrol(path, self.person_id, how, on)
        self.state, self.how, self.opened_on, self.due = State.ACTIVE, how, again.opened_on, again.due
        self.ended_on = self.mandate_id = None
        self.left = False
        units = path.unit_ids
        if units <= self.done.keys():  # units that were left to do have been taken out meanwhile
            self.state, self.completed_at, self.completed_units = State.COMPLETED, now, len(units)


def further(one: Enrolment, other: Enrolment) -> tuple[Enrolment, Enrolment]:
    """Of two enrolments of one person in one path, first the one that stays: the one that came further, and of two
    alike the older."""
    order = [State.ENDED, State.ACTIVE, State.COMPLETED]

    def rank(enrolment: Enrolment) -> tuple[int, int, int, int]:
        return enrolment.attempt, order.index(enrolment.state), len(enrolment.done), -enrolment.id.int

    return (one, other) if rank(one) > rank(other) else (other, one)


def absorb(kept: Enrolment, other: Enrolment, units: Collection[UUID], now: datetime) -> bool:
    """What was done under either in the same attempt is done, since the earlier of both. True when that completes the
    path."""
    if other.attempt != kept.attempt:  # what was done in an earlier attempt is to be done again
        return False
    both = [*kept.done.items(), *other.done.items()]
    kept.done = {unit: min(at for one, at in both if one == unit) for unit, _ in both}
    if kept.state is not State.ACTIVE or not units or not all(unit in kept.done for unit in units):
        return False
    kept.state, kept.completed_at, kept.completed_units = State.COMPLETED, now, len(units)
    return True


def enrol(path: Path, person_id: UUID | None, how: Admission, on: date) -> Enrolment:
    """A new enrolment in a published path, due so many days after that day."""
    path.require("enrol")
    return Enrolment(path.id, path.network_id, person_id, how, on, due(on, path.due_days))


def due(opened_on: date, days: int | None) -> date | None:
    """The last day in time."""
    return None if days is None else opened_on + timedelta(days=days)


def way_in(path: Path, *, themselves: bool, may_enrol: bool) -> Admission:
    """How somebody gets onto the path when asked for by hand: openly, or because the secretariat says so. Raises
    NotOpen."""
    if themselves and path.enrolment is Admission.OPEN:
        return Admission.OPEN
    if not may_enrol:
        raise NotOpen(path)
    return Admission.INVITATION


def require_by_hand(path: Path, unit_id: UUID) -> None:
    """Raises NotByHand for what is passed or attended; an unknown unit is for `mark` to refuse."""
    unit = next((unit for unit in path.units if unit.id == unit_id), None)
    if unit is not None and not unit.by_themselves:
        raise NotByHand(unit)


def actions(enrolment: Enrolment, path: Path, reader: UUID | None, *, may_enrol: bool = False) -> list[str]:
    """What the reader may do with it: only a person's own units, only while there is something left to do; the
    secretariat takes off a path whom it may put onto it."""
    own = reader is not None and reader == enrolment.person_id
    open_ = enrolment.state is State.ACTIVE and path.state is not PathState.DRAFT
    leaves = open_ and enrolment.how is not Admission.RULE and (own or may_enrol)
    return [*(["done"] if own and open_ else []), *(["withdraw"] if leaves else [])]
