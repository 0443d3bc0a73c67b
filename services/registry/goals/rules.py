"""Goals: so many bodies of a kind, constituted by a day. The last day belongs to the goal; its outcome is decided once,
when that day is over, and never changes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as copy
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.registry.bodies.rules import Kind
from services.registry.constitutions.rules import Code
from shared.access.actor import EARLIEST, LATEST

MOST = 1000


class State(StrEnum):
    RUNNING = "running"
    MISSED = "missed"
    MET = "met"
    FULL = "full"


class Reason(StrEnum):
    """Why one region comes before the next."""

    ONLY = "only"
    MEMBERS = "members"
    MISSING = "missing"
    CODE = "code"


class UnknownGoal(Exception):
    """Nothing by this id, or nothing that the caller may know of."""


class Decided(Exception):
    """The last day is over: the goal is what it has become."""

    def __init__(self, state: State, last_day: date) -> None:
        super().__init__(state)
        self.state, self.last_day = state, last_day


class InvalidGoal(Exception):
    """Days or numbers that contradict each other; `path` names the field, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = f"/{path}", code, accepted


@dataclass(eq=False)
class Goal:
    """From `since` to `last_day`, both included: missed below `minimum`, met from there on, full from `full` on.

    `reached` is what the last fact told; `counted` the bodies that the decision counted.
    """

    network_id: UUID
    title: str
    body_kind: Kind
    since: date
    last_day: date
    minimum: int
    full: int
    reached: int = 0
    state: State = State.RUNNING
    counted: list[UUID] | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def over_on(self) -> date:
        """The day at whose beginning it is decided."""
        return self.last_day + timedelta(days=1)

    def covers(self, constituted_on: date | None) -> bool:
        return constituted_on is not None and self.since <= constituted_on <= self.last_day

    def days_left(self, on: date) -> int:
        """Days after that one; 0 on the last."""
        return max(0, (self.last_day - on).days)

    def running(self, on: date) -> bool:
        """On the day after the last it runs no longer, whether or not it has been decided yet."""
        return self.state is State.RUNNING and on < self.over_on

    def outcome(self, reached: int) -> State:
        if reached >= self.full:
            return State.FULL
        return State.MET if reached >= self.minimum else State.MISSED

    def change(self, on: date, **changes: Any) -> bool:
        """Takes the new values; False when nothing differs. Raises Decided, InvalidGoal before anything changes."""
        if not self.running(on):
            raise Decided(self.state, self.last_day)
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        check(copy(self, **changed), on)
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)

    def decide(self, counted: Sequence[UUID], on: date) -> bool:
        """True once, when the last day is over."""
        if self.state is not State.RUNNING or on < self.over_on:
            return False
        self.reached, self.counted, self.state = len(counted), list(counted), self.outcome(len(counted))
        return True


def check(goal: Goal, on: date) -> Goal:
    """Raises InvalidGoal. A goal may have begun long ago, but must still be open."""
    if goal.last_day < on:
        raise InvalidGoal("last_day", "past", f"from {on}")
    if goal.last_day < goal.since:
        raise InvalidGoal("last_day", "before_since", f"from {goal.since}")
    if goal.since < EARLIEST:
        raise InvalidGoal("since", "too_early", f"from {EARLIEST}")
    if goal.last_day > LATEST:
        raise InvalidGoal("last_day", "too_far", f"up to {LATEST}")
    if goal.minimum > goal.full:
        raise InvalidGoal("full", "below_minimum", f"from {goal.minimum}")
    return goal


@dataclass(frozen=True)
class Candidate:
    """A region without a constituted coordination: how many members have referents there, and what it still needs.
    `begun`: it has a path."""

    code: str
    members: int
    missing: tuple[Code, ...]
    begun: bool = False

    @property
    def rank(self) -> tuple[int, int, str]:
        return -self.members, len(self.missing), self.code


@dataclass(frozen=True)
class Choice:
    """The region to go on with, the one that comes next, and what decided between them."""

    best: Candidate
    runner_up: Candidate | None
    reason: Reason


def next_best(candidates: Iterable[Candidate]) -> Choice | None:
    """Most members with referents, then fewest missing requirements, then the code. A region where nobody has begun and
    no member has a referent is no candidate."""
    ranked = sorted((each for each in candidates if each.members or each.begun), key=lambda each: each.rank)
    if not ranked:
        return None
    if len(ranked) == 1:
        return Choice(ranked[0], None, Reason.ONLY)
    best, second = ranked[:2]
    if best.members > second.members:
        return Choice(best, second, Reason.MEMBERS)
    fewer = len(best.missing) < len(second.missing)
    return Choice(best, second, Reason.MISSING if fewer else Reason.CODE)
