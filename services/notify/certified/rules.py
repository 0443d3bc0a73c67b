"""Certified mail (PEC): what became of it, as the receipts of the two providers say.

queued -> sent (our provider has the message) -> accepted (its receipt of acceptance) -> delivered (the recipient's
provider has put it into the mailbox) | failed | unanswered (a day without what was awaited). A receipt that comes late
still counts: it is what has legal value. Rules: DM 2 November 2005 and its annex; format also in RFC 6109. Wall time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from services.notify.certified.receipts import Kind

LONGEST_SUBJECT, LONGEST_TEXT, MOST_FILES, LARGEST_FILES, MOST_RECIPIENTS = 200, 20_000, 5, 700_000, 500
AWAITED = timedelta(hours=24)
"""After which the providers' rules say that a delivery has not happened (a warning comes after twelve hours)."""
KEPT_YEARS = 10
"""Text and receipts are evidence for as long as an ordinary right lasts (art. 2946 of the civil code)."""


class State(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNANSWERED = "unanswered"


class Problem(StrEnum):
    """Why a certified mail has failed."""

    NO_ADDRESS = "no_address"
    PROVIDER_REFUSES = "provider_refuses"
    NOT_ACCEPTED = "not_accepted"
    NOT_DELIVERED = "not_delivered"
    VIRUS = "virus"
    GIVEN_UP = "given_up"


class Unknown(Exception):
    """No certified mail has this id, or none that the caller may know of."""


class Off(Exception):
    """The platform has no certified mailbox (TRAMA_PEC_SMTP_URL, TRAMA_PEC_FROM, TRAMA_PEC_IMAP_URL)."""


class RecipientsUnfit(Exception):
    """Either organisations that are members of the network, or a meeting of it."""

    def __init__(self, path: str, accepted: str) -> None:
        super().__init__(path)
        self.path, self.accepted = path, accepted


class FileUnfit(Exception):
    """Empty, of a kind that is not sent, or too much together."""

    def __init__(self, position: int, accepted: str) -> None:
        super().__init__(position)
        self.path, self.accepted = f"/attachments/{position}", accepted


@dataclass(frozen=True, slots=True)
class File:
    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt of `kind` says at `at`, in its provider's words if it failed."""

    kind: Kind
    at: datetime
    error: str | None = None


@dataclass(eq=False)
class CertifiedMail:
    """One message to one organisation. `message_id` is its Message-ID, which receipts name."""

    network_id: UUID
    organisation_id: UUID
    letter_id: UUID
    topic: str
    made_at: datetime
    address: str | None = None
    state: State = State.QUEUED
    problem: Problem | None = None
    reason: str | None = None
    warned_at: datetime | None = None
    sent_at: datetime | None = None
    accepted_at: datetime | None = None
    delivered_at: datetime | None = None
    settled_at: datetime | None = None
    attempts: int = 0
    first_try: datetime | None = None
    next_try: datetime | None = None
    lease_until: datetime | None = None
    because_of: UUID | None = None
    correlation: UUID | None = None
    key: str | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def sent(self, at: datetime) -> None:
        self.state, self.sent_at, self.next_try, self.lease_until = State.SENT, at, None, None

    def fail(self, problem: Problem, reason: str | None, at: datetime) -> None:
        self.state, self.problem, self.reason, self.settled_at = State.FAILED, problem, reason, at
        self.next_try = self.lease_until = None

    def hear(self, receipt: Receipt) -> bool:
        """What the receipt changes; False when the state stays as it is. A delivery is final: nothing undoes it."""
        before = self.state
        match receipt.kind:
            case Kind.DELIVERED:
                self.delivered_at = self.delivered_at or receipt.at
                self.state, self.settled_at, self.problem, self.reason = State.DELIVERED, self.delivered_at, None, None
            case Kind.ACCEPTED:
                self.accepted_at = self.accepted_at or receipt.at
                if before in (State.QUEUED, State.SENT, State.UNANSWERED):
                    self.state, self.settled_at = State.ACCEPTED, None
            case Kind.WARNING:
                self.warned_at, self.reason = receipt.at, receipt.error or self.reason
            case Kind.NOT_ACCEPTED | Kind.NOT_DELIVERED | Kind.VIRUS if before is not State.DELIVERED:
                self.fail(FAILURES[receipt.kind], receipt.error, receipt.at)
        if self.state is not State.QUEUED:  # somebody has it, whatever the line to our provider said
            self.next_try = self.lease_until = None
            self.sent_at = self.sent_at or receipt.at
        return self.state is not before

    def overdue(self, at: datetime) -> bool:
        """Whether what was awaited has not come in time."""
        return self.state in (State.SENT, State.ACCEPTED) and self.sent_at is not None and at - self.sent_at >= AWAITED

    def give_up(self, at: datetime) -> None:
        self.state, self.settled_at = State.UNANSWERED, at


FAILURES = {
    Kind.NOT_ACCEPTED: Problem.NOT_ACCEPTED,
    Kind.NOT_DELIVERED: Problem.NOT_DELIVERED,
    Kind.VIRUS: Problem.VIRUS,
}


def message_id(mail_id: UUID, domain: str) -> str:
    return f"<{mail_id}@{domain}>"
