"""Ballots: a question, one paper for each voice, and what comes of it.

A voice is a seat of the body or, in a body without seats, a person, or an organisation where the ballot says so. The
result is shown when a ballot is closed, so that nobody votes after a count. In an open ballot votes are named, and
shown to who keeps the minutes.

**Secret ballots.** Who has voted is kept, so that nobody votes twice and a quorum can be counted; what was voted is
kept elsewhere, and nothing links the two:

- The papers of a ballot are one value in one row (its urn). Each cast writes that whole value anew with the paper put
  in at a place drawn by lot, so there is no order of rows, no id, no instant and no transaction of a single paper: the
  row names only the last transaction that wrote it, and that is of all papers alike. A dump holds no more than that.
- The register of who voted keeps no instant for a secret ballot, nor does the fact that somebody voted.
- A paper once cast is final: whatever would find it again, to replace it, would also tell whose it is. A key that only
  the voter holds would do so too, and would let them prove to others how they voted. For the same reason there is no
  draft, nobody enters a paper for another, and weighted votes are put in as so many papers of one vote each.
- Results of a cohort are shown only where every cohort that voted has `LEAST_SECRET` papers; of all together always,
  and a unanimous vote tells what everybody voted.

What this does not hide: an administrator who reads the write-ahead log, the pages that a vacuum has not cleared yet, or
physical backups taken between two casts can compare the urn before and after one transaction with the voter whom that
transaction registered. Whoever can read the memory of the service, or the traffic behind TLS, sees papers as they come.
A ballot that must withstand its own administrators is not held with this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from secrets import SystemRandom
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.events.ballots.grids import Grid

LEAST_SECRET = 5
MOST_SECRET = 1_000_000
"""Bytes of all papers of a secret ballot: each cast writes them anew."""
MOST_VOTES = 5
"""Of one organisation, and only if the statute says so (art. 24 of d.lgs. 117/2017)."""
MOST_OPTIONS = 50
MOST_COHORTS = 12


class Kind(StrEnum):
    MOTION = "motion"
    CHOICE = "choice"
    GRID = "grid"


class Per(StrEnum):
    """Of what each has one paper in a ballot without a meeting, where the body has no seats."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Identity(StrEnum):
    """How sure it must be who votes; each includes those after it."""

    LINK = "link"
    MAILBOX = "mailbox"
    OIDC = "oidc"


class VoterState(StrEnum):
    CALLED = "called"
    VOTED = "voted"
    WITHDRAWN = "withdrawn"


class Vote(StrEnum):
    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"


class Outcome(StrEnum):
    CARRIED = "carried"
    REJECTED = "rejected"
    NO_QUORUM = "no_quorum"
    CHOSEN = "chosen"
    TIED = "tied"
    SCORED = "scored"
    CANCELLED = "cancelled"


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


class VotedThemselves(Exception):
    """The voter has voted: nobody enters another paper over theirs."""


class SecretIsFinal(Exception):
    """A paper of a secret ballot was cast: it cannot be found again, so it is not replaced."""


class SecretByOneself(Exception):
    """Of a secret ballot nobody enters a paper for another, and no draft is kept."""

    def __init__(self, path: str, accepted: str) -> None:
        super().__init__(path)
        self.path, self.accepted = path, accepted


class LevelTooLow(Exception):
    """The ballot asks to be surer of who votes: `accepted` are the ways to sign in that do."""

    def __init__(self, needed: str, given: str) -> None:
        super().__init__(f"{given} under {needed}")
        self.needed, self.given = needed, given
        self.path, self.accepted = "/level", list(Identity)[list(Identity).index(Identity(needed)) :]


class PaperRefused(Exception):
    """Nothing of the paper, or of the file, was taken; `errors` name the cells, the first `MOST_ERRORS` of them."""

    def __init__(self, errors: list[Any], count: int) -> None:
        super().__init__(count)
        self.errors, self.count = errors, count


class QuorumImpossible(Exception):
    """More are asked for than there are."""

    def __init__(self, needed: int, entitled: int) -> None:
        super().__init__(f"{needed} of {entitled}")
        self.needed, self.entitled = needed, entitled
        self.path, self.code, self.accepted = "/quorum", "impossible", f"at most {entitled}, who are entitled"


