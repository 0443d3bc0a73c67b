"""HTTP of organisations and memberships."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from services.registry.organisations import commands, queries, rules
from services.registry.organisations.commands import Contacts, Record, Registration, Step
from services.registry.organisations.queries import FULL, Member, Merged, Sight
from services.registry.organisations.rules import (
    AlreadyMember,
    InvalidOrganisation,
    InvalidTaxCode,
    Kind,
    Membership,
    Ownership,
    RuntsSection,
    State,
    TooEarly,
    WrongState,
)
from services.registry.policy import Right, policy
from shared import territories
from shared.runtime.edge import At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import Term, vocabulary

routes = APIRouter(tags=["organisations"])


class MunicipalityOut(BaseModel):
    code: str
    istat: str
    name: str
    province: str
    region: str

    @classmethod
    def of(cls, code: str) -> MunicipalityOut | None:
        found = territories.load().today(code)
        if found is None:
            return None
        return cls(code=found.code, istat=found.istat, name=found.name, province=found.province, region=found.region)


class SectionOut(BaseModel):
    code: RuntsSection
    since: date | None
    until: date | None


class PastState(BaseModel):
    state: State
    since: date


class MembershipOut(BaseModel):
    """The organisation in one network: its state since a day, the earlier ones, and what that network notes of it.
    Notes are shown to those who may write them."""

    id: UUID
    network_id: UUID
    organisation: Ref
    state: State
    since: date
    history: list[PastState]
    email: str | None
    pec: str | None
    phone: str | None
    notes: str | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, membership: Membership, name: str, at: Edge, sight: Sight = FULL) -> MembershipOut:
        if not sight.inside:
            return cls._from_outside(membership, name, contacts=sight.contacts)
        may = partial(
            policy.has,
            at.actor,
            network=membership.network_id,
            organisation=membership.organisation_id,
            on=at.now,
        )
        steps = membership.steps() if may(Right.MANAGE_MEMBERSHIPS) else []
        return cls(
            id=membership.id,
            network_id=membership.network_id,
            organisation=Ref(
                id=membership.organisation_id,
                name=name,
                href=f"/registry/v1/organisations/{membership.organisation_id}",
            ),
            state=State(membership.state),
            since=membership.since,
            history=[PastState(**past) for past in membership.history],
            email=membership.email,
            pec=membership.pec,
            phone=membership.phone,
            notes=membership.notes if may(Right.WRITE_ORGANISATIONS) else None,
            href=f"/registry/v1/memberships/{membership.id}",
            version=membership.version,
            allowed_actions=[*(["change"] if may(Right.WRITE_ORGANISATIONS) else []), *steps],
        )

    @classmethod
    def _from_outside(cls, membership: Membership, name: str, *, contacts: bool) -> MembershipOut:
        """As a network sees it with which this one shares its members: that it is one, and since when."""
        return cls(
            id=membership.id,
            network_id=membership.network_id,
            organisation=Ref(
                id=membership.organisation_id,
                name=name,
                href=f"/registry/v1/organisations/{membership.organisation_id}",
            ),
            state=State(membership.state),
            since=membership.since,
            history=[],
            email=membership.email if contacts else None,
            pec=membership.pec if contacts else None,
            phone=membership.phone if contacts else None,
            notes=None,
            href=f"/registry/v1/memberships/{membership.id}",
            version=membership.version,
            allowed_actions=[],
        )


class OrganisationOut(BaseModel):
    """An organisation, one record for all networks; `membership` is the one in the network through which it is read."""

    id: UUID
    name: str
    tax_code: str | None
    kind: Kind
    kind_until: date | None = Field(description="The first day on which no body is of this kind any more: Onlus")
    ownership: Ownership | None
    sections: list[SectionOut]
    municipality: MunicipalityOut | None
    territories: list[str]
    parent: Ref | None
    website: str | None
    membership: MembershipOut | None
    updated_at: AwareDatetime
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, member: Member, at: Edge) -> OrganisationOut:
        one, membership = member.organisation, member.membership
        network = membership.network_id if membership else None
        may_change = policy.has(at.actor, Right.WRITE_ORGANISATIONS, network=network, on=at.now)
        parent = one.parent_id and member.parent
        return cls(
            id=one.id,
            name=one.title,
            tax_code=one.tax_code,
            kind=Kind(one.kind),
            kind_until=rules.kind_until(one.kind),
            ownership=Ownership(one.ownership) if one.ownership else None,
            sections=[SectionOut(code=s["section"], since=s["since"], until=s["until"]) for s in one.sections],
            municipality=MunicipalityOut.of(one.municipality) if one.municipality else None,
            territories=list(one.territories),
            parent=Ref(id=one.parent_id, name=parent, href=f"/registry/v1/organisations/{one.parent_id}")
            if one.parent_id and parent
            else None,
            website=one.website,
            membership=MembershipOut.of(membership, one.title, at, member.sight) if membership else None,
            updated_at=one.updated_at,
            href=f"/registry/v1/organisations/{one.id}",
            version=one.version,
            allowed_actions=["change"] if may_change else [],
        )


class RecordChange(Record):
    """Only what is given changes."""

    name: str = Field(default="", min_length=1, max_length=rules.LONGEST_TITLE)


class MembershipChange(Contacts):
    """Only what is given changes."""


def membership_out(member: Member, at: Edge) -> MembershipOut:
    assert member.membership is not None
    return MembershipOut.of(member.membership, member.organisation.title, at, member.sight)


Territory = Annotated[list[str], Query(max_length=100, description="Codes: `03`, `097` or `LC`, `E507`")]
Kinds = Annotated[list[Kind], Query()]
Sections = Annotated[list[RuntsSection], Query()]
States = Annotated[list[State], Query()]
On = Annotated[date | None, Query(description="The day on which states and sections are looked at; today if not said")]


@routes.post("/networks/{network}/organisations", status_code=201, response_model=OrganisationOut)
async def register(network: str, body: Registration, at: At) -> Response:
    """Enters an organisation into the network. A tax code that is known already joins the organisation that bears it:
    its record stays as it is, and the answer shows it."""
    return await at.command(
        commands.register,
        network,
        body,
        out=lambda member: OrganisationOut.of(member, at),
        location=lambda member: f"/registry/v1/organisations/{member.organisation.id}",
    )


@routes.get("/networks/{network}/organisations", response_model=PageOut[OrganisationOut])
async def organisations(
    network: str,
    at: At,
    territory: Territory = [],  # noqa: B006 (FastAPI copies it)
    kind: Kinds = [],  # noqa: B006
    section: Sections = [],  # noqa: B006
    state: States = [],  # noqa: B006
    parent: Annotated[list[UUID], Query()] = [],  # noqa: B006
    on: On = None,
    q: Annotated[
        str | None,
        Query(max_length=200, description="Words of the name in any order, or a tax code's beginning; forgives slips"),
    ] = None,
    updated_since: AwareDatetime | None = None,
    sort: Annotated[
        Literal["name", "-name", "updated", "-updated"] | None,
        Query(description="By name if not said; with `q` the best first"),
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The members of a network. Filters of one name are alternatives, of different names conditions. With `q` the best
    come first: those with that tax code, names that begin so, names with all its words, names with words like them.
    The people of a network with which this one shares its members see its active ones."""
    return await at.page(
        queries.listed,
        network,
        territory=territory,
        kind=kind,
        section=section,
        state=state,
        parent=parent,
        on=on,
        q=q,
        updated_since=updated_since,
        sort=sort,
        after=after,
        limit=limit,
        out=lambda member: OrganisationOut.of(member, at),
        model=OrganisationOut,
    )


