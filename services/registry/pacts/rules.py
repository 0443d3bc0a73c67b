"""Generative pacts: what a working group or an organisation and a person or household in difficulty owe each other, and
the steps by which the person gets on by themselves.

A pact is draft -> complete -> signed -> ended or broken off. It is complete when each of the four kinds of actors holds
a concrete commitment: a text, a day and somebody who holds it. Nothing here knows who the person is: texts are sealed
before they come here (`sealing.py`), and outside of its slice a pact is its code.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from services.registry.organisations.rules import Kind as OrganisationKind
from services.registry.organisations.rules import Ownership
from shared.access.actor import EARLIEST, LATEST

MOST_OBLIGATIONS = MOST_STEPS = 60
FEWEST = 5
"""Smaller counts are not published."""
K = TypeVar("K", bound=Hashable)
L = TypeVar("L", bound=Hashable)


class Kind(StrEnum):
    PERSON = "person"
    HOUSEHOLD = "household"


class State(StrEnum):
    DRAFT = "draft"
    COMPLETE = "complete"
    SIGNED = "signed"
    ENDED = "ended"
    BROKEN_OFF = "broken_off"


OPEN = (State.DRAFT, State.COMPLETE, State.SIGNED)
"""Somebody follows it."""


class Side(StrEnum):
    """The four kinds of actors of the plan of Lecco."""

    LOCAL_AUTHORITY = "local_authority"
    THIRD_SECTOR = "third_sector"
    OPERATOR = "operator"
    BENEFICIARY = "beneficiary"


class Kept(StrEnum):
    """What became of the beneficiary's obligation; what became of another's is told by its commitment."""

    KEPT = "kept"
    PARTLY_KEPT = "partly_kept"
    NOT_KEPT = "not_kept"


class StepOutcome(StrEnum):
    REACHED = "reached"
    PARTLY_REACHED = "partly_reached"
    NOT_REACHED = "not_reached"
    DROPPED = "dropped"


class Outcome(StrEnum):
    AUTONOMY = "autonomy"
    PARTIAL_AUTONOMY = "partial_autonomy"
    OTHER_SERVICES = "other_services"
    UNCHANGED = "unchanged"


class BreakReason(StrEnum):
    BENEFICIARY_WITHDREW = "beneficiary_withdrew"
    NOT_KEPT = "not_kept"
    UNREACHABLE = "unreachable"
    MOVED_AWAY = "moved_away"
    BODY_WITHDREW = "body_withdrew"
    DECEASED = "deceased"
    MISTAKE = "mistake"


class Reason(StrEnum):
    """Why somebody reads what is written about a person. Words from a list: a text of one's own could tell of whom."""

    FOLLOW_UP = "follow_up"
    SIGNING = "signing"
    HAND_OVER = "hand_over"
    NO_MAKER = "no_maker"
    SUPERVISION = "supervision"
    COMPLAINT = "complaint"
    EMERGENCY = "emergency"
    BENEFICIARY_REQUEST = "beneficiary_request"
    AUTHORITY_REQUEST = "authority_request"


class Capacity(StrEnum):
    """As whom somebody may read."""

    MAKER = "maker"
    COORDINATOR = "coordinator"


class Purpose(StrEnum):
    VIEW = "view"
    PRINT = "print"


class UnknownPact(Exception):
    """No pact has this id, or none that the caller may know of; or it has no obligation or step of this number."""


class InvalidPact(Exception):
    """A field holds what it may not; `path` is the field, `code` a stable word, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: object = None) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = f"/{path}", code, accepted


class Incomplete(Exception):
    """Kinds of actors hold no concrete commitment yet."""

    def __init__(self, missing: Sequence[Side]) -> None:
        super().__init__(", ".join(missing))
        self.missing = tuple(missing)
        self.missing_it = [SIDES[side][0].lower() for side in missing]
        self.missing_en = [SIDES[side][1].lower() for side in missing]
        self.path, self.code, self.accepted = "/obligations", "incomplete", list(missing)


class NotPossibleNow(Exception):
    """What was asked does not go with the pact's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


class ClosedAlready(Exception):
    """The obligation or the step has its outcome."""


