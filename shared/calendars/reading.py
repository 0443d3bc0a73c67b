"""What somebody's calendar program answers (iTIP REPLY), read from text that anybody may have written.

Only the lines that say who answers what are looked at, one by one, by the icalendar library: time zones, rules and
alarms of others are never interpreted. Google, Exchange and Outlook, Apple and Thunderbird each write their own way;
what they agree on is enough. Every size is bounded before anything is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from icalendar.parser import Contentline, Parameters

LARGEST = 256 << 10
"""Bytes of a calendar: what is answered takes a few thousand, a description that comes back some more."""
MOST_LINES = 5_000
LONGEST_VALUE = 2_000
"""Characters of a line that is looked at; a longer description is passed over."""
MOST_COMPONENTS, DEEPEST = 64, 6
WANTED = frozenset({"METHOD", "UID", "SEQUENCE", "DTSTAMP", "ATTENDEE", "RECURRENCE-ID"})
NAME = re.compile(r"[A-Za-z0-9-]{1,64}(?=[:;])")
EARLIEST_YEAR, LATEST_YEAR = 1970, 2200


class Unreadable(Exception):
    """No answer can be read in it: `code` is too_large, not_a_calendar, not_a_reply, counter, no_uid, no_attendee or
    no_answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Partstat(StrEnum):
    """What somebody answers that this platform can take (3.2.12)."""

    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    TENTATIVE = "TENTATIVE"


@dataclass(frozen=True, slots=True)
class Reply:
    """`attendee` is the mailbox that answers, in small letters; `stamped_at` when their calendar says that they did,
    None when it does not say; `sequence` is that of the invitation they saw."""

    uid: str
    sequence: int
    stamped_at: datetime | None
    attendee: str
    partstat: Partstat


@dataclass(slots=True)
class _Event:
    """A VEVENT as far as it matters: of each property the first."""

    properties: dict[str, tuple[Parameters, str]]
    attendees: list[tuple[Parameters, str]]


def read_reply(raw: bytes) -> Reply:
    """The one answer in it. Raises Unreadable."""
    if len(raw) > LARGEST:
        raise Unreadable("too_large")
    method, events = _walk(_decoded(raw))
    if method == "COUNTER":
        raise Unreadable("counter")
    if method != "REPLY" or not events:
        raise Unreadable("not_a_reply")
    return _reply(events[0])


def _decoded(raw: bytes) -> str:
    """UTF-8 as it ought to be, with the mark that Exchange sets before it; Latin letters where it is not."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _walk(text: str) -> tuple[str, list[_Event]]:
    method, events, stack, components = "", [], [], 0
    for line in _unfolded(text):
        found = NAME.match(line)
        name = found[0].upper() if found else ""
        if name == "BEGIN":
            components += 1
            stack.append(line[6:].strip().upper())
            if components > MOST_COMPONENTS or len(stack) > DEEPEST:
                raise Unreadable("too_large")
            if stack == ["VCALENDAR", "VEVENT"]:
                events.append(_Event({}, []))
        elif name == "END":
            stack = stack[:-1]
        elif name in WANTED and stack == ["VCALENDAR"] and name == "METHOD" and not method:
            method = line[7:].strip().upper()
        elif name in WANTED and stack == ["VCALENDAR", "VEVENT"]:
            _take(events[-1], name, line)
    if not components or text.lstrip()[:15].upper() != "BEGIN:VCALENDAR":
        raise Unreadable("not_a_calendar")
    return method, events


def _unfolded(text: str) -> Iterator[str]:
    """Logical lines, whatever ends them; one that is too long to matter is left out, whole."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n", MOST_LINES + 1)
    if len(lines) > MOST_LINES:
        raise Unreadable("too_large")
    gathered: list[str] = []
    for line in [*lines, ""]:
        if line[:1] in (" ", "\t"):
            gathered.append(line[1:])
            continue
        whole = "".join(gathered)
        if whole and len(whole) <= LONGEST_VALUE:
            yield whole
        gathered = [line]


def _take(event: _Event, name: str, line: str) -> None:
    """A line that is not well formed says nothing."""
    try:
        _, parameters, value = Contentline(line).parts()  # type: ignore[no-untyped-call]
    except ValueError:
        return
    if name == "ATTENDEE":
        event.attendees.append((parameters, str(value)))
    else:
        event.properties.setdefault(name, (parameters, str(value)))


def _reply(event: _Event) -> Reply:
    uid = event.properties.get("UID", (None, ""))[1].strip()
    if not uid:
        raise Unreadable("no_uid")
    if len(event.attendees) != 1:  # a reply is one person's (RFC 5546, 3.2.3)
        raise Unreadable("no_attendee")
    parameters, address = event.attendees[0]
    attendee = re.sub(r"^\s*mailto:\s*", "", address, flags=re.IGNORECASE).strip().strip("<>").lower()
    if "@" not in attendee:
        raise Unreadable("no_attendee")
    said = parameters.get("PARTSTAT", "")
    try:
        partstat = Partstat(str(said).upper())
    except ValueError:
        raise Unreadable("no_answer") from None
    return Reply(uid, _sequence(event), _stamp(event), attendee, partstat)


def _sequence(event: _Event) -> int:
    """0 when it does not say (3.8.7.4), or says what no number of ours can be."""
    said = event.properties.get("SEQUENCE", (None, "0"))[1].strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


def _stamp(event: _Event) -> datetime | None:
    """In UTC, as it must be (3.8.7.2), whether or not it says so."""
    said = event.properties.get("DTSTAMP", (None, ""))[1].strip().removesuffix("Z")
    try:
        instant = datetime.strptime(said, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return instant if EARLIEST_YEAR < instant.year < LATEST_YEAR else None
