"""What each mail about a meeting says to the reader's calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from icalendar import Calendar

from services.notify.deliveries.outcomes import Claimed
from services.notify.messages import calendar
from services.notify.messages.rules import TOPICS
from services.notify.replies.commands import tokens
from shared.contracts.events import (
    InvitationAnswered,
    InvitationIssued,
    InvitationWithdrawn,
    MeetingCancelled,
    MeetingMoved,
)
from shared.runtime.database import Database
from tests.notify.network import Network, then
from tests.notify.replies.desk import Invited, calendar_in, event_in

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
MEETING, INVITATION, PERSON, NETWORK = (UUID(int=n) for n in range(1, 5))


@pytest.mark.timeout(120)
async def test_a_cancelled_meeting_is_taken_out_of_the_calendar(room: Network) -> None:
    anna = await Invited.by(room)
    await room.running.tell(then(anna.meeting, MeetingCancelled, state="cancelled", sequence=1))
    _, mail = await room.mails(anna.person, 2)
    read = calendar_in(mail)
    [event] = read.events
    assert read["METHOD"] == "CANCEL"
    assert (event["STATUS"], int(event["SEQUENCE"])) == ("CANCELLED", 1)
    assert (event["UID"], event["ORGANIZER"]) == (anna.event["UID"], anna.event["ORGANIZER"])


@pytest.mark.timeout(120)
async def test_who_is_not_invited_any_more_and_then_again_reads_both_in_the_calendar(room: Network) -> None:
    anna = await Invited.by(room)
    gone = then(anna.invitation, InvitationWithdrawn, state="withdrawn")
    await room.running.tell(gone)
    _, mail = await room.mails(anna.person, 2)
    assert (calendar_in(mail)["METHOD"], event_in(mail)["STATUS"]) == ("CANCEL", "CANCELLED")
    await room.running.tell(then(gone, InvitationIssued, state="issued"))
    *_, again = await room.mails(anna.person, 3)
    assert (calendar_in(again)["METHOD"], event_in(again)["STATUS"]) == ("REQUEST", "CONFIRMED")
    assert event_in(again)["ORGANIZER"] == anna.event["ORGANIZER"]
    assert event_in(again)["DTSTAMP"].dt >= anna.event["DTSTAMP"].dt


@pytest.mark.timeout(120)
async def test_what_was_answered_stands_when_the_meeting_moves(room: Network) -> None:
    anna = await Invited.by(room)
    await room.running.tell(
        then(anna.invitation, InvitationAnswered, answer="yes"),
        then(anna.meeting, MeetingMoved, place="Via Po 2", sequence=1),
    )
    _, mail = await room.mails(anna.person, 2)
    attendee = event_in(mail)["ATTENDEE"]
    assert (attendee.params["PARTSTAT"], attendee.params["RSVP"]) == ("ACCEPTED", "TRUE")


def told(topic: str = "meeting-convened", *, domain: str | None = "reply.example", **changed: Any) -> Any:
    """The calendar of one mail, from rows as they are read."""
    meeting = SimpleNamespace(
        id=MEETING,
        sequence=3,
        starts_at=NOW,
        ends_at=NOW.replace(hour=11),
        title="Riunione",
        mode="in_person",
        place="Roma",
        body_id=None,
        agenda=("Apertura", "Bilancio"),
        **changed.pop("meeting", {}),
    )
    asked = SimpleNamespace(id=INVITATION, person_id=PERSON, organisation_id=None, answer=changed.pop("answer", None))
    known: Any = SimpleNamespace(
        meetings={MEETING: meeting},
        invitations={INVITATION: asked},
        networks={NETWORK: SimpleNamespace(name="Rete")},
        contacts={PERSON: SimpleNamespace(given_name="", family_name="")},
        bodies={},
        organisations={},
        replies={INVITATION: "a" * 26} if domain else {},
    )
    parameters = {"meeting_id": str(MEETING), "invitation_id": str(INVITATION)}
    delivery = Claimed(UUID(int=9), NETWORK, PERSON, "email", topic, parameters, UUID(int=8), None, None, 1, NOW)
    words = SimpleNamespace(language=changed.pop("language", "it"), link=changed.pop("link", "https://x.example/l?t=1"))
    made = calendar.invitation(delivery, known, words, "a@b.example", "https://x.example", domain, NOW)
    if made is None:
        return None
    read: Any = Calendar.from_ical(made.content)
    assert read["METHOD"] == made.method
    return read


@pytest.mark.parametrize("topic", sorted(calendar.METHODS))
def test_what_brings_a_meeting_to_a_calendar_is_a_topic(topic: str) -> None:
    assert {"invitation_id", "meeting_id"} <= set(TOPICS[topic].parameters)
    assert told(topic)["METHOD"] == calendar.METHODS[topic]


def test_other_mails_bring_nothing_to_a_calendar() -> None:
    assert told("meeting-reminder") is None


def test_without_a_domain_for_answers_nobody_is_asked() -> None:
    read = told(domain=None)
    [event] = read.events
    assert read["METHOD"] == "PUBLISH"
    assert "ORGANIZER" not in event
    assert "ATTENDEE" not in event
    assert told("meeting-cancelled", domain=None).events[0]["STATUS"] == "CANCELLED"


@pytest.mark.parametrize(
    ("answer", "partstat"),
    [
        (None, "NEEDS-ACTION"),
        ("yes", "ACCEPTED"),
        ("no", "DECLINED"),
        ("perhaps", "TENTATIVE"),
        ("delegated", "DECLINED"),
    ],
)
def test_a_calendar_is_told_what_was_answered(answer: str | None, partstat: str) -> None:
    [event] = told(answer=answer).events
    assert event["ATTENDEE"].params["PARTSTAT"] == partstat
    assert event["ATTENDEE"].params["CN"] == "a@b.example"  # who has no name is called by their address


def test_a_calendar_speaks_the_readers_language() -> None:
    [event] = told(language="en").events
    assert (
        event["DESCRIPTION"] == "Agenda:\n1. Apertura\n2. Bilancio\nAnswer, delegate or join: https://x.example/l?t=1"
    )
    [without] = told(link=None).events
    assert without["DESCRIPTION"] == "Ordine del giorno:\n1. Apertura\n2. Bilancio"
    assert "URL" not in without


async def test_an_invitation_keeps_its_address_whoever_mails_it_first(database: Database) -> None:
    invitations = [uuid4() for _ in range(600)]
    async with database.sessions.begin() as session:
        first = await tokens(session, invitations[:500])
    async with database.sessions.begin() as session:
        second = await tokens(session, invitations)
    assert len(set(second.values())) == 600
    assert {id_: second[id_] for id_ in first} == first
    async with database.sessions.begin() as session:
        assert await tokens(session, []) == {}


def test_a_delivery_that_is_no_meetings_names_no_invitation() -> None:
    delivery = Claimed(UUID(int=9), None, None, "email", "sign-in", {}, UUID(int=8), None, None, 1, NOW)
    asked = replace(delivery, topic="meeting-moved", parameters={"invitation_id": str(INVITATION)})
    assert calendar.invitations_of([delivery, asked]) == {INVITATION}
