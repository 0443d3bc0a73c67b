"""Mandates: who acts for whom, in which role, on which day.

A mandate is designated -> in office -> (holding over ->) ended. Its days are half open: the day in `until` is no longer
its own. What it is on a day follows from its days alone, so "who held it on date D" has one answer, today and in ten
years.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from dataclasses import replace as copy
from datetime import date
from enum import Enum, StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access.actor import EARLIEST, LATEST
from shared.access.roles import Role


class State(StrEnum):
    """In the order in which a mandate passes through them; it never goes back."""

    DESIGNATED = "designated"
    IN_OFFICE = "in_office"
    HOLDING_OVER = "holding_over"
    ENDED = "ended"

    def comes_after(self, other: State) -> bool:
        order = list(State)
        return order.index(self) > order.index(other)


HELD = (State.IN_OFFICE, State.HOLDING_OVER)


class EndReason(StrEnum):
    RESIGNED = "resigned"
    REVOKED = "revoked"
    REPLACED = "replaced"
    DECLINED = "declined"
    ORGANISATION_LEFT = "organisation_left"
    DECEASED = "deceased"
    SEAT_CLOSED = "seat_closed"
    BODY_DISSOLVED = "body_dissolved"
    ORGANISATION_MERGED = "organisation_merged"  # the person has the same mandate for the one that stands for both
    MISTAKE = "mistake"


class InvalidTerm(Exception):
    """The days contradict each other, or come too late: `path` names the field, `accepted` what would do."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path, self.accepted = f"/{path}", why


class Misplaced(Exception):
    """The role needs an organisation or a territory that is missing, or bears none; `path` names it."""

    def __init__(self, role: Role, path: str, needed: bool) -> None:
        super().__init__(f"{role}: {path} {'missing' if needed else 'not allowed'}")
        self.role, self.path, self.code = role, f"/{path}", "missing" if needed else "not_allowed"


class UnknownMandate(Exception):
    """No mandate has this id."""


class UnknownPerson(Exception):
    """The network knows nobody by this id."""


class NotAMember(Exception):
    """The organisation does not belong to the network of the mandate, or no longer."""


class UnknownTerritory(Exception):
    """No region, province or municipality of Italy has this code."""


class OfficeTaken(Exception):
    """Somebody else holds the office on one of these days; it falls free on `free_from` (None: nobody knows when)."""

    def __init__(self, wanted: Mandate, holder: Mandate) -> None:
        super().__init__(f"held by mandate {holder.id} until {holder.ends}")
        self.holder, self.holder_id, self.free_from = holder, holder.id, holder.ends
        self.held_until = holder.ends or "–"
        self.path, self.accepted = _beside(wanted, holder)
        self.holder_name = ""  # filled in where people are known


class HeldAlready(Exception):
    """The person has this very mandate on one of these days."""

    def __init__(self, wanted: Mandate, mandate: Mandate) -> None:
        super().__init__(f"mandate {mandate.id}")
        self.mandate, self.mandate_id = mandate, mandate.id
        self.path, self.accepted = _beside(wanted, mandate)


def _beside(wanted: Mandate, other: Mandate) -> tuple[str, str]:
    """The field that would have to differ for both to hold, and what would do."""
    if wanted.since < other.since:
        return "/until", f"not after {other.since}"
    return "/since", f"from {other.ends}" if other.ends else f"after mandate {other.id} has been ended"


