"""Programmes of meetings: how many of which kind may be held by whom until when, and what a recorded extension changes.

A programme is draft -> adopted -> closed. Its frame (days, quotas, shares, modes, cadence) changes freely while it is a
draft; from its adoption on a recorded extension is the only way to widen it, and nothing narrows it. Days are those of
Italy; `last_day` belongs to the programme.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

LARGEST_COUNT = 1_000
"""Meetings of one programme: beyond it is a slip of the pen."""
MOST_BODIES = 200
LONGEST = 3_660
"""Days from the first to the last."""


class Level(StrEnum):
    NATIONAL = "national"
    REGIONAL = "regional"
    TERRITORIAL = "territorial"


class State(StrEnum):
    DRAFT = "draft"
    ADOPTED = "adopted"
    CLOSED = "closed"


class Rule(StrEnum):
    """What a meeting can break."""

    STATE = "state"
    BODY = "body"
    LEVEL = "level"
    MODE = "mode"
    SPAN = "span"
    QUOTA = "quota"
    SHARE = "share"
    MIN_DAYS = "min_days"
    PER_MONTH = "per_month"


class UnknownSeries(Exception):
    """No programme has this id, or none that the caller may know of."""


class NoSuchSeries(Exception):
    """A meeting names a programme that its network does not have."""


class InvalidSeries(Exception):
    """The frame contradicts itself; `path` names the field, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {accepted}")
        self.path, self.code, self.accepted = path, code, accepted


class NotPossibleNow(Exception):
    """What was asked does not go with the programme's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


class Framed(Exception):
    """An adopted programme's frame changes by a recorded extension only; `path` names the field."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.path, self.accepted = f"/{name}", "POST …/extensions"


class MeetingsPending(Exception):
    """A programme is closed when its meetings have been held or cancelled; `pending` have not."""

    def __init__(self, pending: int) -> None:
        super().__init__(str(pending))
        self.pending = pending