class ShareOut(BaseModel):
    """`count` of `of`; `share` has four decimals and is null of nothing. Shares are not made to add up to 1."""

    code: str
    it: str
    en: str
    count: int
    of: int
    share: float | None


class StatisticsOut(BaseModel):
    """The members on a day. `of` counts each once, whatever it is and wherever it works; under several sections,
    provinces or regions it is counted in each, once. Who owns a body is `unknown` until it is said."""

    on: date
    of: int
    kinds: list[ShareOut]
    sections: list[ShareOut]
    ownerships: list[ShareOut]
    regions: list[ShareOut]
    provinces: list[ShareOut]

    @classmethod
    def of_figures(cls, figures: queries.Figures) -> StatisticsOut:
        def shares(what: str, labels: dict[str, tuple[str, str]]) -> list[ShareOut]:
            counts = sorted(figures.by[what].items(), key=lambda item: (-item[1], item[0]))
            return [
                ShareOut(
                    code=code,
                    it=labels[code][0],
                    en=labels[code][1],
                    count=count,
                    of=figures.of,
                    share=rules.share(count, figures.of),
                )
                for code, count in counts
            ]

        italy = territories.load()
        regions = {region.code: (region.name, region.name) for region in italy.regions}
        provinces = {province.code: (province.name, province.name) for province in italy.provinces}
        return cls(
            on=figures.on,
            of=figures.of,
            kinds=shares("kind", _labels(rules.KINDS)),
            sections=shares("section", _labels(rules.SECTIONS)),
            ownerships=shares("ownership", {**_labels(rules.OWNERSHIPS), "unknown": ("Non indicato", "Not stated")}),
            regions=shares("region", regions),
            provinces=shares("province", provinces),
        )