class NotPossibleNow(Exception):
    """What was asked does not go with the mandate's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


class Need(Enum):
    MUST = "must"
    MAY = "may"
    NEVER = "never"


# What a role is held for (an organisation) and where (a territory; without one: in the whole network).
NEEDS: dict[Role, tuple[Need, Need]] = {
    Role.SECRETARIAT: (Need.NEVER, Need.NEVER),
    Role.COORDINATOR: (Need.MAY, Need.MUST),
    Role.REFERENT: (Need.MUST, Need.NEVER),
    Role.REPRESENTATIVE: (Need.MUST, Need.MAY),
    Role.DELEGATE: (Need.MUST, Need.MAY),
    Role.MEMBER: (Need.MAY, Need.MAY),
    Role.COMMUNITY_MAKER: (Need.MAY, Need.MAY),
}

EXCLUSIVE = frozenset({Role.REFERENT, Role.COORDINATOR})
"""One referent speaks for an organisation in a network; one coordinator answers for a territory of it. In a body the
seats decide: each has one holder."""


@dataclass(frozen=True)
class Office:
    """What is held; equal offices are one. The organisation that lends a coordinator is no part of the office; a seat
    is one whoever sends its holder, and a person belongs to a body without seats once."""

    network_id: UUID
    role: Role
    organisation_id: UUID | None
    territory: str | None
    body_id: UUID | None = None
    seat_id: UUID | None = None

    @property
    def exclusive(self) -> bool:
        """It has one holder on a day."""
        return self.seat_id is not None or (self.body_id is None and self.role in EXCLUSIVE)


@dataclass(eq=False)
class Mandate:
    """A person holds an office from `since` until `until` (exclusive; None: until somebody ends it)."""

    network_id: UUID
    person_id: UUID
    role: Role
    since: date
    until: date | None = None
    organisation_id: UUID | None = None
    territory: str | None = None
    holds_over: bool = False  # prorogatio: acts on after the term, until a successor enters
    accepted_on: date | None = None
    ended_on: date | None = None  # the decided end (exclusive): it wins over the term, and may lie in the future
    end_reason: EndReason | None = None
    told: State = State.DESIGNATED  # what the last fact said; the due table makes it follow state()
    id: UUID = field(default_factory=uuid7)
    version: int = 0
    body_id: UUID | None = None
    seat_id: UUID | None = None  # where the body has seats

    @property
    def office(self) -> Office:
        if self.body_id is not None:
            return Office(self.network_id, self.role, None, None, self.body_id, self.seat_id)
        lender = self.role is Role.COORDINATOR
        return Office(self.network_id, self.role, None if lender else self.organisation_id, self.territory)

    @property
    def ends(self) -> date | None:
        """The first day on which it is no longer held, as far as that is decided; None: open."""
        if self.ended_on is not None:
            return max(self.since, self.ended_on)
        return None if self.holds_over else self.until

    def turns(self) -> list[tuple[date, State]]:
        """The days on which the state changes, in order."""
        turns = [(self.since, State.IN_OFFICE)]
        if self.until is not None:
            turns.append((self.until, State.HOLDING_OVER if self.holds_over else State.ENDED))
        if self.ended_on is not None:
            turns = [turn for turn in turns if turn[0] < self.ended_on] + [(self.ended_on, State.ENDED)]
        return turns

    def state(self, on: date) -> State:
        reached = [state for day, state in self.turns() if day <= on]
        return reached[-1] if reached else State.DESIGNATED

    def next_turn(self) -> tuple[date, State] | None:
        """The first turn that no fact has told yet."""
        return next(((day, state) for day, state in self.turns() if state.comes_after(self.told)), None)

    def overlaps(self, other: Mandate) -> bool:
        begins_before_other_ends = other.ends is None or self.since < other.ends
        other_begins_before_this_ends = self.ends is None or other.since < self.ends
        never_held = self.since == self.ends or other.since == other.ends
        return begins_before_other_ends and other_begins_before_this_ends and not never_held

    # What may be done with it. Each raises before it changes anything.

    def accept(self, on: date) -> None:
        """The person takes the office; it begins on its day whether or not this was recorded."""
        self._possible("accept", on)
        self.accepted_on = on

    def extend(self, until: date | None, on: date, others: Iterable[Mandate]) -> None:
        """A later end of the term, or none. Raises OfficeTaken if a successor has been designated for these days."""
        self._possible("extend", on)
        assert self.until is not None
        if until is not None and until <= self.until:
            raise InvalidTerm("until", f"later than {self.until}")
        _check_day("until", until)
        require_free(copy(self, until=until), others)
        self.until = until

    def hold_over(self, on: date, others: Iterable[Mandate]) -> None:
        """The holder will act on after the term, until a successor enters (prorogatio)."""
        self._possible("hold_over", on)
        require_free(copy(self, holds_over=True), others)
        self.holds_over = True

    def end(self, day: date, reason: EndReason, on: date) -> None:
        """Held no longer from `day`: today, a later day, or an earlier one if the news arrives late.

        A designation may be withdrawn before it begins. A decided end may be brought forward, not put back.
        """
        self._possible("end", on)
        _check_day("on", day)
        if self.ends is not None and day > self.ends:
            raise InvalidTerm("on", f"not after {self.ends}")
        if day < self.since and self.state(on) is not State.DESIGNATED:
            raise InvalidTerm("on", f"not before {self.since}")
        self.ended_on, self.end_reason = day, reason

    def actions(self, on: date) -> list[str]:
        """What the state allows on that day; who may do it is the policy's to say."""
        state = self.state(on)
        running = state in (State.DESIGNATED, State.IN_OFFICE)
        fixed = running and self.until is not None and self.ended_on is None
        possible = {
            "accept": running and self.accepted_on is None,
            "extend": fixed,
            "hold_over": fixed and not self.holds_over,
            "replace": state is not State.ENDED,
            "end": state is not State.ENDED,
        }
        return [action for action, yes in possible.items() if yes]

    def _possible(self, action: str, on: date) -> None:
        if action not in self.actions(on):
            raise NotPossibleNow(action, self.state(on))


def designate(mandate: Mandate, others: Iterable[Mandate]) -> Mandate:
    """The mandate, if its role, place and days agree and nobody stands in its way; `others` are those of its office.

    Raises Misplaced, InvalidTerm, OfficeTaken (with the holder and the day the office falls free), HeldAlready.
    """
    for path, need in zip(("organisation_id", "territory"), NEEDS[mandate.role], strict=True):
        given = getattr(mandate, path) is not None
        if need is (Need.NEVER if given else Need.MUST):
            raise Misplaced(mandate.role, path, needed=not given)
    for path in ("since", "until"):
        _check_day(path, getattr(mandate, path))
    if mandate.until is not None and mandate.until <= mandate.since:
        raise InvalidTerm("until", f"later than {mandate.since}")
    if mandate.holds_over and mandate.until is None:
        raise InvalidTerm("holds_over", "only with an end of the term")
    require_free(mandate, others)
    return mandate


def replace(old: Mandate, new: Mandate, others: Iterable[Mandate], on: date) -> Mandate:
    """`old` ends on the day on which `new` begins: no day with two holders, none without."""
    if "replace" not in old.actions(on):
        raise NotPossibleNow("replace", old.state(on))
    if new.since <= old.since:
        raise InvalidTerm("since", f"later than {old.since}")
    if old.ends is not None and new.since > old.ends:
        raise InvalidTerm("since", f"not after {old.ends}")
    designate(new, [other for other in others if other is not old])
    old.end(new.since, EndReason.REPLACED, on)
    return new


def require_free(mandate: Mandate, others: Iterable[Mandate]) -> None:
    for other in others:
        if other.id == mandate.id or not mandate.overlaps(other):
            continue
        if other.person_id == mandate.person_id:
            raise HeldAlready(mandate, other)
        if mandate.office.exclusive:
            raise OfficeTaken(mandate, other)


def _check_day(path: str, day: date | None) -> None:
    if day is not None and not EARLIEST <= day <= LATEST:
        raise InvalidTerm(path, f"{EARLIEST} to {LATEST}")
