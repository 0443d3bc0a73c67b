"""A person who is invited, their calendar program, and the mail server that hands over what it answers."""

from __future__ import annotations

import asyncio
import email
import email.policy
import smtplib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, Self
from uuid import UUID

from icalendar import Calendar

from shared.contracts.events import InvitationIssued, MeetingConvened
from shared.contracts.registry import PersonRegistered
from tests.calendars.replies import Answer
from tests.notify.network import Network
from tests.notify.relay import Taken


@dataclass
class Invited:
    """Somebody with an invitation in their mailbox."""

    room: Network
    person: PersonRegistered
    meeting: MeetingConvened
    invitation: InvitationIssued
    mail: Taken

    @classmethod
    async def by(cls, room: Network, meeting: MeetingConvened | None = None, **person: Any) -> Self:
        who, what = room.person(**person), meeting or room.meeting()
        asked = room.invited(what, who)
        await room.running.tell(who, what, asked)
        (mail,) = await room.mails(who)
        return cls(room, who, what, asked, mail)

    @property
    def event(self) -> Any:
        return event_in(self.mail)

    @property
    def organizer(self) -> str:
        return str(self.event["ORGANIZER"]).removeprefix("mailto:")

    def answer(self, partstat: str = "ACCEPTED", **changed: Any) -> Answer:
        known: dict[str, Any] = {
            "uid": str(self.event["UID"]),
            "organizer": self.organizer,
            "attendee": str(self.event["ATTENDEE"]).removeprefix("mailto:"),
            "partstat": partstat,
            "sequence": int(self.event["SEQUENCE"]),
            "stamp": datetime.now(UTC).replace(microsecond=0),
        }
        return Answer(**{**known, **changed})

    async def send(self, raw: bytes, to: str | None = None, sender: str = "") -> tuple[int, str]:
        return await hand_over(self.room, raw, to or self.organizer, sender or self.person.email or "")

    async def told(self) -> list[dict[str, Any]]:
        """What was stated of this invitation, in order."""
        facts = await self.room.running.published("notify.calendar_reply.>")
        return [body for _, body in facts if UUID(body["invitation_id"]) == self.invitation.id]


def calendar_in(mail: Taken) -> Any:
    """As a calendar program finds it: the alternative, not the file."""
    [part] = [p for p in mail.message.walk() if p.get_content_type() == "text/calendar"]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return Calendar.from_ical(content)


def event_in(mail: Taken) -> Any:
    [event] = calendar_in(mail).events
    return event


async def hand_over(room: Network, raw: bytes, to: str, sender: str = "anna@ponti.example") -> tuple[int, str]:
    """As a mail server does, over a socket: the first answer that is a refusal, or the last."""
    port = room.running.context.state["lmtp_port"]

    def deliver() -> tuple[int, str]:
        with smtplib.LMTP("127.0.0.1", port, timeout=30) as server:
            try:
                server.sendmail(sender, [to], raw)
            except smtplib.SMTPRecipientsRefused as refused:
                (answer,) = refused.recipients.values()
                return answer[0], answer[1].decode()
            except smtplib.SMTPResponseException as refused:
                said = refused.smtp_error
                return refused.smtp_code, said.decode() if isinstance(said, bytes) else said
        return 250, ""

    return await asyncio.to_thread(deliver)


def written_by_hand(to: str, subject: str = "Ci sarò", **headers: str) -> bytes:
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = "Anna <anna@ponti.example>", to, subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Ci sarò, grazie!")
    return message.as_bytes()