class NobodyEntitled(Exception):
    """Nobody could vote in it."""


class StillOpen(Exception):
    """Its figures are read when it is closed."""


class WrongKind(Exception):
    """What was asked goes with another kind of ballot."""

    def __init__(self, kind: str, accepted: str) -> None:
        super().__init__(kind)
        self.kind, self.accepted = kind, accepted


MOST_ERRORS = 150
"""Wrong cells that one answer names: all of a common grid."""


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
    """A question put to the vote, in a meeting or until `closes_at`. Its figures stay at nought until it is closed.

    `options`, `most` (how many one paper may choose) and `winners` are a choice's; `grid` is that of a `Grid`;
    `cohorts` are `{"code", "title", "kinds", "sections", "territories", "named", "entitled", "cast"}`; `counts` the
    votes of each option when it is closed. `roles`, `per`, `only_cohorts` and `quorum` are of a ballot without a
    meeting. `entitled` counts voices, `entitled_votes` their votes.
    """

    meeting_id: UUID | None
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
    kind: Kind = Kind.MOTION
    secret: bool = False
    level: Identity = Identity.LINK
    closes_at: datetime | None = None
    options: list[str] = field(default_factory=list)
    most: int = 1
    winners: int = 1
    grid: dict[str, Any] | None = None
    cohorts: list[dict[str, Any]] = field(default_factory=list)
    weighted: bool = False
    ground: str | None = None
    roles: list[str] = field(default_factory=list)
    per: Per = Per.PERSON
    only_cohorts: bool = False
    quorum: dict[str, Any] | None = None
    needed: int = 0
    cast: int = 0
    entitled_votes: int = 0
    counts: list[int] | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def open(self) -> bool:
        return self.outcome is None

    @property
    def majority(self) -> Majority:
        return Majority(self.numerator, self.denominator, self.exceeded, self.basis)

    @property
    def cells(self) -> Grid:
        """The grid of a ballot of that kind."""
        assert self.grid is not None
        return Grid.of(self.grid)

    @property
    def width(self) -> int:
        """Marks, of a byte each, on one paper."""
        return self.cells.cells if self.kind is Kind.GRID else len(self.options) if self.kind is Kind.CHOICE else 1

    def require_open(self) -> None:
        if not self.open:
            raise BallotClosed

    def over(self, now: datetime) -> bool:
        """Its time is up, whether it has been counted or not."""
        return self.closes_at is not None and now >= self.closes_at

    def require_voting(self, now: datetime) -> None:
        """Raises BallotClosed, also when its time is up and nobody has counted yet."""
        self.require_open()
        if self.over(now):
            raise BallotClosed

    def close(self, votes: Mapping[UUID, Vote], entitled: frozenset[UUID], now: datetime, *, quorate: bool) -> None:
        """Counts the votes of the voices that there are; one whose voice is gone with its mandate counts no longer."""
        counted = [Counted(None, 1, bytes([MARKS[vote]])) for voice, vote in votes.items() if voice in entitled]
        self.count(counted, len(counted), len(entitled), len(entitled), now, quorate=quorate)

    def count(
        self, papers: list[Counted], cast: int, entitled: int, votes: int, now: datetime, *, quorate: bool
    ) -> None:
        """The outcome of these papers, of `cast` of `entitled` voices with so many `votes` in all."""
        self.require_open()
        self.entitled, self.entitled_votes, self.cast = entitled, votes, cast
        if self.kind is Kind.MOTION:
            counted = tallied(papers)
            self.in_favour, self.against, self.abstained = counted.in_favour, counted.against, counted.abstained
            self.outcome = outcome(counted, self.majority, votes, quorate=quorate)
        elif self.kind is Kind.CHOICE:
            self.counts = chosen(papers, len(self.options))
            self.outcome = outcome_of_choice(self.counts, self.winners, quorate=quorate)
        else:
            self.outcome = Outcome.SCORED if quorate else Outcome.NO_QUORUM
        self.closed_at = now

    def cancel(self, now: datetime) -> None:
        self.require_open()
        self.outcome, self.closed_at = Outcome.CANCELLED, now


# --- papers ---------------------------------------------------------------------------------------------------------