def _labels(terms: Iterable[rules.Term]) -> dict[str, tuple[str, str]]:
    return {str(term.code): (term.it, term.en) for term in terms}


@routes.get("/networks/{network}/organisations/statistics", response_model=StatisticsOut)
async def statistics(
    network: str,
    at: At,
    territory: Territory = [],  # noqa: B006
    kind: Kinds = [],  # noqa: B006
    section: Sections = [],  # noqa: B006
    state: Annotated[list[State], Query(description="Active if not said")] = [],  # noqa: B006
    parent: Annotated[list[UUID], Query()] = [],  # noqa: B006
    on: On = None,
) -> Response:
    """How many members are of which kind, section, ownership, region and province."""
    return await at.read(
        queries.statistics,
        network,
        territory=territory,
        kind=kind,
        section=section,
        state=state,
        parent=parent,
        on=on,
        out=StatisticsOut.of_figures,
    )


@routes.get("/organisations/{organisation_id}", response_model=OrganisationOut)
async def organisation(organisation_id: UUID, at: At) -> Response:
    """An organisation of one of the caller's networks."""
    return await at.read(queries.get, organisation_id, out=lambda member: OrganisationOut.of(member, at))


@routes.patch("/organisations/{organisation_id}", response_model=OrganisationOut)
async def change(organisation_id: UUID, body: RecordChange, at: At) -> Response:
    """Changes the record that all its networks share. Needs If-Match."""
    return await at.command(
        commands.change,
        organisation_id,
        expected=at.if_match(),
        out=lambda member: OrganisationOut.of(member, at),
        **body.model_dump(exclude_unset=True),
    )


