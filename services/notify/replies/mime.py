"""A mail that anybody may have written, and the calendars in it, without being kept busy by them.

The standard library's parser is used within bounds that make its worst case a fraction of a second: each nested part
costs it time for every line and a level of its stack, and a long header time by the square.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.policy import Compat32

from services.notify.replies.rules import Refusal, Refused

MOST_LINES = 20_000
MOST_BOUNDARIES, MOST_MESSAGES, MOST_PARTS = 40, 20, 100
MOST_CALENDARS = 4
LONGEST_HEADER = 4_000
BOUNDARY, NESTED = re.compile(rb"boundary", re.IGNORECASE), re.compile(rb"message/", re.IGNORECASE)
CALENDARS = frozenset({"text/calendar", "application/ics"})
BY_MACHINES = frozenset({"bulk", "junk", "list", "auto_reply"})


class Bounded(Compat32):
    """A header that is longer than anybody's says nothing."""

    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(list(sourcelines))
        return name, value if len(value) <= LONGEST_HEADER else ""


@dataclass(frozen=True, slots=True)
class Read:
    """What of a mail matters: its calendars, and whether a machine wrote it (an absence note, a bounce)."""

    calendars: list[bytes]
    automatic: bool


def read(raw: bytes) -> Read:
    """Raises Refused for what no calendar program sends."""
    message = parsed(raw)
    found: list[bytes] = []
    for part in parts(message):
        if _is_calendar(part) and len(found) < MOST_CALENDARS:
            found.append(_content(part))
    return Read(found, _automatic(message))


def parsed(raw: bytes) -> Message:
    """Raises Refused for what would keep the parser busy."""
    if raw.count(b"\n") > MOST_LINES or _more(BOUNDARY, raw, MOST_BOUNDARIES) or _more(NESTED, raw, MOST_MESSAGES):
        raise Refused(Refusal.TOO_INTRICATE)
    return email.message_from_bytes(raw, policy=Bounded())


def parts(message: Message) -> list[Message]:
    """The mail and all in it, outermost first. Raises Refused when they are too many."""
    found: list[Message] = []
    for part in message.walk():
        if len(found) >= MOST_PARTS:
            raise Refused(Refusal.TOO_INTRICATE)
        found.append(part)
    return found


def text(part: Message) -> str:
    """Whatever its charset and transfer encoding say, readable where it is ASCII."""
    return _content(part).decode("utf-8", "replace")


def _more(what: re.Pattern[bytes], raw: bytes, most: int) -> bool:
    hits: Iterator[re.Match[bytes]] = what.finditer(raw)
    return sum(1 for _, _ in zip(hits, range(most + 1), strict=False)) > most


def _is_calendar(part: Message) -> bool:
    kind = part.get_content_type()
    if kind in CALENDARS:
        return True
    return kind == "application/octet-stream" and str(part.get_filename() or "").lower().endswith(".ics")


def _content(part: Message) -> bytes:
    """Whatever its transfer encoding says; a wrong one leaves what was there. UTF-16 is the only charset that hides the
    letters that matter."""
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace").encode("utf-8", "replace")
    return raw


def _automatic(message: Message) -> bool:
    """RFC 3834, and what was in use before it."""
    said = str(message.get("Auto-Submitted", "no")).strip().lower()
    if not said.startswith("no") or message.get("X-Autoreply") or message.get("X-Autorespond"):
        return True
    kind = message.get_content_type()
    return kind == "multipart/report" or str(message.get("Precedence", "")).strip().lower() in BY_MACHINES
