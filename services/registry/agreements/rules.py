"""Agreements: what is signed, what is called, who came forward, and what came of it.

What is signed (memoranda, conventions, programme agreements) goes draft -> signing -> in force -> ended, and is in
force when everybody has signed. What is called (co-programming, co-design, funding calls) goes draft -> open ->
evaluation -> (tables ->) concluded: the day after the deadline evaluation begins. Both may be withdrawn before they
bind anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as copy
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.registry.plans.rules import Act
from shared.access.actor import EARLIEST, LATEST, ROME

MOST_SIGNATORIES = 100
MOST_TERRITORIES = 300
MOST_CRITERIA = 30
MOST_POINTS = 1_000
FEWEST_SIGNATORIES = 2
AUDIENCE = 1_000
"""Members in one fact: 64 kB hold about 1,600 ids."""


class Kind(StrEnum):
    MEMORANDUM = "memorandum"
    CONVENTION = "convention"
    PROGRAMME_AGREEMENT = "programme_agreement"
    CO_PROGRAMMING = "co_programming"
    CO_DESIGN = "co_design"
    FUNDING_CALL = "funding_call"


SIGNED = (Kind.MEMORANDUM, Kind.CONVENTION, Kind.PROGRAMME_AGREEMENT)
PROCEDURES = (Kind.CO_PROGRAMMING, Kind.CO_DESIGN)
CALLED = (*PROCEDURES, Kind.FUNDING_CALL)


class State(StrEnum):
    DRAFT = "draft"
    SIGNING = "signing"
    IN_FORCE = "in_force"
    ENDED = "ended"
    OPEN = "open"
    EVALUATION = "evaluation"
    TABLES = "tables"
    CONCLUDED = "concluded"
    WITHDRAWN = "withdrawn"


class Action(StrEnum):
    """What somebody may do with an agreement. Some lead on to another state, by themselves or when all is there."""

    CHANGE = "change"
    DISCARD = "discard"
    SUBMIT = "submit"  # to be signed
    SIGN = "sign"
    OBLIGE = "oblige"  # name what a signatory owes
    OPEN = "open"
    COME_FORWARD = "come_forward"
    EVALUATE = "evaluate"
    CONVENE = "convene"  # the tables
    RECORD = "record"  # a table that was held
    CONCLUDE = "conclude"
    END = "end"
    WITHDRAW = "withdraw"


_SIGNED: Mapping[State, Mapping[Action, State]] = {
    State.DRAFT: {
        Action.CHANGE: State.DRAFT,
        Action.DISCARD: State.DRAFT,
        Action.OBLIGE: State.DRAFT,
        Action.SUBMIT: State.SIGNING,
    },
    State.SIGNING: {
        Action.SIGN: State.SIGNING,
        Action.OBLIGE: State.SIGNING,
        Action.WITHDRAW: State.WITHDRAWN,
    },
    State.IN_FORCE: {Action.CHANGE: State.IN_FORCE, Action.OBLIGE: State.IN_FORCE, Action.END: State.ENDED},
}
_CALLED: Mapping[State, Mapping[Action, State]] = {
    State.DRAFT: {Action.CHANGE: State.DRAFT, Action.DISCARD: State.DRAFT, Action.OPEN: State.OPEN},
    State.OPEN: {
        Action.CHANGE: State.OPEN,
        Action.COME_FORWARD: State.OPEN,
        Action.WITHDRAW: State.WITHDRAWN,
    },
}
_PROCEDURE: Mapping[State, Mapping[Action, State]] = {
    **_CALLED,
    State.EVALUATION: {
        Action.EVALUATE: State.EVALUATION,
        Action.CONVENE: State.TABLES,
        Action.WITHDRAW: State.WITHDRAWN,
    },
    State.TABLES: {
        Action.RECORD: State.TABLES,
        Action.CONCLUDE: State.CONCLUDED,
        Action.WITHDRAW: State.WITHDRAWN,
    },
}
_FUNDING: Mapping[State, Mapping[Action, State]] = {
    **_CALLED,
    State.EVALUATION: {
        Action.EVALUATE: State.EVALUATION,
        Action.CONCLUDE: State.CONCLUDED,
        Action.WITHDRAW: State.WITHDRAWN,
    },
}
STEPS: Mapping[Kind, Mapping[State, Mapping[Action, State]]] = {
    **dict.fromkeys(SIGNED, _SIGNED),
    **dict.fromkeys(PROCEDURES, _PROCEDURE),
    Kind.FUNDING_CALL: _FUNDING,
}
"""By kind and state: what is possible, and the state to which it leads. Everything else is refused."""


class UnknownAgreement(Exception):
    """Nothing by this id, or nothing that the caller may know of."""


class UnknownPart(Exception):
    """The agreement has no such signatory, interest or obligation."""


class InvalidAgreement(Exception):
    """A value that is missing or contradicts another; `path` names the field, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = f"/{path}", code, accepted


