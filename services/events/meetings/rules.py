"""Meetings: drafted, convened, then held or cancelled. A second call is a meeting of its own.

Instants have an offset; a meeting's day is that of its beginning in Italy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypedDict
from uuid import UUID

from uuid_utils.compat import uuid7

from services.events.bodies.rules import State as BodyState
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


class Level(StrEnum):
    NATIONAL = "national"
    REGIONAL = "regional"
    TERRITORIAL = "territorial"


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


class Change(StrEnum):
    """What a change of a convened meeting is to those who are invited."""

    NOTHING = "nothing"
    CHANGED = "changed"
    MOVED = "moved"


MOVES = frozenset({"starts_at", "ends_at", "mode", "place", "join_url"})
"""A change of these moves the meeting: a calendar must follow."""


@dataclass(frozen=True)
class Of:
    """What a meeting needs to know of its body; None for one of the whole network."""

    state: BodyState
    second_call: bool = False


@dataclass(eq=False)
class NoticeRule:
    """How many days must lie between a convocation and its meeting: of one body, or of a network (`id` is its own),
    which may ask for another number for its assemblies."""

    id: UUID
    network_id: UUID
    days: int
    assembly_days: int | None = None
    version: int = 0


@dataclass(eq=False)
class Document:
    """A link or a file that belongs to a meeting, or to one item of its agenda."""

    meeting_id: UUID
    title: str
    added_at: datetime
    item: int | None = None
    url: str | None = None
    file_name: str | None = None
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    public: bool = False
    added_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)


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
        convened = self.state is State.CONVENED
        if convened and "founding" in new:
            raise NotPossibleNow("change", self.state)
        if convened and moved and self.begun(now):
            raise Begun(self.starts_at)
        after = {name: new.get(name, getattr(self, name)) for name in (*MOVES, "founding")}
        in_order(after["starts_at"], after["ends_at"])
        fitting(after["mode"], after["place"], after["join_url"])
        if convened and moved:
            if after["starts_at"] <= now:
                raise InvalidTimes("/starts_at", f"later than {now.isoformat()}")
            complete(after["mode"], after["place"], after["join_url"])
        if "founding" in new:
            for_body(body, founding=after["founding"])
        for name, value in new.items():
            setattr(self, name, value)
        if convened and moved:
            self.sequence += 1
        return Change.MOVED if moved else Change.CHANGED

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
        ),
        body,
    )


def for_body(body: Of | None, *, founding: bool) -> None:
    if founding and (body is None or body.state is not BodyState.FORMING):
        raise NotForming
    if body is not None and body.state is BodyState.DISSOLVED:
        raise BodyDissolved


def in_order(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise InvalidTimes("/ends_at", f"later than {starts_at.isoformat()}")


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
