"""Registering and changing organisations, and the steps of their memberships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, EmailStr, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.bodies import commands as bodies
from services.registry.commitments import commands as commitments
from services.registry.mandates import commands as mandates
from services.registry.networks import queries as networks
from services.registry.organisations import queries, rules
from services.registry.organisations.queries import Belonging, Member
from services.registry.organisations.rules import (
    AlreadyMember,
    InvalidOrganisation,
    Kind,
    Membership,
    Organisation,
    Ownership,
    RuntsSection,
    Section,
    State,
)
from services.registry.organisations.tables import memberships
from services.registry.policy import Right, policy
from shared.access.actor import Actor, day
from shared.contracts import registry as facts
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.shapes import Request


class SectionEntry(Request):
    """A section of the RUNTS with its days, `until` exclusive; none when they are not known."""

    code: RuntsSection
    since: date | None = None
    until: date | None = None


class Record(Request):
    """What may be changed of an organisation. Territories are codes: `03` a region, `097` (or `LC`) a province, `E507`
    a municipality."""

    name: str = Field(min_length=1, max_length=rules.LONGEST_TITLE)
    tax_code: str | None = Field(default=None, max_length=40, examples=["94080470480"])
    kind: Kind = Kind.OTHER
    ownership: Ownership | None = None
    sections: tuple[SectionEntry, ...] = Field(default=(), max_length=20)
    municipality: str | None = Field(default=None, max_length=4, examples=["E507"], description="Cadastral code")
    territories: tuple[str, ...] = Field(default=(), max_length=200)
    parent_id: UUID | None = None
    website: str | None = Field(default=None, max_length=300, pattern=r"^https?://[^\s]+$")


class Contacts(Request):
    """What this network notes of its member; other networks do not see it."""

    email: EmailStr | None = None
    pec: EmailStr | None = None
    phone: str | None = Field(default=None, max_length=60)
    notes: str | None = Field(default=None, max_length=5_000)


class Registration(Record, Contacts):
    """An organisation that enters the network, as candidate unless said otherwise, today unless said otherwise."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "Fondazione Comunitaria del Lecchese",
                    "tax_code": "92034550138",
                    "kind": "community_foundation",
                    "sections": [{"code": "philanthropic", "since": "2022-11-07"}],
                    "municipality": "E507",
                    "territories": ["097"],
                    "state": "active",
                    "pec": "fondazione@pec.example.org",
                }
            ]
        },
    )

    state: State = Field(default=State.CANDIDATE, description="`candidate` or `active`")
    since: date | None = None


class Step(Request):
    """The day from which the new state holds; today if not said."""

    since: date | None = None


FACT_OF: dict[str, type[facts.MembershipState]] = {
    State.CANDIDATE: facts.MembershipProposed,
    State.ACTIVE: facts.MembershipActivated,
    State.SUSPENDED: facts.MembershipSuspended,
    State.WITHDRAWN: facts.MembershipWithdrawn,
}


