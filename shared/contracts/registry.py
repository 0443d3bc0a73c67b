"""What the registry tells: networks, organisations, memberships, people, bodies, seats, mandates, grants, commitments,
interlocutors, constitution paths and goals, plans, agreements, pacts, projects, keys, imports, and the rights of people
over their data.

Days are `since` (inclusive) and `until` (exclusive). A municipality is its cadastral code (`E507`), a region its ISTAT
code of two digits (`03`), a province or UTS its code of three.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from shared.contracts.envelope import Content, Fact


class NetworkState(Fact):
    """An alliance, a rete associativa, a district or a partnership; `network_id` repeats `id`."""

    slug: str
    title: str
    kind: str
    language: str = "it"
    sender_name: str | None = None  # how its mails are signed, once the network has decided it
    sender_address: str | None = None  # its own mailbox, nobody's personal one
    logo: str | None = None  # path under the platform's public address


class NetworkFounded(NetworkState, fact="registry.network.founded"): ...


class NetworkChanged(NetworkState, fact="registry.network.changed"): ...


class Section(Content):
    """A section of the RUNTS in which an organisation was entered."""

    section: str
    since: date | None = None
    until: date | None = None


class OrganisationState(Fact):
    """One record per deployment, in as many networks as it joins (see memberships)."""

    title: str
    tax_code: str | None = None
    kind: str
    ownership: str | None = None
    sections: tuple[Section, ...] = ()
    municipality: str | None = None
    territories: tuple[str, ...] = ()
    parent_id: UUID | None = None


class OrganisationRegistered(OrganisationState, fact="registry.organisation.registered"): ...


class OrganisationChanged(OrganisationState, fact="registry.organisation.changed"): ...


class OrganisationMerged(Fact, fact="registry.organisation.merged", tombstone=True):
    """It was a duplicate of `into_id`, which from now on stands for it; what named it is told again with the other."""

    into_id: UUID


class MembershipState(Fact):
    """An organisation in the network `network_id`: candidate, active, suspended or withdrawn, since that day. `pec` is
    the organisation's certified address: its public legal domicile, entered in public indexes, and not a person's."""

    organisation_id: UUID
    state: str
    since: date
    pec: str | None = None


class MembershipProposed(MembershipState, fact="registry.membership.proposed"): ...


class MembershipActivated(MembershipState, fact="registry.membership.activated"): ...


class MembershipSuspended(MembershipState, fact="registry.membership.suspended"): ...


class MembershipWithdrawn(MembershipState, fact="registry.membership.withdrawn"): ...


class MembershipChanged(MembershipState, fact="registry.membership.changed"):
    """Its certified address is another one."""


class MembershipMerged(Fact, fact="registry.membership.merged", tombstone=True):
    """The membership of a duplicate in a network in which the organisation that stands for it is a member, too."""

    organisation_id: UUID
    into_id: UUID


class SharingState(Fact):
    """The network `network_id` lets the network `with_network_id` see `what` of its own: any of members, contacts,
    places, resources, experiences, practices."""

    with_network_id: UUID
    what: tuple[str, ...]
    since: date
    until: date | None = None


class SharingGranted(SharingState, fact="registry.sharing.granted"): ...


class SharingChanged(SharingState, fact="registry.sharing.changed"): ...


class SharingEnded(SharingState, fact="registry.sharing.ended"): ...


class PersonState(Fact):
    """The only facts that carry personal data. `network_id` is the network that entered the person first."""

    given_name: str
    family_name: str
    language: str = "it"
    email: str | None = None
    email_verified: bool = False
    phone: str | None = None


class PersonRegistered(PersonState, fact="registry.person.registered"): ...


class PersonChanged(PersonState, fact="registry.person.changed"): ...


class SignInRequested(PersonState, fact="registry.person.sign_in_requested"):
    """Somebody asked for a mailed link; `request_id` is what the link will name, usable once until `expires_at`."""

    request_id: UUID
    expires_at: datetime


class PersonErased(Fact, fact="registry.person.erased", tombstone=True): ...


class PersonMerged(Fact, fact="registry.person.merged", tombstone=True):
    """It was the same person as `into_id`, who from now on stands for both; what named it is told again."""

    into_id: UUID


class PersonSought(PersonState, fact="registry.person.sought"):
    """The dry run of an erasure: every service says what it holds of this person, and which texts hold their name. It
    travels as a fact of the person, so that it is redacted with them. `asked` is the version of the erasure. It comes
    once more when the quarantine begins (`phase`), for what is kept for a while and names nobody by id."""

    erasure_id: UUID
    asked: int
    phase: str = "dry_run"


class NoticeDue(Fact, fact="registry.person.notice_due"):
    """Somebody else entered this person: by the day `due` they are owed the notice of art. 14 GDPR on what the network
    `network_id` does with their data, whose terms are its processing record. `version` is the person's, who has not
    changed."""

    notice_id: UUID
    processing_id: UUID
    due: date


class ProcessingState(Fact):
    """A network's record of what it does with people's data and by which right: what a notice says. `basis` is one of
    art. 6 (consent, contract, legal_obligation, vital_interests, public_task, legitimate_interests). `contact` is an
    office's, nobody's personal address."""

    controller: str
    contact: str
    officer: str | None = None
    purposes: tuple[str, ...]
    basis: str
    retention_months: int
    source: str | None = None
    recipients: tuple[str, ...] = ()


class ProcessingRecorded(ProcessingState, fact="registry.processing.recorded"): ...


class ProcessingChanged(ProcessingState, fact="registry.processing.changed"): ...


class ErasureState(Fact):
    """An erasure of a person's data in all services. `phase` is what each of them is to answer now: dry_run (what is
    there: asked by PersonSought), quarantine (nobody sees it any more), release (it was called off) or erase. From
    quarantine on the person's facts say no name; `person_version` is that of the last one."""

    person_id: UUID
    phase: str
    erase_on: date | None = None
    person_version: int = 0


