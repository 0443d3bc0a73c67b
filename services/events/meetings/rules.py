"""Meetings: drafted, convened, then held or cancelled. A second call is a meeting of its own.

Instants have an offset; a meeting's day is that of its beginning in Italy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypedDict
from uuid import UUID

from uuid_utils.compat import uuid7

from services.events.bodies.rules import State as BodyState
from services.events.series.rules import Level
from shared.access.actor import day


class State(StrEnum):
    DRAFT = "draft"
    CONVENED = "convened"
    HELD = "held"
    CANCELLED = "cancelled"


class Mode(StrEnum):
    REMOTE = "remote"
    IN_PERSON = "in_person"
    HYBRID = "hybrid"


class Item(TypedDict):
    """A point of the agenda and how many minutes it is given (None: as many as it takes)."""

    title: str
    minutes: int | None


class InvalidTimes(Exception):
    """The instants contradict each other, or have passed: `path` names the field, `accepted` what would do."""

    def __init__(self, path: str, accepted: str) -> None:
        super().__init__(f"{path}: {accepted}")
        self.path, self.accepted = path, accepted


class Misplaced(Exception):
    """The mode needs a place or a joining link that is missing, or bears none; `path` names it."""

    def __init__(self, mode: Mode, path: str, code: str) -> None:
        super().__init__(f"{mode}: {path} {code}")
        self.mode, self.path, self.code = mode, path, code
        self.accepted = "a value" if code == "missing" else f"no value with the mode {mode}"


class UnknownMeeting(Exception):
    """No meeting has this id, or none that the caller may know of."""


class BodyElsewhere(Exception):
    """The body belongs to another network."""


class BodyDissolved(Exception):
    """A body that has been dissolved meets no more."""


class NotForming(Exception):
    """A founding meeting is that of a body which is not constituted yet."""


class NotPossibleNow(Exception):
    """What was asked does not go with the meeting's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


class Begun(Exception):
    """The meeting has begun: its time and place are what they were."""

    def __init__(self, starts_at: datetime) -> None:
        super().__init__(f"begun at {starts_at}")
        self.starts_at = starts_at.isoformat()


class NoSecondCall(Exception):
    """The body's rules know one call only, or the meeting is a second call itself."""


class FirstCallStands(Exception):
    """A second call is for a first one that was held without a quorum."""

    def __init__(self, state: State, quorate: bool | None) -> None:
        super().__init__(f"{state}, quorate: {quorate}")
        self.state = state


class SecondCallMade(Exception):
    """The second call exists already."""

    def __init__(self, meeting_id: UUID) -> None:
        super().__init__(str(meeting_id))
        self.meeting_id = meeting_id


class Overlapping(Exception):
    """The same body meets at that time already."""

    def __init__(self, meeting_id: UUID, starts_at: datetime, ends_at: datetime) -> None:
        super().__init__(f"{meeting_id}: {starts_at} to {ends_at}")
        self.meeting_id, self.starts_at, self.ends_at = meeting_id, starts_at.isoformat(), ends_at.isoformat()
        self.accepted = f"times that end by {self.starts_at} or begin at {self.ends_at} or later"


class NoticeTooShort(Exception):
    """Fewer days lie before the meeting than the rules ask. `earliest` is the first day on which it can be held when it
    is convened today; `latest` the last on which it could have been convened for the day that it has."""

    def __init__(self, days: int, earliest: date, latest: date) -> None:
        super().__init__(f"{days} days: held from {earliest}, convened by {latest}")
        self.days, self.earliest, self.latest = days, earliest, latest
        self.accepted = f"not before {earliest}, or an `urgency` that says why"


class QuorumImpossible(Exception):
    """However many of those entitled come, they are too few."""

    def __init__(self, needed: int, entitled: int) -> None:
        super().__init__(f"{needed} of {entitled}")
        self.needed, self.entitled = needed, entitled


class AgendaTooLong(Exception):
    """The items are given more minutes than the meeting has."""

    def __init__(self, given: int, minutes: int) -> None:
        super().__init__(f"{given} of {minutes}")
        self.given, self.minutes = given, minutes
        self.accepted = f"at most {minutes} minutes in all"


