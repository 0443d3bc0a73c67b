"""Who was there, who stood for whom, and whether that makes a quorum.

What is counted is a voice: a seat of the body or, in a body without seats, a person whose mandate is in force on the
meeting's day. Guests have none. So two invitations to one seat never count twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7


class Mode(StrEnum):
    PRESENT = "present"
    REMOTE = "remote"
    EXCUSED = "excused"
    ABSENT = "absent"


THERE = frozenset({Mode.PRESENT, Mode.REMOTE})


PART = 1000
"""People in one fact, which holds 64 kB."""


def in_parts(people: Sequence[UUID]) -> list[tuple[UUID, ...]]:
    return [tuple(people[first : first + PART]) for first in range(0, len(people), PART)]


def require_today(first: date, last: date, today: date) -> None:
    """Raises NotToday before the meeting's first day and after its last."""
    if not first <= today <= last:
        raise NotToday(first, last)


class NotInCourse(Exception):
    """The meeting is a draft, over or cancelled: what happens in it can no longer, or not yet, be recorded."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class NotBegun(Exception):
    """A meeting is not over before it has begun."""

    def __init__(self, starts_at: datetime) -> None:
        super().__init__(f"begins at {starts_at}")
        self.starts_at = starts_at.isoformat()


class BallotsOpen(Exception):
    """A meeting is not over while something is being voted on."""

    def __init__(self, ballots: Collection[UUID]) -> None:
        super().__init__(f"{len(ballots)} open")
        self.ballots = sorted(map(str, ballots))


class NotToday(Exception):
    """Codes are read at the door, on the days of the meeting."""

    def __init__(self, first: date, last: date) -> None:
        super().__init__(f"{first} to {last}")
        self.first, self.last = first.isoformat(), last.isoformat()


class OtherMeeting(Exception):
    """The code is that of an invitation to another meeting."""


class WrongItem(Exception):
    """One item of the list cannot be recorded, so none is. `path` names it, `accepted` says what would do."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class TooManyProxies(Exception):
    """The body lets a member stand for `limit` absent ones at most."""

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(f"{path}: more than {limit}")
        self.path, self.limit, self.code = path, limit, "too_many"
        self.accepted = f"at most {limit}"


class HasVoted(Exception):
    """A vote was cast for this invitation: who voted was there, or was stood for."""

    def __init__(self, path: str, invitation_id: UUID) -> None:
        super().__init__(f"{path}: invitation {invitation_id}")
        self.path, self.invitation_id, self.code = path, invitation_id, "has_voted"


@dataclass(eq=False)
class Attendance:
    """How one invitation was attended, or that a guest was there (`invitation_id` None)."""

    meeting_id: UUID
    network_id: UUID
    person_id: UUID
    mode: Mode
    invitation_id: UUID | None = None
    organisation_id: UUID | None = None
    recorded_by: UUID | None = None  # None: they came in by a link, or a partner's key said so
    recorded_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)

    @property
    def guest(self) -> bool:
        return self.invitation_id is None


@dataclass(frozen=True)
class Voice:
    """An invitation that counts: `voice` is its seat or its person. `delegate_id` is the person whom it answered to be
    stood for by, at `answered_at`; `mode` None: nothing recorded yet."""

    invitation_id: UUID
    person_id: UUID
    voice: UUID
    mode: Mode | None = None
    delegate_id: UUID | None = None
    answered_at: datetime | None = None

    @property
    def there(self) -> bool:
        return self.mode in THERE


@dataclass(frozen=True)
class Rule:
    """How many must be there: `numerator`/`denominator` of those entitled, or more than that if `exceeded`, and never
    fewer than `at_least`."""

    numerator: int = 1
    denominator: int = 2
    exceeded: bool = True
    at_least: int = 1

    def needed(self, entitled: int) -> int:
        share, rest = divmod(entitled * self.numerator, self.denominator)
        return max(share + (1 if self.exceeded or rest else 0), self.at_least)


WITHOUT_BODY = Rule(0, 1, exceeded=False, at_least=1)
"""A meeting of no body has nothing to be a quorum of: somebody must be there."""


@dataclass(frozen=True)
class Quorum:
    """Figures of a meeting at one moment. `entitled` counts vacant seats too; `present` those in person or remote."""

    call: int
    entitled: int
    present: int
    by_proxy: int
    needed: int

    @property
    def counted(self) -> int:
        return self.present + self.by_proxy

    @property
    def reached(self) -> bool:
        return self.counted >= self.needed

    @property
    def missing(self) -> int:
        return max(0, self.needed - self.counted)


def proxies(voices: Iterable[Voice], by_hand: Mapping[UUID, UUID], limit: int) -> dict[UUID, UUID]:
    """Who stands for whom: from the invitation of the absent one to that of the one who is there.

    What was recorded by hand comes first, then what people answered, in the order of their answers. Somebody who is
    there speaks for themselves; who is not there stands for nobody; a person stands for `limit` others at most.
    """
    known = {voice.invitation_id: voice for voice in voices}
    there = {v.person_id: v for v in sorted(known.values(), key=_by_id, reverse=True) if v.there}
    answers = sorted((v for v in known.values() if v.delegate_id is not None), key=_by_answer)
    wanted = [(known.get(absent), known.get(holder)) for absent, holder in sorted(by_hand.items())]
    wanted += [(voice, there.get(voice.delegate_id)) for voice in answers if voice.delegate_id]
    held: Counter[UUID] = Counter()
    found: dict[UUID, UUID] = {}
    for absent, holder in wanted:
        if absent is None or holder is None or absent.there or not holder.there:
            continue
        if absent.invitation_id in found or held[holder.person_id] >= limit or absent.person_id == holder.person_id:
            continue
        held[holder.person_id] += 1
        found[absent.invitation_id] = holder.invitation_id
    return found


def _by_id(voice: Voice) -> UUID:
    return voice.invitation_id


def _by_answer(voice: Voice) -> tuple[float, UUID]:
    return (voice.answered_at.timestamp() if voice.answered_at else 0.0, voice.invitation_id)


def quorum(rule: Rule, call: int, entitled: int, voices: Iterable[Voice], stood_for: Collection[UUID]) -> Quorum:
    """`entitled` is how many voices there are, vacant seats among them; `voices` those of them that anything is known
    of; `stood_for` the invitations with a proxy."""
    voices = list(voices)
    there = {voice.voice for voice in voices if voice.there}
    represented = {voice.voice for voice in voices if voice.invitation_id in stood_for} - there
    return Quorum(call, entitled, len(there), len(represented), rule.needed(entitled))