class ErasureOpened(ErasureState, fact="registry.erasure.opened"): ...


class ErasureAdvanced(ErasureState, fact="registry.erasure.advanced"): ...


class ErasureClosed(ErasureState, fact="registry.erasure.closed"):
    """Every service has answered the last phase."""


class AccessRequested(Fact, fact="registry.access.requested"):
    """A person's data is asked for in one archive. Every service seals its part for `key`, a public JWK (EC P-256) made
    for this request alone."""

    person_id: UUID
    key: str


class AccessClosed(Fact, fact="registry.access.closed"):
    """The archive and its key are gone: nobody can open the parts any more."""

    person_id: UUID


class MandateState(Fact):
    """A person acts for an organisation (none for a secretariat's own staff) with a role, in the network or in a
    territory, a body or a seat of a body of it, from `since` until `until` (exclusive). With `holds_over` it goes on
    after `until`; `ended_on` (exclusive) wins over both. `state` is the last one told: designated, in_office,
    holding_over, ended, in this order, each at most once; a mandate that begins on the day of its designation is
    designated first, too."""

    person_id: UUID
    organisation_id: UUID | None = None
    role: str
    territory: str | None = None
    body_id: UUID | None = None
    seat_id: UUID | None = None
    since: date
    until: date | None = None
    holds_over: bool = False
    ended_on: date | None = None
    state: str


class MandateDesignated(MandateState, fact="registry.mandate.designated"): ...


class MandateStarted(MandateState, fact="registry.mandate.started"): ...


class MandateExtended(MandateState, fact="registry.mandate.extended"): ...


class MandateChanged(MandateState, fact="registry.mandate.changed"):
    """Accepted, given prorogatio, or its end decided for a later day: the state itself has not changed."""


class MandateHeldOver(MandateState, fact="registry.mandate.held_over"): ...


class MandateEnded(MandateState, fact="registry.mandate.ended"): ...


class Quorum(Content):
    """How many must be there: `numerator`/`denominator` of those entitled, or more than that if `exceeded`, and never
    fewer than `at_least`."""

    numerator: int = 1
    denominator: int = 2
    exceeded: bool = True
    at_least: int = 1


class BodyState(Fact):
    """An organ of a network: `forming` until it is constituted. `composition` says who belongs to it:
    `one_per_member` (a seat of each active member), `fixed` (named seats), `by_territory` (whoever holds one of `roles`
    in the body's territory, and its coordinator), `open` (people join and leave). Without `second_call` a meeting has
    one call only."""

    title: str
    kind: str
    state: str
    composition: str
    roles: tuple[str, ...] = ()
    territory: str | None = None
    parent_id: UUID | None = None
    first_call: Quorum = Quorum()
    second_call: Quorum | None = None
    proxies: int = 0  # how many absent members one member may stand for
    constituted_on: date | None = None
    dissolved_on: date | None = None
    needed_role: str | None = None  # without anybody in office in it the body is uncovered (a group's community maker)
    uncovered_since: date | None = None


