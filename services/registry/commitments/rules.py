"""Commitments: who owes what, by which day, and how it ended.

A commitment is open -> fulfilled, waived, or late -> fulfilled or waived. The day in `due` is still in time; the day
after it the commitment is late. What is waived says why, what is fulfilled says by what it can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access.actor import LATEST, ROME
from shared.sniffing import OFFICE, media_type_of

LONGEST_TEXT = 5_000
LARGEST_FILE = 20 << 20
"""Bytes of a file that shows that something is done."""


class Kind(StrEnum):
    LIST_OF_REPRESENTATIVES = "list_of_representatives"
    REPORT_OF_EXPERIENCES = "report_of_experiences"
    ACTION = "action"
    DOCUMENT = "document"
    CONTRIBUTION = "contribution"
    OTHER = "other"


class State(StrEnum):
    OPEN = "open"
    LATE = "late"
    FULFILLED = "fulfilled"
    WAIVED = "waived"


RUNNING = (State.OPEN, State.LATE)
"""What is still owed."""


class Source(StrEnum):
    """Where a commitment comes from. `source_id` is the rule or the decision, or what in the pact, the plan, the
    agreement or the project asks for it (a step, an action, an obligation): one commitment each."""

    HAND = "hand"
    RULE = "rule"
    DECISION = "decision"
    PACT = "pact"
    PLAN = "plan"
    AGREEMENT = "agreement"
    PROJECT = "project"


class WaiverCode(StrEnum):
    DECIDED = "decided"  # by the secretariat, which says why
    ORGANISATION_LEFT = "organisation_left"
    ORGANISATION_MERGED = "organisation_merged"  # the one that stands for both owes it, too
    PERSON_ERASED = "person_erased"


class UnknownCommitment(Exception):
    """No commitment has this id, or none that the caller may know of."""


class UnknownRule(Exception):
    """No rule has this id, or none that the caller may know of."""


class DebtorMissing(Exception):
    """A commitment has exactly one debtor."""


class UnknownDebtor(Exception):
    """The network has no such member, person or body; `path` names the field."""

    def __init__(self, field: str, id_: UUID) -> None:
        super().__init__(f"{field} {id_}: not of this network")
        self.path, self.accepted = f"/{field}", ACCEPTED[field]


ACCEPTED = {
    "organisation_id": "a member of the network",
    "person_id": "somebody whom the network knows",
    "body_id": "a body of the network that is not dissolved",
    "creditor_body_id": "a body of the network that is not dissolved",
}


class DebtorOfRule(Exception):
    """Who owes what a rule asks for is the rule's to say."""


class InvalidDay(Exception):
    """A day that cannot be; `path` names the field, `accepted` what would do."""

    def __init__(self, field: str, accepted: str) -> None:
        super().__init__(f"{field}: {accepted}")
        self.path, self.accepted = f"/{field}", accepted


class EvidenceMissing(Exception):
    """What is fulfilled must be shown: by words, by a link or by a file."""


class UnfitFile(Exception):
    """Empty, too large, or of none of the kinds that are taken; `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code, self.path = code, "/file"
        self.accepted = f"{FILES}, <= {LARGEST_FILE >> 20} MB"


class UnknownFile(Exception):
    """The commitment was not shown by a file."""


class ReasonMissing(Exception):
    """What is waived must say why."""


class TooLong(Exception):
    """A text with more characters than are kept."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.path, self.accepted = f"/{field}", f"at most {LONGEST_TEXT} characters"