async def register(session: AsyncSession, actor: Actor, ref: str, request: Registration, *, now: datetime) -> Member:
    """A new organisation with its membership; or, when the tax code is known, a new membership of the organisation that
    bears it, whose record stays as it is. Raises AlreadyMember, InvalidTaxCode, InvalidOrganisation."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_ORGANISATIONS, network=network_id, on=now)
    if request.state not in {State.CANDIDATE, State.ACTIVE}:
        raise InvalidOrganisation("state", "not_first", "candidate, active")
    values = await _values(session, request.model_dump(include=set(Record.model_fields)))
    organisation, known = await _found(session, values["tax_code"])
    if organisation is None:
        organisation = Organisation(**values, created_at=now, updated_at=now)
        rules.check(organisation)
        rules.check_sections(organisation.kind, organisation.ownership, organisation.sections)
        rules.check_kind(organisation.kind, request.since or day(now))
        session.add(organisation)
        await session.flush()
    membership = await _join(session, network_id, organisation, request, now)
    await session.flush()
    if not known:
        await stage(session, organisation_fact(facts.OrganisationRegistered, organisation))
    await stage(session, membership_fact(FACT_OF[membership.state], membership))
    await _follow(session, membership, now)
    return await queries.member(session, organisation, membership)


async def change(
    session: AsyncSession, actor: Actor, organisation_id: UUID, *, expected: int | None, now: datetime, **given: Any
) -> Member:
    """Takes the fields given. Whoever keeps the members of one of its networks may do it: the record is shared."""
    organisation = await queries.organisation_for_update(session, actor, organisation_id, now)
    membership = await queries.membership_where(session, actor, organisation_id, Right.WRITE_ORGANISATIONS, now)
    expect(expected, organisation.version)
    if organisation.change(await _values(session, given, organisation), now):
        if given.keys() & {"kind", "ownership", "sections"}:
            rules.check_sections(organisation.kind, organisation.ownership, organisation.sections)
        if "kind" in given:
            rules.check_kind(organisation.kind, membership.began if membership else day(now))
        await session.flush()
        await stage(session, organisation_fact(facts.OrganisationChanged, organisation))
    return await queries.member(session, organisation, membership)


async def change_contacts(
    session: AsyncSession, actor: Actor, membership_id: UUID, *, expected: int | None, now: datetime, **given: Any
) -> Belonging:
    """Contacts and notes of a network about its member. Nobody outside the registry knows them but the certified
    address, to which what must be provable is sent."""
    membership = await queries.membership_for_update(session, actor, membership_id, Right.WRITE_ORGANISATIONS, now)
    expect(expected, membership.version)
    before = membership.pec
    for name, value in given.items():
        setattr(membership, name, value)
    membership.updated_at = now
    await session.flush()
    if membership.pec != before:
        await stage(session, membership_fact(facts.MembershipChanged, membership))
    return await queries.belonging(session, membership)


async def step(
    session: AsyncSession,
    actor: Actor,
    membership_id: UUID,
    name: str,
    since: date | None,
    *,
    expected: int | None,
    now: datetime,
) -> Belonging:
    """One step of a membership's life: activate, suspend, resume, withdraw. Raises WrongState, TooEarly."""
    membership = await queries.membership_for_update(session, actor, membership_id, Right.MANAGE_MEMBERSHIPS, now)
    expect(expected, membership.version)
    membership.step(name, since or day(now), now)
    await session.flush()
    await stage(session, membership_fact(FACT_OF[membership.state], membership))
    await _follow(session, membership, now)
    return await queries.belonging(session, membership)


async def _follow(session: AsyncSession, membership: Membership, now: datetime) -> None:
    """What a membership brings about when it becomes active, or ends."""
    joined = [membership.organisation_id] if membership.state == State.ACTIVE else []
    left = [membership.organisation_id] if membership.state == State.WITHDRAWN else []
    network_id, since = membership.network_id, membership.since
    if joined or left:
        await bodies.follow_members(session, network_id, joined=joined, left=left, on=since)
        await commitments.follow_members(session, network_id, joined, left, since, now)
    for organisation_id in left:  # last: bodies and rules are locked before mandates, everywhere
        await mandates.end_with_membership(session, network_id, organisation_id, since, now=now)


async def _found(session: AsyncSession, tax_code: str | None) -> tuple[Organisation | None, bool]:
    if tax_code is None:
        return None, False
    found = (await queries.by_tax_code(session, [tax_code])).get(tax_code)
    return found, found is not None