class BodyEstablished(BodyState, fact="registry.body.established"): ...


class BodyChanged(BodyState, fact="registry.body.changed"): ...


class BodyConstituted(BodyState, fact="registry.body.constituted"): ...


class BodyDissolved(BodyState, fact="registry.body.dissolved"): ...


class BodyUncovered(BodyState, fact="registry.body.uncovered"):
    """Nobody holds `needed_role` in it any more, since `uncovered_since`."""


class BodyCovered(BodyState, fact="registry.body.covered"):
    """Somebody holds `needed_role` in it again."""


class SeatState(Fact):
    """A place in a body, held or vacant: who holds it is told by the mandates that name it. It exists from `since`
    until `until` (exclusive)."""

    body_id: UUID
    title: str
    role: str
    organisation_id: UUID | None = None
    since: date
    until: date | None = None


class SeatCreated(SeatState, fact="registry.seat.created"): ...


class SeatClosed(SeatState, fact="registry.seat.closed"): ...


class InterlocutorState(Fact):
    """An office of an institution with which the network deals: the President or the Giunta of a region (`03`), or of
    the autonomous provinces of Bolzano (`021`) and Trento (`022`). Who holds it is told to nobody."""

    institution: str
    office: str
    body_id: UUID | None = None
    contacts: int = 0  # entries in the contact log
    last_contact_on: date | None = None


class InterlocutorRecorded(InterlocutorState, fact="registry.interlocutor.recorded"): ...


class InterlocutorChanged(InterlocutorState, fact="registry.interlocutor.changed"): ...


class Requirement(Content):
    """What a body still needs in order to be constituted; `code` is one of the registry's vocabulary."""

    code: str
    met: bool
    have: int | None = None
    need: int | None = None


class ConstitutionState(Fact):
    """The path of a body that is forming; `id` is its own. It is completed on the day on which the last requirement is
    met, and stays so."""

    body_id: UUID
    territory: str | None = None
    requirements: tuple[Requirement, ...] = ()
    opened_on: date
    completed_on: date | None = None


class ConstitutionOpened(ConstitutionState, fact="registry.constitution.opened"): ...


class ConstitutionAdvanced(ConstitutionState, fact="registry.constitution.advanced"): ...


class ConstitutionCompleted(ConstitutionState, fact="registry.constitution.completed"): ...


class GoalState(Fact):
    """So many bodies of a kind, constituted from `since` to `last_day` (included): at least `minimum`, at most `full`.
    `state` is running, and after the last day missed, met or full. `next_best` is the territory to begin with next."""

    title: str
    body_kind: str
    since: date
    last_day: date
    minimum: int
    full: int
    reached: int
    state: str
    next_best: str | None = None


class GoalSet(GoalState, fact="registry.goal.set"): ...


class GoalAdvanced(GoalState, fact="registry.goal.advanced"):
    """One more body counts: `body_id`, of the territory `territory`."""

    body_id: UUID
    territory: str | None = None


class GoalDecided(GoalState, fact="registry.goal.decided"):
    """The last day is over: the outcome never changes again."""


class CommitmentState(Fact):
    """Who (an organisation, a person or a body) owes what to the network, or to a body of it (`creditor_body_id`), by
    the day `due`. `source` is hand, rule, decision, pact, plan, agreement or project, `source_id` what it came from.
    `state` is open, late, fulfilled or waived; one that is late can still be fulfilled."""

    title: str
    kind: str
    debtor_organisation_id: UUID | None = None
    debtor_person_id: UUID | None = None
    debtor_body_id: UUID | None = None
    creditor_body_id: UUID | None = None
    due: date
    state: str
    source: str
    source_id: UUID | None = None
    fulfilled_on: date | None = None


class CommitmentMade(CommitmentState, fact="registry.commitment.made"): ...


class CommitmentChanged(CommitmentState, fact="registry.commitment.changed"):
    """Another day, another title or another debtor."""


