"""Polls for dates: when shall we meet? Those who are asked say of each option whether they can; one is chosen, and a
meeting comes of it.

Those of a body are asked who will belong to it on the day of the earliest option: so it depends on no clock, and the
news of a mandate is enough to follow it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from services.events.meetings.rules import LONGEST
from shared.access.actor import day

FEWEST, MOST = 2, 30
"""How many options a poll has."""


class State(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class RequestState(StrEnum):
    """Of one who is asked: `answered` when they have said something of every option."""

    ASKED = "asked"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


class Answer(StrEnum):
    YES = "yes"
    IF_NEED_BE = "if_need_be"
    NO = "no"


class UnknownPoll(Exception):
    """No poll has this id, or none that the caller may know of."""


class UnknownRequest(Exception):
    """Nobody is asked under this id, or nobody of whom the caller may know."""


class InvalidPoll(Exception):
    """Something given does not fit: `path` names it, `code` says why, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: object) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class IncompleteAnswers(Exception):
    """Every option wants one answer, and nothing else does: the ids of those that lack it, and of what is none."""

    def __init__(self, missing: Sequence[UUID], unknown: Sequence[UUID]) -> None:
        super().__init__(f"{len(missing)} missing, {len(unknown)} unknown")
        self.missing, self.unknown = tuple(missing), tuple(unknown)


class PollClosed(Exception):
    """Answers are no longer taken."""


class PollWithdrawn(Exception):
    """There is nothing left to answer to."""


class RequestWithdrawn(Exception):
    """The mandate by which the person was asked does not last until the dates proposed."""


class NotPossibleNow(Exception):
    """What was asked does not go with the poll's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


class NobodyToAsk(Exception):
    """Nobody belongs to the body on the day of the earliest option."""


@dataclass(frozen=True)
class Span:
    """From when till when a meeting would be."""

    starts_at: datetime
    ends_at: datetime


@dataclass(eq=False)
class Option:
    """One date of a poll."""

    poll_id: UUID
    starts_at: datetime
    ends_at: datetime
    id: UUID = field(default_factory=uuid7)

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)


@dataclass(eq=False)
class Poll:
    """`body_id`: its people are asked; without one, people named. `day` is that of the earliest option in Italy.
    `chosen_id` is the option of which `meeting_id` came."""

    network_id: UUID
    title: str
    closes_at: datetime
    day: date
    body_id: UUID | None = None
    note: str | None = None
    opened_by: UUID | None = None
    state: State = State.OPEN
    closed_at: datetime | None = None
    chosen_id: UUID | None = None
    meeting_id: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def takes_answers(self, now: datetime) -> bool:
        return self.state is State.OPEN and now < self.closes_at

    def require_open(self, now: datetime) -> None:
        """Raises PollWithdrawn, PollClosed; also when the closing is due and not done yet."""
        if self.state is State.WITHDRAWN:
            raise PollWithdrawn
        if not self.takes_answers(now):
            raise PollClosed

    def change(self, title: str, note: str | None, closes_at: datetime, spans: Collection[Span], now: datetime) -> None:
        self._possible("change")
        fitting(spans, closes_at, now)
        self.title, self.note, self.closes_at = title, note, closes_at
        self.day = first_day(spans)

    def close(self, now: datetime) -> None:
        self._possible("close")
        self.state, self.closed_at = State.CLOSED, now

    def withdraw(self, now: datetime) -> None:
        """Also of a closed one, as long as nothing has come of it."""
        self._possible("withdraw")
        self.state, self.closed_at = State.WITHDRAWN, now

    def require_choosable(self, option: Option, now: datetime) -> None:
        self._possible("choose")
        if option.starts_at <= now:
            raise InvalidPoll("/option_id", "begun", "an option that has not begun")

    def choose(self, option: Option, meeting_id: UUID, now: datetime) -> bool:
        """Takes the option, of which the meeting came; True when that closed the poll."""
        self.require_choosable(option, now)
        was_open = self.state is State.OPEN
        if was_open:
            self.close(now)
        self.chosen_id, self.meeting_id = option.id, meeting_id
        return was_open

    def actions(self) -> list[str]:
        """What the state allows; who may do it is the policy's to say."""
        is_open, closed = self.state is State.OPEN, self.state is State.CLOSED
        unchosen = self.chosen_id is None
        possible = {
            "change": is_open,
            "close": is_open,
            "choose": is_open or (closed and unchosen),
            "withdraw": is_open or (closed and unchosen),
        }
        return [action for action, yes in possible.items() if yes]

    def _possible(self, action: str) -> None:
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)