class NotPossible(Exception):
    """What was asked does not go with its kind and state; `possible` does."""

    def __init__(self, action: Action, state: State, possible: Iterable[str]) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state, self.possible = action, state, [str(one) for one in possible] or ["–"]


class TooLate(Exception):
    """The deadline has passed."""

    def __init__(self, deadline: date) -> None:
        super().__init__(str(deadline))
        self.deadline = deadline


class NotEligible(Exception):
    """The call is for others: `lacking` says in what it does not concern the organisation."""

    def __init__(self, lacking: Sequence[str]) -> None:
        super().__init__(", ".join(lacking))
        self.lacking = list(lacking)


class CameForward(Exception):
    """The organisation has come forward already."""


class UnfitMandate(Exception):
    """On that day the mandate was not held, or by somebody else's leave."""


class SignedAlready(Exception):
    """Nobody signs twice; `on` is the day on which the organisation did."""

    def __init__(self, on: date) -> None:
        super().__init__(str(on))
        self.on = on


class Unevaluated(Exception):
    """These came forward, and nobody has decided about them."""

    def __init__(self, interests: Iterable[Interest]) -> None:
        super().__init__()
        self.interests = [one.id for one in interests]
        self.count = len(self.interests)


@dataclass(frozen=True)
class Criterion:
    """By which those who come forward are evaluated; so many points at most."""

    code: str
    title: str
    points: int