class InvalidAudience(Exception):
    """Whom a meeting is for contradicts its body, or names nobody; `path` names the field."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class Change(StrEnum):
    """What a change of a convened meeting is to those who are invited."""

    NOTHING = "nothing"
    QUIET = "quiet"
    CHANGED = "changed"
    MOVED = "moved"


MOVES = frozenset({"starts_at", "ends_at", "mode", "place", "join_url"})
"""A change of these moves the meeting: a calendar must follow."""
TOLD = MOVES | {"title", "agenda", "series_id", "level", "open_to_public"}
"""A change of these is told; the others concern only who looks."""
ONCE = frozenset({"founding", "audience"})
"""What a convened meeting is, and whom it is for, stays."""
GROUPS = ("territories", "kinds", "bodies")
"""What an audience may name, besides people."""


@dataclass(frozen=True)
class Of:
    """What a meeting needs to know of its body; None for one of the whole network."""

    state: BodyState
    second_call: bool = False


@dataclass(eq=False)
class Meeting:
    """`sequence` rises with every change that a calendar must follow. `quorate` is known once it has been held."""

    network_id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    body_id: UUID | None = None
    founding: bool = False
    place: str | None = None
    join_url: str | None = None
    call: int = 1
    first_call_id: UUID | None = None
    agenda: list[Item] = field(default_factory=list)
    state: State = State.DRAFT
    sequence: int = 0
    quorate: bool | None = None
    convened_at: datetime | None = None
    closed_at: datetime | None = None
    series_id: UUID | None = None
    level: Level | None = None
    open_to_public: bool = False
    description: str | None = None
    capacity: int | None = None
    audience: dict[str, list[str]] | None = None
    notice_days: int | None = None
    urgency: str | None = None
    waived_by: UUID | None = None
    moved_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def day(self) -> date:
        return day(self.starts_at)

    def begun(self, now: datetime) -> bool:
        return self.starts_at <= now

    def open_to_answers(self, now: datetime) -> bool:
        return self.state is State.CONVENED and not self.begun(now)

    # What may be done with it. Each raises before it changes anything.

    def convene(self, body: Of | None, now: datetime) -> None:
        """Nobody is invited into the past, nor to a place that is not said."""
        self._possible("convene", now)
        for_body(body, founding=self.founding)
        if self.starts_at <= now:
            raise InvalidTimes("/starts_at", f"later than {now.isoformat()}")
        complete(self.mode, self.place, self.join_url)
        self.state, self.convened_at = State.CONVENED, now

    def change(self, fields: dict[str, Any], body: Of | None, now: datetime) -> Change:
        """Takes the new values of what differs. A convened meeting can be moved until it begins, never into the past;
        its title and agenda change until it is closed."""
        self._possible("change", now)
        new = {name: value for name, value in fields.items() if getattr(self, name) != value}
        if not new:
            return Change.NOTHING
        moved = bool(MOVES & new.keys())
        if self.state is State.CONVENED:
            self._may_follow(new, now, moved=moved)
        after = {name: new.get(name, getattr(self, name)) for name in (*MOVES, "agenda", "founding")}
        in_order(after["starts_at"], after["ends_at"])
        in_time(after["agenda"], after["starts_at"], after["ends_at"])
        fitting(after["mode"], after["place"], after["join_url"])
        if self.state is State.CONVENED and moved:
            if after["starts_at"] <= now:
                raise InvalidTimes("/starts_at", f"later than {now.isoformat()}")
            complete(after["mode"], after["place"], after["join_url"])
        if "founding" in new:
            for_body(body, founding=after["founding"])
        for name, value in new.items():
            setattr(self, name, value)
        if self.state is State.CONVENED and moved:
            self.sequence, self.moved_at = self.sequence + 1, now
        return Change.MOVED if moved else Change.CHANGED if TOLD & new.keys() else Change.QUIET

    def _may_follow(self, new: dict[str, Any], now: datetime, *, moved: bool) -> None:
        if ONCE & new.keys():
            raise NotPossibleNow("change", self.state)
        if moved and self.begun(now):
            raise Begun(self.starts_at)

    def noticed(self, asked: int, today: date, urgency: str | None, by: UUID | None) -> None:
        """So many days lie between today and the meeting, or somebody says why not (`urgency`), which is recorded only
        then. A second call is announced with the first one: no further notice is asked for it. Raises
        NoticeTooShort."""
        days = max(asked, self.notice_days or 0)
        short = self.call == 1 and (self.day - today).days < days
        if short and urgency is None:
            raise NoticeTooShort(days, today + timedelta(days=days), self.day - timedelta(days=days))
        self.urgency, self.waived_by = (urgency, by) if short else (None, None)

    def cancel(self, now: datetime) -> bool:
        """True when it had been convened, so that there is somebody to be told."""
        self._possible("cancel", now)
        told = self.state is State.CONVENED
        self.state, self.closed_at = State.CANCELLED, now
        self.sequence += told
        return told

    def close(self, now: datetime, *, quorate: bool) -> None:
        """It has been held, with a quorum or without."""
        self._possible("close", now)
        self.state, self.closed_at, self.quorate = State.HELD, now, quorate

    def actions(self, now: datetime) -> list[str]:
        """What the state allows at that instant; who may do it is the policy's to say."""
        draft, convened = self.state is State.DRAFT, self.state is State.CONVENED
        possible = {
            "change": draft or convened,
            "convene": draft,
            "cancel": draft or convened,
            "close": convened and self.begun(now),
            "second_call": self.state is State.HELD and self.quorate is False and self.call == 1,
        }
        return [action for action, yes in possible.items() if yes]

    def _possible(self, action: str, now: datetime) -> None:
        if action not in self.actions(now):
            raise NotPossibleNow(action, self.state)


