"""Changes, places, replies from calendars and approvals: who hears of them, once."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.events import (
    InvitationAdmitted,
    InvitationAnswered,
    MeetingChanged,
    MeetingMoved,
    MinutesApprovalAsked,
    MinutesApprovalGiven,
    MinutesReturned,
    MinutesSubmitted,
    ReplyRefused,
)
from tests.notify.network import TITLE, Network, then, withdrawn
from tests.notify.polls.test_polls import of_topic

pytestmark = pytest.mark.timeout(180)


async def test_a_change_of_the_agenda_is_told_to_each_invited(room: Network, tmp_path: Path) -> None:
    people, meeting = [room.person(), room.person()], room.meeting()
    invitations = [room.invited(meeting, person) for person in people]
    await room.running.tell(*people, meeting, *invitations, withdrawn(invitations[1]))
    await room.mails(people[0])
    changed = then(meeting, MeetingChanged, agenda=("Apertura", "Nuovo punto"), sequence=1)
    await room.running.tell(changed, changed)
    mail = (await room.mails(people[0], 2))[1]
    assert mail.message["Subject"] == f"Modificata: Primo piano di lavoro, 10 settembre 2099 – {TITLE}"
    assert "2. Nuovo punto" in mail.text
    link = await room.link(mail.text, "/events/v1/rsvp/link", "rsvp", tmp_path)
    assert link.subject == invitations[0].id
    assert await of_topic(room, people[0], "meeting-changed") == ["sent"]
    assert await of_topic(room, people[1], "meeting-changed") == []


async def test_of_several_changes_at_once_only_the_last_is_mailed(room: Network) -> None:
    person, meeting = room.person(), room.meeting()
    await room.running.tell(meeting, room.invited(meeting, person))
    first = then(meeting, MeetingChanged, title="Piano", sequence=1)
    second = then(first, MeetingChanged, title="Piano e bilancio", sequence=2)
    await room.running.tell(first, second, then(second, MeetingMoved, place="Via Po 2", sequence=3))
    await room.running.tell(person)
    await room.running.settled()
    assert await of_topic(room, person, "meeting-changed") == ["suppressed", "suppressed"]
    assert await of_topic(room, person, "meeting-moved") == ["sent"]


async def test_who_must_wait_hears_so_and_then_that_there_is_a_place(room: Network) -> None:
    waits, comes, meeting = room.person(), room.person(), room.meeting()
    invitations = [room.invited(meeting, person) for person in (waits, comes)]
    await room.running.tell(waits, comes, meeting, *invitations)
    await room.mails(waits)
    waiting = then(invitations[0], InvitationAnswered, answer="yes", waiting=True)
    await room.running.tell(waiting, then(invitations[1], InvitationAnswered, answer="yes"))
    (mail,) = [mail for mail in await room.mails(waits, 2) if "lista d'attesa" in mail.message["Subject"]]
    assert "tocca a chi ha risposto prima" in " ".join(mail.text.split())
    assert "Ordine del giorno" not in mail.text
    admitted = then(waiting, InvitationAdmitted, waiting=False)
    await room.running.tell(admitted, admitted)
    (mail,) = [mail for mail in await room.mails(waits, 3) if "C'è posto" in mail.message["Subject"]]
    assert await of_topic(room, waits, "invitation-waiting") == ["sent"]
    assert await of_topic(room, waits, "invitation-admitted") == ["sent"]
    assert await of_topic(room, comes, "invitation-waiting") == []


async def test_why_a_calendars_answer_was_not_taken_with_the_way_to_answer(room: Network, tmp_path: Path) -> None:
    person, meeting = room.person(), room.meeting()
    invitation = room.invited(meeting, person)
    refused = ReplyRefused(
        id=uuid7(), version=1, network_id=room.id, meeting_id=meeting.id, person_id=person.id,
        invitation_id=invitation.id, reason="stale",
    )  # fmt: skip
    await room.running.tell(refused, person, meeting, invitation)
    mails = await room.mails(person, 2)
    (mail,) = [mail for mail in mails if mail.message["Subject"].startswith("Risposta non registrata")]
    assert "versione superata della riunione" in " ".join(mail.text.split())
    link = await room.link(mail.text, "/events/v1/rsvp/link", "rsvp", tmp_path)
    assert link.subject == invitation.id
    stranger = room.person()
    await room.running.tell(
        stranger,
        then(refused, ReplyRefused, id=uuid7(), person_id=stranger.id, invitation_id=None, reason="not_invited"),
    )
    (mail,) = await room.mails(stranger)
    assert "non risulti tra gli invitati" in mail.text
    assert "token=" not in mail.said


async def test_where_those_who_were_there_approve_only_they_are_asked(room: Network, tmp_path: Path) -> None:
    there, absent, meeting = room.person(), room.person(), room.meeting()
    minutes = room.minutes(meeting, approval="attendees", needed=1)
    asked = MinutesApprovalAsked(
        id=uuid7(), version=1, network_id=room.id, minutes_id=minutes.id, meeting_id=meeting.id,
        person_id=there.id, state="asked",
    )  # fmt: skip
    invitations = [room.invited(meeting, person) for person in (there, absent)]
    await room.running.tell(asked, there, absent, meeting, *invitations, minutes)
    mails = await room.mails(there, 2)
    (mail,) = [mail for mail in mails if mail.message["Subject"].startswith("Approvi il verbale?")]
    link = await room.link(mail.text, "/events/v1/minutes/approval/link", "approval", tmp_path)
    assert link.subject == asked.id
    for person in (there, absent):
        assert await of_topic(room, person, "minutes-submitted") == []
    assert await of_topic(room, absent, "minutes-to-approve") == []


async def test_who_has_approved_already_is_not_asked(room: Network) -> None:
    person, meeting = room.person(), room.meeting()
    minutes = room.minutes(meeting, approval="attendees", needed=1)
    asked = MinutesApprovalAsked(
        id=uuid7(), version=1, network_id=room.id, minutes_id=minutes.id, meeting_id=meeting.id,
        person_id=person.id, state="asked",
    )  # fmt: skip
    await room.running.tell(meeting, minutes, asked, then(asked, MinutesApprovalGiven, state="approved"))
    await room.running.tell(person)
    await room.running.settled()
    assert await of_topic(room, person, "minutes-to-approve") in ([], ["suppressed"])


async def test_minutes_that_come_back_are_told_to_who_writes_them_or_else_the_secretariat(room: Network) -> None:
    writer, secretary, meeting = room.person(), room.person(), room.meeting()
    await room.running.tell(writer, secretary, room.secretary(secretary), meeting)

    async def returned(drafted_by: UUID | None) -> None:
        minutes = room.minutes(meeting, drafted_by=drafted_by)
        back = then(minutes, MinutesReturned, state="draft", drafted_by=drafted_by)
        await room.running.tell(minutes, back, back)
        await room.running.settled()

    await returned(writer.id)
    assert await of_topic(room, writer, "minutes-returned") == ["sent"]
    assert await of_topic(room, secretary, "minutes-returned") == []
    await returned(uuid7())  # a partner's key drafted them: nobody who could be written to
    await returned(None)
    assert await of_topic(room, secretary, "minutes-returned") == ["sent", "sent"]
    assert len(await room.mails(writer)) == 1


async def test_minutes_submitted_again_are_not_to_be_put_right_any_more(room: Network) -> None:
    writer, meeting = room.person(), room.meeting()
    minutes = room.minutes(meeting, drafted_by=writer.id)
    back = then(minutes, MinutesReturned, state="draft", drafted_by=writer.id)
    await room.running.tell(meeting, minutes, back, then(back, MinutesSubmitted, state="in_approval"))
    await room.running.tell(writer)
    await room.running.settled()
    told = await of_topic(room, writer, "minutes-returned")
    assert told in ([], ["suppressed"]), told