@dataclass(eq=False)
class Agreement:
    """`authority_id` is the organisation that calls or leads. `act`: the notice of a call, or the act that approves a
    programme agreement. `since` and `until` (excluded) are the days on which it is in force; `deadline` the last day to
    come forward. Lists within it are kept as JSON of its row."""

    network_id: UUID
    kind: Kind
    title: str
    purpose: str | None = None
    authority_id: UUID | None = None
    body_id: UUID | None = None
    plan_id: UUID | None = None
    territories: list[str] = field(default_factory=list)
    act: dict[str, Any] | None = None
    link: str | None = None
    published_on: date | None = None
    deadline: date | None = None
    officer_mandate_id: UUID | None = None
    kinds: list[str] = field(default_factory=list)  # of members that may come forward; none: all
    sections: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    criteria: list[dict[str, Any]] = field(default_factory=list)
    threshold: float | None = None
    cents: int | None = None
    since: date | None = None
    until: date | None = None
    state: State = State.DRAFT
    outcome: str | None = None
    outcome_id: UUID | None = None
    closed_on: date | None = None
    reason: str | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    # --- what is possible

    def state_on(self, on: date) -> State:
        """What it is on a day: the due table states a moment later that a day has passed."""
        if self.state is State.OPEN and self.deadline is not None and on > self.deadline:
            return State.EVALUATION
        if self.state is State.IN_FORCE and self.until is not None and on >= self.until:
            return State.ENDED
        return self.state

    def actions(self, on: date) -> list[Action]:
        return list(STEPS[self.kind].get(self.state_on(on), {}))

    def require(self, action: Action, on: date) -> None:
        """Raises NotPossible."""
        if action not in self.actions(on):
            raise NotPossible(action, self.state_on(on), self.actions(on))

    def _advance(self, action: Action, on: date) -> None:
        self.require(action, on)
        self.state = STEPS[self.kind][self.state_on(on)][action]

    @property
    def due_at(self) -> datetime | None:
        """The instant at which time alone moves it on: midnight in Italy after the deadline, or of the day on which it
        ends."""
        if self.state is State.OPEN and self.deadline is not None:
            return datetime.combine(self.deadline + timedelta(days=1), time(), ROME)
        if self.state is State.IN_FORCE and self.until is not None:
            return datetime.combine(self.until, time(), ROME)
        return None

    def turn(self, on: date) -> bool:
        """Whether it is to be stated that a day has passed."""
        was, self.state = self.state, self.state_on(on)
        if self.state is State.ENDED and was is State.IN_FORCE:
            self.closed_on = self.until
        return self.state is not was

    # --- what is done with it

    def change(self, on: date, **given: Any) -> bool:
        """Takes the fields given. Once it is open, only what helps those who come forward: a later deadline, a link, an
        officer; once in force, the end and the words. Raises NotPossible, InvalidAgreement."""
        self.require(Action.CHANGE, on)
        changed = {name: value for name, value in given.items() if getattr(self, name) != value}
        allowed = CHANGEABLE.get(self.state)
        for name in changed:
            if allowed is not None and name not in allowed:
                raise InvalidAgreement(name, "fixed", f"while {self.state}: {', '.join(sorted(allowed))}")
        if self.state is State.OPEN and "deadline" in changed:
            _later(self.deadline, changed["deadline"])
        if self.state is State.IN_FORCE and changed.get("until") is not None and changed["until"] <= on:
            raise InvalidAgreement("until", "day", f"> {on}")
        check(copy(self, **changed))
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)

    def submit(self, signatories: Sequence[Signatory], on: date) -> None:
        """To be signed. A programme agreement names the authority that promotes it (art. 34 TUEL), which signs too.
        Raises NotPossible, InvalidAgreement."""
        self.require(Action.SUBMIT, on)
        if len(signatories) < FEWEST_SIGNATORIES:
            raise InvalidAgreement("signatories", "too_few", f">= {FEWEST_SIGNATORIES}")
        if self.kind is Kind.PROGRAMME_AGREEMENT:
            if self.authority_id is None:
                raise InvalidAgreement("authority_id", "missing", "the administration that promotes it")
            if self.authority_id not in {one.organisation_id for one in signatories}:
                raise InvalidAgreement("authority_id", "signatory", "one of the signatories")
        self._advance(Action.SUBMIT, on)

    def sign(self, signatory: Signatory, others: Sequence[Signatory], mandate_id: UUID, day: date, on: date) -> None:
        """One organisation signs, on a day; with the last one it is in force from then, or from the day agreed on.
        Raises NotPossible, SignedAlready, InvalidAgreement."""
        self.require(Action.SIGN, on)
        if signatory.signed_on is not None:
            raise SignedAlready(signatory.signed_on)
        if not EARLIEST <= day <= on:
            raise InvalidAgreement("on", "day", f"{EARLIEST} to {on}")
        signed = [day, *(one.signed_on for one in others if one.signed_on is not None)]
        whole = len(signed) == 1 + len(others)
        since = max(self.since or max(signed), max(signed))
        if whole and self.until is not None and self.until <= since:
            raise InvalidAgreement("on", "day", f"< {self.until}")
        signatory.signed_on, signatory.mandate_id = day, mandate_id
        if whole:
            self.state, self.since = State.IN_FORCE, since

    def open(self, on: date) -> None:
        """Called, by a published notice with a deadline and, for a procedure, an officer responsible for it (art. 55
        CTS, art. 5 l. 241/1990). Raises NotPossible, InvalidAgreement."""
        self.require(Action.OPEN, on)
        for name, what in NEEDED[self.kind].items():
            if getattr(self, name) is None:
                raise InvalidAgreement(name, "missing", what)
        assert self.deadline is not None
        if self.deadline < on:
            raise InvalidAgreement("deadline", "day", f">= {on}")
        if self.published_on is not None and self.published_on > on:
            raise InvalidAgreement("published_on", "day", f"<= {on}")
        self._advance(Action.OPEN, on)

    def hear(self, on: date) -> None:
        """Somebody comes forward: not after the deadline. Raises NotPossible, TooLate."""
        late = self.state in (State.OPEN, State.EVALUATION, State.TABLES, State.CONCLUDED)
        if late and self.deadline is not None and on > self.deadline:
            raise TooLate(self.deadline)
        self.require(Action.COME_FORWARD, on)

    def convene(self, interests: Sequence[Interest], on: date) -> None:
        """The tables, when everybody who came forward has been admitted or excluded. Raises NotPossible, Unevaluated,
        InvalidAgreement when nobody was admitted."""
        self.require(Action.CONVENE, on)
        require_evaluated(interests)
        if not any(one.state is Standing.ADMITTED for one in interests):
            raise InvalidAgreement("interests", "nobody_admitted", "somebody admitted; or withdraw it")
        self._advance(Action.CONVENE, on)

    def conclude(self, outcome: str | None, convention_id: UUID | None, tables: int, on: date) -> None:
        """With an outcome in words, or the convention that was signed. A procedure has held its tables. Raises
        NotPossible, InvalidAgreement."""
        self.require(Action.CONCLUDE, on)
        if outcome is None and convention_id is None:
            raise InvalidAgreement("outcome", "missing", "outcome, or the id of the convention")
        if self.kind in PROCEDURES and not tables:
            raise InvalidAgreement("tables", "missing", "at least one table that was held")
        self._advance(Action.CONCLUDE, on)
        self.outcome, self.outcome_id, self.closed_on = outcome, convention_id, on

    def end(self, reason: str, on: date) -> None:
        """Before its day, or because it has none. Raises NotPossible."""
        self._advance(Action.END, on)
        self.reason, self.closed_on = reason, on

    def withdraw(self, reason: str, on: date) -> None:
        """Raises NotPossible."""
        self._advance(Action.WITHDRAW, on)
        self.reason, self.closed_on = reason, on