class IsCommitment(Exception):
    """What an organisation or an operator owes is closed as a commitment, with its evidence."""


class Erased(Exception):
    """The pact's key was destroyed on `erased_on`: nobody can read what was written about the person."""

    def __init__(self, erased_on: date) -> None:
        super().__init__(f"erased on {erased_on}")
        self.erased_on = erased_on


SIDES: Mapping[Side, tuple[str, str]] = {
    Side.LOCAL_AUTHORITY: ("Enti locali", "Local authorities"),
    Side.THIRD_SECTOR: ("Terzo settore", "Third sector"),
    Side.OPERATOR: ("Operatori", "Operators"),
    Side.BENEFICIARY: ("Beneficiari", "Beneficiaries"),
}

_AUTHORITIES = {
    OrganisationKind.MUNICIPALITY,
    OrganisationKind.PROVINCE,
    OrganisationKind.REGION,
    OrganisationKind.UNION,
}
_OPERATORS = {
    OrganisationKind.HEALTH_AUTHORITY,
    OrganisationKind.SCHOOL,
    OrganisationKind.UNIVERSITY,
    OrganisationKind.CHAMBER,
    OrganisationKind.TRADE_ASSOCIATION,
    OrganisationKind.TRADE_UNION,
    OrganisationKind.FIRM,
}


def sides_of(kind: OrganisationKind, ownership: Ownership | None) -> tuple[Side, ...]:
    """For which of the kinds of actors an organisation may stand: for one if its kind says so; a body of mixed capital
    (the Girasole consortium) for the local authorities too, so that it has to say for whom; of one whose kind is not
    known nothing follows."""
    if kind in _AUTHORITIES:
        return (Side.LOCAL_AUTHORITY,)
    if kind in _OPERATORS:
        own = (Side.OPERATOR,)
    elif ownership is Ownership.PUBLIC:  # a special company, a consortium of municipalities
        return (Side.LOCAL_AUTHORITY,)
    elif kind is OrganisationKind.OTHER:
        return (Side.LOCAL_AUTHORITY, Side.THIRD_SECTOR, Side.OPERATOR)
    else:
        own = (Side.THIRD_SECTOR,)
    return (Side.LOCAL_AUTHORITY, *own) if ownership is Ownership.MIXED else own


def side_for(stated: Side | None, possible: Sequence[Side], elsewhere: Collection[Side] = ()) -> Side:
    """For whom a holder stands: what follows from what it is, or what was stated where that leaves a choice. In one
    pact it stands for one side: `elsewhere` are those of its other obligations. Raises InvalidPact."""
    left = [side for side in possible if not elsewhere or side in elsewhere]
    if stated is None:
        if len(left) != 1:
            raise InvalidPact("side", "missing", ", ".join(left))
        return left[0]
    if stated not in left:
        raise InvalidPact("side", "unfit", ", ".join(left))
    return stated


@dataclass(eq=False)
class Obligation:
    """What one side owes. Its text is sealed; without text, day or holder it is not concrete yet. The holder is an
    organisation, an operator (a person of the network) or, on the beneficiary's side, nobody that is named."""

    pact_id: UUID
    number: int
    side: Side
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    due: date | None = None
    sealed: bytes | None = None
    outcome: Kept | None = None
    closed_on: date | None = None
    id: UUID = field(default_factory=uuid7)

    @property
    def owner(self) -> UUID | None:
        return self.organisation_id or self.person_id

    @property
    def held(self) -> bool:
        return self.side is Side.BENEFICIARY or self.owner is not None

    @property
    def concrete(self) -> bool:
        return self.sealed is not None and self.due is not None and self.held

    def close(self, outcome: Kept, on: date) -> None:
        """Raises IsCommitment, ClosedAlready."""
        if self.side is not Side.BENEFICIARY:
            raise IsCommitment
        if self.outcome is not None:
            raise ClosedAlready
        self.outcome, self.closed_on = outcome, on


