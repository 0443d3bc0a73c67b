"""What events tells: meetings, who is invited to them and answers, ballots, minutes and decisions.

Joining links are in no fact: they let in whoever has them. Who is invited is a person's id; names stay with the
registry.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from shared.contracts.envelope import Fact
from shared.contracts.rights import AccessAnswerState, ErasureAnswerState


class MeetingState(Fact):
    """A meeting of a body, or of the whole network. Told from its convocation on: a draft is nobody's business.
    `sequence` rises with every change that a calendar must follow. `mode` is remote, in_person or hybrid; `call` 1 or
    2; `state` convened, held or cancelled. A `founding` meeting's minutes may constitute the body."""

    title: str
    body_id: UUID | None = None
    founding: bool = False
    starts_at: datetime
    ends_at: datetime
    mode: str
    place: str | None = None
    call: int = 1
    sequence: int = 0
    agenda: tuple[str, ...] = ()
    state: str


class MeetingConvened(MeetingState, fact="events.meeting.convened"): ...


class MeetingMoved(MeetingState, fact="events.meeting.moved"):
    """Another time or place: what was answered before stands until it is answered anew."""


class MeetingChanged(MeetingState, fact="events.meeting.changed"):
    """Its title or agenda, not its time or place."""


class MeetingCancelled(MeetingState, fact="events.meeting.cancelled"): ...


class MeetingHeld(MeetingState, fact="events.meeting.held"):
    """It is over, with a quorum or without: the minutes say which."""


class InvitationState(Fact):
    """A person invited to a meeting by a mandate, or by name when there is none. `answer` is yes, no, perhaps,
    delegated (to `delegate_id`) or null; `state` issued or withdrawn, as when the mandate has ended."""

    meeting_id: UUID
    person_id: UUID
    mandate_id: UUID | None = None
    seat_id: UUID | None = None
    organisation_id: UUID | None = None
    state: str
    answer: str | None = None
    delegate_id: UUID | None = None


class InvitationIssued(InvitationState, fact="events.invitation.issued"): ...


class InvitationAnswered(InvitationState, fact="events.invitation.answered"): ...


class InvitationWithdrawn(InvitationState, fact="events.invitation.withdrawn"): ...


class InvitationReassigned(InvitationState, fact="events.invitation.reassigned"):
    """Who is invited, their delegate or their organisation was a duplicate: the same one under the id that stands for
    both."""


class BallotState(Fact):
    """A question put to the vote in a meeting: one vote for each seat or invitation. `outcome` is carried, rejected,
    no_quorum or null while it is open."""

    meeting_id: UUID
    body_id: UUID | None = None
    question: str
    entitled: int
    in_favour: int = 0
    against: int = 0
    abstained: int = 0
    outcome: str | None = None


class BallotOpened(BallotState, fact="events.ballot.opened"): ...


class BallotClosed(BallotState, fact="events.ballot.closed"): ...


class MinutesState(Fact):
    """The minutes of a meeting: draft, in_approval, approved. Approved ones have a number in their body and year and
    never change. `present` of `entitled`, in person or by proxy."""

    meeting_id: UUID
    body_id: UUID | None = None
    founding: bool = False
    number: str | None = None
    state: str
    quorate: bool
    present: int
    entitled: int
    held_on: date
    approved_on: date | None = None


class MinutesSubmitted(MinutesState, fact="events.minutes.submitted"): ...


class MinutesReturned(MinutesState, fact="events.minutes.returned"):
    """Sent back to draft with remarks."""


class MinutesApproved(MinutesState, fact="events.minutes.approved"): ...


class DecisionState(Fact):
    """What a body decided, told when the minutes that record it are approved. With an owner (an organisation, a person
    or a body) and a day it is owed: the registry makes it a commitment. `kind` is a code of the events' vocabulary."""

    meeting_id: UUID
    minutes_id: UUID
    body_id: UUID | None = None
    title: str
    kind: str
    owner_organisation_id: UUID | None = None
    owner_person_id: UUID | None = None
    owner_body_id: UUID | None = None
    due: date | None = None
    decided_on: date


class DecisionAdopted(DecisionState, fact="events.decision.adopted"): ...


class ErasureAnswered(ErasureAnswerState, fact="events.erasure.answered"): ...


class AccessAnswered(AccessAnswerState, fact="events.access.answered"): ...