class Short(Exception):
    """Fewer meetings than the programme asks for exactly: who closes it says why. `missing` tells by how much."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__("; ".join(missing))
        self.missing, self.path, self.accepted = tuple(missing), "/reason", "why fewer were held"


@dataclass(frozen=True)
class Breach:
    """A rule that a meeting breaks: the `limit`, what there would be with it (`counted`), and the extension that would
    do (the fields of a recorded one; None where none does)."""

    rule: Rule
    path: str
    limit: Any
    counted: Any = None
    mode: str | None = None
    body_id: UUID | None = None
    extension: dict[str, Any] | None = None


class OutsideSeries(Exception):
    """A meeting does not fit into its programme: every rule that it breaks."""

    def __init__(self, breaches: Sequence[Breach]) -> None:
        super().__init__(", ".join(breach.rule for breach in breaches))
        self.breaches = tuple(breaches)


@dataclass(frozen=True)
class Quota:
    """At most, or exactly when `exact`, `count` meetings: of all together or of each body (`each`), of one `mode` only
    where it is named."""

    count: int
    each: bool = False
    mode: str | None = None
    exact: bool = False

    @property
    def key(self) -> tuple[bool, str | None]:
        """A programme has one quota of each key."""
        return self.each, self.mode

    def about(self, body_id: UUID | None, mode: str, of: UUID | None) -> bool:
        """Whether a meeting of that body in that mode counts, when the body `of` is asked about."""
        return (not self.each or body_id == of) and self.mode in (None, mode)

    def json(self) -> dict[str, Any]:
        return {"count": self.count, "each": self.each, "mode": self.mode, "exact": self.exact}


@dataclass(frozen=True)
class Placed:
    """A meeting as a programme counts it. One held without a quorum and its second call are one meeting: the second
    (`call` 2) is counted by no quota and no cadence, only the days and the mode bind it."""

    id: UUID
    body_id: UUID | None
    mode: str
    day: date
    level: str | None = None
    call: int = 1


FRAME = ("since", "last_day", "bodies", "shares", "quotas", "modes", "min_days", "per_month", "level")
"""What binds meetings; an extension may widen all of it but `since`, `bodies` and `level`."""


@dataclass(eq=False)
class Series:
    """Without `bodies` any body of the network may meet in it, and the network as a whole. `shares` are the bodies' own
    numbers of meetings, in the order of `bodies`; None: only the quotas bind. `min_days` between two meetings of one
    body, at most `per_month` of them in a calendar month."""

    network_id: UUID
    title: str
    since: date
    last_day: date
    level: Level | None = None
    bodies: list[UUID] = field(default_factory=list)
    shares: list[int] | None = None
    quotas: list[dict[str, Any]] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    min_days: int | None = None
    per_month: int | None = None
    project_id: UUID | None = None
    action_id: UUID | None = None
    state: State = State.DRAFT
    extensions: int = 0
    adopted_at: datetime | None = None
    closed_at: datetime | None = None
    closing_reason: str | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def allowed(self) -> tuple[Quota, ...]:
        return tuple(Quota(**one) for one in self.quotas)

    @property
    def groups(self) -> list[UUID | None]:
        """The bodies that meet in it; the network as a whole where none is named."""
        return list(self.bodies) or [None]

    def share(self, body_id: UUID | None) -> int | None:
        if self.shares is None or body_id not in self.bodies:
            return None
        return self.shares[self.bodies.index(body_id)]

    def actions(self) -> list[str]:
        """What its state allows; who may do it is the policy's to say."""
        possible = {
            "change": self.state is not State.CLOSED,
            "adopt": self.state is State.DRAFT,
            "plan": self.state is not State.CLOSED,
            "extend": self.state is State.ADOPTED,
            "close": self.state is State.ADOPTED,
            "remove": self.state is State.DRAFT,
        }
        return [action for action, yes in possible.items() if yes]

    def require(self, action: str) -> None:
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)

    # Each raises before it changes anything.

    def change(self, given: Mapping[str, Any]) -> bool:
        """Takes the new values of what differs; False when nothing does. Raises NotPossibleNow, Framed,
        InvalidSeries."""
        self.require("change")
        new = {name: value for name, value in given.items() if getattr(self, name) != value}
        if self.state is not State.DRAFT:
            for name in FRAME:
                if name in new:
                    raise Framed(name)
        after = laid_out(frame_of(self) | {name: value for name, value in new.items() if name in FRAME})
        for name, value in (new | {name: after[name] for name in FRAME}).items():
            if getattr(self, name) != value:
                setattr(self, name, value)
        return bool(new)

    def adopt(self, now: datetime) -> None:
        self.require("adopt")
        self.state, self.adopted_at = State.ADOPTED, now

    def extend(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Widens the frame, and gives what it was and what it is of the fields that differ. Raises NotPossibleNow,
        InvalidSeries when nothing is widened or something would grow narrower."""
        self.require("extend")
        before = frame_of(self)
        after = laid_out(before | widened(before, given))
        changed = [name for name in FRAME if after[name] != before[name]]
        if not changed:
            raise InvalidSeries("/last_day", "nothing_widened", f"later than {self.last_day}, or more of something")
        for name in changed:
            setattr(self, name, after[name])
        self.extensions += 1
        return {name: before[name] for name in changed}, {name: after[name] for name in changed}

    def close(self, held: Sequence[Placed], pending: int, reason: str | None, now: datetime) -> None:
        """Raises NotPossibleNow, MeetingsPending, Short."""
        self.require("close")
        if pending:
            raise MeetingsPending(pending)
        missing = [*lacking(self, held)]
        if missing and not reason:
            raise Short(missing)
        self.state, self.closed_at, self.closing_reason = State.CLOSED, now, reason


def frame_of(series: Series) -> dict[str, Any]:
    return {name: getattr(series, name) for name in FRAME}


def laid_out(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame that does not contradict itself. Without shares, what all may hold together is split evenly, the first
    bodies taking what is left over. Raises InvalidSeries."""
    if frame["last_day"] < frame["since"]:
        raise InvalidSeries("/last_day", "span", f">= {frame['since']}")
    if (frame["last_day"] - frame["since"]).days > LONGEST:
        raise InvalidSeries("/last_day", "span", f"at most {LONGEST} days after {frame['since']}")
    if len(set(frame["bodies"])) != len(frame["bodies"]):
        raise InvalidSeries("/bodies", "twice", "each body once")
    quotas = [Quota(**one) for one in frame["quotas"]]
    _agreeing(quotas, frame["modes"])
    return frame | {"shares": _shares(frame["shares"], len(frame["bodies"]), quotas)}


def _agreeing(quotas: Sequence[Quota], modes: Collection[str]) -> None:
    for place, quota in enumerate(quotas):
        if quota.key in {other.key for other in quotas[:place]}:
            raise InvalidSeries(f"/quotas/{place}", "twice", "one quota for all or for each, and each mode")
        if quota.mode is not None and quota.mode not in modes:
            raise InvalidSeries(f"/quotas/{place}/mode", "mode", ", ".join(modes))


def _shares(given: list[int] | None, bodies: int, quotas: Sequence[Quota]) -> list[int] | None:
    counts = {quota.key: quota.count for quota in quotas}
    total, each = counts.get((False, None)), counts.get((True, None))
    if given is None:
        if total is None or each is not None or not bodies:
            return None
        return [total // bodies + (place < total % bodies) for place in range(bodies)]
    if len(given) != bodies:
        raise InvalidSeries("/shares", "length", f"{bodies} numbers, one for each body")
    if total is not None and sum(given) < total:
        raise InvalidSeries("/shares", "sum", f"numbers that make at least {total} together")
    if each is not None and max(given, default=0) > each:
        raise InvalidSeries("/shares", "each", f"at most {each} each")
    return given


def widened(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a frame with what was given, none of them narrower. Raises InvalidSeries."""
    new = dict(given)
    if "last_day" in new and new["last_day"] < before["last_day"]:
        raise InvalidSeries("/last_day", "narrower", f">= {before['last_day']}")
    if "quotas" in new:
        new["quotas"] = _raised(before["quotas"], new["quotas"])
    if "shares" in new:
        _not_less("/shares", before["shares"] or [], new["shares"] or [])
    if "modes" in new:
        missing = [mode for mode in before["modes"] if mode not in new["modes"]]
        if missing:
            raise InvalidSeries("/modes", "narrower", f"with {', '.join(missing)}")
    if "min_days" in new and (new["min_days"] or 0) > (before["min_days"] or 0):
        raise InvalidSeries("/min_days", "narrower", f"<= {before['min_days'] or 0}")
    most = before["per_month"]
    if new.get("per_month") is not None and (most is None or new["per_month"] < most):
        raise InvalidSeries("/per_month", "narrower", f">= {most}" if most is not None else "null")
    return new


def _raised(before: Sequence[dict[str, Any]], given: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The quotas with the counts given for some of them. What binds nobody yet cannot be extended."""
    counts = {Quota(**one).key: place for place, one in enumerate(before)}
    after = [dict(one) for one in before]
    for place, one in enumerate(given):
        at = counts.get(Quota(**one).key)
        if at is None:
            raise InvalidSeries(f"/quotas/{place}", "unknown", "a quota that the programme has")
        if one["count"] < before[at]["count"]:
            raise InvalidSeries(f"/quotas/{place}/count", "narrower", f">= {before[at]['count']}")
        after[at]["count"] = one["count"]
    return after


def _not_less(path: str, before: Sequence[int], given: Sequence[int]) -> None:
    if before and len(given) != len(before):
        raise InvalidSeries(path, "length", f"{len(before)} numbers, one for each body")
    for place, (was, is_) in enumerate(zip(before, given, strict=False)):
        if is_ < was:
            raise InvalidSeries(f"{path}/{place}", "narrower", f">= {was}")


# --- what a meeting breaks --------------------------------------------------------------------------------------------


def require_fits(series: Series, others: Iterable[Placed], meeting: Placed, *, convening: bool = False) -> None:
    """Raises OutsideSeries with every rule that the meeting would break beside the others that stand."""
    breaches = [*breaches_of(series, others, meeting, convening=convening)]
    if breaches:
        raise OutsideSeries(breaches)


def breaches_of(
    series: Series, others: Iterable[Placed], meeting: Placed, *, convening: bool = False
) -> Iterator[Breach]:
    """The rules that the meeting breaks, those that no extension helps first."""
    if series.state is State.CLOSED or (convening and series.state is State.DRAFT):
        yield Breach(Rule.STATE, "/series_id", State.ADOPTED, series.state)
    if series.bodies and meeting.body_id not in series.bodies:
        yield Breach(Rule.BODY, "/body_id", list(series.bodies), meeting.body_id, body_id=meeting.body_id)
    if series.level is not None and meeting.level not in (None, series.level):
        yield Breach(Rule.LEVEL, "/level", series.level, meeting.level)
    if meeting.mode not in series.modes:
        wider = {"modes": [*series.modes, meeting.mode]}
        yield Breach(Rule.MODE, "/mode", list(series.modes), meeting.mode, mode=meeting.mode, extension=wider)
    yield from _span(series, meeting)
    if meeting.call == 1:
        standing = [one for one in others if one.call == 1 and one.id != meeting.id]
        yield from _numbers(series, standing, meeting)
        yield from _cadence(series, standing, meeting)


def _span(series: Series, meeting: Placed) -> Iterator[Breach]:
    if meeting.day < series.since:
        yield Breach(Rule.SPAN, "/starts_at", series.since, meeting.day)
    if meeting.day > series.last_day:
        wider = {"last_day": meeting.day}
        yield Breach(Rule.SPAN, "/starts_at", series.last_day, meeting.day, extension=wider)


def _numbers(series: Series, standing: Sequence[Placed], meeting: Placed) -> Iterator[Breach]:
    of, share = meeting.body_id, series.share(meeting.body_id)
    own = 1 + sum(one.body_id == of for one in standing)
    shares = None
    if share is not None and series.shares is not None and own > share:
        place = series.bodies.index(of)  # type: ignore[arg-type]  # a body with a share is one of them
        shares = [own if at == place else number for at, number in enumerate(series.shares)]
    for quota in series.allowed:
        if not quota.about(of, meeting.mode, of):
            continue
        counted = 1 + sum(quota.about(one.body_id, one.mode, of) for one in standing)
        if counted > quota.count:
            wider = {"quotas": [{**quota.json(), "count": counted}], **({"shares": shares} if shares else {})}
            path = "/mode" if quota.mode else "/series_id"
            body = of if quota.each else None
            yield Breach(Rule.QUOTA, path, quota.count, counted, quota.mode, body, wider)
    if shares:
        yield Breach(Rule.SHARE, "/body_id", share, own, None, of, {"shares": shares})


def _cadence(series: Series, standing: Sequence[Placed], meeting: Placed) -> Iterator[Breach]:
    same = [one for one in standing if one.body_id == meeting.body_id]
    if series.min_days is not None and same:
        nearest = min(abs((one.day - meeting.day).days) for one in same)
        if nearest < series.min_days:
            wider = {"min_days": nearest}
            yield Breach(
                Rule.MIN_DAYS, "/starts_at", series.min_days, nearest, body_id=meeting.body_id, extension=wider
            )
    if series.per_month is not None:
        month = 1 + sum((one.day.year, one.day.month) == (meeting.day.year, meeting.day.month) for one in same)
        if month > series.per_month:
            wider = {"per_month": month}
            yield Breach(
                Rule.PER_MONTH, "/starts_at", series.per_month, month, body_id=meeting.body_id, extension=wider
            )


def lacking(series: Series, held: Sequence[Placed]) -> Iterator[str]:
    """Of the numbers that are exact, what was not reached: `3/5 remote`, of one body or of all together."""
    counted = [one for one in held if one.call == 1]
    for quota in series.allowed:
        if not quota.exact:
            continue
        for of in series.groups if quota.each else [None]:
            number = sum(quota.about(one.body_id, one.mode, of) for one in counted)
            if number < quota.count:
                yield " ".join(filter(None, (f"{number}/{quota.count}", quota.mode, str(of) if of else None)))


@dataclass(eq=False)
class Extension:
    """What widened a programme: by which act, of which day, why, and who recorded it. Never changed."""

    series_id: UUID
    number: int
    act: str
    day: date
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    recorded_by: UUID | None
    recorded_at: datetime
    id: UUID = field(default_factory=uuid7)


# --- rooms and absences -----------------------------------------------------------------------------------------------


class RoomState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class UnknownRoom(Exception):
    """No room has this id, or none that the caller may know of."""


class UnknownBooking(Exception):
    """The room has no such booking."""


class RoomTaken(Exception):
    """Somebody else has the room at that time; `starts_at` until `ends_at`."""

    def __init__(self, starts_at: datetime, ends_at: datetime, path: str = "/starts_at") -> None:
        super().__init__(f"{starts_at} - {ends_at}")
        self.starts_at, self.ends_at, self.path = starts_at.isoformat(), ends_at.isoformat(), path


class UnknownAbsence(Exception):
    """No absence has this id, or none that the caller may know of."""


@dataclass(eq=False)
class Room:
    """Where people can meet in person. Bookings beyond its capacity are nobody's but the planner's concern."""

    network_id: UUID
    title: str
    address: str
    capacity: int
    territory: str | None = None
    state: RoomState = RoomState.OPEN
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def place(self) -> str:
        """What a meeting's place says of it."""
        return f"{self.title}, {self.address}"


@dataclass(eq=False)
class Booking:
    """A time at which a room is taken: that of a meeting, or one said."""

    room_id: UUID
    meeting_id: UUID | None = None
    place: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)


@dataclass(eq=False)
class Absence:
    """Somebody is away from `since` until `until` (exclusive): in all networks when they say so themselves. Why is
    nobody's business."""

    person_id: UUID
    since: date
    until: date
    network_id: UUID | None = None
    recorded_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)


def in_order(since: date, until: date) -> None:
    if until <= since:
        raise InvalidSeries("/until", "span", f"later than {since}")
    if (until - since).days > LONGEST:
        raise InvalidSeries("/until", "span", f"at most {LONGEST} days after {since}")


def free(booked: Iterable[tuple[datetime, datetime]], starts_at: datetime, ends_at: datetime) -> None:
    """Raises RoomTaken with the first time that overlaps."""
    for start, end in sorted(booked):
        if start < ends_at and starts_at < end:
            raise RoomTaken(start, end)