class CommitmentLate(CommitmentState, fact="registry.commitment.late"):
    """The day after `due`: stated once."""


class CommitmentFulfilled(CommitmentState, fact="registry.commitment.fulfilled"): ...


class CommitmentWaived(CommitmentState, fact="registry.commitment.waived"): ...


class Objective(Content):
    """What a plan wants. `state` is open, and at the plan's end achieved, lapsed or carried_over."""

    id: UUID
    title: str
    indicator: str | None = None
    owner_organisation_id: UUID | None = None
    owner_body_id: UUID | None = None
    state: str = "open"


class PlanState(Fact):
    """A district's plan, from `since` to `last_day` (included), which an act may extend: `extended_from` was the last
    day before. A draft is told to nobody; `state` is adopted, expired (over, with objectives to be decided) or closed.
    `follows_id` is the plan whose objectives it carries on. Titles and indicators of objectives are told shortened."""

    title: str
    guideline: str | None = None
    territories: tuple[str, ...] = ()
    since: date
    last_day: date
    extended_from: date | None = None
    state: str
    objectives: tuple[Objective, ...] = ()
    follows_id: UUID | None = None


class PlanAdopted(PlanState, fact="registry.plan.adopted"): ...


class PlanChanged(PlanState, fact="registry.plan.changed"): ...


class PlanExtended(PlanState, fact="registry.plan.extended"): ...


class PlanExpired(PlanState, fact="registry.plan.expired"):
    """Its last day is over: each objective is to be declared achieved, lapsed or carried over."""


class PlanClosed(PlanState, fact="registry.plan.closed"): ...


class AgreementState(Fact):
    """A memorandum, a convention, a programme agreement, a procedure of co-programming or co-design (art. 55 of the
    Third Sector Code) or a funding call (art. 72). A draft is told to nobody; `state` is signing, in_force, ended,
    open, evaluation, tables, concluded or withdrawn, as its kind has them. `deadline` is the last day to come
    forward."""

    title: str
    kind: str
    state: str
    authority_id: UUID | None = None  # the organisation that calls or leads
    body_id: UUID | None = None
    plan_id: UUID | None = None
    territories: tuple[str, ...] = ()
    signatories: tuple[UUID, ...] = ()
    deadline: date | None = None
    since: date | None = None
    until: date | None = None
    outcome_id: UUID | None = None  # the convention that a procedure came to


class AgreementOpened(AgreementState, fact="registry.agreement.opened"): ...


class AgreementAdvanced(AgreementState, fact="registry.agreement.advanced"):
    """It has come to its next state."""


class AgreementChanged(AgreementState, fact="registry.agreement.changed"): ...


class AudienceState(Fact):
    """Some of the members whom an open procedure or call concerns: those that are eligible on the day on which it
    opened, 1,000 in each part."""

    agreement_id: UUID
    part: int
    organisations: tuple[UUID, ...]


class AudienceListed(AudienceState, fact="registry.agreement_audience.listed"): ...


class InterestState(Fact):
    """A member that came forward. `state` is expressed, withdrawn, admitted or excluded."""

    agreement_id: UUID
    organisation_id: UUID
    state: str
    expressed_on: date
    points: float | None = None


class InterestExpressed(InterestState, fact="registry.interest.expressed"): ...


class InterestWithdrawn(InterestState, fact="registry.interest.withdrawn"): ...


class InterestEvaluated(InterestState, fact="registry.interest.evaluated"):
    """Admitted or excluded; why is told to those whom it concerns, and in no fact."""


class PactStep(Content):
    """A step that is still to be done: its number, from 1, and its day."""

    number: int
    due: date


class PactState(Fact):
    """A generative pact between a working group (`body_id`) or an organisation and a person or household in difficulty,
    who is nowhere in a fact: `code` is the pact's own number. `maker_id` is the community maker that follows it now.
    Steps and obligations are told as figures, no text of theirs. `state` is draft, complete, signed, ended or
    broken_off; `until` is the day after its last. `missing`: kinds of actors that hold no concrete commitment yet."""

    code: str
    body_id: UUID | None = None
    organisation_id: UUID | None = None
    maker_id: UUID | None = None
    territory: str
    state: str
    since: date | None = None
    until: date | None = None
    renewals: int = 0
    steps: int = 0
    steps_done: int = 0
    due_steps: tuple[PactStep, ...] = ()
    missing: tuple[str, ...] = ()
    outcome: str | None = None


