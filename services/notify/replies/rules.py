"""Who may answer an invitation from a calendar, and which answer is news.

An invitation's organizer is an address of its own, `rsvp+<token>@<reply domain>`: 128 random bits say which invitation
is answered, the attendee's address who answers it. An invitation that was forwarded is answered by nobody else.
"""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.calendars import Partstat

LOCAL = "rsvp"
TOKEN = re.compile(r"[a-z2-7]{26}")
MOST_ANSWERS = 100
"""Of one invitation: more is a program that answers itself, or somebody's mischief."""

ANSWERS = {Partstat.ACCEPTED: "yes", Partstat.DECLINED: "no", Partstat.TENTATIVE: "perhaps"}


class Refusal(StrEnum):
    """Why a mail is not taken; `TEXTS` says it to its sender."""

    UNKNOWN = "unknown"
    ONE_AT_A_TIME = "one_at_a_time"
    NO_CALENDAR = "no_calendar"
    TOO_INTRICATE = "too_intricate"
    NOT_A_REPLY = "not_a_reply"
    COUNTER = "counter"
    NO_ANSWER = "no_answer"
    OTHER_MEETING = "other_meeting"
    OTHER_PERSON = "other_person"
    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"
    LATER = "later"


TEXTS: dict[Refusal, str] = {
    Refusal.UNKNOWN: "550 5.1.1 Nessun invito ha questo indirizzo / No invitation has this address",
    Refusal.ONE_AT_A_TIME: "452 4.5.3 Un destinatario alla volta / One recipient at a time",
    Refusal.NO_CALENDAR: "550 5.7.1 Qui non legge nessuno: rispondi dal calendario o con il collegamento dell'invito / "
    "Nobody reads this: answer from your calendar or with the invitation's link",
    Refusal.TOO_INTRICATE: "554 5.6.0 Messaggio troppo complesso / The message is too intricate",
    Refusal.NOT_A_REPLY: "550 5.6.1 Il messaggio non contiene una risposta a un invito / "
    "The message holds no answer to an invitation",
    Refusal.COUNTER: "550 5.7.1 Non si propone un altro orario dal calendario: scrivi alla segreteria / "
    "Another time cannot be proposed from a calendar: write to the secretariat",
    Refusal.NO_ANSWER: "550 5.6.1 Si accettano si', no e forse; per delegare usa il collegamento dell'invito / "
    "Yes, no and perhaps are taken; to delegate somebody use the invitation's link",
    Refusal.OTHER_MEETING: "550 5.7.1 La risposta riguarda un'altra riunione / The answer is to another meeting",
    Refusal.OTHER_PERSON: "550 5.7.1 L'invito e' di un'altra persona: puo' rispondere solo lei, dal suo indirizzo / "
    "The invitation is another person's: only they can answer, from their address",
    Refusal.TOO_MANY: "550 5.7.1 Troppe risposte a questo invito: usa il collegamento / "
    "Too many answers to this invitation: use its link",
    Refusal.TOO_LARGE: "552 5.3.4 Messaggio troppo grande / The message is too large",
    Refusal.LATER: "451 4.3.0 Riprova piu' tardi / Try again later",
}
"""Lines of SMTP: ASCII, Italian first. Who mails from a program reads them in the notice of their own server."""

OF_UNREADABLE: dict[str, Refusal] = {
    "counter": Refusal.COUNTER,
    "no_answer": Refusal.NO_ANSWER,
    "too_large": Refusal.TOO_INTRICATE,
}
"""Of what cannot be read, all that is not here is no reply."""


class Refused(Exception):
    """The mail is not taken, for this reason."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(slots=True)
class Heard:
    """What was last heard of an invitation from its calendar."""

    answers: int = 0
    answer: str | None = None
    sequence: int | None = None
    stamped_at: datetime | None = None

    def news(self, answer: str, sequence: int, stamped_at: datetime) -> bool:
        """Whether it is newer than the last (RFC 5546, 2.1.5), or another answer of the same second. The same mail
        once more is not."""
        if self.sequence is None or self.stamped_at is None:
            return True
        before = (self.sequence, self.stamped_at)
        return (sequence, stamped_at) > before or ((sequence, stamped_at) == before and answer != self.answer)


def new_token() -> str:
    """128 random bits that survive mail programs which write addresses in small or in capital letters."""
    return b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def address(token: str, domain: str) -> str:
    return f"{LOCAL}+{token}@{domain}"


def token_of(recipient: str, domain: str) -> str | None:
    """The token in the address that a mail is for; None when it is none of ours."""
    local, _, at = recipient.strip().lower().rpartition("@")
    prefix, _, token = local.partition("+")
    ours = at == domain.lower() and prefix == LOCAL and TOKEN.fullmatch(token)
    return token if ours else None


def stamped(said: datetime | None, arrived: datetime) -> datetime:
    """When it was answered: never later than now, whatever somebody's clock says, or no later answer would count."""
    return min(said, arrived) if said is not None else arrived


def sequenced(said: int, last: int | None) -> int:
    """Which invitation was seen: never a later one than the `last` that was mailed, whatever a program counts, or no
    later answer would count."""
    return min(said, last) if last is not None else said


def theirs(attendee: str, addresses: Collection[str]) -> bool:
    """The address that answers is one of those under which the person is known."""
    return attendee.strip().lower() in {known.strip().lower() for known in addresses}