@routes.get("/networks/{network}/memberships", response_model=PageOut[MembershipOut])
async def memberships(
    network: str,
    at: At,
    state: States = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query()] = [],  # noqa: B006
    on: On = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The memberships of a network, in the order in which they were made."""
    return await at.page(
        queries.membership_page,
        network,
        state=state,
        organisation=organisation,
        on=on,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda member: membership_out(member, at),
        model=MembershipOut,
    )


@routes.get("/memberships/{membership_id}", response_model=MembershipOut)
async def membership(membership_id: UUID, at: At) -> Response:
    return await at.read(queries.get_membership, membership_id, out=lambda member: membership_out(member, at))


@routes.patch("/memberships/{membership_id}", response_model=MembershipOut)
async def change_membership(membership_id: UUID, body: MembershipChange, at: At) -> Response:
    """Changes the contacts and notes that this network keeps of its member. Needs If-Match."""
    return await at.command(
        commands.change_contacts,
        membership_id,
        expected=at.if_match(),
        out=lambda member: membership_out(member, at),
        **body.model_dump(exclude_unset=True),
    )


async def _step(name: str, membership_id: UUID, body: Step, at: Edge) -> Response:
    return await at.command(
        commands.step,
        membership_id,
        name,
        body.since,
        expected=at.if_match(),
        out=lambda member: membership_out(member, at),
    )


StepBody = Annotated[Step, Body(default_factory=Step)]


@routes.post("/memberships/{membership_id}/activate", response_model=MembershipOut)
async def activate(membership_id: UUID, at: At, body: StepBody) -> Response:
    """A candidate becomes an active member. Needs If-Match."""
    return await _step("activate", membership_id, body, at)


@routes.post("/memberships/{membership_id}/suspend", response_model=MembershipOut)
async def suspend(membership_id: UUID, at: At, body: StepBody) -> Response:
    """An active member is suspended. Needs If-Match."""
    return await _step("suspend", membership_id, body, at)


@routes.post("/memberships/{membership_id}/resume", response_model=MembershipOut)
async def resume(membership_id: UUID, at: At, body: StepBody) -> Response:
    """A suspended member is active again. Needs If-Match."""
    return await _step("resume", membership_id, body, at)


@routes.post("/memberships/{membership_id}/withdraw", response_model=MembershipOut)
async def withdraw(membership_id: UUID, at: At, body: StepBody) -> Response:
    """The organisation leaves the network; entering it again begins a new candidature. Needs If-Match."""
    return await _step("withdraw", membership_id, body, at)


problems = {
    Merged: problem(
        "merged",
        410,
        it="Ente unito a un altro\nEra un doppione di «{name}», che ora vale per entrambi: `into` dice dove si trova.",
        en="Merged into another organisation\nA duplicate of “{name}”, which stands for both: `into` says where.",
    ),
    InvalidTaxCode: problem(
        "tax-code-invalid",
        422,
        it="Codice fiscale non valido\nServono 11 cifre o 16 caratteri, con il carattere di controllo giusto.",
        en="Invalid tax code\n11 digits or 16 characters are needed, with the right check character.",
        path="/tax_code",
    ),
    InvalidOrganisation: problem(
        "organisation-invalid",
        422,
        it="Dati dell'ente non validi\n`errors` dice quale campo e che cosa si accetta.",
        en="Invalid data of an organisation\n`errors` says which field, and what is accepted.",
    ),
    AlreadyMember: problem(
        "already-member",
        409,
        it="L'ente è già nella rete\nÈ l'ente {organisation_id}, con l'adesione {membership_id} ({state}).",
        en="The organisation is in the network already\n"
        "It is organisation {organisation_id}, membership {membership_id} ({state}).",
        path="/tax_code",
    ),
    "organisations_tax_code": problem(
        "tax-code-taken",
        409,
        it="Codice fiscale già registrato\nLo porta un altro ente.",
        en="Tax code registered already\nAnother organisation bears it.",
        path="/tax_code",
    ),
    WrongState: problem(
        "wrong-state",
        409,
        it="Passaggio non possibile\nL'adesione è nello stato {state} dal {since}.",
        en="Step not possible\nThe membership is {state} since {since}.",
    ),
    TooEarly: problem(
        "too-early",
        422,
        it="Giorno troppo lontano nel passato\nLo stato attuale vale dal {earliest}: il prossimo comincia dopo.",
        en="Day too far in the past\nThe present state holds since {earliest}: the next one cannot begin before.",
        path="/since",
    ),
}


def _terms(terms: Iterable[rules.Term]) -> list[Term]:
    return [Term(**term._asdict()) for term in terms]


vocabularies = (
    vocabulary("organisation_kinds", "Tipi di ente", "Kinds of organisation", _terms(rules.KINDS)),
    vocabulary("runts_sections", "Sezioni del RUNTS", "Sections of the RUNTS", _terms(rules.SECTIONS)),
    vocabulary("ownerships", "Natura del capitale o del governo", "Ownership", _terms(rules.OWNERSHIPS)),
    vocabulary("membership_states", "Stati dell'adesione", "States of membership", _terms(rules.STATES)),
)
