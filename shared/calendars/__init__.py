"""Meetings as calendar programs read and answer them: iCalendar (RFC 5545, 7986) and its messages, iTIP (RFC 5546).

`write` makes the text from plain data; `read_reply` takes what a calendar program answers, from anybody at all. What a
service knows of its meetings is no matter of this package.
"""

from shared.calendars.reading import LARGEST, Partstat, Reply, Unreadable, read_reply
from shared.calendars.writing import Attendee, Entry, Method, Organizer, Status, begin, component, end, uid, write

__all__ = [
    "LARGEST",
    "Attendee",
    "Entry",
    "Method",
    "Organizer",
    "Partstat",
    "Reply",
    "Status",
    "Unreadable",
    "begin",
    "component",
    "end",
    "read_reply",
    "uid",
    "write",
]