@dataclass(eq=False)
class Step:
    """A step to autonomy, by the day `due`; its texts are sealed."""

    pact_id: UUID
    number: int
    due: date
    sealed: bytes | None
    outcome: StepOutcome | None = None
    closed_on: date | None = None
    sealed_note: bytes | None = None
    id: UUID = field(default_factory=uuid7)

    def close(self, outcome: StepOutcome, on: date) -> None:
        """Raises ClosedAlready."""
        self.require_open()
        self.outcome, self.closed_on = outcome, on

    def require_open(self) -> None:
        if self.outcome is not None:
            raise ClosedAlready


def missing(obligations: Iterable[Obligation]) -> tuple[Side, ...]:
    """The kinds of actors that hold no concrete commitment yet, in their order."""
    bound = {obligation.side for obligation in obligations if obligation.concrete}
    return tuple(side for side in Side if side not in bound)


@dataclass(eq=False)
class Pact:
    """Between the body or the organisation that promotes it (exactly one) and somebody who is `code` to everybody else.
    It runs from `since` until `until` (exclusive)."""

    network_id: UUID
    year: int
    number: int
    kind: Kind
    territory: str
    drafted_on: date
    body_id: UUID | None = None
    organisation_id: UUID | None = None
    maker_id: UUID | None = None
    state: State = State.DRAFT
    signed_on: date | None = None
    since: date | None = None
    until: date | None = None
    renewals: int = 0
    outcome: Outcome | None = None
    break_reason: BreakReason | None = None
    closed_on: date | None = None
    erased_on: date | None = None
    sealed: bytes | None = None  # who the beneficiary is
    sealed_end: bytes | None = None  # what was written when it ended
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def code(self) -> str:
        return f"PG-{self.year}-{self.number:04d}"

    def actions(self) -> list[str]:
        """What its state allows; who may do it is the policy's to say."""
        negotiated = self.state in (State.DRAFT, State.COMPLETE)
        possible = {
            "change": self.state in OPEN,
            "oblige": self.state in OPEN,
            "change_obligation": negotiated,
            "step": self.state in OPEN,
            "sign": self.state is State.COMPLETE,
            "close": self.state is State.SIGNED,
            "renew": self.state is State.SIGNED,
            "end": self.state is State.SIGNED,
            "break_off": self.state in OPEN,
            "hand_over": self.state in OPEN,
            "read": self.erased_on is None,
            "erase": self.state not in OPEN and self.erased_on is None,
        }
        return [action for action, yes in possible.items() if yes]

    def require(self, action: str) -> None:
        """Raises NotPossibleNow; Erased where nothing can be read any more."""
        if self.erased_on is not None:
            raise Erased(self.erased_on)
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)

    def review(self, obligations: Iterable[Obligation]) -> None:
        """While it is negotiated, what the sides have taken on decides whether it is complete."""
        if self.state in (State.DRAFT, State.COMPLETE):
            self.state = State.DRAFT if missing(obligations) else State.COMPLETE

    def sign(self, since: date, until: date, obligations: Sequence[Obligation], on: date) -> None:
        """Both sides are bound, from `since` until `until`. Raises Incomplete with the kinds of actors that hold
        nothing concrete, NotPossibleNow, InvalidPact."""
        if self.state is State.DRAFT:
            raise Incomplete(missing(obligations))
        self.require("sign")
        check_term(since, until)
        for obligation in obligations:
            if not obligation.concrete:
                raise InvalidPact(f"obligations/{obligation.number}", "not_concrete", "a text, a day and a holder")
            assert obligation.due is not None
            if obligation.due < on:
                raise InvalidPact(f"obligations/{obligation.number}/due", "too_early", f">= {on}")
        self.state, self.signed_on, self.since, self.until = State.SIGNED, on, since, until

    def renew(self, until: date, on: date) -> None:
        """Goes on until a later day. Raises NotPossibleNow, InvalidPact."""
        self.require("renew")
        assert self.since is not None
        assert self.until is not None
        earliest = max(self.until, on)
        if until <= earliest:
            raise InvalidPact("until", "too_early", f"> {earliest}")
        check_term(self.since, until)
        self.until, self.renewals = until, self.renewals + 1

    def end(self, outcome: Outcome, on: date, today: date) -> None:
        """It has come to its end on that day. Raises NotPossibleNow, InvalidPact."""
        self.require("end")
        self._close(State.ENDED, on, today)
        self.outcome = outcome

    def break_off(self, reason: BreakReason, on: date, today: date) -> None:
        """It ends before its time, or before it was signed. Raises NotPossibleNow, InvalidPact."""
        self.require("break_off")
        self._close(State.BROKEN_OFF, on, today)
        self.break_reason = reason

    def _close(self, state: State, on: date, today: date) -> None:
        first = self.signed_on or self.drafted_on
        if not first <= on <= today:
            raise InvalidPact("on", "range", f"{first} to {today}")
        self.state, self.closed_on = state, on

    def erase(self, on: date) -> None:
        """Nothing of what was written stays readable; the figures do. Raises Erased, NotPossibleNow."""
        self.require("erase")
        self.erased_on, self.sealed, self.sealed_end = on, None, None


