"""What events tells: programmes, meetings, who is invited to them and answers, polls, ballots, contributions, minutes,
decisions and reports.

Joining links are in no fact: they let in whoever has them. Who is invited is a person's id; names stay with the
registry.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from shared.contracts.envelope import Content, Fact
from shared.contracts.rights import AccessAnswerState, ErasureAnswerState


class Quota(Content):
    """At most, or exactly when `exact`, so many meetings: of all groups together or of each (`each`), of one `mode`
    only where it is named."""

    count: int
    each: bool = False
    mode: str | None = None
    exact: bool = False


class SeriesState(Fact):
    """A programme of meetings of some bodies, from `since` to `last_day` (included), which recorded extensions may move
    on or widen. A draft is told to nobody; `state` is adopted or closed. `level` is national, regional or territorial.
    `project_id` and `action_id` are the registry's; `planned` and `held` count its meetings as they stood when this was
    told."""

    title: str
    state: str
    level: str | None = None
    bodies: tuple[UUID, ...] = ()
    since: date
    last_day: date
    quotas: tuple[Quota, ...] = ()
    planned: int = 0
    held: int = 0
    extensions: int = 0
    project_id: UUID | None = None
    action_id: UUID | None = None


class SeriesAdopted(SeriesState, fact="events.series.adopted"): ...


class SeriesChanged(SeriesState, fact="events.series.changed"): ...


class SeriesExtended(SeriesState, fact="events.series.extended"):
    """A recorded extension: more days, or more meetings."""


class SeriesClosed(SeriesState, fact="events.series.closed"): ...


class MeetingState(Fact):
    """A meeting of a body, or of the whole network. Told from its convocation on: a draft is nobody's business.
    `sequence` rises with every change that a calendar must follow. `mode` is remote, in_person or hybrid; `call` 1
    or 2; `state` convened, held or cancelled. A `founding` meeting's minutes may constitute the body. A meeting of a
    programme names it (`series_id`); whoever is no member may register for an `open_to_public` one."""

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
    series_id: UUID | None = None
    level: str | None = None
    open_to_public: bool = False


class MeetingConvened(MeetingState, fact="events.meeting.convened"): ...


class MeetingMoved(MeetingState, fact="events.meeting.moved"):
    """Another time or place: what was answered before stands until it is answered anew."""


class MeetingChanged(MeetingState, fact="events.meeting.changed"):
    """Its title or agenda, not its time or place."""


class MeetingCancelled(MeetingState, fact="events.meeting.cancelled"): ...


class MeetingHeld(MeetingState, fact="events.meeting.held"):
    """It is over, with a quorum or without: the minutes say which."""


class AttendanceState(Fact):
    """Who was at a meeting, in presence or remote, when it was closed: a thousand people at most in each part."""

    meeting_id: UUID
    body_id: UUID | None = None
    series_id: UUID | None = None
    starts_at: datetime
    part: int
    people: tuple[UUID, ...]


class AttendanceClosed(AttendanceState, fact="events.attendance.closed"): ...


class InvitationState(Fact):
    """A person invited to a meeting by a mandate, or by name when there is none. `answer` is yes, no, perhaps,
    delegated (to `delegate_id`) or null; `state` issued or withdrawn, as when the mandate has ended. `waiting`: the
    answer was yes, and there is no place yet."""

    meeting_id: UUID
    person_id: UUID
    mandate_id: UUID | None = None
    seat_id: UUID | None = None
    organisation_id: UUID | None = None
    state: str
    answer: str | None = None
    delegate_id: UUID | None = None
    waiting: bool = False


class InvitationIssued(InvitationState, fact="events.invitation.issued"): ...


class InvitationAnswered(InvitationState, fact="events.invitation.answered"): ...


class InvitationWithdrawn(InvitationState, fact="events.invitation.withdrawn"): ...


class InvitationAdmitted(InvitationState, fact="events.invitation.admitted"):
    """A place has fallen free: who was waiting has it."""


class InvitationLinkRequested(InvitationState, fact="events.invitation.link_requested"):
    """The invited person's mailed link has expired, and a fresh one is wanted."""


class ReplyRefused(Fact, fact="events.calendar_reply.refused"):
    """What somebody answered from their calendar could not be taken in: `reason` is stale, begun, cancelled, withdrawn,
    not_invited or not_possible. `id` is the reply's."""

    meeting_id: UUID
    person_id: UUID
    invitation_id: UUID | None = None
    reason: str


class InvitationReassigned(InvitationState, fact="events.invitation.reassigned"):
    """Who is invited, their delegate or their organisation was a duplicate: the same one under the id that stands for
    both."""


class PollOption(Content):
    starts_at: datetime
    ends_at: datetime


class PollState(Fact):
    """When shall we meet? `options` are put to those who belong to a body, or to people named; `state` open, closed or
    withdrawn. `chosen` is the number of the option, from 1, of which the meeting `meeting_id` came: `closed` says it
    when the choice closed the poll, `changed` when it came later."""

    title: str
    body_id: UUID | None = None
    state: str
    closes_at: datetime
    options: tuple[PollOption, ...] = ()
    chosen: int | None = None
    meeting_id: UUID | None = None


class PollOpened(PollState, fact="events.poll.opened"): ...


class PollChanged(PollState, fact="events.poll.changed"): ...


class PollClosed(PollState, fact="events.poll.closed"): ...


class PollWithdrawn(PollState, fact="events.poll.withdrawn"): ...


class PollRequestState(Fact):
    """Somebody who is asked in a poll. What they answered is told to nobody; `state` is asked, answered or
    withdrawn."""

    poll_id: UUID
    person_id: UUID
    state: str


class PollAsked(PollRequestState, fact="events.poll_request.asked"): ...


