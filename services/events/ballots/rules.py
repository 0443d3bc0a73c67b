"""Ballots: a question, one vote for each voice, and what comes of it.

A voice is a seat of the body or, in a body without seats, a person. A ballot is open in both senses: votes are
named, and shown to who keeps the minutes; its result is shown when it is closed, so that nobody votes after a count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7


class Vote(StrEnum):
    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"


class Outcome(StrEnum):
    CARRIED = "carried"
    REJECTED = "rejected"
    NO_QUORUM = "no_quorum"


class Basis(StrEnum):
    """Of what a majority is asked: of the votes for and against, or of all who could have voted."""

    VOTES = "votes"
    ENTITLED = "entitled"


class UnknownBallot(Exception):
    """No ballot has this id."""


class BallotClosed(Exception):
    """It was closed, and counted: no vote is taken any more."""


class InvalidMajority(Exception):
    """Fewer than half would carry it, or more than all would be needed."""

    def __init__(self, accepted: str) -> None:
        super().__init__(accepted)
        self.path, self.accepted = "/majority", accepted


class NoVoice(Exception):
    """The invitation bears no vote: withdrawn, by name only, or of a mandate that is not in force today."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotYours(Exception):
    """The invitation is another person's, who has not delegated to the caller."""


class Delegated(Exception):
    """Somebody stands for this invitation: the vote is theirs to cast."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


class NotThere(Exception):
    """The attendance says that the voter is excused or absent."""

    def __init__(self, mode: str) -> None:
        super().__init__(mode)
        self.mode = mode


class SeatHasVoted(Exception):
    """Somebody else has cast the vote of this seat: it has one."""


@dataclass(frozen=True)
class Majority:
    """More than `numerator`/`denominator` of `of` must be in favour; without `exceeded`, as many are enough."""

    numerator: int = 1
    denominator: int = 2
    exceeded: bool = True
    of: Basis = Basis.VOTES

    def checked(self) -> Majority:
        """Raises InvalidMajority for less than more-than-half, and for more than all."""
        half = 2 * self.numerator
        if half < self.denominator or (half == self.denominator and not self.exceeded):
            raise InvalidMajority("more than half, at least")
        if self.numerator > self.denominator or (self.numerator == self.denominator and self.exceeded):
            raise InvalidMajority("all of them, at most")
        return self

    def reached(self, in_favour: int, base: int) -> bool:
        have, want = in_favour * self.denominator, base * self.numerator
        return in_favour > 0 and (have > want if self.exceeded else have >= want)


@dataclass(frozen=True)
class Tally:
    in_favour: int = 0
    against: int = 0
    abstained: int = 0

    @property
    def cast(self) -> int:
        return self.in_favour + self.against + self.abstained


def tally(votes: Iterable[Vote]) -> Tally:
    counted = Counter(votes)
    return Tally(counted[Vote.YES], counted[Vote.NO], counted[Vote.ABSTAIN])


def outcome(counted: Tally, majority: Majority, entitled: int, *, quorate: bool) -> Outcome:
    """An abstention is no vote for or against: of the votes, only these two make the base."""
    if not quorate:
        return Outcome.NO_QUORUM
    base = entitled if majority.of is Basis.ENTITLED else counted.in_favour + counted.against
    return Outcome.CARRIED if majority.reached(counted.in_favour, base) else Outcome.REJECTED


@dataclass(eq=False)
class Ballot:
    """A question put to the vote in a meeting. Its figures stay at nought until it is closed."""

    meeting_id: UUID
    network_id: UUID
    question: str
    opened_at: datetime
    body_id: UUID | None = None
    numerator: int = 1
    denominator: int = 2
    exceeded: bool = True
    basis: Basis = Basis.VOTES
    entitled: int = 0
    in_favour: int = 0
    against: int = 0
    abstained: int = 0
    outcome: Outcome | None = None
    opened_by: UUID | None = None
    closed_at: datetime | None = None
    closed_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def open(self) -> bool:
        return self.outcome is None

    @property
    def majority(self) -> Majority:
        return Majority(self.numerator, self.denominator, self.exceeded, self.basis)

    def require_open(self) -> None:
        if not self.open:
            raise BallotClosed

    def close(self, votes: Mapping[UUID, Vote], entitled: frozenset[UUID], now: datetime, *, quorate: bool) -> None:
        """Counts the votes of the voices that there are; one whose voice is gone with its mandate counts no longer."""
        self.require_open()
        counted = tally(vote for voice, vote in votes.items() if voice in entitled)
        self.entitled = len(entitled)
        self.in_favour, self.against, self.abstained = counted.in_favour, counted.against, counted.abstained
        self.outcome = outcome(counted, self.majority, len(entitled), quorate=quorate)
        self.closed_at = now


@dataclass(frozen=True)
class Ticket:
    """What is known of an invitation when its vote is to be cast: may this person cast it today?"""

    invitation_id: UUID
    person_id: UUID
    voice: UUID
    issued: bool
    by_mandate: bool
    in_force: bool
    mode: str | None = None  # what the attendance says of it
    proxy: UUID | None = None  # the person who stands for it
    proxy_name: str = ""

    def refusal(self, caster: UUID) -> Exception | None:
        """Why this person may not cast it. NotYours first, so that a stranger learns no more than that."""
        if caster not in (self.person_id, self.proxy):
            return NotYours()
        if not self.issued or not self.by_mandate or not self.in_force:
            return NoVoice("withdrawn" if not self.issued else "by_name" if not self.by_mandate else "mandate_over")
        if self.proxy is not None and caster != self.proxy:
            return Delegated(self.proxy_name)
        if self.proxy is None and self.mode in ("excused", "absent"):
            return NotThere(self.mode)
        return None

    def require(self, caster: UUID) -> None:
        """Raises NotYours, NoVoice, Delegated or NotThere."""
        refusal = self.refusal(caster)
        if refusal is not None:
            raise refusal