class Closed(Exception):
    """Fulfilled or waived: nothing more can be done with it."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.state = state


class TermMissing(Exception):
    """A rule has either a day or a number of days."""


class AlreadyStopped(Exception):
    """The rule makes no more commitments."""


FILES = "PDF, P7M, PNG, JPEG, WebP, DOCX, XLSX, ODT, ODS, text"
PACKED = (
    (b"word/document.xml", f"{OFFICE}wordprocessingml.document"),
    (b"xl/workbook.xml", f"{OFFICE}spreadsheetml.sheet"),
    (b"mimetypeapplication/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
)
"""By what the names within a ZIP say: it is not unpacked."""


@dataclass(frozen=True)
class File:
    """What shows that something is done. `name` is for people to recognise, nothing else."""

    name: str
    media_type: str
    size: int
    sha256: str


def file_of(name: str, content: bytes) -> File:
    """Raises UnfitFile."""
    if not content:
        raise UnfitFile("empty")
    if len(content) > LARGEST_FILE:
        raise UnfitFile("too_large")
    media_type = media_type_of(content, PACKED)
    if media_type is None:
        raise UnfitFile("kind")
    return File(file_name_of(name), media_type, len(content), sha256(content).hexdigest())


def file_name_of(given: str) -> str:
    """The last part of the name, whatever the system that sent it."""
    name = given.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in name if c.isprintable() and not "\ud800" <= c <= "\udfff")[-120:].strip() or "file"


@dataclass(eq=False)
class Commitment:
    """Exactly one of `organisation_id`, `person_id` and `body_id` is the debtor. The creditor is the network, or a body
    of it."""

    network_id: UUID
    title: str
    kind: Kind
    due: date
    made_on: date
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    body_id: UUID | None = None
    creditor_body_id: UUID | None = None
    note: str | None = None
    source: Source = Source.HAND
    source_id: UUID | None = None
    state: State = State.OPEN
    fulfilled_on: date | None = None
    evidence: str | None = None
    link: str | None = None
    file_name: str | None = None
    file_type: str | None = None
    file_size: int | None = None
    file_sha256: str | None = None
    waived_on: date | None = None
    waiver_code: WaiverCode | None = None
    waiver_reason: str | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def running(self) -> bool:
        return self.state in RUNNING

    def actions(self) -> list[str]:
        """What its state allows; who may do it is the policy's to say."""
        if not self.running:
            return []
        listing = self.kind is Kind.LIST_OF_REPRESENTATIVES and self.organisation_id is not None
        return ["change", "fulfil", "waive", *(["upload"] if listing else [])]

    def change(self, on: date, **given: Any) -> bool:
        """Takes the fields given; False when nothing differs. Of the debtors given one is not null, and it replaces the
        one before. A later day makes one that was late open again. Raises Closed, DebtorOfRule, DebtorMissing,
        InvalidDay."""
        self._require_running()
        debtors = {name: given[name] for name in DEBTORS if name in given}
        if debtors:
            given |= dict.fromkeys(DEBTORS) | debtors
            require_one_debtor(given)
        changed = {name: value for name, value in given.items() if getattr(self, name) != value}
        if self.source is Source.RULE and any(name in changed for name in DEBTORS):
            raise DebtorOfRule
        if "due" in changed:
            require_day("due", changed["due"], on)
            self.state = State.OPEN
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)

    @property
    def file(self) -> File | None:
        if self.file_name is None:
            return None
        return File(self.file_name, self.file_type or "", self.file_size or 0, self.file_sha256 or "")

    def fulfil(self, day: date, evidence: str | None, link: str | None, on: date, file: File | None = None) -> None:
        """Done on `day`, today or before, as `evidence`, `link` or `file` shows. Raises Closed, EvidenceMissing,
        InvalidDay."""
        self._require_running()
        evidence, link = text_of("evidence", evidence), text_of("link", link)
        if evidence is None and link is None and file is None:
            raise EvidenceMissing
        if day > on:
            raise InvalidDay("on", f"<= {on}")
        if day < self.made_on:
            raise InvalidDay("on", f">= {self.made_on}")
        self.state, self.fulfilled_on, self.evidence, self.link = State.FULFILLED, day, evidence, link
        if file is not None:
            self.file_name, self.file_type = file.name, file.media_type
            self.file_size, self.file_sha256 = file.size, file.sha256

    def waive(self, reason: str | None, on: date) -> None:
        """No longer owed, and why. Raises Closed, ReasonMissing."""
        self._require_running()
        reason = text_of("reason", reason)
        if reason is None:
            raise ReasonMissing
        self.state, self.waived_on = State.WAIVED, on
        self.waiver_code, self.waiver_reason = WaiverCode.DECIDED, reason

    def _require_running(self) -> None:
        if not self.running:
            raise Closed(self.state)


DEBTORS = ("organisation_id", "person_id", "body_id")


def make(commitment: Commitment, on: date) -> Commitment:
    """The commitment as the secretariat enters it. Raises DebtorMissing, InvalidDay."""
    require_one_debtor({name: getattr(commitment, name) for name in DEBTORS})
    require_day("due", commitment.due, on)
    return commitment


def require_one_debtor(given: dict[str, Any]) -> None:
    if sum(given.get(name) is not None for name in DEBTORS) != 1:
        raise DebtorMissing


def stands(owner: str | None) -> bool:
    """Whether an owner can be asked for something: `owner` is the state of a membership, or `known`, `erased` or
    `dissolved`; None is nobody of the network."""
    return owner not in (None, "withdrawn", "erased", "dissolved")


def require_day(field: str, day: date, on: date) -> None:
    """Today or later, as far as anybody plans. Raises InvalidDay."""
    if day < on:
        raise InvalidDay(field, f">= {on}")
    if day > LATEST:
        raise InvalidDay(field, f"<= {LATEST}")


def text_of(field: str, given: str | None) -> str | None:
    """What was written, without blanks around it; None when nothing was. Raises TooLong."""
    text = (given or "").strip()
    if len(text) > LONGEST_TEXT:
        raise TooLong(field)
    return text or None


def overdue(state: State, due: date, on: date) -> bool:
    """Whether it is to be stated that the last day has passed."""
    return state is State.OPEN and on > due


def late_at(due: date) -> datetime:
    """The instant at which the day after `due` begins in Italy."""
    return datetime.combine(due + timedelta(days=1), time(), ROME)


@dataclass(eq=False)
class Rule:
    """What every active member owes: by the day `due`, or `days` after it joined (or after the rule was made)."""

    network_id: UUID
    kind: Kind
    title: str
    made_on: date
    due: date | None = None
    days: int | None = None
    stopped_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def due_for(self, joined: date, on: date) -> date | None:
        """The day by which a member owes it that joined on `joined`, as seen today; None when it owes nothing, because
        the day had passed already. Nobody is late for what they could not know."""
        if self.due is not None:
            return self.due if self.due >= on else None
        assert self.days is not None
        return max(joined, on) + timedelta(days=self.days)

    def stop(self, on: date) -> None:
        """Binds nobody further; what was made by it stays owed. Raises AlreadyStopped."""
        if self.stopped_on is not None:
            raise AlreadyStopped
        self.stopped_on = on


def lay_down(rule: Rule, on: date) -> Rule:
    """Raises TermMissing, InvalidDay."""
    if (rule.due is None) == (rule.days is None):
        raise TermMissing
    if rule.due is not None:
        require_day("due", rule.due, on)
    return rule
