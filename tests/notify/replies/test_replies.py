"""What somebody answers in their calendar, from the mail that they got to the fact that says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import vText

from shared.contracts.events import MeetingMoved
from shared.messaging import stage
from tests.calendars.replies import PROGRAMS
from tests.harness import until
from tests.notify.network import Network, then
from tests.notify.replies.desk import Invited, calendar_in, event_in, hand_over, written_by_hand

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(
    ("program", "partstat", "answer"),
    [
        *((program, "ACCEPTED", "yes") for program in PROGRAMS),
        ("google", "TENTATIVE", "perhaps"),
        ("exchange", "DECLINED", "no"),
    ],
)
async def test_an_answer_from_a_calendar_is_stated(room: Network, program: str, partstat: str, answer: str) -> None:
    anna = await Invited.by(room)
    given = anna.answer(partstat)
    assert await anna.send(given.mail(program)) == (250, "")
    [told] = await anna.told()
    assert told["answer"] == answer
    assert told["meeting_id"] == str(anna.meeting.id)
    assert told["person_id"] == str(anna.person.id)
    assert told["network_id"] == str(room.id)
    assert told["sequence"] == 0
    assert datetime.fromisoformat(told["stamped_at"]) == given.stamp


async def test_a_real_client_reads_the_invitation_and_its_answer_arrives(room: Network) -> None:
    anna = await Invited.by(room, given_name="Anna", family_name="D'Élia")
    invitation = calendar_in(anna.mail)
    assert invitation["METHOD"] == "REQUEST"
    [event] = invitation.events
    assert event["UID"] == f"meeting-{anna.meeting.id}@trama.test"
    assert event["DTSTART"].dt == anna.meeting.starts_at
    assert event["DTSTART"].params["TZID"] == "Europe/Rome"
    assert event["SUMMARY"] == anna.meeting.title
    assert event["LOCATION"] == "Via Roma 1, Lecco / Online"
    assert "2. Piano & bilancio" in event["DESCRIPTION"]
    assert event["URL"] in anna.mail.text
    assert event["ATTENDEE"].params["CN"] == "Anna D'Élia"
    event["ATTENDEE"].params["PARTSTAT"] = vText("ACCEPTED")
    invitation["METHOD"] = vText("REPLY")
    mail = written_by_hand(anna.organizer).replace(b"text/plain", b"text/calendar; method=REPLY")
    head, _, _ = mail.partition(b"\r\n\r\n")
    head = head.replace(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: 8bit")
    head = head.replace(b"Content-Transfer-Encoding: quoted-printable", b"Content-Transfer-Encoding: 8bit")
    assert await anna.send(head + b"\r\n\r\n" + invitation.to_ical()) == (250, "")
    assert [told["answer"] for told in await anna.told()] == ["yes"]


async def test_the_same_mail_once_more_is_one_answer(room: Network) -> None:
    """As when the mail server never heard our 250."""
    anna = await Invited.by(room)
    mail = anna.answer().mail("apple")
    assert [await anna.send(mail) for _ in range(3)] == [(250, "")] * 3
    assert len(await anna.told()) == 1


async def test_the_same_mail_twice_at_once_is_one_answer(room: Network) -> None:
    anna = await Invited.by(room)
    mail = anna.answer().mail("google")
    assert await asyncio.gather(*(anna.send(mail) for _ in range(4))) == [(250, "")] * 4
    assert len(await anna.told()) == 1


async def test_a_kill_between_the_commit_and_the_250_leaves_one_answer(
    room: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await Invited.by(room)
    mail, real = anna.answer().mail("thunderbird"), room.running.context.wake

    def dies() -> None:
        raise RuntimeError("killed after the commit")

    monkeypatch.setattr(room.running.context, "wake", dies)
    code, _ = await anna.send(mail)
    assert code == 451
    monkeypatch.setattr(room.running.context, "wake", real)
    assert await anna.send(mail) == (250, "")
    assert len(await anna.told()) == 1


async def test_an_error_before_the_commit_keeps_the_mail_with_the_mail_server(
    room: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await Invited.by(room)
    mail = anna.answer().mail("thunderbird")

    async def fails(*_: Any) -> None:
        raise OSError("the database is away")

    monkeypatch.setattr("services.notify.replies.commands.stage", fails)
    code, said = await anna.send(mail)
    assert (code, said[:5]) == (451, "4.3.0")
    monkeypatch.setattr("services.notify.replies.commands.stage", stage)
    assert await anna.send(mail) == (250, "")
    assert len(await anna.told()) == 1


async def test_a_change_of_mind_is_another_answer_and_an_older_mail_is_none(room: Network) -> None:
    anna = await Invited.by(room)
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    for partstat, minutes in (("ACCEPTED", 0), ("DECLINED", 10), ("TENTATIVE", 5)):
        given = anna.answer(partstat, stamp=at + timedelta(minutes=minutes))
        assert await anna.send(given.mail("google")) == (250, "")
    assert [told["answer"] for told in await anna.told()] == ["yes", "no"]


async def test_two_answers_of_one_second_both_count(room: Network) -> None:
    anna = await Invited.by(room)
    at = datetime.now(UTC).replace(microsecond=0)
    for partstat in ("ACCEPTED", "DECLINED"):
        assert await anna.send(anna.answer(partstat, stamp=at).mail("outlook")) == (250, "")
    assert [told["answer"] for told in await anna.told()] == ["yes", "no"]


async def test_a_clock_that_is_ahead_does_not_silence_later_answers(room: Network) -> None:
    anna = await Invited.by(room)
    ahead = anna.answer("ACCEPTED", stamp=datetime(2150, 1, 1, tzinfo=UTC))
    assert await anna.send(ahead.mail("apple")) == (250, "")
    later = datetime.now(UTC) + timedelta(seconds=2)
    assert await anna.send(anna.answer("DECLINED", stamp=later).mail("apple")) == (250, "")
    told = await anna.told()
    assert [t["answer"] for t in told] == ["yes", "no"]
    assert datetime.fromisoformat(told[0]["stamped_at"]) <= datetime.now(UTC)


async def test_a_program_that_counts_ahead_does_not_silence_later_answers(room: Network) -> None:
    """Nor does whoever the invitation was forwarded to, and who answers in its person's name."""
    anna = await Invited.by(room)
    assert await anna.send(anna.answer("ACCEPTED", sequence=999_999_999).mail("exchange")) == (250, "")
    later = anna.answer("DECLINED", sequence=0, stamp=datetime.now(UTC) + timedelta(seconds=2))
    assert await anna.send(later.mail("exchange")) == (250, "")
    assert [(told["answer"], told["sequence"]) for told in await anna.told()] == [("yes", 0), ("no", 0)]


