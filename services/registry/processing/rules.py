"""What a network does with people's data and by which right, and telling who was entered by others (art. 14 GDPR).

A person whom somebody else entered is owed a notice within a month, once in each network that knows them: owed -> asked
(it is on its way) -> told, or failed. Who has no address is unreachable: the notice is handed to them. Without a record
there is nothing to tell yet: notices wait, and a network sees how many do.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access.actor import EARLIEST

LONGEST_TEXT = 2_000


class Basis(StrEnum):
    """Art. 6(1) GDPR, in its order."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


class State(StrEnum):
    OWED = "owed"
    ASKED = "asked"  # notify has been asked to send it
    TOLD = "told"
    FAILED = "failed"  # it was sent in vain
    UNREACHABLE = "unreachable"  # the person has no address
    WAIVED = "waived"


PENDING = (State.OWED, State.ASKED, State.FAILED, State.UNREACHABLE)
"""The person has not been told yet."""


class How(StrEnum):
    """How somebody was told otherwise than by mail."""

    HANDED = "handed"
    POST = "post"
    PHONE = "phone"
    IN_PERSON = "in_person"


class WaiverCode(StrEnum):
    ENTERED_THEMSELVES = "entered_themselves"
    INFORMED = "informed"  # the secretariat says why
    PERSON_ERASED = "person_erased"


class NoRecord(Exception):
    """The network has not recorded what it does with people's data."""


class UnknownNotice(Exception):
    """No notice has this id, or none that the caller may know of."""


class UnknownConsent(Exception):
    """No consent has this id, or none that the caller may know of."""


class NothingToTell(Exception):
    """The person has been told, or is not owed a notice."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.state = state


class NotByConsent(Exception):
    """The network does not rest on consent: asking for one would mislead people about their rights."""

    def __init__(self, basis: Basis) -> None:
        super().__init__(basis)
        self.basis = basis


class ConsentedAlready(Exception):
    """The person's consent has not been withdrawn."""

    def __init__(self, consent_id: UUID) -> None:
        super().__init__(str(consent_id))
        self.consent_id = consent_id


class WithdrawnAlready(Exception):
    """A consent is withdrawn once."""


class InvalidDay(Exception):
    """`accepted` says which days would do."""

    def __init__(self, accepted: str) -> None:
        super().__init__(accepted)
        self.path, self.accepted = "/on", accepted


class ReasonMissing(Exception):
    """Who waives a notice says why."""


@dataclass(frozen=True)
class Terms:
    """What a notice says. `contact` and `officer` (the data protection officer, where there is one) are offices'
    addresses. Data is kept for `retention_months` after a person's last office or tie with the network."""

    controller: str
    contact: str
    purposes: tuple[str, ...]
    basis: Basis
    retention_months: int
    officer: str | None = None
    source: str | None = None
    recipients: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


TERMS = tuple(field.name for field in fields(Terms))


@dataclass(eq=False)
class Processing:
    """A network's record, as it stands. Every state that it had is kept beside it."""

    network_id: UUID
    controller: str
    contact: str
    purposes: tuple[str, ...]
    basis: Basis
    retention_months: int
    officer: str | None = None
    source: str | None = None
    recipients: tuple[str, ...] = ()
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def terms(self) -> Terms:
        given = {name: getattr(self, name) for name in TERMS}
        return Terms(**{**given, "purposes": tuple(self.purposes), "recipients": tuple(self.recipients)})

    def change(self, terms: Terms) -> bool:
        """False when nothing differs."""
        if terms == self.terms:
            return False
        for name in TERMS:
            setattr(self, name, getattr(terms, name))
        return True


def tell_by(entered_on: date) -> date:
    """The last day in time: within one month at the latest, art. 14(3)(a); from a 31st, the last of a shorter month."""
    year, month = entered_on.year + entered_on.month // 12, entered_on.month % 12 + 1
    return date(year, month, min(entered_on.day, monthrange(year, month)[1]))


@dataclass(eq=False)
class Notice:
    """`due` is the last day in time. `fact_id` is the fact by which notify was asked, which its outcome names."""

    network_id: UUID
    person_id: UUID
    entered_on: date
    due: date
    state: State
    asked_at: datetime | None = None
    fact_id: UUID | None = None
    sent_at: datetime | None = None
    handed_on: date | None = None
    how: How | None = None
    settled_by: UUID | None = None
    waiver_code: WaiverCode | None = None
    waiver_reason: str | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def overdue(self, on: date) -> bool:
        return self.state in PENDING and on > self.due

    def actions(self) -> list[str]:
        return ["hand", "waive"] if self.state in PENDING else []

    def hand(self, day: date, how: How, by: UUID | None, on: date) -> None:
        """The person was told on `day`, otherwise than by mail. Raises NothingToTell, InvalidDay."""
        self._require_pending()
        if not EARLIEST <= day <= on:
            raise InvalidDay(f"{EARLIEST} to {on}")
        self.state, self.handed_on, self.how, self.settled_by = State.TOLD, day, how, by

    def waive(self, reason: str, by: UUID | None) -> None:
        """The person has the information already, or art. 14(5) spares it: the reason says why. Raises NothingToTell,
        ReasonMissing."""
        self._require_pending()
        if not reason.strip():
            raise ReasonMissing
        self.state, self.waiver_code, self.waiver_reason = State.WAIVED, WaiverCode.INFORMED, reason.strip()
        self.settled_by = by

    def _require_pending(self) -> None:
        if self.state not in PENDING:
            raise NothingToTell(self.state)


@dataclass(eq=False)
class Consent:
    """Of a person to what the network does with their data, from `given_on` until `withdrawn_on` (exclusive)."""

    network_id: UUID
    person_id: UUID
    given_on: date
    how: How | None = None
    recorded_by: UUID | None = None
    withdrawn_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def withdraw(self, day: date, on: date) -> None:
        """Raises WithdrawnAlready, InvalidDay."""
        if self.withdrawn_on is not None:
            raise WithdrawnAlready
        if not self.given_on <= day <= on:
            raise InvalidDay(f"{self.given_on} to {on}")
        self.withdrawn_on = day


def consent(basis: Basis, given: Consent, standing: Consent | None, on: date) -> Consent:
    """The consent, where people are asked for one; `standing` is the person's that was not withdrawn. Raises
    NotByConsent, ConsentedAlready, InvalidDay."""
    if basis is not Basis.CONSENT:
        raise NotByConsent(basis)
    if standing is not None:
        raise ConsentedAlready(standing.id)
    if not EARLIEST <= given.given_on <= on:
        raise InvalidDay(f"{EARLIEST} to {on}")
    return given