def check_term(since: date, until: date) -> None:
    if not EARLIEST <= since <= LATEST:
        raise InvalidPact("since", "range", f"{EARLIEST} to {LATEST}")
    if not since < until <= LATEST:
        raise InvalidPact("until", "range", f"after {since}, until {LATEST}")


def check_due(due: date, on: date, path: str = "due") -> None:
    """Today or later, as far as anybody plans."""
    if not on <= due <= LATEST:
        raise InvalidPact(path, "range", f"{on} to {LATEST}")


# --- who follows a pact ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Making:
    """A community maker's term with the promoter of pacts, in a seat if the body has seats."""

    person_id: UUID
    seat_id: UUID | None
    since: date
    ends: date | None

    def runs(self, on: date) -> bool:
        return self.since <= on and (self.ends is None or on < self.ends)


def successor(former: UUID | None, makings: Sequence[Making], load: Mapping[UUID, int], on: date) -> UUID | None:
    """Who follows a pact on that day: who has followed it as long as they are in office; then who sits in their seat;
    then, of those in office, who follows fewest (`load`), and of these who has been there longest. None: nobody is."""
    now = [making for making in makings if making.runs(on)]
    if former is not None and any(making.person_id == former for making in now):
        return former
    seats = {making.seat_id for making in makings if making.person_id == former and making.seat_id is not None}
    heirs = [making for making in now if making.seat_id in seats] or now
    if not heirs:
        return None
    return min(heirs, key=lambda making: (load.get(making.person_id, 0), making.since, making.person_id)).person_id


# --- figures that may be published -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published(Generic[K]):
    """Counts by key. A hidden one is None; `withheld`: not even the keys are told. `total` is None when it is small."""

    total: int | None
    cells: Mapping[K, int | None]
    withheld: bool = False


def publish(counts: Mapping[K, int]) -> Published[K]:
    """Counts as they may be published: none under FEWEST, and none that follows from the others and the total.

    Hidden are the small ones, and then as many of the smallest others (those of one size together) as it takes for the
    hidden ones to sum up to FEWEST and to be of two sizes at least: the same table with two of them exchanged reads the
    same, so none of them can be told. If that hides all of them, their keys are withheld as well: knowing how many
    there are could tell what they are.
    """
    filled = {key: count for key, count in counts.items() if count}
    total = sum(filled.values())
    if total < FEWEST:
        return Published(None, {}, withheld=True)
    hidden = {key for key, count in filled.items() if count < FEWEST}
    for size in sorted({count for count in filled.values() if count >= FEWEST}):
        sizes = {filled[key] for key in hidden}
        if not hidden or (len(sizes) > 1 and sum(filled[key] for key in hidden) >= FEWEST):
            break
        hidden |= {key for key, count in filled.items() if count == size}
    if len(hidden) == len(filled):
        return Published(total, {}, withheld=True)
    return Published(total, {key: None if key in hidden else count for key, count in filled.items()})


def publish_within(counts: Mapping[K, Mapping[L, int]]) -> tuple[Published[K], dict[K, Published[L]]]:
    """A table whose parts have parts of their own: the inner ones are told only where the outer count is, each within
    its own total."""
    outer = publish({key: sum(inner.values()) for key, inner in counts.items()})
    told = [key for key, count in outer.cells.items() if count is not None]
    return outer, {key: publish(counts[key]) for key in told}
