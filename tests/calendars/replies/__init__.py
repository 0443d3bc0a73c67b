"""What calendar programs mail when somebody answers an invitation, each in the form that it publishes or is known to
send: a whole mail of each, with the particulars of one answer filled in."""

from __future__ import annotations

from base64 import encodebytes
from binascii import b2a_qp
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = ("apple", "exchange", "google", "outlook", "thunderbird")
WORDS = {"ACCEPTED": "Accepted", "DECLINED": "Declined", "TENTATIVE": "Tentative"}


@dataclass
class Answer:
    """One answer of one person to one invitation."""

    uid: str = "meeting-0197@trama.example"
    organizer: str = "rsvp+abcdefghijklmnopqrstuvwxyz@reply.example"
    attendee: str = "anna.bianchi@ponti.example"
    partstat: str = "ACCEPTED"
    sequence: int = 0
    stamp: datetime = field(default_factory=lambda: datetime(2026, 5, 4, 9, 30, tzinfo=UTC))

    def calendar(self, program: str) -> bytes:
        """The text/calendar part."""
        return self._filled(program, "ics").replace("\n", "\r\n").encode()

    def mail(self, program: str) -> bytes:
        """The whole mail."""
        calendar = self.calendar(program)
        text = self._filled(program, "eml")
        for name, value in {
            "calendar": calendar,
            "calendar-base64": encodebytes(calendar),
            "calendar-quoted": b2a_qp(calendar),
        }.items():
            text = text.replace(f"@{name}@", value.decode().replace("\r\n", "\n").strip())
        return text.replace("\n", "\r\n").encode()

    def _filled(self, program: str, kind: str) -> str:
        text = (HERE / f"{program}.{kind}").read_text(encoding="utf-8")
        for name, value in {
            "uid": self.uid,
            "organizer": self.organizer,
            "attendee": self.attendee,
            "partstat": self.partstat,
            "word": WORDS.get(self.partstat, self.partstat.title()),
            "sequence": str(self.sequence),
            "stamp": self.stamp.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"),
        }.items():
            text = text.replace(f"@{name}@", value)
        return text
