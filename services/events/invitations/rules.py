"""Invitations: who was asked to a meeting by which mandate, and what they answered.

An invitation follows its mandate: it is issued to whoever will hold it on the meeting's day, and withdrawn when that
is no longer so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7


class State(StrEnum):
    ISSUED = "issued"
    WITHDRAWN = "withdrawn"


class Reply(StrEnum):
    """What an invited person may answer."""

    YES = "yes"
    NO = "no"
    PERHAPS = "perhaps"
    DELEGATED = "delegated"


class Channel(StrEnum):
    """How an answer came: from the person who was signed in, from their mailed link, from their calendar, or entered
    by the coordination."""

    ACCOUNT = "account"
    LINK = "link"
    CALENDAR = "calendar"
    COORDINATION = "coordination"


class UnknownInvitation(Exception):
    """No invitation has this id, or none that the caller may know of."""


class Withdrawn(Exception):
    """The mandate by which the person was invited does not last until the meeting."""


class MeetingCancelled(Exception):
    """There is nothing left to answer to."""


class MeetingBegun(Exception):
    """Answers are taken from the convocation until the meeting begins."""


class NotDelegable(Exception):
    """This delegation cannot be: `code` says why, `accepted` what would do."""

    def __init__(self, code: str, accepted: str) -> None:
        super().__init__(f"{code}: {accepted}")
        self.code, self.accepted = code, accepted


@dataclass(eq=False)
class Invitation:
    """Of a person to a meeting. `seat_id` is the seat of the meeting's body that they hold, where it has seats.
    `answered_by` is who entered the answer, when it was not the person. `delegate_id` is the person who will stand for
    them."""

    meeting_id: UUID
    network_id: UUID
    person_id: UUID
    mandate_id: UUID | None = None
    seat_id: UUID | None = None
    organisation_id: UUID | None = None
    state: State = State.ISSUED
    answer: Reply | None = None
    answered_at: datetime | None = None
    answered_by: UUID | None = None
    delegate_id: UUID | None = None
    turn: int | None = None
    answered_via: Channel | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def reply(self, answer: Reply, now: datetime, by: UUID | None, delegate_id: UUID | None = None) -> None:
        """The last answer counts."""
        self.answer, self.answered_at, self.answered_by, self.delegate_id = answer, now, by, delegate_id

    def delegate(self, delegate_id: UUID | None, others: Iterable[Invitation], proxies: int) -> UUID:
        """The delegate, if they may stand for this person; `others` are the invitations to the same meeting, and
        `proxies` for how many one member may stand."""
        others = [other for other in others if other.id != self.id and other.state is State.ISSUED]
        if not proxies:
            raise NotDelegable("no_proxies", "yes, no, perhaps")
        if delegate_id is None:
            raise NotDelegable("missing", "the id of a person who is invited")
        if delegate_id == self.person_id:
            raise NotDelegable("self", "the id of another person who is invited")
        theirs = [other for other in others if other.person_id == delegate_id]
        if not theirs:
            raise NotDelegable("not_invited", "the id of a person who is invited")
        if any(other.answer is Reply.DELEGATED for other in theirs):
            raise NotDelegable("delegated_on", "somebody who will be there in person")
        if all(other.answer is Reply.NO for other in theirs):
            raise NotDelegable("not_coming", "somebody who will be there in person")
        if any(other.delegate_id == self.person_id for other in others):
            raise NotDelegable("stands_for_others", "yes, no, perhaps: others have delegated this person")
        given = sum(other.delegate_id == delegate_id for other in others)
        if given >= proxies:
            raise NotDelegable("too_many", f"somebody who stands for fewer than {proxies}")
        return delegate_id
