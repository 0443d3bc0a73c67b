"""Minutes: draft -> in approval -> approved; returned ones are drafts again. Approved ones never change.

They are numbered in approving, for each body and year of the meeting, without gaps: who approves holds the counter
until the commit, so a number is used by whoever commits and by nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access.actor import ROME, day


class State(StrEnum):
    DRAFT = "draft"
    IN_APPROVAL = "in_approval"
    APPROVED = "approved"


class Approval(StrEnum):
    """Who says that minutes are right: who coordinates the body, those who were there, or the body in a later
    meeting."""

    COORDINATION = "coordination"
    ATTENDEES = "attendees"
    NEXT_MEETING = "next_meeting"


class AnswerState(StrEnum):
    """Of somebody who was there and is asked; withdrawn when the minutes were returned or approved meanwhile."""

    ASKED = "asked"
    APPROVED = "approved"
    OBJECTED = "objected"
    WITHDRAWN = "withdrawn"


class UnknownMinutes(Exception):
    """No minutes have this id."""


class NotHeld(Exception):
    """There are no minutes of a meeting that was not held (yet)."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class HasMinutes(Exception):
    """A meeting has one set of minutes, and it has been begun."""

    def __init__(self, minutes_id: UUID) -> None:
        super().__init__(str(minutes_id))
        self.minutes_id = minutes_id
        self.headers = {"location": f"/events/v1/minutes/{minutes_id}"}


class NotPossibleNow(Exception):
    """What was asked does not go with the minutes' state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


class OthersApprove(Exception):
    """By the body's rule it is not for the caller to say that these minutes are right."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(approval)
        self.approval = approval


class NotTheBallot(Exception):
    """By the body's rule a motion of a later meeting approves these minutes, and this is none: `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code, self.path = code, "/ballot_id"
        self.accepted = "nothing: its coordination approves"
        if code != "not_asked":
            self.accepted = "the id of a motion that was carried in a later meeting of the same body"


class NotAsked(Exception):
    """Nobody asks this person (any more) whether the minutes are right."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class NoReason(Exception):
    """Who objects says what is wrong."""

    def __init__(self) -> None:
        super().__init__("no reason")
        self.path, self.code, self.accepted = "/reason", "missing", "what is wrong, in 1 to 2,000 characters"


class NotEditable(Exception):
    """The section is composed from what was counted or decided, and is corrected there."""

    def __init__(self, accepted: list[str]) -> None:
        super().__init__(", ".join(accepted))
        self.path, self.code, self.accepted = "/instead", "composed", accepted


class UnknownSection(Exception):
    """The minutes have no section of this code."""