class PactDrafted(PactState, fact="registry.pact.drafted"): ...


class PactChanged(PactState, fact="registry.pact.changed"): ...


class PactSigned(PactState, fact="registry.pact.signed"): ...


class PactHandedOver(PactState, fact="registry.pact.handed_over"):
    """Another community maker follows it, or nobody does until one is named."""


class PactEnded(PactState, fact="registry.pact.ended"):
    """It has come to its end, or was broken off; `outcome` says how."""


class Counted(Content):
    """So many of a kind."""

    kind: str
    count: int


class Partner(Content):
    organisation_id: UUID
    role: str  # lead, partner or supporter
    territories: tuple[str, ...] = ()


class ProjectState(Fact):
    """A funded project from `since` to `last_day` (included). Money in cents of euro: what is budgeted, and what is
    pledged, signed and paid from all sources together, each contained in the one before it; `granted_cents` is the
    grants' part of what is pledged. `state` is running or closed, `outcomes` are counts by kind."""

    title: str
    state: str
    cup: str | None = None
    lead_id: UUID | None = None
    partners: tuple[Partner, ...] = ()
    territories: tuple[str, ...] = ()
    since: date
    last_day: date
    budget_cents: int
    granted_cents: int = 0
    pledged_cents: int = 0
    signed_cents: int = 0
    paid_cents: int = 0
    outcomes: tuple[Counted, ...] = ()


class ProjectOpened(ProjectState, fact="registry.project.opened"): ...


class ProjectChanged(ProjectState, fact="registry.project.changed"): ...


class ProjectExtended(ProjectState, fact="registry.project.extended"): ...


class ProjectClosed(ProjectState, fact="registry.project.closed"): ...


class OutcomeState(Fact):
    """What a project leaves in a community, a body (`body_id`) or a territory: `kind` is organisational_form,
    management_model, partnership or intervention. What shows it stays with the registry; `evidenced` by a file, too."""

    project_id: UUID
    action_id: UUID | None = None
    kind: str
    title: str
    body_id: UUID | None = None
    territory: str | None = None
    on: date
    evidenced: bool = False


class OutcomeRecorded(OutcomeState, fact="registry.outcome.recorded"): ...


class OutcomeRemoved(Fact, fact="registry.outcome.removed", tombstone=True):
    """It had been recorded in error."""


class Grant(Content):
    """What one mandate lets its holder be: the days are checked against the clock at use."""

    role: str
    network_id: UUID
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    territory: str | None = None
    since: date
    until: date | None = None


class GrantsChanged(Fact, fact="registry.grant.changed"):
    """The whole list of a person's grants; `id` is the person's."""

    grants: tuple[Grant, ...]


class ApiKeyState(Fact):
    """A partner's key. `secret_sha256` is the hash of 256 random bits, in hexadecimal: it lets every service check the
    key and is no capability itself. During a rotation the previous secret stays good until `previous_until`."""

    title: str
    secret_sha256: str
    previous_sha256: str | None = None
    previous_until: datetime | None = None
    scopes: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    per_minute: int
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class ApiKeyIssued(ApiKeyState, fact="registry.api_key.issued"): ...


class ApiKeyRotated(ApiKeyState, fact="registry.api_key.rotated"): ...


class ApiKeyRevoked(ApiKeyState, fact="registry.api_key.revoked"): ...


class RowProblem(Content):
    """Why a row of a file was refused; `line` is the physical line, the header being 1."""

    line: int
    field: str
    reason: str


class ImportState(Fact):
    """The outcome of a committed import of members, affiliates or representatives (`of`). `problems` holds the first
    ones only; the report has all."""

    of: str = "organisations"
    requested_by: UUID | None = None
    file_name: str
    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    problems: tuple[RowProblem, ...] = ()


class ImportFinished(ImportState, fact="registry.import.finished"): ...


class ImportUndone(ImportState, fact="registry.import.undone"):
    """What it created is gone again (`created`) and what it changed is as it was (`updated`), but for rows about what
    was changed since or is in use (`rejected`, the first of them in `problems`)."""


class ImportFailed(ImportState, fact="registry.import.failed"):
    reason: str
