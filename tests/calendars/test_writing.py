"""What we write, as a calendar program reads it: parsed by the icalendar library."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from shared.calendars import Attendee, Entry, Method, Organizer, Status, begin, component, end, uid, write

ROME = ZoneInfo("Europe/Rome")
MEETING = UUID("0197a000-0000-7000-8000-000000000001")
NOW = datetime(2026, 5, 1, 7, 0, tzinfo=UTC)
ENTRY = Entry(
    uid=uid("meeting", MEETING, "https://trama.example:8443/"),
    sequence=2,
    stamp=NOW,
    starts_at=datetime(2026, 5, 11, 8, 0, tzinfo=UTC),
    ends_at=datetime(2026, 5, 11, 10, 0, tzinfo=UTC),
    summary="Comitato; bilancio, nomine",
    location="Roma, via Marcora 18",
    description="Ordine del giorno:\n1. Bilancio\n2. Nomine",
    url="https://trama.example/events/v1/rsvp/link?token=abc",
    organizer=Organizer('Rete "Ponti"', "rsvp+abc@reply.example"),
    attendees=[Attendee("Anna Bianchi", "anna@ponti.example", rsvp=True)],
)


def read(raw: bytes) -> tuple[Any, list[Any]]:
    calendar = Calendar.from_ical(raw)
    assert isinstance(calendar, Calendar)
    return calendar, calendar.events


def test_a_calendar_program_reads_what_was_written() -> None:
    calendar, [event] = read(write([ENTRY], method=Method.REQUEST))
    assert calendar["METHOD"] == "REQUEST"
    assert calendar["VERSION"] == "2.0"
    assert event["UID"] == f"meeting-{MEETING}@trama.example"
    assert event["SEQUENCE"] == 2
    assert event["SUMMARY"] == ENTRY.summary
    assert event["DESCRIPTION"] == ENTRY.description
    assert event["LOCATION"] == ENTRY.location
    assert event["URL"] == ENTRY.url
    assert event["STATUS"] == "CONFIRMED"
    assert event["TRANSP"] == "OPAQUE"
    assert event["DTSTAMP"].dt == NOW
    assert event["DTSTART"].dt == ENTRY.starts_at
    assert event["DTEND"].dt == ENTRY.ends_at
    assert event["DTSTART"].params["TZID"] == "Europe/Rome"
    assert event["ORGANIZER"] == "mailto:rsvp+abc@reply.example"
    assert event["ORGANIZER"].params["CN"] == 'Rete "Ponti"'
    assert event["ATTENDEE"] == "mailto:anna@ponti.example"
    assert event["ATTENDEE"].params["PARTSTAT"] == "NEEDS-ACTION"
    assert event["ATTENDEE"].params["RSVP"] == "TRUE"


def test_the_time_zone_that_goes_with_it_says_what_the_clocks_of_italy_say() -> None:
    calendar, _ = read(write([]))
    [zone] = calendar.timezones
    assert zone["TZID"] == "Europe/Rome"
    theirs = zone.to_tz(lookup_tzid=False)
    day = datetime(2025, 1, 1, 12, 0)  # noqa: DTZ001 (as clocks on the wall)
    for _ in range(3 * 366):
        assert day.replace(tzinfo=theirs).utcoffset() == day.replace(tzinfo=ROME).utcoffset(), day
        day += timedelta(days=1)


@pytest.mark.parametrize("hour", [0, 1])
def test_the_hour_that_comes_twice_is_told_apart(hour: int) -> None:
    at = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    _, [event] = read(write([replace(ENTRY, starts_at=at)]))
    assert event["DTSTART"].dt.astimezone(UTC) == at


def test_a_cancelled_meeting_takes_nobodys_time() -> None:
    _, [event] = read(write([replace(ENTRY, status=Status.CANCELLED)], method=Method.CANCEL))
    assert event["STATUS"] == "CANCELLED"
    assert event["TRANSP"] == "TRANSPARENT"


def test_a_feed_says_its_name_and_how_often_it_may_be_asked() -> None:
    raw = write([ENTRY], name="Riunioni di Anna", refresh=timedelta(hours=1))
    calendar, _ = read(raw)
    assert calendar["X-WR-CALNAME"] == calendar["NAME"] == "Riunioni di Anna"
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT60M\r\n" in raw
    assert "METHOD" not in calendar


def test_a_calendar_written_piece_by_piece_is_the_same() -> None:
    pieces = begin(method=Method.PUBLISH) + component(ENTRY) + component(ENTRY) + end()
    assert pieces == write([ENTRY, ENTRY], method=Method.PUBLISH)


def test_a_meeting_keeps_its_name_whatever_port_people_come_through() -> None:
    assert uid("meeting", MEETING, "http://127.0.0.1:8080") == f"meeting-{MEETING}@127.0.0.1"


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=200)


@given(TEXTS, TEXTS, TEXTS)
def test_nothing_that_somebody_wrote_starts_a_line_of_its_own(summary: str, name: str, address: str) -> None:
    entry = replace(
        ENTRY,
        summary=summary,
        description=summary,
        location=summary,
        organizer=Organizer(name, address),
        attendees=[Attendee(name, address)],
        url=address,
        join_url=address,
    )
    raw = write([entry])
    lines = raw.replace(b"\r\n ", b"").split(b"\r\n")
    names = [line.replace(b";", b":").split(b":")[0] for line in lines if line]
    assert [names.count(name) for name in (b"BEGIN", b"END", b"ATTENDEE", b"METHOD")] == [5, 5, 1, 0]
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    for line in raw.split(b"\r\n"):
        line.decode("utf-8")  # no character is split
    _, [event] = read(raw)
    told = summary.replace("\r\n", "\n").replace("\r", "\n")
    assert event.get("SUMMARY", "") == "".join(c for c in told if c in "\t\n" or (ord(c) >= 32 and ord(c) != 127))
