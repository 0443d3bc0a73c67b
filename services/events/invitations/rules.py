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
        self.code, self.accepted, self.path = code, accepted, "/delegate_id"


class BadEntry(Exception):
    """A row of a list of answers names nobody who could answer; `path` is within the row."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


@dataclass(frozen=True)
class Line:
    """The places of a meeting that counts them: how many there are, how many are taken, and the last turn that somebody
    waits with (0: nobody waits)."""

    places: int
    taken: int
    last: int

    def turn(self) -> int | None:
        """Of who comes now: None while there is a place."""
        return None if self.taken < self.places and not self.last else self.last + 1


@dataclass(eq=False)
class Invitation:
    """Of a person to a meeting. `seat_id` is the seat of the meeting's body that they hold, where it has seats.
    `answered_by` is who entered the answer, when it was not the person. `delegate_id` is the person who will stand for
    them. Who said yes when all places were taken has a `turn` for the next one that falls free."""

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
    link_asked_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def waiting(self) -> bool:
        return self.turn is not None

    @property
    def placed(self) -> bool:
        """It has one of the meeting's places, where those are counted."""
        return self.state is State.ISSUED and self.answer is Reply.YES and not self.waiting

    def reply(
        self,
        answer: Reply,
        now: datetime,
        by: UUID | None,
        delegate_id: UUID | None = None,
        *,
        via: Channel,
        line: Line | None = None,
    ) -> bool:
        """The last answer counts. Who says yes again keeps place or turn; who says yes anew takes a place, or the next
        turn in the `line`. True when a place has fallen free by it."""
        held, again = self.placed, answer is Reply.YES and self.answer is Reply.YES
        self.answer, self.answered_at, self.answered_by, self.delegate_id = answer, now, by, delegate_id
        self.answered_via = via
        if not again:
            self.turn = line.turn() if line is not None and answer is Reply.YES else None
        return held and not again

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
        if all(other.answer is Reply.NO or other.waiting for other in theirs):
            raise NotDelegable("not_coming", "somebody who will be there in person")
        if any(other.delegate_id == self.person_id for other in others):
            raise NotDelegable("stands_for_others", "yes, no, perhaps: others have delegated this person")
        given = sum(other.delegate_id == delegate_id for other in others)
        if given >= proxies:
            raise NotDelegable("too_many", f"somebody who stands for fewer than {proxies}")
        return delegate_id


@dataclass(frozen=True)
class Known:
    """An invitation to the meeting in question; `held` unless its mandate is known not to last until the meeting."""

    invitation: Invitation
    held: bool

    @property
    def stands(self) -> bool:
        return self.invitation.state is State.ISSUED and self.held


class Book:
    """The invitations of a meeting, while a list of answers is read: each row finds what those before it left."""

    def __init__(self, known: Iterable[Known]) -> None:
        self.by_id = {one.invitation.id: one for one in known}
        self.by_person: dict[UUID, list[Known]] = {}
        for one in self.by_id.values():
            self.by_person.setdefault(one.invitation.person_id, []).append(one)
        self.answered: set[UUID] = set()

    def asked(self, invitation_id: UUID | None, person_id: UUID | None) -> Invitation:
        """The invitation that a row names. Raises BadEntry."""
        if (invitation_id is None) == (person_id is None):
            raise BadEntry("", "one_of", "invitation_id or person_id")
        if invitation_id is not None:
            path, found = "/invitation_id", self.by_id.get(invitation_id)
        else:
            path = "/person_id"
            theirs = self.by_person.get(person_id, []) if person_id else []
            standing = [one for one in theirs if one.stands] or theirs
            if len(standing) > 1:
                raise BadEntry(path, "ambiguous", "invitation_id: the person is invited more than once")
            found = standing[0] if standing else None
        if found is None:
            raise BadEntry(path, "not_invited", "somebody who is invited to this meeting")
        if not found.stands:
            raise BadEntry(path, "withdrawn", "an invitation that stands")
        if found.invitation.id in self.answered:
            raise BadEntry(path, "twice", "one answer of each invitation")
        self.answered.add(found.invitation.id)
        return found.invitation

    def delegate(self, invitation: Invitation, answer: Reply, delegate_id: UUID | None, proxies: int) -> UUID | None:
        """Whom the row delegates. Raises NotDelegable."""
        if answer is Reply.DELEGATED:
            others = [one.invitation for one in self.by_id.values()]
            return invitation.delegate(delegate_id, others, proxies)
        if delegate_id is not None:
            raise NotDelegable("not_allowed", "nobody, but with the answer delegated")
        return None
