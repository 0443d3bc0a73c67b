"""What learning tells: which paths are open, who is on which and how far, what was measured and attested, which
documents, news, practices and campaigns there are. No name, no answer of anybody."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from shared.contracts.envelope import Fact
from shared.contracts.rights import AccessAnswerState, ErasureAnswerState


class PathState(Fact):
    """A learning path for one audience: representatives, communities or administrators. `enrolment` is rule (a mandate
    with one of `roles` enrols), invitation or open; `state` published or withdrawn."""

    title: str
    audience: str
    enrolment: str
    roles: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    """Of the mandates that enrol, with what lies in them; none: everywhere."""
    bodies: tuple[UUID, ...] = ()
    """Of the mandates that enrol; none: in any body or in none."""
    renewed_after_months: int | None = None
    units: int
    state: str


class PathPublished(PathState, fact="learning.path.published"): ...


class PathChanged(PathState, fact="learning.path.changed"): ...


class PathWithdrawn(PathState, fact="learning.path.withdrawn"): ...


class EnrolmentState(Fact):
    """A person on a path, because of a mandate or of their own. `state` is active, completed or ended (the mandate
    ended before the path was completed)."""

    path_id: UUID
    path_title: str
    audience: str
    person_id: UUID
    mandate_id: UUID | None = None
    state: str
    units_done: int
    units: int
    due: date | None = None
    attempt: int = 1
    """Which time the person is on the path: a renewal is a new one, and begins with nothing done."""


class Enrolled(EnrolmentState, fact="learning.enrolment.opened"): ...


class EnrolmentAdvanced(EnrolmentState, fact="learning.enrolment.advanced"): ...


class EnrolmentCompleted(EnrolmentState, fact="learning.enrolment.completed"): ...


class EnrolmentEnded(EnrolmentState, fact="learning.enrolment.ended"): ...


class EnrolmentRenewed(EnrolmentState, fact="learning.enrolment.renewed"):
    """What was completed long enough ago is to be done again: the next attempt has begun."""


class AssessmentRequestState(Fact):
    """A person is asked to be assessed, `phase` before or after, until the day `closes_on`; `state` is asked, answered
    or withdrawn (the mandate ended, or the assessment was closed). What they answered is told to nobody."""

    assessment_id: UUID
    title: str
    phase: str
    person_id: UUID
    body_id: UUID | None = None
    path_id: UUID | None = None
    state: str
    closes_on: date | None = None


class AssessmentAsked(AssessmentRequestState, fact="learning.assessment_request.asked"): ...


class AssessmentRequestChanged(AssessmentRequestState, fact="learning.assessment_request.changed"):
    """There is more time to answer, or less; or who was asked turned out to be somebody known under another id."""


class AssessmentAnswered(AssessmentRequestState, fact="learning.assessment_request.answered"): ...


class AssessmentRequestWithdrawn(AssessmentRequestState, fact="learning.assessment_request.withdrawn"): ...


class GapState(Fact):
    """How much of a competence a group lacked before, and after: means in percent of what can be known, of the `n`
    people who were assessed both times, never fewer than five. `gain` is what was closed of what was missing, null
    when nothing was. The group is a body, a region (`territory`) or a cohort; all of the network when none is named."""

    assessment_id: UUID
    title: str
    competence: str
    body_id: UUID | None = None
    territory: str | None = None
    cohort: str | None = None
    n: int
    before: float
    after: float
    gain: float | None = None


class GapMeasured(GapState, fact="learning.gap.measured"): ...


class CredentialState(Fact):
    """What was attested to a person: `achievement_id` is what can be earned, `state` issued or revoked. Whoever has the
    address of its page can verify it; the person is named there only if they want that."""

    achievement_id: UUID
    title: str
    person_id: UUID
    path_id: UUID | None = None
    issued_on: date
    expires_on: date | None = None
    state: str


class CredentialIssued(CredentialState, fact="learning.credential.issued"): ...


class CredentialRevoked(CredentialState, fact="learning.credential.revoked"): ...


class DocumentState(Fact):
    """A document as its newest `edition` stands: numbered from 1, each with its own file. `visibility` is network, body
    (`body_id`) or public; `state` is published or withdrawn. Valid from `since` until the day before `until`."""

    title: str
    kind: str
    territory: str | None = None
    body_id: UUID | None = None
    visibility: str
    since: date | None = None
    until: date | None = None
    edition: int
    file_name: str
    media_type: str
    size: int
    sha256: str
    state: str


class DocumentPublished(DocumentState, fact="learning.document.published"): ...


class DocumentRevised(DocumentState, fact="learning.document.revised"):
    """There is a new edition; those before can still be read."""


class DocumentChanged(DocumentState, fact="learning.document.changed"):
    """What is said of it, not its file."""


class DocumentWithdrawn(DocumentState, fact="learning.document.withdrawn"): ...


class DocumentReadersState(Fact):
    """Who had read or followed a document when the edition `edition` came: to be told, a thousand at most in each
    part."""

    document_id: UUID
    title: str
    edition: int
    part: int
    people: tuple[UUID, ...]


class DocumentReadersTold(DocumentReadersState, fact="learning.document_readers.told"): ...


class NewsState(Fact):
    """A short item for an audience (representatives, communities, administrators; everybody when none is named) and a
    territory with what lies in it, or for a body. `visibility` is network or public; `state` published, withdrawn or
    expired."""

    title: str
    summary: str
    link: str | None = None
    audience: str | None = None
    territory: str | None = None
    body_id: UUID | None = None
    visibility: str
    published_at: datetime
    expires_at: datetime | None = None
    state: str


class NewsPublished(NewsState, fact="learning.news.published"): ...


class NewsChanged(NewsState, fact="learning.news.changed"): ...


class NewsWithdrawn(NewsState, fact="learning.news.withdrawn"): ...


class NewsExpired(NewsState, fact="learning.news.expired"): ...


class PracticeState(Fact):
    """A way of doing something that others may take up. `stage` is idea, tried or proven; `state` draft (told only when
    it comes back from review), in_review, published or withdrawn. `visibility` is network, networks (`shared_with`) or
    public. `experience_id`: the experience on the map from which it was taken; `author_id` answers for it. `edition`
    counts the texts that were published; while a further one of a published practice is written, `revision` is draft or
    in_review."""

    title: str
    stage: str
    state: str
    themes: tuple[str, ...] = ()
    territory: str | None = None
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    author_id: UUID | None = None
    experience_id: UUID | None = None
    visibility: str
    shared_with: tuple[UUID, ...] = ()
    adoptions: int = 0
    edition: int = 0
    revision: str | None = None


class PracticeSubmitted(PracticeState, fact="learning.practice.submitted"): ...


class PracticeReturned(PracticeState, fact="learning.practice.returned"):
    """The reviewers ask for something; what, they tell the author on its page."""


class PracticePublished(PracticeState, fact="learning.practice.published"): ...


class PracticeChanged(PracticeState, fact="learning.practice.changed"): ...


class PracticeWithdrawn(PracticeState, fact="learning.practice.withdrawn"): ...


class AdoptionState(Fact):
    """An organisation or a body of the network `network_id` does as the practice says, since `since`. `state` is
    active or ended. The practice may be another network's (`practice_network_id`)."""

    practice_id: UUID
    practice_network_id: UUID
    practice_title: str
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    territory: str | None = None
    since: date
    state: str


class PracticeAdopted(AdoptionState, fact="learning.adoption.begun"): ...


class AdoptionEnded(AdoptionState, fact="learning.adoption.ended"): ...


class CampaignState(Fact):
    """Public pages of awareness for one audience, from `since` until the day before `until`. `state` is open or
    closed. How many it reached is counted where it is shown, and told to nobody."""

    title: str
    slug: str
    audience: str
    territory: str | None = None
    since: date
    until: date | None = None
    state: str


class CampaignOpened(CampaignState, fact="learning.campaign.opened"): ...


class CampaignChanged(CampaignState, fact="learning.campaign.changed"): ...


class CampaignClosed(CampaignState, fact="learning.campaign.closed"): ...


class ErasureAnswered(ErasureAnswerState, fact="learning.erasure.answered"): ...


class AccessAnswered(AccessAnswerState, fact="learning.access.answered"): ...