async def _join(
    session: AsyncSession, network_id: UUID, organisation: Organisation, request: Registration, now: datetime
) -> Membership:
    query = select(Membership).where(
        memberships.c.network_id == network_id, memberships.c.organisation_id == organisation.id
    )
    membership = (await session.execute(query.with_for_update())).scalar_one_or_none()
    since = request.since or day(now)
    contacts = request.model_dump(include=set(Contacts.model_fields))
    if membership is None:
        rules.check_since(since)
        membership = Membership(network_id, organisation.id, request.state, since, now, now, **contacts)
        session.add(membership)
        return membership
    if membership.state != State.WITHDRAWN:
        raise AlreadyMember(organisation.id, membership.id, membership.state)
    membership.step("rejoin", since, now)
    membership.state = request.state
    for name, value in contacts.items():
        if value is not None:
            setattr(membership, name, value)
    return membership


async def _values(
    session: AsyncSession, given: dict[str, Any], organisation: Organisation | None = None
) -> dict[str, Any]:
    """A request's fields as they are kept. Raises InvalidTaxCode, InvalidOrganisation."""
    values = dict(given)
    if "name" in values:
        values["title"] = " ".join(values.pop("name").split())
    if values.get("tax_code") is not None:
        values["tax_code"] = rules.tax_code(values["tax_code"])
    if "sections" in values:
        values["sections"] = rules.section_list(
            Section(s["code"], s.get("since"), s.get("until")) for s in values["sections"]
        )
    if values.get("municipality") is not None:
        values["municipality"] = rules.municipality(values["municipality"])
    if "territories" in values:
        values["territories"] = rules.territory_codes(values["territories"])
    if values.get("parent_id") is not None:
        await _check_parent(session, values["parent_id"], organisation)
    return values


async def _check_parent(session: AsyncSession, parent_id: UUID, organisation: Organisation | None) -> None:
    """The parent exists, and the line above it neither comes back to the organisation nor goes on without end."""
    child = organisation.id if organisation is not None else NEW
    refused = rules.adopt({child: parent_id}, {child: None, **await queries.lines(session, [parent_id])})
    if refused:
        raise InvalidOrganisation("parent_id", refused[child], str(rules.LONGEST_LINE))


NEW = UUID(int=0)
"""Stands for an organisation that has no id yet."""


async def set_parents(session: AsyncSession, wanted: Mapping[UUID, UUID | None], now: datetime) -> dict[UUID, str]:
    """Makes each of these organisations an affiliate of its parent (None: of nobody), and tells it. By organisation:
    `updated`, `unchanged`, or why not: `itself`, `unknown`, `circle`, `too_deep`.

    A handful of statements for any number of them. The organisations are locked, as the lines above them are against
    other changes: of two that would close a circle only one can stand. The right to it is the caller's to check.
    """
    locked = await queries.locked(session, wanted)
    held = {id_: one.parent_id for id_, one in locked.items()}
    refused = rules.adopt(wanted, {**await queries.lines(session, set(wanted.values()) - {None}), **held})
    changed = [one for id_, one in locked.items() if id_ not in refused and one.parent_id != wanted[id_]]
    for one in changed:
        one.parent_id = wanted[one.id]
    await queries.write(session, changed, now)
    await stage(session, *(organisation_fact(facts.OrganisationChanged, one) for one in changed))
    updated = {one.id for one in changed}
    return {id_: refused.get(id_) or ("updated" if id_ in updated else "unchanged") for id_ in wanted}


def organisation_fact(fact: type[facts.OrganisationState], one: Organisation) -> facts.OrganisationState:
    return fact(
        id=one.id,
        version=one.version,
        title=one.title,
        tax_code=one.tax_code,
        kind=one.kind,
        ownership=one.ownership,
        sections=_sections(one.sections),
        municipality=one.municipality,
        territories=tuple(one.territories),
        parent_id=one.parent_id,
    )


def _sections(kept: Sequence[dict[str, Any]]) -> tuple[facts.Section, ...]:
    return tuple(facts.Section(**section) for section in kept)


def membership_fact(fact: type[facts.MembershipState], one: Membership) -> facts.MembershipState:
    return fact(
        id=one.id,
        version=one.version,
        network_id=one.network_id,
        organisation_id=one.organisation_id,
        state=one.state,
        since=one.since,
        pec=one.pec,
    )
