"""What the registry tells: networks, organisations, memberships, people, bodies, seats, mandates, grants, commitments,
interlocutors, constitution paths and goals, keys, imports.

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


class MembershipState(Fact):
    """An organisation in the network `network_id`: candidate, active, suspended or withdrawn, since that day."""

    organisation_id: UUID
    state: str
    since: date


class MembershipProposed(MembershipState, fact="registry.membership.proposed"): ...


class MembershipActivated(MembershipState, fact="registry.membership.activated"): ...


class MembershipSuspended(MembershipState, fact="registry.membership.suspended"): ...


class MembershipWithdrawn(MembershipState, fact="registry.membership.withdrawn"): ...


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


class BodyEstablished(BodyState, fact="registry.body.established"): ...


class BodyChanged(BodyState, fact="registry.body.changed"): ...


class BodyConstituted(BodyState, fact="registry.body.constituted"): ...


class BodyDissolved(BodyState, fact="registry.body.dissolved"): ...


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
    the day `due`. `source` is hand, rule or decision, `source_id` what it came from. `state` is open, late, fulfilled
    or waived; one that is late can still be fulfilled."""

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
    """The outcome of a committed import of organisations. `problems` holds the first ones only; the report has all."""

    requested_by: UUID | None = None
    file_name: str
    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    problems: tuple[RowProblem, ...] = ()


class ImportFinished(ImportState, fact="registry.import.finished"): ...


class ImportFailed(ImportState, fact="registry.import.failed"):
    reason: str
