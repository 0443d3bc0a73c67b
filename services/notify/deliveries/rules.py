"""What a delivery is: one message to one person through one channel, intended once, tried until it is settled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7


class State(StrEnum):
    QUEUED = "queued"  # waiting for `next_try`
    SENDING = "sending"  # claimed by a sender until `lease_until`
    SENT = "sent"  # the relay took the responsibility for it
    FAILED = "failed"  # given up; somebody may retry it by hand
    BOUNCED = "bounced"  # the relay had taken it, and it came back: nobody has read it
    SUPPRESSED = "suppressed"  # not to be sent any more: too late, or the person is gone


class Outcome(StrEnum):
    """How one attempt ended."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"  # 4xx: the relay says "later"
    BROKEN = "broken"  # the connection broke in the middle of the transaction: nobody knows
    REFUSED = "refused"  # 5xx: the relay says "never"


class Problem(StrEnum):
    """Why a delivery is not sent (yet)."""

    NO_ADDRESS = "no-address"
    ADDRESS_UNUSABLE = "address-unusable"
    NOBODY_TO_TELL = "nobody-to-tell"
    NOT_WRITABLE = "not-writable"
    PERSON_ERASED = "person-erased"
    TOO_LATE = "too-late"
    RELAY_REFUSES = "relay-refuses"
    RELAY_DEFERS = "relay-defers"
    CONNECTION_BROKE = "connection-broke"
    RELAY_UNREACHABLE = "relay-unreachable"
    GIVEN_UP = "given-up"
    NOT_WANTED = "not-wanted"
    QUIET_HOURS = "quiet-hours"
    IN_DIGEST = "in-digest"
    ADDRESS_SUPPRESSED = "address-suppressed"
    RETURNED_UNKNOWN = "returned-unknown"
    RETURNED_FOR_NOW = "returned-for-now"
    RETURNED_REFUSED = "returned-refused"


PROBLEMS: dict[Problem, tuple[str, str]] = {
    Problem.NO_ADDRESS: ("la persona non ha un indirizzo email", "the person has no email address"),
    Problem.ADDRESS_UNUSABLE: ("l'indirizzo email non è utilizzabile", "the email address cannot be used"),
    Problem.NOBODY_TO_TELL: (
        "la rete non ha nessuno in segreteria da avvisare",
        "the network's secretariat has nobody to tell",
    ),
    Problem.NOT_WRITABLE: ("il messaggio non si è potuto comporre", "the message could not be composed"),
    Problem.PERSON_ERASED: ("i dati della persona sono stati cancellati", "the person's data were erased"),
    Problem.TOO_LATE: ("il messaggio non serviva più", "the message had become useless"),
    Problem.RELAY_REFUSES: ("il server di posta ha rifiutato il messaggio", "the mail server refused the message"),
    Problem.RELAY_DEFERS: ("il server di posta ha rimandato il messaggio", "the mail server deferred the message"),
    Problem.CONNECTION_BROKE: ("la connessione è caduta durante l'invio", "the connection broke while sending"),
    Problem.RELAY_UNREACHABLE: ("il server di posta non risponde", "the mail server does not answer"),
    Problem.GIVEN_UP: ("un giorno di tentativi senza esito", "a day of attempts without success"),
    Problem.NOT_WANTED: (
        "la persona ha scelto di non riceverlo per posta",
        "the person has chosen not to get it by mail",
    ),
    Problem.QUIET_HOURS: ("aspetta la fine delle ore di quiete", "it waits for the end of the hours of quiet"),
    Problem.IN_DIGEST: (
        "va nel riepilogo che la persona ha scelto",
        "it goes in the digest that the person has chosen",
    ),
    Problem.ADDRESS_SUPPRESSED: (
        "la posta a questo indirizzo è sospesa: era tornata indietro o indesiderata",
        "this address is mailed no more: mail had come back, or was unwanted",
    ),
    Problem.RETURNED_UNKNOWN: ("è tornato: la casella non esiste", "it came back: there is no such mailbox"),
    Problem.RETURNED_FOR_NOW: (
        "è tornato: la casella è piena o non è raggiungibile",
        "it came back: the mailbox is full or out of reach",
    ),
    Problem.RETURNED_REFUSED: (
        "è tornato: il server di chi riceve lo ha rifiutato",
        "it came back: the reader's mail server refused it",
    ),
}
"""What a person reads, in Italian and English."""

STATES: dict[State, tuple[str, str]] = {
    State.QUEUED: ("in coda", "queued"),
    State.SENDING: ("in invio", "being sent"),
    State.SENT: ("inviata", "sent"),
    State.FAILED: ("non riuscita", "failed"),
    State.BOUNCED: ("tornata indietro", "came back"),
    State.SUPPRESSED: ("non più dovuta", "suppressed"),
}