@dataclass(eq=False)
class Request:
    """Somebody is asked in a poll: by a mandate in its body, or by name. `answered_by` is who entered the answer, when
    it was not the person."""

    poll_id: UUID
    network_id: UUID
    person_id: UUID
    mandate_id: UUID | None = None
    seat_id: UUID | None = None
    organisation_id: UUID | None = None
    state: RequestState = RequestState.ASKED
    answered_at: datetime | None = None
    answered_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def answer(
        self, given: Mapping[UUID, Answer], options: Iterable[Option], now: datetime, by: UUID | None
    ) -> list[tuple[UUID, Answer]]:
        """The answers of every option; those given last count. Raises RequestWithdrawn, IncompleteAnswers."""
        if self.state is RequestState.WITHDRAWN:
            raise RequestWithdrawn
        known = [option.id for option in options]
        missing = [option for option in known if option not in given]
        unknown = [option for option in given if option not in known]
        if missing or unknown:
            raise IncompleteAnswers(missing, unknown)
        self.state, self.answered_at, self.answered_by = RequestState.ANSWERED, now, by
        return [(option, given[option]) for option in known]


def fitting(spans: Collection[Span], closes_at: datetime, now: datetime) -> None:
    """Enough dates, each once and in order, all ahead; and the answers are in before the first of them. Raises
    InvalidPoll."""
    if not FEWEST <= len(spans) <= MOST:
        raise InvalidPoll("/options", "count", f"{FEWEST} to {MOST} options")
    for place, span in enumerate(spans):
        if span.ends_at <= span.starts_at:
            raise InvalidPoll(f"/options/{place}/ends_at", "times", f"later than {span.starts_at.isoformat()}")
        if span.ends_at - span.starts_at > LONGEST:  # no meeting could come of it
            accepted = f"at most {LONGEST.days} days after {span.starts_at.isoformat()}"
            raise InvalidPoll(f"/options/{place}/ends_at", "times", accepted)
        if span.starts_at <= now:
            raise InvalidPoll(f"/options/{place}/starts_at", "times", f"later than {now.isoformat()}")
    seen: set[Span] = set()
    for place, span in enumerate(spans):
        if span in seen:
            raise InvalidPoll(f"/options/{place}", "repeated", "each date once")
        seen.add(span)
    first = min(span.starts_at for span in spans)
    if not now < closes_at <= first:
        raise InvalidPoll(
            "/closes_at", "times", f"later than {now.isoformat()}, not later than the first option, {first.isoformat()}"
        )


def first_day(spans: Iterable[Span]) -> date:
    return day(min(span.starts_at for span in spans))


@dataclass(frozen=True)
class Tally:
    """How many can at an option, can if need be, and cannot."""

    yes: int = 0
    if_need_be: int = 0
    no: int = 0


def best(tallies: Mapping[UUID, Tally]) -> list[UUID]:
    """The options at which most can; among these, those at which most more can if need be. Several are tied; none
    where nobody can at any."""
    able = {option: (tally.yes, tally.if_need_be) for option, tally in tallies.items()}
    most = max(able.values(), default=(0, 0))
    return [option for option, count in able.items() if count == most] if most != (0, 0) else []