CHANGEABLE: Mapping[State, frozenset[str]] = {
    State.OPEN: frozenset({"deadline", "link", "officer_mandate_id", "purpose"}),
    State.IN_FORCE: frozenset({"until", "link", "purpose", "act"}),
}
_NOTICE = {
    "authority_id": "the organisation that calls",
    "act": "the act of the notice",
    "published_on": "the day on which the notice was published",
    "deadline": "the last day to come forward",
}
NEEDED: Mapping[Kind, Mapping[str, str]] = {
    **{kind: {**_NOTICE, "officer_mandate_id": "the mandate of the responsible officer"} for kind in PROCEDURES},
    Kind.FUNDING_CALL: {"deadline": "the last day to come forward"},
}
"""What a call must say before it is opened."""


def _later(before: date | None, deadline: date | None) -> None:
    """Nobody who relied on a deadline is cut off."""
    if before is not None and (deadline is None or deadline < before):
        raise InvalidAgreement("deadline", "day", f">= {before}")


def check(agreement: Agreement) -> Agreement:
    """Raises InvalidAgreement."""
    for name in ("published_on", "deadline", "since", "until"):
        value = getattr(agreement, name)
        if value is not None and not EARLIEST <= value <= LATEST:
            raise InvalidAgreement(name, "range", f"{EARLIEST} to {LATEST}")
    if agreement.since and agreement.until and agreement.until <= agreement.since:
        raise InvalidAgreement("until", "day", f"> {agreement.since}")
    if agreement.published_on and agreement.deadline and agreement.deadline < agreement.published_on:
        raise InvalidAgreement("deadline", "day", f">= {agreement.published_on}")
    for name in ("territories", "places"):
        if len(getattr(agreement, name)) > MOST_TERRITORIES:
            raise InvalidAgreement(name, "too_many", f"<= {MOST_TERRITORIES}")
    own = CALL_ONLY if agreement.kind in SIGNED else SIGNED_ONLY
    for name in own:
        if getattr(agreement, name) not in (None, []):
            raise InvalidAgreement(name, "not_of_this_kind", f"not with {agreement.kind}")
    return _check_criteria(agreement)


CALL_ONLY = ("published_on", "deadline", "officer_mandate_id", "kinds", "sections", "places", "criteria", "threshold")
SIGNED_ONLY = ("since", "until")


def _check_criteria(agreement: Agreement) -> Agreement:
    codes = [criterion["code"] for criterion in agreement.criteria]
    if len(codes) != len(set(codes)):
        raise InvalidAgreement("criteria", "twice", "each code once")
    most = sum(criterion["points"] for criterion in agreement.criteria)
    if agreement.threshold is not None and not 0 <= agreement.threshold <= most:
        raise InvalidAgreement("threshold", "range", f"0 to {most}")
    return agreement


def check_act(act: Act, on: date) -> None:
    """Of today or before. Raises InvalidAgreement."""
    if not EARLIEST <= act.day <= on:
        raise InvalidAgreement("act/day", "day", f"{EARLIEST} to {on}")


@dataclass(eq=False)
class Signatory:
    """An organisation that is to sign; `mandate_id` is that of the person who signed for it."""

    agreement_id: UUID
    organisation_id: UUID
    signed_on: date | None = None
    mandate_id: UUID | None = None


class Standing(StrEnum):
    """How somebody who came forward stands."""

    EXPRESSED = "expressed"
    WITHDRAWN = "withdrawn"
    ADMITTED = "admitted"
    EXCLUDED = "excluded"