class InvalidRule(Exception):
    """The rule contradicts itself; `path` names the field, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


FROM: dict[str, State] = {
    "write": State.DRAFT,
    "submit": State.DRAFT,
    "return": State.IN_APPROVAL,
    "approve": State.IN_APPROVAL,
}
"""What may be done, and from which state."""


MOST_DAYS = 60


@dataclass(eq=False)
class Rule:
    """How a body approves its minutes. For `attendees`: `numerator`/`denominator` of those who were there must agree
    within `days`; with `silence` who does not answer in time agrees."""

    body_id: UUID
    network_id: UUID
    approval: Approval = Approval.COORDINATION
    numerator: int = 1
    denominator: int = 2
    days: int = 7
    silence: bool = True
    set_by: UUID | None = None
    version: int = 0

    def check(self) -> None:
        """Raises InvalidRule."""
        if not 1 <= self.numerator <= self.denominator:
            raise InvalidRule("/share", "range", "a share above 0 and up to 1, like 2/3")
        if not 1 <= self.days <= MOST_DAYS:
            raise InvalidRule("/days", "range", f"1 to {MOST_DAYS}")

    def needed(self, asked: int) -> int:
        """How many of those asked must agree: the share, rounded up, and one at least."""
        return max(1, -(-asked * self.numerator // self.denominator))

    def until(self, now: datetime) -> datetime:
        """The end of the last day on which answers count, in Italy."""
        last = day(now) + timedelta(days=self.days)
        return datetime.combine(last + timedelta(days=1), time(), ROME)


@dataclass(eq=False)
class Approver:
    """Somebody who was there and is asked whether the minutes of this round (submission) are right."""

    minutes_id: UUID
    meeting_id: UUID
    network_id: UUID
    person_id: UUID
    round: int
    state: AnswerState = AnswerState.ASKED
    reason: str | None = None
    answered_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def answer(self, reason: str | None, now: datetime) -> None:
        """Agrees, or with a reason objects; the last answer counts. Raises NotAsked."""
        if self.state is AnswerState.WITHDRAWN:
            raise NotAsked(self.state)
        self.state = AnswerState.APPROVED if reason is None else AnswerState.OBJECTED
        self.reason, self.answered_at = reason, now


class Verdict(StrEnum):
    APPROVED = "approved"
    RETURNED = "returned"


def verdict(asked: int, needed: int, approved: int, objected: int, *, silence: bool, over: bool) -> Verdict | None:
    """What the answers make of the minutes; None: they wait for more. Enough who agree approve them at once, and so
    many objections that the others cannot be enough return them at once. When the time is `over`, silence agrees or
    does not count."""
    if approved >= needed:
        return Verdict.APPROVED
    if asked - objected < needed:
        return Verdict.RETURNED
    if not over:
        return None
    return Verdict.APPROVED if silence else Verdict.RETURNED


REPLACEABLE = ("meeting", "agenda", "attendance")
"""Sections that may be written by hand instead; what was counted and decided is corrected where it is kept."""


@dataclass(eq=False)
class Minutes:
    """`document` is what was composed, as it is read; `text` what its writer adds; `edits` what they add to sections or
    wrote instead; `remarks` why it was returned. `approval` and what follows it is the body's rule when they were
    submitted: `needed` of those `asked` must agree before `answers_until`."""

    meeting_id: UUID
    network_id: UUID
    held_on: date
    quorate: bool
    present: int
    entitled: int
    body_id: UUID | None = None
    founding: bool = False
    text: str = ""
    remarks: str | None = None
    document: dict[str, Any] = field(default_factory=dict)
    state: State = State.DRAFT
    number: int | None = None
    approval: Approval = Approval.COORDINATION
    round: int = 0
    asked: int = 0
    needed: int = 0
    silence: bool = False
    answers_until: datetime | None = None
    approved_in: UUID | None = None
    edits: dict[str, Any] = field(default_factory=dict)
    drafted_by: UUID | None = None
    submitted_by: UUID | None = None
    approved_by: UUID | None = None
    approved_at: datetime | None = None
    approved_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def series(self) -> tuple[UUID, int]:
        """Whose numbers these are, and of which year: the body's (the network's own meetings have theirs)."""
        return self.body_id or self.network_id, self.held_on.year

    @property
    def last_day(self) -> date | None:
        """The last day on which answers count."""
        return None if self.answers_until is None else day(self.answers_until) - timedelta(days=1)

    @property
    def label(self) -> str | None:
        """`1/2024`"""
        return None if self.number is None else f"{self.number}/{self.held_on.year}"

    def actions(self) -> list[str]:
        """What the state allows; who may do it is the policy's to say."""
        return [action for action, state in FROM.items() if state is self.state]

    def offered(self) -> list[str]:
        """`actions`, without the approval that those who were there give."""
        return [a for a in self.actions() if a != "approve" or self.approval is not Approval.ATTENDEES]

    def require(self, action: str) -> None:
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)

    def submit(self, by: UUID | None, rule: Rule | None, there: int, now: datetime) -> None:
        """By the body's `rule`; of a meeting that nobody attended, and of one of no body, the coordination says that
        they are right. `there`: how many were."""
        self.require("submit")
        self.state, self.submitted_by, self.remarks = State.IN_APPROVAL, by, None
        self.round += 1
        self.approval = rule.approval if rule is not None else Approval.COORDINATION
        self.asked, self.needed, self.silence, self.answers_until = 0, 0, False, None
        if self.approval is Approval.ATTENDEES and rule is not None:
            if there:
                self.asked, self.needed = there, rule.needed(there)
                self.silence, self.answers_until = rule.silence, rule.until(now)
            else:
                self.approval = Approval.COORDINATION

    def send_back(self, remarks: str) -> None:
        self.require("return")
        self.state, self.remarks = State.DRAFT, remarks

    def edit(self, code: str, text: str, ground: str, *, instead: bool) -> None:
        """`text` is added to a section or stands instead of what is composed; empty: as composed. `ground` tells what
        was composed apart. Raises UnknownSection, NotEditable."""
        self.require("write")
        if code not in {section["code"] for section in self.document["sections"]} - {"notes"}:
            raise UnknownSection(code)
        if instead and code not in REPLACEABLE:
            raise NotEditable(list(REPLACEABLE))
        others = {name: edit for name, edit in self.edits.items() if name != code}
        given = {code: {"text": text, "instead": instead, "ground": ground}} if text.strip() else {}
        self.edits = others | given

    def require_approver(self, ballot: UUID | None) -> None:
        """Whether the coordination may say that they are right: alone, or for a `ballot` of a later meeting. Raises
        OthersApprove, NotTheBallot."""
        self.require("approve")
        if self.approval is Approval.ATTENDEES:
            raise OthersApprove(self.approval)
        if self.approval is Approval.NEXT_MEETING and ballot is None:
            raise NotTheBallot("missing")
        if self.approval is Approval.COORDINATION and ballot is not None:
            raise NotTheBallot("not_asked")

    def approve(self, number: int, by: UUID | None, now: datetime, on: date) -> None:
        self.require("approve")
        self.state, self.number = State.APPROVED, number
        self.approved_by, self.approved_at, self.approved_on = by, now, on


def require_held(state: str) -> None:
    if state != "held":
        raise NotHeld(state)
