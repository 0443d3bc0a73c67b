"""Opening hours: days that recur as an RRULE says (RFC 5545), and the Italian times of those days.

Only rules that a calendar of days can be read off are taken: by day, week, month or year, without COUNT, BYSETPOS or
anything below a day. Whether a day is one of theirs is worked out from that day alone, so no rule, however odd, costs
more than the days that are looked at.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from dateutil.rrule import rrulestr

from shared.access.actor import EARLIEST, LATEST, ROME

LONGEST = 200
MOST = 50
"""Openings of one place."""
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "UNTIL", "WKST")
_DAY = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)")


class InvalidHours(Exception):
    """Opening hours that cannot be; `path` names the field, `accepted` what would do."""

    def __init__(self, path: str, accepted: str) -> None:
        super().__init__(f"{path}: {accepted}")
        self.path, self.accepted = path, accepted


@dataclass(frozen=True, slots=True)
class Days:
    """A rule, read: the days that recur. `ordinals` are pairs of (week of the month, weekday); 0 is every week."""

    frequency: str
    interval: int = 1
    ordinals: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    until: date | None = None

    def on(self, day: date, since: date | None) -> bool:
        """Whether the rule has this day; every other week and the like are counted from `since`."""
        if (self.until and day > self.until) or (since and day < since):
            return False
        if self.months and day.month not in self.months:
            return False
        return self._day(day) and (self.interval == 1 or self._turn(day, since or day))

    def _day(self, day: date) -> bool:
        if self.month_days and not any(_month_day(day, n) for n in self.month_days):
            return False
        return not self.ordinals or any(day.weekday() == w and _ordinal(day, n) for n, w in self.ordinals)

    def _turn(self, day: date, since: date) -> bool:
        if self.frequency == "DAILY":
            passed = (day - since).days
        elif self.frequency == "WEEKLY":
            passed = (_monday(day) - _monday(since)).days // 7
        elif self.frequency == "MONTHLY":
            passed = (day.year - since.year) * 12 + day.month - since.month
        else:
            passed = day.year - since.year
        return passed % self.interval == 0


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _month_day(day: date, n: int) -> bool:
    return day.day == (n if n > 0 else monthrange(day.year, day.month)[1] + 1 + n)


def _ordinal(day: date, n: int) -> bool:
    if n == 0:
        return True
    if n > 0:
        return (day.day - 1) // 7 + 1 == n
    return (monthrange(day.year, day.month)[1] - day.day) // 7 + 1 == -n


@dataclass(frozen=True, slots=True)
class Opening:
    """Open from `opens` to `closes` (Italian time; midnight as the end is 00:00) on the days of `rrule`, from the day
    `since` until the day `until` (exclusive)."""

    rrule: str
    opens: time
    closes: time
    since: date | None = None
    until: date | None = None
    note: str | None = None

    def json(self) -> dict[str, Any]:
        return {
            "rrule": self.rrule,
            "opens": f"{self.opens:%H:%M}",
            "closes": f"{self.closes:%H:%M}",
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "note": self.note,
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Opening:
        since, until = (kept[name] and date.fromisoformat(kept[name]) for name in ("since", "until"))
        times = (time.fromisoformat(kept["opens"]), time.fromisoformat(kept["closes"]))
        return cls(kept["rrule"], *times, since or None, until or None, kept.get("note"))


@dataclass(frozen=True, slots=True)
class Open:
    """From one instant to another."""

    opens_at: datetime
    closes_at: datetime


def read(text: str, path: str = "/rrule") -> Days:
    """The days of an RRULE; with or without its name before it. Raises InvalidHours."""
    if len(text) > LONGEST:
        raise InvalidHours(path, f"at most {LONGEST} characters")
    bare = text.strip().upper().removeprefix("RRULE:")
    parts = dict(_parts(bare, path))
    frequency = parts.get("FREQ", "")
    if frequency not in FREQUENCIES:
        raise InvalidHours(path, f"FREQ of {', '.join(FREQUENCIES)}")
    days = Days(
        frequency,
        _number(parts.get("INTERVAL", "1"), 1, 52, path, "INTERVAL"),
        tuple(_weekdays(parts.get("BYDAY", ""), path)),
        tuple(_numbers(parts.get("BYMONTHDAY", ""), -31, 31, path, "BYMONTHDAY")),
        tuple(_numbers(parts.get("BYMONTH", ""), 1, 12, path, "BYMONTH")),
        _until(parts.get("UNTIL"), path),
    )
    _require_days(days, path)
    try:
        rrulestr(bare, dtstart=datetime(2024, 1, 1))  # noqa: DTZ001 (days have no zone)
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidHours(path, "a recurrence rule as RFC 5545 has it") from error
    return days


def _parts(bare: str, path: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for part in bare.split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name in seen or name not in PARTS:
            raise InvalidHours(path, f"each of {', '.join(PARTS)} once at most, and nothing else")
        seen.add(name)
        yield name, value


def _require_days(days: Days, path: str) -> None:
    """What is left open in a rule is taken from its first day by calendars; here it must be said."""
    if days.frequency == "WEEKLY" and (not days.ordinals or days.month_days):
        raise InvalidHours(path, "WEEKLY with BYDAY, and without BYMONTHDAY")
    if days.frequency == "MONTHLY" and not (days.ordinals or days.month_days):
        raise InvalidHours(path, "MONTHLY with BYDAY or BYMONTHDAY")
    if days.frequency == "YEARLY" and not (days.months and (days.ordinals or days.month_days)):
        raise InvalidHours(path, "YEARLY with BYMONTH and with BYDAY or BYMONTHDAY")
    if days.frequency in ("DAILY", "WEEKLY") and any(n for n, _ in days.ordinals):
        raise InvalidHours(path, "BYDAY with a number (1MO) in MONTHLY or YEARLY only")


def _weekdays(text: str, path: str) -> Iterator[tuple[int, int]]:
    for one in text.split(",") if text else ():
        found = _DAY.fullmatch(one)
        if found is None:
            raise InvalidHours(path, f"BYDAY of {', '.join(WEEKDAYS)}, in a month also 1MO to 5MO and -1MO")
        yield int(found[1] or 0), WEEKDAYS.index(found[2])


def _numbers(text: str, least: int, most: int, path: str, name: str) -> Iterator[int]:
    for one in text.split(",") if text else ():
        number = _number(one, least, most, path, name)
        if number == 0:
            raise InvalidHours(path, f"{name} without 0")
        yield number


def _number(text: str, least: int, most: int, path: str, name: str) -> int:
    if re.fullmatch(r"[+-]?[0-9]{1,3}", text) and least <= int(text) <= most:
        return int(text)
    raise InvalidHours(path, f"{name} from {least} to {most}")


def _until(text: str | None, path: str) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 (a day)
    except ValueError as error:
        raise InvalidHours(path, "UNTIL as a day, 20261231") from error


def checked(openings: Sequence[Opening]) -> list[dict[str, Any]]:
    """The openings as they are kept. Raises InvalidHours, naming the opening."""
    for n, opening in enumerate(openings):
        path = f"/hours/{n}"
        days = read(opening.rrule, f"{path}/rrule")
        if opening.closes <= opening.opens and opening.closes != time():
            raise InvalidHours(f"{path}/closes", f"after {opening.opens:%H:%M}, or 00:00 for midnight")
        for name, day in (("since", opening.since), ("until", opening.until)):
            if day and not EARLIEST <= day <= LATEST:
                raise InvalidHours(f"{path}/{name}", f"{EARLIEST} to {LATEST}")
        if opening.since and opening.until and opening.until <= opening.since:
            raise InvalidHours(f"{path}/until", f"> {opening.since}")
        if days.interval > 1 and opening.since is None:
            raise InvalidHours(f"{path}/since", "the day from which every second, third, … is counted")
    return [opening.json() for opening in openings]


def times(kept: Iterable[Mapping[str, Any]], first: date, last: date) -> list[Open]:
    """All openings of the days from `first` to `last`, that day included, in order; those that touch or overlap are
    one. At most 366 days are looked at."""
    openings = [Opening.of(one) for one in kept]
    rules = [read(opening.rrule) for opening in openings]
    found: list[Open] = []
    for n in range(min((last - first).days, 366) + 1):
        day = first + timedelta(days=n)
        found += [
            _instants(opening, day)
            for opening, rule in zip(openings, rules, strict=True)
            if rule.on(day, opening.since) and (opening.until is None or day < opening.until)
        ]
    return _joined(found)


def _instants(opening: Opening, day: date) -> Open:
    end = day + timedelta(days=1) if opening.closes == time() else day
    return Open(datetime.combine(day, opening.opens, ROME), datetime.combine(end, opening.closes, ROME))


def _joined(found: list[Open]) -> list[Open]:
    joined: list[Open] = []
    for one in sorted(found, key=lambda one: (one.opens_at, one.closes_at)):
        if joined and one.opens_at <= joined[-1].closes_at:
            joined[-1] = Open(joined[-1].opens_at, max(joined[-1].closes_at, one.closes_at))
        else:
            joined.append(one)
    return joined


def open_at(kept: Sequence[Mapping[str, Any]], at: datetime) -> bool | None:
    """Whether it is open at that instant; None when nobody has said when it is."""
    if not kept:
        return None
    day = at.astimezone(ROME).date()
    # yesterday's may end at this very midnight: its end is outside
    return any(one.opens_at <= at < one.closes_at for one in times(kept, day, day))


def next_opening(kept: Sequence[Mapping[str, Any]], at: datetime) -> Open | None:
    """The opening that runs at that instant, or the first one after it within a year."""
    day = at.astimezone(ROME).date()
    for days in (7, 366):  # almost always within the week
        last = day + timedelta(days=days)
        found = next((one for one in times(kept, day, last) if one.closes_at > at), None)
        if found:
            return found
    return None


def week_of(at: datetime) -> tuple[date, date]:
    """Monday and Sunday of the Italian week of an instant."""
    monday = _monday(at.astimezone(ROME).date())
    return monday, monday + timedelta(days=6)