def draft(meeting: Meeting, body: Of | None) -> Meeting:
    """The meeting, if its times and place agree and its body may have such a meeting."""
    for_body(body, founding=meeting.founding)
    in_order(meeting.starts_at, meeting.ends_at)
    in_time(meeting.agenda, meeting.starts_at, meeting.ends_at)
    fitting(meeting.mode, meeting.place, meeting.join_url)
    return meeting


def second_call(
    first: Meeting, body: Of | None, others: Iterable[UUID], starts_at: datetime, ends_at: datetime, now: datetime
) -> Meeting:
    """The second call of a meeting that was held without a quorum, as a draft; `others` are second calls of it that
    stand already. Raises NoSecondCall, FirstCallStands, SecondCallMade."""
    if body is None or not body.second_call or first.call != 1:
        raise NoSecondCall
    if "second_call" not in first.actions(now):
        raise FirstCallStands(first.state, first.quorate)
    for other in others:
        raise SecondCallMade(other)
    if starts_at < first.ends_at:
        raise InvalidTimes("/starts_at", f"not before {first.ends_at.isoformat()}")
    return draft(
        Meeting(
            first.network_id,
            first.title,
            starts_at,
            ends_at,
            first.mode,
            first.body_id,
            first.founding,
            first.place,
            first.join_url,
            call=2,
            first_call_id=first.id,
            agenda=list(first.agenda),
            series_id=first.series_id,
            level=first.level,
            open_to_public=first.open_to_public,
            description=first.description,
            capacity=first.capacity,
            audience=first.audience,
        ),
        body,
    )


def for_body(body: Of | None, *, founding: bool) -> None:
    if founding and (body is None or body.state is not BodyState.FORMING):
        raise NotForming
    if body is not None and body.state is BodyState.DISSOLVED:
        raise BodyDissolved


LONGEST = timedelta(days=31)
"""Of a meeting: the body meets in no other one meanwhile, and those who are invited are busy."""


def in_order(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise InvalidTimes("/ends_at", f"later than {starts_at.isoformat()}")
    if ends_at - starts_at > LONGEST:
        raise InvalidTimes("/ends_at", f"at most {LONGEST.days} days after {starts_at.isoformat()}")


def in_time(agenda: Sequence[Item], starts_at: datetime, ends_at: datetime) -> None:
    """The items that say how long they take find room between beginning and end."""
    given, minutes = sum(item["minutes"] or 0 for item in agenda), int((ends_at - starts_at).total_seconds() // 60)
    if given > minutes:
        raise AgendaTooLong(given, minutes)


def timetable(agenda: Sequence[Item], starts_at: datetime) -> list[datetime | None]:
    """When each item begins; None after one that takes as long as it takes."""
    times: list[datetime | None] = []
    at: datetime | None = starts_at
    for item in agenda:
        times.append(at)
        at = at + timedelta(minutes=item["minutes"]) if at is not None and item["minutes"] else None
    return times


def renumbered(before: Sequence[Item], after: Sequence[Item]) -> dict[int, int | None]:
    """Where the items of an agenda are in the next one, by their titles and from 1; None: they are gone."""
    left = [item["title"] for item in after]
    places: dict[int, int | None] = {}
    for number, item in enumerate(before, 1):
        found = left.index(item["title"]) if item["title"] in left else None
        places[number] = None if found is None else found + 1
        if found is not None:
            left[found] = ""  # of two that are called alike, each is one; no title is empty
    return places


def audience_of(groups: dict[str, list[str]] | None, people: Sequence[UUID], body: Of | None) -> Any:
    """What is kept of an audience: None where it is the body, or the whole network. A body meets as it is composed,
    with guests by name; without a body the audience names somebody. Raises InvalidAudience."""
    named = {name: sorted(set(codes)) for name, codes in (groups or {}).items() if codes}
    if body is not None and named:
        name = next(iter(named))
        raise InvalidAudience(f"/audience/{name}", "not_allowed", "people, as guests of the body's meeting")
    if groups is not None and not named and not people:
        raise InvalidAudience("/audience", "empty", f"{', '.join(GROUPS)} or people")
    return named if groups is not None and body is None else None


def possible(needed: int, entitled: int) -> None:
    """Of a body to which nobody belongs yet nothing is said: its people are invited with the news of their mandates.
    Raises QuorumImpossible."""
    if entitled and needed > entitled:
        raise QuorumImpossible(needed, entitled)


def fitting(mode: Mode, place: str | None, join_url: str | None) -> None:
    """Nothing is said that the mode contradicts; what is missing may be found out later."""
    if mode is Mode.REMOTE and place is not None:
        raise Misplaced(mode, "/place", "not_allowed")
    if mode is Mode.IN_PERSON and join_url is not None:
        raise Misplaced(mode, "/join_url", "not_allowed")


def complete(mode: Mode, place: str | None, join_url: str | None) -> None:
    """Whoever is invited knows where to go, or where to connect."""
    if mode is not Mode.REMOTE and place is None:
        raise Misplaced(mode, "/place", "missing")
    if mode is not Mode.IN_PERSON and join_url is None:
        raise Misplaced(mode, "/join_url", "missing")
