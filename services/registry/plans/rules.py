"""Plans: what a district wants by a day, under which guideline, and what became of it.

A plan is drafted -> adopted by an act -> (extended by acts) -> expired on the day after its last -> closed. It is
closed when each objective has been achieved, has lapsed or is carried over into the plan that follows: never with one
open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from dataclasses import replace as copy
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access.actor import EARLIEST, LATEST, ROME

MOST_OBJECTIVES = 50
MOST_TERRITORIES = 300
MOST_CENTS = 10**13
"""A hundred billion euro: more is a slip of the pen."""


class State(StrEnum):
    DRAFT = "draft"
    ADOPTED = "adopted"
    EXPIRED = "expired"  # its last day is over, and its objectives are to be decided
    CLOSED = "closed"


class Outcome(StrEnum):
    """What became of an objective."""

    OPEN = "open"
    ACHIEVED = "achieved"
    LAPSED = "lapsed"
    CARRIED_OVER = "carried_over"


DECIDED = (Outcome.ACHIEVED, Outcome.LAPSED, Outcome.CARRIED_OVER)


class UnknownPlan(Exception):
    """Nothing by this id, or nothing that the caller may know of."""


class UnknownObjective(Exception):
    """The plan has no such objective."""


class InvalidPlan(Exception):
    """A value that contradicts another; `path` names the field, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = f"/{path}", code, accepted


class NotPossible(Exception):
    """What was asked does not go with the plan's state; `possible` does."""

    def __init__(self, action: str, state: State, possible: Sequence[str]) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state, self.possible = action, state, list(possible) or ["–"]


class NotOver(Exception):
    """A plan is closed when its last day, extension included, is over."""

    def __init__(self, last_day: date) -> None:
        super().__init__(f"until {last_day}")
        self.last_day = last_day


class Needed(Exception):
    """A draft that others rely on: it goes on with what another plan carried over, or an agreement names it."""


class Undecided(Exception):
    """These objectives have neither been achieved, nor lapsed, nor been carried over."""

    def __init__(self, objectives: Iterable[Objective]) -> None:
        super().__init__()
        self.objectives = [(one.id, one.title) for one in objectives]


class FollowerMissing(Exception):
    """Something is carried over, and no plan was named into which."""


class UnfitFollower(Exception):
    """The plan that follows is another plan of the network, a draft or adopted, that begins later than this one."""


@dataclass(frozen=True)
class Act:
    """By which an authority decides: its number as it is written, its day, and whose it is."""

    number: str
    day: date
    authority: str

    def json(self) -> dict[str, Any]:
        return {"number": self.number, "day": self.day.isoformat(), "authority": self.authority}

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Act:
        return cls(kept["number"], date.fromisoformat(kept["day"]), kept["authority"])


@dataclass(frozen=True)
class Extension:
    """The act that moved the last day `before` to `last_day`."""

    act: Act
    before: date
    last_day: date


@dataclass(frozen=True)
class Fund:
    """Money that the plan has, in integer cents, and where it comes from."""

    title: str
    source: str
    cents: int
    year: int | None = None


@dataclass(frozen=True)
class Document:
    title: str
    url: str


ACTIONS: dict[State, tuple[str, ...]] = {
    State.DRAFT: ("change", "discard", "add_objective", "remove_objective", "adopt"),
    State.ADOPTED: ("change", "add_objective", "decide", "commit", "extend"),
    State.EXPIRED: ("change", "decide", "commit", "extend", "close"),
    State.CLOSED: (),
}
BY_ACT = ("since", "last_day")
"""What only an act changes, once the plan has been adopted by one."""