async def test_the_address_is_the_same_in_every_mail_of_the_invitation(room: Network) -> None:
    anna = await Invited.by(room)
    moved = then(anna.meeting, MeetingMoved, place="Via Po 2", sequence=1)
    await room.running.tell(moved)
    _, second = await room.mails(anna.person, 2)
    event = event_in(second)
    assert event["ORGANIZER"] == f"mailto:{anna.organizer}"
    assert event["UID"] == anna.event["UID"]
    assert (int(anna.event["SEQUENCE"]), int(event["SEQUENCE"])) == (0, 1)
    late = anna.answer("ACCEPTED", sequence=0)
    assert await anna.send(late.mail("google")) == (250, "")
    assert [told["sequence"] for told in await anna.told()] == [0]  # whether that is too late events says


async def test_each_invitation_has_an_address_of_its_own(room: Network) -> None:
    meeting = room.meeting()
    anna, bruno = [await Invited.by(room, meeting) for _ in range(2)]
    assert anna.organizer != bruno.organizer
    assert len(anna.event["ATTENDEE"].split("@")) == 2  # one attendee: nobody learns who else is invited
    assert str(bruno.person.email) not in anna.mail.raw.decode()


# --- what is refused ------------------------------------------------------------------------------------------------


async def test_nobody_else_answers_an_invitation_that_was_forwarded(room: Network) -> None:
    anna = await Invited.by(room)
    code, said = await anna.send(anna.answer(attendee="bruno@altrove.example").mail("google"))
    assert code == 550
    assert "another person's" in said
    assert await anna.told() == []