class PollAnswered(PollRequestState, fact="events.poll_request.answered"): ...


class PollRequestWithdrawn(PollRequestState, fact="events.poll_request.withdrawn"): ...


class PollRequestReassigned(PollRequestState, fact="events.poll_request.reassigned"):
    """The person was a duplicate: the one that stands for them is asked, with the answers already given."""


class BallotCohort(Content):
    """A part of those entitled, and how many of them have voted."""

    code: str
    title: str
    entitled: int
    cast: int = 0


class BallotOption(Content):
    """Something to choose; votes, weighted where the ballot is, once it is closed."""

    title: str
    votes: int | None = None


class BallotGrid(Content):
    """What is scored: each of `fields` x `needs` x `resources`, whole numbers from `lowest` to `highest`."""

    fields: tuple[str, ...]
    needs: tuple[str, ...]
    resources: tuple[str, ...]
    lowest: int = 1
    highest: int = 10
    minimum: int = 5  # scores that a cell needs to be named the best of its field


class BallotState(Fact):
    """A question put to the vote, in a meeting or, without one, to a body or the network until `closes_at`: one
    paper for each seat or person entitled. `kind` is motion (yes, no, abstain), choice or grid. `outcome` is
    carried, rejected, no_quorum, chosen, tied, scored, cancelled or null while it is open. Of a `secret` one who
    voted is known, and nothing links a paper to them."""

    meeting_id: UUID | None = None
    body_id: UUID | None = None
    question: str
    entitled: int
    in_favour: int = 0
    against: int = 0
    abstained: int = 0
    outcome: str | None = None
    kind: str = "motion"
    secret: bool = False
    weighted: bool = False
    entitled_votes: int = 0  # of those entitled, where some have more than one
    level: str | None = None
    closes_at: datetime | None = None
    cast: int = 0
    cohorts: tuple[BallotCohort, ...] = ()
    options: tuple[BallotOption, ...] = ()
    grid: BallotGrid | None = None


class BallotOpened(BallotState, fact="events.ballot.opened"): ...


class BallotClosed(BallotState, fact="events.ballot.closed"): ...


class VoterState(Fact):
    """Somebody who may vote in a ballot that is in no meeting; whose invitation leads them to it otherwise. `state` is
    called, voted or withdrawn: that they voted is known, not when nor what."""

    ballot_id: UUID
    person_id: UUID
    organisation_id: UUID | None = None
    cohort: str | None = None
    state: str


class VoterCalled(VoterState, fact="events.voter.called"): ...


class VoterVoted(VoterState, fact="events.voter.voted"): ...


class VoterWithdrawn(VoterState, fact="events.voter.withdrawn"): ...


class GridPaper(Content):
    """One voter's scores, nobody knows whose, cell by cell in the grid's order (fields, then needs, then resources):
    0 where they have no opinion, null where they said nothing."""

    cohort: str | None = None
    scores: tuple[int | None, ...]


class GridPapersState(Fact):
    """The papers of a grid that were cast, told when it is closed, in an order that says nothing: `part` of `parts`,
    from 1, and `papers_in_all` of them."""

    ballot_id: UUID
    part: int
    parts: int
    papers_in_all: int
    papers: tuple[GridPaper, ...] = ()


class GridPapersCounted(GridPapersState, fact="events.ballot_papers.counted"): ...


class SynthesisState(Fact):
    """What a body or a network's contributions come to, in a text that is told to nobody here: its version `number`,
    how many contributions it draws on, and of which themes."""

    title: str
    number: int
    themes: tuple[str, ...] = ()
    contributions: int = 0
    series_id: UUID | None = None
    body_id: UUID | None = None


class SynthesisIssued(SynthesisState, fact="events.synthesis.issued"): ...


class SynthesisAudienceState(Fact):
    """Some of those to whom a synthesis is sent, 1,000 in each part."""

    synthesis_id: UUID
    number: int
    part: int
    people: tuple[UUID, ...]


class SynthesisSent(SynthesisAudienceState, fact="events.synthesis_audience.sent"): ...


class ReportState(Fact):
    """The final report of a programme or a project, as it was made at an instant: `sha256` of its PDF, which chapters
    have nothing to say (`empty`), and whether the network shows it to everybody."""

    title: str
    series_id: UUID | None = None
    project_id: UUID | None = None
    state: str  # made, released or withdrawn
    sha256: str
    chapters: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


class ReportMade(ReportState, fact="events.report.made"): ...


class ReportReleased(ReportState, fact="events.report.released"): ...


class ReportWithdrawn(ReportState, fact="events.report.withdrawn"): ...


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
    approval: str = "coordination"  # or attendees, or next_meeting: who says that they are right
    needed: int = 0  # approvals
    approvals: int = 0
    sha256: str | None = None  # of the PDF, once they are approved
    drafted_by: UUID | None = None  # who writes them, and hears when they are returned


class MinutesSubmitted(MinutesState, fact="events.minutes.submitted"): ...


class MinutesReturned(MinutesState, fact="events.minutes.returned"):
    """Sent back to draft with remarks."""


class MinutesApproved(MinutesState, fact="events.minutes.approved"): ...


class MinutesApprovalState(Fact):
    """Somebody who was there is asked whether the minutes are right. `state` is asked, approved, objected or withdrawn;
    why somebody objected is told to nobody here."""

    minutes_id: UUID
    meeting_id: UUID
    person_id: UUID
    state: str


class MinutesApprovalAsked(MinutesApprovalState, fact="events.minutes_approval.asked"): ...


class MinutesApprovalGiven(MinutesApprovalState, fact="events.minutes_approval.given"): ...


class MinutesApprovalWithdrawn(MinutesApprovalState, fact="events.minutes_approval.withdrawn"): ...


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