@dataclass(eq=False)
class Plan:
    """From `since` to `last_day`, both included. Acts, funds and documents are kept as JSON of its row."""

    network_id: UUID
    title: str
    since: date
    last_day: date
    guideline: str | None = None
    territories: list[str] = field(default_factory=list)
    adopted: dict[str, Any] | None = None
    extensions: list[dict[str, Any]] = field(default_factory=list)
    funds: list[dict[str, Any]] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)
    follows_id: UUID | None = None
    state: State = State.DRAFT
    closed_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def over_at(self) -> datetime:
        """Midnight in Italy after its last day."""
        return datetime.combine(self.last_day + timedelta(days=1), time(), ROME)

    @property
    def extended_from(self) -> date | None:
        """The last day before it was first extended."""
        return date.fromisoformat(self.extensions[0]["before"]) if self.extensions else None

    def state_on(self, on: date) -> State:
        """What it is on a day: the due table states a moment later that it has expired."""
        over = self.state is State.ADOPTED and on > self.last_day
        return State.EXPIRED if over else self.state

    def actions(self, on: date) -> tuple[str, ...]:
        return ACTIONS[self.state_on(on)]

    def require(self, action: str, on: date) -> None:
        """Raises NotPossible."""
        if action not in self.actions(on):
            raise NotPossible(action, self.state_on(on), self.actions(on))

    def change(self, on: date, **given: Any) -> bool:
        """Takes the fields given; False when nothing differs. Raises NotPossible, InvalidPlan."""
        self.require("change", on)
        changed = {name: value for name, value in given.items() if getattr(self, name) != value}
        if self.state is not State.DRAFT and (moved := [name for name in BY_ACT if name in changed]):
            raise InvalidPlan(moved[0], "by_act", "an extension by an act")
        check(copy(self, **changed))
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)

    def discard(self, on: date, *, named: bool) -> None:
        """Whether it can be thrown away; `named`: by an agreement. Raises NotPossible, Needed."""
        self.require("discard", on)
        if named or self.follows_id is not None:
            raise Needed

    def adopt(self, act: Act, on: date) -> None:
        """In force by an act; the act may be older than today, the plan may be over already. Raises NotPossible,
        InvalidPlan."""
        self.require("adopt", on)
        check_act(act, on)
        self.state, self.adopted = State.ADOPTED, act.json()

    def extend(self, act: Act, last_day: date, on: date) -> None:
        """Moves the last day by an act. One that had expired goes on, if the new day is to come. Raises NotPossible,
        InvalidPlan."""
        self.require("extend", on)
        check_act(act, on)
        if last_day <= self.last_day:
            raise InvalidPlan("last_day", "day", f"> {self.last_day}")
        if self.adopted is not None and act.day < date.fromisoformat(self.adopted["day"]):
            raise InvalidPlan("act/day", "day", f">= {self.adopted['day']}")
        check(copy(self, last_day=last_day))
        moved = {"act": act.json(), "before": self.last_day.isoformat(), "last_day": last_day.isoformat()}
        self.extensions = [*self.extensions, moved]
        self.last_day, self.state = last_day, State.ADOPTED

    def expire(self, on: date) -> bool:
        """Whether it is to be stated that its last day has passed."""
        if self.state is State.ADOPTED and on > self.last_day:
            self.state = State.EXPIRED
            return True
        return False

    def close(self, objectives: Sequence[Objective], on: date) -> list[Objective]:
        """Closed; gives what is carried over. Raises NotPossible, NotOver, Undecided with every objective that is
        still open."""
        if self.state is State.ADOPTED and on <= self.last_day:
            raise NotOver(self.last_day)
        self.require("close", on)
        if still := [one for one in objectives if one.outcome is Outcome.OPEN]:
            raise Undecided(still)
        self.state, self.closed_on = State.CLOSED, on
        return [one for one in objectives if one.outcome is Outcome.CARRIED_OVER]

    def follow(self, before: Plan) -> None:
        """Takes up what `before` carries over. Raises UnfitFollower."""
        fit = self.id != before.id and self.network_id == before.network_id and self.since > before.since
        if not fit or self.state not in (State.DRAFT, State.ADOPTED) or self.follows_id not in (None, before.id):
            raise UnfitFollower
        self.follows_id = before.id