async def test_an_answer_to_another_meeting_is_refused(room: Network) -> None:
    anna, bruno = [await Invited.by(room) for _ in range(2)]
    code, said = await anna.send(anna.answer(uid=str(bruno.event["UID"])).mail("google"))
    assert (code, "another meeting" in said) == (550, True)


@pytest.mark.parametrize(
    "address",
    [
        "rsvp+aaaaaaaaaaaaaaaaaaaaaaaaaa@reply.example",
        "rsvp@reply.example",
        "rsvp+short@reply.example",
        "someone@reply.example",
        "rsvp+aaaaaaaaaaaaaaaaaaaaaaaaaa@elsewhere.example",
    ],
)
async def test_an_address_that_no_invitation_has_is_refused_before_the_mail_comes(room: Network, address: str) -> None:
    code, said = await hand_over(room, b"Subject: x\r\n\r\nx", address)
    assert (code, said[:5]) == (550, "5.1.1")


async def test_an_address_in_capital_letters_is_the_same(room: Network) -> None:
    anna = await Invited.by(room)
    given = anna.answer(attendee=str(anna.person.email).upper())
    assert await anna.send(given.mail("exchange"), to=anna.organizer.upper()) == (250, "")
    assert len(await anna.told()) == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"METHOD:REPLY", b"METHOD:COUNTER", "write to the secretariat"),
        (b"METHOD:REPLY", b"METHOD:REQUEST", "no answer"),
        (b"PARTSTAT=ACCEPTED", b"PARTSTAT=DELEGATED", "to delegate somebody"),
        (b"PARTSTAT=ACCEPTED", b"PARTSTAT=NEEDS-ACTION", "to delegate somebody"),
        (b"BEGIN:VCALENDAR", b"BEGIN:NONSENSE", "no answer"),
    ],
)
async def test_what_is_no_answer_is_refused_with_the_reason(room: Network, old: bytes, new: bytes, says: str) -> None:
    anna = await Invited.by(room)
    mail = anna.answer().mail("outlook")
    assert old in mail
    code, said = await anna.send(mail.replace(old, new))
    assert code == 550
    assert says in said
    assert await anna.told() == []


async def test_who_writes_words_is_told_that_nobody_reads_them(room: Network) -> None:
    anna = await Invited.by(room)
    code, said = await anna.send(written_by_hand(anna.organizer))
    assert (code, "Nobody reads this" in said) == (550, True)


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ({"Auto_Submitted": "auto-replied"}, ""),
        ({"X_Autoreply": "yes"}, ""),
        ({"Precedence": "auto_reply"}, ""),
        ({}, "<>"),
    ],
)
async def test_an_absence_note_or_a_bounce_is_taken_and_forgotten(
    room: Network, headers: dict[str, str], sender: str
) -> None:
    """A refusal would send a bounce to a machine, or to nobody."""
    anna = await Invited.by(room)
    assert await anna.send(written_by_hand(anna.organizer, "Fuori ufficio", **headers), sender=sender) == (250, "")
    assert await anna.told() == []


async def test_a_bounce_that_brings_our_own_invitation_back_answers_nothing(room: Network) -> None:
    anna = await Invited.by(room)
    bounce = b'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n'
    assert await anna.send(bounce + anna.mail.raw + b"\r\n--b--\r\n", sender="<>") == (250, "")
    assert await anna.told() == []


async def test_an_erased_person_answers_no_more(room: Network) -> None:
    anna = await Invited.by(room)
    await room.running.tell(room.erased(anna.person))
    await room.running.settled()
    code, said = await anna.send(anna.answer().mail("google"))
    assert (code, "another person's" in said) == (550, True)


async def test_a_program_that_answers_without_end_is_stopped(room: Network) -> None:
    anna = await Invited.by(room)
    await room.running.sql("update calendar_replies set answers = 100 where invitation_id = :id", id=anna.invitation.id)
    code, said = await anna.send(anna.answer().mail("google"))
    assert (code, "Too many" in said) == (550, True)


async def test_it_is_known_on_how_many_mails_what_was_said(room: Network) -> None:
    anna = await Invited.by(room)
    await anna.send(anna.answer().mail("google"))

    async def counted() -> bool:
        metrics = (await room.running.client.get("/notify/metrics")).text
        return 'trama_notify_calendar_replies_total{outcome="taken"}' in metrics

    await until(counted)