BACKOFF = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 20, 40, 60, 120, 180, 240, 240, 240, 240))
"""Wait after the 1st, 2nd ... attempt that did not settle a delivery; later ones wait as the last."""
PATIENCE = timedelta(hours=24)
"""From the first attempt until it is given up: relays themselves warn after hours and return mail after days, and what
is told here is news of today."""
REASON_LENGTH = 300
RETURNS_WITHIN = timedelta(days=5)
"""Relays return what they cannot deliver within five days (RFC 5321, 4.5.4.1). What has not come back by then counts as
delivered: no more is ever known of a mail, but that somebody read it in the inbox."""


UNREAD = frozenset({State.FAILED, State.BOUNCED})
"""What may be tried again by hand."""


class NotFailed(Exception):
    """Only what failed or came back can be tried again."""

    def __init__(self, state: State) -> None:
        self.state = state
        super().__init__(f"the delivery is {state}, not failed")


@dataclass(eq=False)
class Delivery:
    """One intent to tell `topic` to `person_id` because of the fact `because_of`.

    `key` is unique: (rule, subject, instant), so that no replay and no second fact tells it twice. `parameters` is what
    the template needs and the projections do not have: no address, no name, no link. A delivery without a person says
    that nobody could be told. Instants are wall time, but `intended_at` and `waits_until`, which are the domain
    clock's. While it `waits_until` the end of quiet hours or the next digest it is queued without a next try; what went
    in a digest shares its fate.
    """

    topic: str
    channel: str
    key: str
    because_of: UUID
    intended_at: datetime
    network_id: UUID | None = None
    person_id: UUID | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    correlation: UUID | None = None
    traceparent: str | None = None
    state: State = State.QUEUED
    problem: Problem | None = None
    reason: str | None = None
    attempts: int = 0
    first_try: datetime | None = None
    next_try: datetime | None = None
    lease_until: datetime | None = None
    sent_at: datetime | None = None
    updated_at: datetime | None = None
    waits_until: datetime | None = None
    in_inbox: bool = True
    digest_id: UUID | None = None
    subject_id: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def retry(self, at: datetime) -> None:
        """Queue it again, with a whole new day of patience; its past attempts stay on record."""
        if self.state not in UNREAD:
            raise NotFailed(self.state)
        self.state, self.problem, self.reason = State.QUEUED, None, None
        self.next_try, self.first_try, self.updated_at = at, None, at
        self.waits_until = self.digest_id = None  # by itself, now


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt leaves the delivery with."""

    state: State
    problem: Problem | None = None
    next_try: datetime | None = None


SUBJECTS = (
    "meeting_id",
    "ballot_id",
    "poll_id",
    "commitment_id",
    "agreement_id",
    "series_id",
    "report_id",
    "synthesis_id",
    "goal_id",
    "need_id",
    "item_id",
    "pact_id",
    "promoter_id",
    "group_id",
    "document_id",
    "news_id",
    "practice_id",
    "assessment_id",
    "enrolment_id",
    "import_id",
)
"""The parameters that name what a message is about, the widest first: a ballot in a meeting is about the meeting."""


def subject_of(parameters: Mapping[str, Any]) -> UUID | None:
    found = next((parameters[name] for name in SUBJECTS if parameters.get(name)), None)
    return UUID(str(found)) if found else None


def idempotency_key(rule: str, subject: UUID, instant: object = "", person_id: UUID | None = None) -> str:
    """One delivery per rule, subject, instant and person told."""
    return ":".join(str(part) for part in (rule, subject, instant, person_id or "") if part)


def outcome_of(code: int) -> Outcome:
    """Of the relay's answer to a mail transaction. 421 closes the connection, and is a deferral like other 4xx."""
    if 200 <= code < 300:
        return Outcome.ACCEPTED
    return Outcome.DEFERRED if 400 <= code < 500 else Outcome.REFUSED


def verdict(outcome: Outcome, attempts: int, first_try: datetime, at: datetime, id_: UUID) -> Verdict:
    """Settle the attempt number `attempts` (from 1) that ended `at`. Retries are spread by up to a tenth by the id, so
    that what was deferred at one instant does not come back at one instant."""
    match outcome:
        case Outcome.ACCEPTED:
            return Verdict(State.SENT)
        case Outcome.REFUSED:
            return Verdict(State.FAILED, Problem.RELAY_REFUSES)
        case Outcome.DEFERRED | Outcome.BROKEN:
            wait = BACKOFF[min(attempts, len(BACKOFF)) - 1]
            again = at + wait * (1 + (id_.int % 1000) / 10_000)
            if again - first_try > PATIENCE:
                return Verdict(State.FAILED, Problem.GIVEN_UP)
            return Verdict(
                State.QUEUED,
                Problem.RELAY_DEFERS if outcome is Outcome.DEFERRED else Problem.CONNECTION_BROKE,
                again,
            )


ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")


def without_addresses(text: str) -> str:
    """A relay's reply on one line, without the addresses that relays like to repeat: replies are kept for years and
    read by others than the person."""
    return ADDRESS.sub("…", " ".join(text.split()))[:REASON_LENGTH]