@dataclass(eq=False)
class Interest:
    """A member that came forward. `on_behalf`: somebody of the secretariat entered it."""

    agreement_id: UUID
    network_id: UUID
    organisation_id: UUID
    expressed_on: date
    note: str | None = None
    on_behalf: bool = False
    state: Standing = Standing.EXPRESSED
    scores: dict[str, float] = field(default_factory=dict)
    points: float | None = None
    reason: str | None = None
    decided_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def withdraw(self, agreement: Agreement, on: date) -> None:
        """Until the deadline. Raises NotPossible, TooLate."""
        agreement.hear(on)
        if self.state is not Standing.EXPRESSED:
            raise NotPossible(Action.WITHDRAW, agreement.state, ["come_forward"])
        self.state = Standing.WITHDRAWN

    def again(self, note: str | None, on: date, *, on_behalf: bool) -> None:
        """Comes forward once more after it was withdrawn. Raises CameForward."""
        if self.state is not Standing.WITHDRAWN:
            raise CameForward
        self.state, self.expressed_on, self.note, self.on_behalf = Standing.EXPRESSED, on, note, on_behalf

    def evaluate(
        self, agreement: Agreement, outcome: Standing, scores: Mapping[str, float], reason: str | None, on: date
    ) -> None:
        """Admitted or excluded, until the tables are convened; who is excluded is told why. Raises NotPossible,
        InvalidAgreement."""
        agreement.require(Action.EVALUATE, on)
        if self.state is Standing.WITHDRAWN:
            raise InvalidAgreement("interest", "withdrawn", "one that was not withdrawn")
        if outcome not in (Standing.ADMITTED, Standing.EXCLUDED):
            raise InvalidAgreement("outcome", "outcome", f"{Standing.ADMITTED}, {Standing.EXCLUDED}")
        points = scored(agreement, scores, whole=outcome is Standing.ADMITTED)
        if outcome is Standing.EXCLUDED and not reason:
            raise InvalidAgreement("reason", "missing", "why it is excluded")
        if outcome is Standing.ADMITTED and agreement.threshold is not None and (points or 0) < agreement.threshold:
            raise InvalidAgreement("scores", "below_threshold", f">= {agreement.threshold:g} points in all")
        self.state, self.scores, self.points = outcome, dict(scores), points
        self.reason, self.decided_on = reason, on


def scored(agreement: Agreement, scores: Mapping[str, float], *, whole: bool) -> float | None:
    """The sum; None without any score. `whole`: every criterion must have one. Raises InvalidAgreement."""
    most = {criterion["code"]: criterion["points"] for criterion in agreement.criteria}
    for code, points in scores.items():
        if code not in most:
            raise InvalidAgreement(f"scores/{code}", "unknown", ", ".join(most) or "no criteria")
        if not 0 <= points <= most[code]:
            raise InvalidAgreement(f"scores/{code}", "range", f"0 to {most[code]}")
    if whole and (missing := [code for code in most if code not in scores]):
        raise InvalidAgreement(f"scores/{missing[0]}", "missing", f"0 to {most[missing[0]]}")
    return sum(scores.values()) if scores else None


def require_evaluated(interests: Iterable[Interest]) -> None:
    """Raises Unevaluated with all of them."""
    if still := [one for one in interests if one.state is Standing.EXPRESSED]:
        raise Unevaluated(still)


@dataclass(eq=False)
class Table:
    """A table that was held: its minutes, or a record by hand."""

    agreement_id: UUID
    held_on: date
    title: str
    minutes_id: UUID | None = None
    record: str | None = None
    link: str | None = None
    id: UUID = field(default_factory=uuid7)


def hold(agreement: Agreement, table: Table, on: date) -> Table:
    """Raises NotPossible, InvalidAgreement."""
    agreement.require(Action.RECORD, on)
    if not EARLIEST <= table.held_on <= on:
        raise InvalidAgreement("held_on", "day", f"{EARLIEST} to {on}")
    if table.minutes_id is None and table.record is None:
        raise InvalidAgreement("minutes_id", "missing", "minutes_id, or record")
    return table


@dataclass(eq=False)
class Obligation:
    """What a signatory is to do by a day. It is a commitment from the day on which the agreement is in force."""

    agreement_id: UUID
    organisation_id: UUID
    title: str
    kind: str
    due: date
    id: UUID = field(default_factory=uuid7)


def parts(organisations: Sequence[UUID]) -> list[tuple[int, tuple[UUID, ...]]]:
    """Members as facts can tell them, numbered from 1."""
    return [
        (start // AUDIENCE + 1, tuple(organisations[start : start + AUDIENCE]))
        for start in range(0, len(organisations), AUDIENCE)
    ]