@dataclass(eq=False)
class Objective:
    """What a plan wants: an indicator with the number to be reached and the number reached, and who answers for it (an
    organisation or a body). `carried_from_id` is the objective of the plan before that it goes on with."""

    plan_id: UUID
    position: int
    title: str
    indicator: str | None = None
    unit: str | None = None
    target: float | None = None
    actual: float | None = None
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    outcome: Outcome = Outcome.OPEN
    reason: str | None = None
    decided_on: date | None = None
    carried_from_id: UUID | None = None
    id: UUID = field(default_factory=uuid7)

    def change(self, **given: Any) -> bool:
        """Takes the fields given; an owner that is given takes the place of the one before. Raises InvalidPlan."""
        if given.get("organisation_id") or given.get("body_id"):
            given = {"organisation_id": None, "body_id": None, **given}
        changed = {name: value for name, value in given.items() if getattr(self, name) != value}
        check_objective(copy(self, **changed))
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)

    def decide(self, outcome: Outcome, reason: str | None, actual: float | None, on: date) -> None:
        """What became of it, until the plan is closed; what lapses says why. Raises InvalidPlan."""
        if outcome not in DECIDED:
            raise InvalidPlan("outcome", "outcome", ", ".join(DECIDED))
        if outcome is Outcome.LAPSED and not reason:
            raise InvalidPlan("reason", "missing", "why it lapses")
        self.outcome, self.reason, self.decided_on = outcome, reason, on
        if actual is not None:
            self.actual = actual

    def require_own(self) -> None:
        """Raises InvalidPlan for one that another plan has carried over: it may lapse here, it does not vanish."""
        if self.carried_from_id is not None:
            raise InvalidPlan("objective_id", "carried_over", "an objective of this plan's own")

    def carried(self, plan_id: UUID, position: int) -> Objective:
        """The same objective in the plan that follows, open again."""
        return copy(
            self,
            id=uuid7(),
            plan_id=plan_id,
            position=position,
            carried_from_id=self.id,
            outcome=Outcome.OPEN,
            reason=None,
            decided_on=None,
        )

    @property
    def progress(self) -> float | None:
        """Actual / target; None when it is undefined."""
        return self.actual / self.target if self.actual is not None and self.target else None


def check(plan: Plan) -> Plan:
    """Raises InvalidPlan."""
    for name in BY_ACT:
        if not EARLIEST <= getattr(plan, name) <= LATEST:
            raise InvalidPlan(name, "range", f"{EARLIEST} to {LATEST}")
    if plan.last_day < plan.since:
        raise InvalidPlan("last_day", "day", f">= {plan.since}")
    if len(plan.territories) > MOST_TERRITORIES:
        raise InvalidPlan("territories", "too_many", f"<= {MOST_TERRITORIES}")
    return plan


def check_act(act: Act, on: date) -> None:
    """Of today or before. Raises InvalidPlan."""
    if not EARLIEST <= act.day <= on:
        raise InvalidPlan("act/day", "day", f"{EARLIEST} to {on}")


def check_objective(objective: Objective) -> Objective:
    if objective.organisation_id is not None and objective.body_id is not None:
        raise InvalidPlan("owner", "one", "organisation_id or body_id, not both")
    return objective


def require_room(count: int) -> None:
    """Raises InvalidPlan when there are as many objectives as a fact can tell."""
    if count > MOST_OBJECTIVES:
        raise InvalidPlan("objectives", "too_many", f"<= {MOST_OBJECTIVES}")


def total(funds: Iterable[dict[str, Any]]) -> int:
    """Cents of all funds together."""
    return sum(int(fund["cents"]) for fund in funds)


def kept(items: Iterable[Fund | Document]) -> list[dict[str, Any]]:
    return [asdict(item) for item in items]
