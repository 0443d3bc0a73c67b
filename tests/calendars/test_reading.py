"""Replies as the common programs send them, and as nobody should."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, vText

from shared.calendars import LARGEST, Attendee, Entry, Method, Organizer, Partstat, Unreadable, read_reply, write
from tests.calendars.replies import PROGRAMS, Answer

STAMP = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("partstat", list(Partstat))
@pytest.mark.parametrize("program", PROGRAMS)
def test_an_answer_is_read_whichever_program_gave_it(program: str, partstat: Partstat) -> None:
    reply = read_reply(Answer(partstat=partstat, sequence=3).calendar(program))
    assert reply.partstat is partstat
    assert reply.uid == "meeting-0197@trama.example"
    assert reply.attendee == "anna.bianchi@ponti.example"
    assert reply.sequence == 3
    assert reply.stamped_at == STAMP


def test_a_real_client_answers_what_we_sent() -> None:
    """The library reads our invitation and answers it as a calendar program does."""
    sent = write(
        [
            Entry(
                "meeting-1@trama.example",
                4,
                STAMP,
                datetime(2026, 5, 11, 8, tzinfo=UTC),
                datetime(2026, 5, 11, 10, tzinfo=UTC),
                "Riunione",
                organizer=Organizer("Rete", "rsvp+abc@reply.example"),
                attendees=[Attendee("Anna", "Anna@Ponti.example", rsvp=True)],
            )
        ],
        method=Method.REQUEST,
    )
    invitation = Calendar.from_ical(sent)
    assert isinstance(invitation, Calendar)
    [event] = invitation.events
    event["ATTENDEE"].params["PARTSTAT"] = vText("TENTATIVE")
    invitation["METHOD"] = vText("REPLY")
    reply = read_reply(invitation.to_ical())
    assert (reply.uid, reply.sequence, reply.attendee) == ("meeting-1@trama.example", 4, "anna@ponti.example")
    assert reply.partstat is Partstat.TENTATIVE


def changed(old: str, new: str) -> bytes:
    text = Answer().calendar("thunderbird").decode().replace("\r\n ", "")
    assert old in text
    return text.replace(old, new).encode()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("METHOD:REPLY", "METHOD:COUNTER", "counter"),
        ("METHOD:REPLY", "METHOD:REQUEST", "not_a_reply"),
        ("METHOD:REPLY\r\n", "", "not_a_reply"),
        ("VEVENT", "VTODO", "not_a_reply"),
        ("UID:", "X-UID:", "no_uid"),
        ("ATTENDEE;", "X-WHO;", "no_attendee"),
        ("mailto:anna.bianchi@ponti.example", "urn:uuid:1", "no_attendee"),
        ("PARTSTAT=ACCEPTED", "PARTSTAT=DELEGATED", "no_answer"),
        ("PARTSTAT=ACCEPTED;", "", "no_answer"),
        ("BEGIN:VCALENDAR", "<html>", "not_a_calendar"),
        ("SUMMARY:Riunione", "\r\n".join(["X-A:1"] * 6000), "too_large"),
        ("SUMMARY:Riunione", "\r\n".join(["BEGIN:X"] * 7), "too_large"),
        ("SUMMARY:Riunione", "\r\n".join(["BEGIN:X", "END:X"] * 65), "too_large"),
        ("SUMMARY:Riunione", "X" * LARGEST, "too_large"),
        ("SUMMARY:Riunione", "ATTENDEE;PARTSTAT=DECLINED:mailto:b@b.example", "no_attendee"),
    ],
)
def test_what_is_no_answer_says_why(old: str, new: str, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_reply(changed(old, new))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DTSTAMP:20260504T093000Z", "DTSTAMP:yesterday"),
        ("DTSTAMP:20260504T093000Z", "DTSTAMP:99991231T235959Z"),
        ("DTSTAMP:20260504T093000Z", "DTSTAMP:-P1D"),
        ("DTSTAMP:20260504T093000Z", "X:Y"),
    ],
)
def test_an_instant_that_says_nothing_is_none(old: str, new: str) -> None:
    assert read_reply(changed(old, new)).stamped_at is None


def test_an_instant_without_a_zone_is_taken_for_utc() -> None:
    assert read_reply(changed("DTSTAMP:20260504T093000Z", "DTSTAMP:20260504T093000")).stamped_at == STAMP


@pytest.mark.parametrize("said", ["SEQUENCE:", "SEQUENCE:-1", "SEQUENCE:9999999999", "SEQUENCE:²", "X:"])
def test_a_number_that_cannot_be_is_the_first_one(said: str) -> None:
    assert read_reply(changed("SEQUENCE:0", said)).sequence == 0


def test_lines_may_end_as_they_like_and_begin_with_a_mark() -> None:
    raw = Answer().calendar("exchange")
    assert read_reply(raw.replace(b"\r\n", b"\n")) == read_reply(raw)
    assert read_reply(b"\xef\xbb\xbf" + raw) == read_reply(raw)
    assert read_reply(raw.replace(b"Riunione", "Riunità".encode("cp1252"))) == read_reply(raw)


def test_others_time_zones_and_rules_are_not_worked_out() -> None:
    """A rule that comes every second since 1601 would keep a program busy for years."""
    begun = time.monotonic()
    read_reply(changed("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "RRULE:FREQ=SECONDLY;COUNT=999999999"))
    assert time.monotonic() - begun < 1


@given(st.binary(max_size=400), st.integers(0, 1200), st.integers(0, 1200))
def test_whatever_comes_is_read_or_refused(noise: bytes, since: int, until: int) -> None:
    raw = Answer().calendar("apple")
    with suppress(Unreadable):  # and nothing else
        read_reply(raw[:since] + noise + raw[until:])