NO_COHORT = 255
MARKS = {Vote.YES: 1, Vote.NO: 2, Vote.ABSTAIN: 3}
"""How a motion's answer is marked on a paper of one byte."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A paper to be counted, of `weight` votes."""

    cohort: str | None
    weight: int
    marks: bytes


def tallied(papers: Iterable[Counted]) -> Tally:
    counted: Counter[int] = Counter()
    for paper in papers:
        counted[paper.marks[0]] += paper.weight
    return Tally(*(counted[MARKS[vote]] for vote in (Vote.YES, Vote.NO, Vote.ABSTAIN)))


def chosen(papers: Iterable[Counted], options: int) -> list[int]:
    """The votes of each option."""
    counts = [0] * options
    for paper in papers:
        for place, mark in enumerate(paper.marks):
            counts[place] += paper.weight if mark else 0
    return counts


def winners(counts: list[int], places: int) -> list[int]:
    """The options (by their place) that win; none where two share the last of the places, or nobody chose any."""
    if not any(counts):
        return []
    ordered = sorted(counts, reverse=True)
    last = ordered[min(places, len(ordered)) - 1]
    found = [place for place, votes in enumerate(counts) if votes >= last and votes]
    return found if len(found) <= places else []


def outcome_of_choice(counts: list[int], places: int, *, quorate: bool) -> Outcome:
    if not quorate:
        return Outcome.NO_QUORUM
    return Outcome.CHOSEN if winners(counts, places) else Outcome.TIED


def read_choice(given: object, options: int, most: int) -> bytes:
    """The paper that chooses these options, numbers from 1; none at all is a blank one. Raises PaperRefused."""
    accepted = f"at most {most} different numbers from 1 to {options}"
    if not isinstance(given, list):
        raise PaperRefused([("/choice", "type", accepted)], 1)
    wrong = [
        (f"/choice/{place}", "duplicate" if number in given[:place] else "choice", accepted)
        for place, number in enumerate(given)
        if type(number) is not int or not 1 <= number <= options or number in given[:place]
    ]
    if len(given) > most and not wrong:
        wrong = [("/choice", "too_many", accepted)]
    if wrong:
        raise PaperRefused(wrong[:MOST_ERRORS], len(wrong))
    return bytes(1 if place in given else 0 for place in range(1, options + 1))


LOT = SystemRandom()


def put_in(urn: bytes, paper: bytes, copies: int = 1, lot: Any = LOT) -> bytes:
    """The urn with so many copies of the paper, each at a place drawn by lot."""
    for _ in range(copies):
        place = lot.randrange(len(urn) // len(paper) + 1) * len(paper)
        urn = urn[:place] + paper + urn[place:]
    return urn


def taken_out(urn: bytes, width: int, cohorts: list[str]) -> list[Counted]:
    """The papers of an urn: a byte for the cohort, then the marks."""
    papers = (urn[start : start + width + 1] for start in range(0, len(urn), width + 1))
    return [Counted(None if one[0] == NO_COHORT else cohorts[one[0]], 1, one[1:]) for one in papers]


# --- who ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Elector:
    """What cohorts ask of a voter: the kind, sections and id of the organisation, and in which places it is or they
    act, each with those in which it lies."""

    organisation_id: UUID | None
    kind: str = ""
    sections: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def cohort_of(cohorts: Iterable[Mapping[str, Any]], elector: Elector, named: str | None = None) -> str | None:
    """The first cohort to which the voter belongs: the one that names their organisation (`named`), else by kinds,
    sections and territories, each of which must hold where it is given; one that asks nothing takes who is left."""
    if named is not None:
        return named
    return next((one["code"] for one in cohorts if _belongs(one, elector)), None)


def _belongs(cohort: Mapping[str, Any], elector: Elector) -> bool:
    asked = [
        (cohort["kinds"], [elector.kind]),
        (cohort["sections"], elector.sections),
        (cohort["territories"], elector.places),
    ]
    if cohort["named"] and not any(wanted for wanted, _ in asked):
        return False
    return all(not wanted or set(wanted) & set(has) for wanted, has in asked)


@dataclass(frozen=True)
class Ticket:
    """What is known of an invitation, or of a voter of a ballot in no meeting (whose id `invitation_id` is then), when
    the vote is to be cast: may this person cast it today?"""

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
