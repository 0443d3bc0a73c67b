"""What the registry tells: networks, organisations, memberships, people, mandates, grants, keys, imports.

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
    territory or body of it, from `since` until `until` (exclusive). With `holds_over` it goes on after `until`;
    `ended_on` (exclusive) wins over both. `state` is the last one told: designated, in_office, holding_over, ended, in
    this order, each at most once; a mandate that begins on the day of its designation is designated first, too."""

    person_id: UUID
    organisation_id: UUID | None = None
    role: str
    territory: str | None = None
    body_id: UUID | None = None
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
