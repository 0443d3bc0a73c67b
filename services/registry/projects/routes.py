"""HTTP of projects: partners, actions, money and outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query, UploadFile
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.registry.commitments.routes import FILE_SHOWN, attached, given_file
from services.registry.plans.routes import Money
from services.registry.policy import Right, policy
from services.registry.projects import commands, queries, rules
from services.registry.projects.commands import (
    ActionBody,
    ActionChange,
    Amount,
    Change,
    Closing,
    EntryBody,
    Extension,
    LineBody,
    LineChange,
    Opening,
    OutcomeBody,
    Partners,
    PaymentBody,
    PledgeBody,
    Signing,
    SourceBody,
    SourceChange,
)
from services.registry.projects.queries import Pledged, Seen, Shown, Sort
from services.registry.projects.rules import (
    Amounts,
    CupTaken,
    InUse,
    InvalidProject,
    NotContained,
    OutcomeKind,
    PastTheEnd,
    Places,
    ProjectClosed,
    Role,
    SourceFigures,
    SourceKind,
    State,
    UnknownPart,
    UnknownProject,
)
from shared import territories
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Invalid, not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["projects"])


def ref(collection: str, id_: UUID | None, names: Mapping[UUID, str]) -> Ref | None:
    if id_ is None:
        return None
    return Ref(id=id_, name=names.get(id_, ""), href=f"/registry/v1/{collection}/{id_}")


class PartOf(BaseModel):
    """So many cents, of so many; `share` is null where there is nothing to share, else of four decimals."""

    amount: Money
    of: Money
    share: float | None

    @classmethod
    def part(cls, cents: int, of: int) -> PartOf:
        return cls(amount=Money(cents=cents), of=Money(cents=of), share=rules.share(cents, of))


class StagesOut(BaseModel):
    """Of the whole budget; each stage is contained in the one before it."""

    pledged: PartOf
    signed: PartOf
    paid: PartOf

    @classmethod
    def part(cls, amounts: Amounts, of: int) -> StagesOut:
        return cls(
            pledged=PartOf.part(amounts.pledged, of),
            signed=PartOf.part(amounts.signed, of),
            paid=PartOf.part(amounts.paid, of),
        )


class PartnerOut(BaseModel):
    organisation: Ref
    role: Role
    territories: list[str]


class ActionOut(BaseModel):
    id: UUID
    title: str
    since: date
    last_day: date
    organisation: Ref | None
    series_id: UUID | None
    budget: Money


class ExtensionOut(BaseModel):
    """The act of `day` moved the last day from `before` to `last_day`."""

    number: str
    day: date
    before: date
    last_day: date


class DecreeOut(BaseModel):
    number: str
    day: date


class ProjectOut(BaseModel):
    """From `since` to `last_day`, both included and extensions counted. Details of its money are at `budget_href`."""

    id: UUID
    network_id: UUID
    title: str
    summary: str | None
    state: State
    since: date
    last_day: date
    cup: str | None
    funder: str | None
    notice: str | None
    decree: DecreeOut | None
    lead: Ref | None
    partners: list[PartnerOut]
    territories: list[str]
    extensions: list[ExtensionOut]
    actions: list[ActionOut]
    budget: Money
    stages: StagesOut
    uncovered: Money
    over_pledged: Money
    outcomes: dict[OutcomeKind, int]
    opened_on: date
    closed_on: date | None
    closing_note: str | None
    href: str
    budget_href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> ProjectOut:
        one, figures = shown.project, shown.budget
        decree = None
        if one.decree_number is not None and one.decree_day is not None:
            decree = DecreeOut(number=one.decree_number, day=one.decree_day)
        return cls(
            id=one.id,
            network_id=one.network_id,
            title=one.title,
            summary=one.summary,
            state=one.state,
            since=one.since,
            last_day=one.last_day,
            cup=one.cup,
            funder=one.funder,
            notice=one.notice,
            decree=decree,
            lead=ref("organisations", shown.lead_id, shown.names),
            partners=[partner_out(partner, shown) for partner in shown.partners],
            territories=list(one.territories),
            extensions=[ExtensionOut(**moved) for moved in one.extensions],
            actions=[action_out(action, shown, figures.by_action) for action in shown.actions],
            budget=Money(cents=figures.total),
            stages=StagesOut.part(figures.whole, figures.total),
            uncovered=Money(cents=figures.uncovered),
            over_pledged=Money(cents=figures.over_pledged),
            outcomes={kind: shown.outcomes.get(kind, 0) for kind in OutcomeKind},
            opened_on=one.opened_on,
            closed_on=one.closed_on,
            closing_note=one.closing_note,
            href=href(shown),
            budget_href=f"{href(shown)}/budget",
            version=one.version,
            allowed_actions=actions_for(shown, at),
        )


def partner_out(partner: rules.Partner, shown: Shown) -> PartnerOut:
    organisation = ref("organisations", partner.organisation_id, shown.names)
    assert organisation is not None
    return PartnerOut(organisation=organisation, role=partner.role, territories=list(partner.territories))


def action_out(action: rules.Action, shown: Shown, by_action: Mapping[UUID | None, int]) -> ActionOut:
    return ActionOut(
        id=action.id,
        title=action.title,
        since=action.since,
        last_day=action.last_day,
        organisation=ref("organisations", action.organisation_id, shown.names),
        series_id=action.series_id,
        budget=Money(cents=by_action.get(action.id, 0)),
    )


def actions_for(shown: Shown, at: Edge) -> list[str]:
    """What the caller may do with it now; a partner's referent pledges and signs for the partner alone."""
    one = shown.project
    where: dict[str, Any] = {"network": one.network_id, "on": at.now}
    carries = policy.has(at.actor, Right.WRITE_PROJECTS, organisation=shown.lead_id, **where)
    if one.state is State.CLOSED:
        return ["pay"] if carries else []
    if carries:
        return ["change", "extend", "pledge", "sign", "pay", "record", "close"]
    own = any(policy.has(at.actor, Right.PLEDGE, organisation=p.organisation_id, **where) for p in shown.partners)
    return ["pledge", "sign"] if own else []


def href(shown: Shown) -> str:
    return f"/registry/v1/projects/{shown.project.id}"


class LineOut(BaseModel):
    id: UUID
    title: str
    action_id: UUID | None
    amount: Money


class YearOut(BaseModel):
    year: int
    stages: StagesOut


class EntryOut(BaseModel):
    id: UUID
    on: date
    title: str
    amount: Money


class SourceOut(BaseModel):
    """`expected` is what is granted, or expected of it; `open` is pledged by nobody yet, `over_pledged` beyond it.
    Shares are of the project's budget."""

    id: UUID
    kind: SourceKind
    title: str
    expected: PartOf
    stages: StagesOut
    open: Money
    over_pledged: Money
    years: list[YearOut]
    entries: list[EntryOut]

    @classmethod
    def of(cls, figures: SourceFigures, shown: Shown, total: int) -> SourceOut:
        one = figures.source
        return cls(
            id=one.id,
            kind=one.kind,
            title=one.title,
            expected=PartOf.part(one.cents, total),
            stages=StagesOut.part(figures.amounts, total),
            open=Money(cents=figures.open),
            over_pledged=Money(cents=figures.over),
            years=[
                YearOut(year=year, stages=StagesOut.part(amounts, total)) for year, amounts in figures.years.items()
            ],
            entries=[
                EntryOut(id=entry.id, on=entry.on, title=entry.title, amount=Money(cents=entry.cents))
                for entry in shown.entries
                if entry.source_id == one.id
            ],
        )


class PartnerMoney(BaseModel):
    """What a partner gives; null: nobody in particular (the funder itself)."""

    organisation: Ref | None
    stages: StagesOut


class BudgetOut(BaseModel):
    """What the project costs and how that is covered, by stage, source, kind, year and partner. All shares are of
    `total`. `uncovered` is pledged by nobody, `over_pledged` is pledged beyond the budget."""

    total: Money
    lines: list[LineOut]
    stages: StagesOut
    uncovered: PartOf
    over_pledged: PartOf
    kinds: dict[SourceKind, StagesOut]
    sources: list[SourceOut]
    years: list[YearOut]
    partners: list[PartnerMoney]
    version: int

    @classmethod
    def of(cls, shown: Shown) -> BudgetOut:
        figures = shown.budget
        total = figures.total
        lines = [
            LineOut(id=one.id, title=one.title, action_id=one.action_id, amount=Money(cents=one.cents))
            for one in shown.lines
        ]
        return cls(
            total=Money(cents=total),
            lines=lines,
            stages=StagesOut.part(figures.whole, total),
            uncovered=PartOf.part(figures.uncovered, total),
            over_pledged=PartOf.part(figures.over_pledged, total),
            kinds={kind: StagesOut.part(amounts, total) for kind, amounts in figures.kinds.items()},
            sources=[SourceOut.of(source, shown, total) for source in figures.sources],
            years=[
                YearOut(year=year, stages=StagesOut.part(amounts, total)) for year, amounts in figures.years.items()
            ],
            partners=[
                PartnerMoney(organisation=ref("organisations", id_, shown.names), stages=StagesOut.part(amounts, total))
                for id_, amounts in sorted(figures.partners.items(), key=lambda one: str(one[0]))
            ],
            version=shown.version,
        )


class PaymentOut(BaseModel):
    id: UUID
    on: date
    amount: Money
    reference: str | None


class PledgeOut(BaseModel):
    """`due` is the day by which what is signed is owed."""

    id: UUID
    source_id: UUID
    source: str
    kind: SourceKind
    organisation: Ref | None
    year: int
    pledged: Money
    signed: Money
    paid: Money
    signed_on: date | None
    due: date | None
    document: str | None
    payments: list[PaymentOut]

    @classmethod
    def of(cls, one: Pledged) -> PledgeOut:
        pledge = one.pledge
        names = {pledge.organisation_id: one.organisation or ""} if pledge.organisation_id else {}
        return cls(
            id=pledge.id,
            source_id=pledge.source_id,
            source=one.source.title,
            kind=one.source.kind,
            organisation=ref("organisations", pledge.organisation_id, names),
            year=pledge.year,
            pledged=Money(cents=pledge.pledged),
            signed=Money(cents=pledge.signed),
            paid=Money(cents=pledge.paid),
            signed_on=pledge.signed_on,
            due=pledge.due,
            document=pledge.document,
            payments=[
                PaymentOut(id=paid.id, on=paid.on, amount=Money(cents=paid.cents), reference=paid.reference)
                for paid in one.payments
            ],
        )


class FileOut(BaseModel):
    name: str
    media_type: str
    size: int
    sha256: str
    href: str


class OutcomeOut(BaseModel):
    id: UUID
    project: Ref
    kind: OutcomeKind
    title: str
    on: date
    action_id: UUID | None
    body: Ref | None
    territory: str | None
    evidence: str | None
    link: str | None
    file: FileOut | None

    @classmethod
    def of(cls, found: Seen) -> OutcomeOut:
        one = found.outcome
        place = f"/registry/v1/projects/{one.project_id}"
        project = Ref(id=one.project_id, name=found.project, href=place)
        file = None
        if one.file_name is not None:
            file = FileOut(
                name=one.file_name,
                media_type=one.file_type or "",
                size=one.file_size or 0,
                sha256=one.file_sha256 or "",
                href=f"{place}/outcomes/{one.id}/file",
            )
        return cls(
            id=one.id,
            project=project,
            kind=one.kind,
            title=one.title,
            on=one.on,
            action_id=one.action_id,
            body=ref("bodies", one.body_id, {one.body_id: found.body or ""} if one.body_id else {}),
            territory=one.territory,
            evidence=one.evidence,
            link=one.link,
            file=file,
        )


class PlaceOut(BaseModel):
    code: str
    name: str
    count: int
    of: int
    share: float | None


class PlacesOut(BaseModel):
    """How many partners work in each of the project's territories. Who works in several is in each of them, and once in
    `total`; `several` says how many do, `elsewhere` how many work in none."""

    total: int
    items: list[PlaceOut]
    several: int
    elsewhere: int
    roles: dict[Role, int]

    @classmethod
    def of(cls, found: tuple[Shown, Places]) -> PlacesOut:
        shown, places = found
        roles = [partner.role for partner in shown.partners]
        return cls(
            total=places.total,
            items=[
                PlaceOut(
                    code=code,
                    name=place_name(code),
                    count=count,
                    of=places.total,
                    share=rules.share(count, places.total),
                )
                for code, count in places.counts.items()
            ],
            several=places.several,
            elsewhere=places.elsewhere,
            roles={role: roles.count(role) for role in Role},
        )


def place_name(code: str) -> str:
    italy = territories.load()
    if (region := italy.region(code)) is not None:
        return region.name
    if (province := italy.province(code)) is not None:
        return province.name
    municipality = italy.municipality(code)
    return municipality.italian_name if municipality else code


# --- projects --------------------------------------------------------------------------------------------------------


@routes.post("/networks/{network}/projects", status_code=201, response_model=ProjectOut)
async def open_(network: str, body: Opening, at: At) -> Response:
    """Opens a project, with its lead: by the secretariat, or by the lead's referent."""
    return await at.command(commands.open_, network, body, out=lambda shown: ProjectOut.of(shown, at), location=href)


@routes.get("/networks/{network}/projects", response_model=PageOut[ProjectOut])
async def projects(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    organisation: Annotated[list[UUID], Query(description="Takes part")] = [],  # noqa: B006
    role: Annotated[list[Role], Query(description="With this role")] = [],  # noqa: B006
    territory: Annotated[list[str], Query(description="A code, with what lies in it")] = [],  # noqa: B006
    cup: Annotated[str | None, Query(max_length=40)] = None,
    on: Annotated[date | None, Query(description="Those that run on this day")] = None,
    q: Annotated[str | None, Query(max_length=100, description="Part of the title")] = None,
    updated_since: AwareDatetime | None = None,
    sort: Sort = "id",
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The projects of a network."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        organisation=organisation,
        role=role,
        territory=territory,
        cup=cup,
        on=on,
        q=q,
        updated_since=updated_since,
        sort=sort,
        after=after,
        limit=limit,
        out=lambda shown: ProjectOut.of(shown, at),
        model=ProjectOut,
    )


@routes.get("/projects/{project_id}", response_model=ProjectOut)
async def project(project_id: UUID, at: At) -> Response:
    """A project with its partners and actions, and its money in short."""
    return await at.read(queries.get, project_id, out=lambda shown: ProjectOut.of(shown, at))


@routes.patch("/projects/{project_id}", response_model=ProjectOut)
async def change(project_id: UUID, body: Change, at: At) -> Response:
    """Changes what is given. Needs If-Match, as everything below does, with the version of the project."""
    return await changed(at, commands.change, project_id, **body.model_dump(exclude_unset=True))


@routes.post("/projects/{project_id}/extend", response_model=ProjectOut, openapi_extra=GUARDED)
async def extend(project_id: UUID, body: Extension, at: At) -> Response:
    """Moves the last day, by an act."""
    return await changed(at, commands.extend, project_id, body)


@routes.post("/projects/{project_id}/close", response_model=ProjectOut, openapi_extra=GUARDED)
async def close(project_id: UUID, body: Annotated[Closing, Body(default_factory=Closing)], at: At) -> Response:
    """It is over: nothing changes any more but what is still to be paid."""
    return await changed(at, commands.close, project_id, body)


async def changed(at: Edge, command: Any, *args: Any, **given: Any) -> Response:
    """The project after a change of it or of a part."""
    return await at.command(command, *args, expected=at.if_match(), out=lambda shown: ProjectOut.of(shown, at), **given)


@routes.get("/projects/{project_id}/bodies", response_model=PlacesOut)
async def places(project_id: UUID, at: At) -> Response:
    """How many partners work in each of its territories, each counted once in all."""
    return await at.read(queries.place, project_id, out=PlacesOut.of)


# --- partners and actions --------------------------------------------------------------------------------------------


@routes.post("/projects/{project_id}/partners", response_model=ProjectOut, openapi_extra=GUARDED)
async def set_partners(project_id: UUID, body: Partners, at: At) -> Response:
    """Adds partners, or changes their role and territories; one of all leads."""
    return await changed(at, commands.set_partners, project_id, body)


@routes.delete("/projects/{project_id}/partners/{organisation_id}", response_model=ProjectOut, openapi_extra=GUARDED)
async def remove_partner(project_id: UUID, organisation_id: UUID, at: At) -> Response:
    """A partner that has pledged nothing and answers for no action."""
    return await changed(at, commands.remove_partner, project_id, organisation_id)


@routes.post("/projects/{project_id}/actions", response_model=ProjectOut, openapi_extra=GUARDED)
async def add_action(project_id: UUID, body: ActionBody, at: At) -> Response:
    """Something to be done, within the days of the project."""
    return await changed(at, commands.add_action, project_id, body)


@routes.patch("/projects/{project_id}/actions/{action_id}", response_model=ProjectOut)
async def change_action(project_id: UUID, action_id: UUID, body: ActionChange, at: At) -> Response:
    """Changes what is given."""
    return await changed(at, commands.change_action, project_id, action_id, **body.model_dump(exclude_unset=True))


@routes.delete("/projects/{project_id}/actions/{action_id}", response_model=ProjectOut, openapi_extra=GUARDED)
async def remove_action(project_id: UUID, action_id: UUID, at: At) -> Response:
    """An action that owns no budget line and no outcome."""
    return await changed(at, commands.remove_action, project_id, action_id)


# --- money -----------------------------------------------------------------------------------------------------------


@routes.get("/projects/{project_id}/budget", response_model=BudgetOut)
async def budget(project_id: UUID, at: At) -> Response:
    """What the project costs, and how that is covered."""
    return await at.read(queries.get, project_id, out=BudgetOut.of)


@routes.post("/projects/{project_id}/budget-lines", response_model=BudgetOut, openapi_extra=GUARDED)
async def add_line(project_id: UUID, body: LineBody, at: At) -> Response:
    """What a part of it costs, in cents."""
    return await figured(at, commands.add_line, project_id, body)


@routes.patch("/projects/{project_id}/budget-lines/{line_id}", response_model=BudgetOut)
async def change_line(project_id: UUID, line_id: UUID, body: LineChange, at: At) -> Response:
    """Changes what is given."""
    return await figured(at, commands.change_line, project_id, line_id, **body.model_dump(exclude_unset=True))


@routes.delete("/projects/{project_id}/budget-lines/{line_id}", response_model=BudgetOut, openapi_extra=GUARDED)
async def remove_line(project_id: UUID, line_id: UUID, at: At) -> Response:
    """A line that is no part of it any more."""
    return await figured(at, commands.remove_line, project_id, line_id)


@routes.post("/projects/{project_id}/sources", response_model=BudgetOut, openapi_extra=GUARDED)
async def add_source(project_id: UUID, body: SourceBody, at: At) -> Response:
    """A grant, co-funding by partners, or fundraising, with what is expected of it."""
    return await figured(at, commands.add_source, project_id, body)


@routes.patch("/projects/{project_id}/sources/{source_id}", response_model=BudgetOut)
async def change_source(project_id: UUID, source_id: UUID, body: SourceChange, at: At) -> Response:
    """Changes what is given."""
    return await figured(at, commands.change_source, project_id, source_id, **body.model_dump(exclude_unset=True))


@routes.delete("/projects/{project_id}/sources/{source_id}", response_model=BudgetOut, openapi_extra=GUARDED)
async def remove_source(project_id: UUID, source_id: UUID, at: At) -> Response:
    """A source from which nothing was pledged."""
    return await figured(at, commands.remove_source, project_id, source_id)


@routes.post("/projects/{project_id}/sources/{source_id}/entries", response_model=BudgetOut, openapi_extra=GUARDED)
async def enter(project_id: UUID, source_id: UUID, body: EntryBody, at: At) -> Response:
    """What fundraising has brought on a day."""
    return await figured(at, commands.enter, project_id, source_id, body)


@routes.delete("/projects/{project_id}/entries/{entry_id}", response_model=BudgetOut, openapi_extra=GUARDED)
async def remove_entry(project_id: UUID, entry_id: UUID, at: At) -> Response:
    """An entry that was a mistake."""
    return await figured(at, commands.remove_entry, project_id, entry_id)


@routes.get("/projects/{project_id}/pledges", response_model=PageOut[PledgeOut])
async def pledges(
    project_id: UUID,
    at: At,
    organisation: Annotated[list[UUID], Query()] = [],  # noqa: B006 (FastAPI copies it)
    kind: Annotated[list[SourceKind], Query()] = [],  # noqa: B006
    year: Annotated[list[int], Query()] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What was pledged, signed and paid, with each payment."""
    if any(not 1900 <= one <= 2200 for one in year):
        raise Invalid("?year", "range", "1900 to 2200")
    return await at.page(
        queries.pledges,
        project_id,
        organisation=organisation,
        kind=kind,
        year=year,
        after=after,
        limit=limit,
        out=PledgeOut.of,
    )


@routes.post("/projects/{project_id}/sources/{source_id}/pledges", response_model=BudgetOut, openapi_extra=GUARDED)
async def pledge(project_id: UUID, source_id: UUID, body: PledgeBody, at: At) -> Response:
    """What a partner will give in a year: by who carries the project, or by the partner's own referent."""
    return await figured(at, commands.pledge, project_id, source_id, body)


@routes.patch("/projects/{project_id}/pledges/{pledge_id}", response_model=BudgetOut)
async def change_pledge(project_id: UUID, pledge_id: UUID, body: Amount, at: At) -> Response:
    """Another amount, not less than what is signed."""
    return await figured(at, commands.change_pledge, project_id, pledge_id, body)


@routes.delete("/projects/{project_id}/pledges/{pledge_id}", response_model=BudgetOut, openapi_extra=GUARDED)
async def withdraw(project_id: UUID, pledge_id: UUID, at: At) -> Response:
    """A pledge of which nothing was paid; what was signed is owed no more."""
    return await figured(at, commands.withdraw, project_id, pledge_id)


@routes.post("/projects/{project_id}/pledges/{pledge_id}/sign", response_model=BudgetOut, openapi_extra=GUARDED)
async def sign(project_id: UUID, pledge_id: UUID, body: Signing, at: At) -> Response:
    """The pledge binds, up to its amount: from then on the partner owes it as a commitment."""
    return await figured(at, commands.sign, project_id, pledge_id, body)


@routes.post("/projects/{project_id}/pledges/{pledge_id}/pay", response_model=BudgetOut, openapi_extra=GUARDED)
async def pay(project_id: UUID, pledge_id: UUID, body: PaymentBody, at: At) -> Response:
    """Part of what is signed has come; when all of it has, the commitment is fulfilled."""
    return await figured(at, commands.pay, project_id, pledge_id, body)


@routes.delete(
    "/projects/{project_id}/pledges/{pledge_id}/payments/{payment_id}",
    response_model=BudgetOut,
    openapi_extra=GUARDED,
)
async def take_back(project_id: UUID, pledge_id: UUID, payment_id: UUID, at: At) -> Response:
    """A payment that was entered by mistake."""
    return await figured(at, commands.take_back, project_id, pledge_id, payment_id)


async def figured(at: Edge, command: Any, *args: Any, **given: Any) -> Response:
    """The project's money after a change of it."""
    return await at.command(command, *args, expected=at.if_match(), out=BudgetOut.of, **given)


# --- outcomes --------------------------------------------------------------------------------------------------------


@routes.post("/projects/{project_id}/outcomes", status_code=201, response_model=OutcomeOut, openapi_extra=GUARDED)
async def record(project_id: UUID, body: OutcomeBody, at: At) -> Response:
    """What the project leaves in a community, and by what one can see it."""
    return await at.command(commands.record, project_id, body, expected=at.if_match(), out=OutcomeOut.of)


@routes.get("/projects/{project_id}/outcomes", response_model=PageOut[OutcomeOut])
async def outcomes(
    project_id: UUID,
    at: At,
    kind: Annotated[list[OutcomeKind], Query()] = [],  # noqa: B006 (FastAPI copies it)
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006
    territory: Annotated[list[str], Query(description="A code, with what lies in it")] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What a project has left."""
    return await at.page(
        queries.outcomes,
        project_id=project_id,
        kind=kind,
        body=body,
        territory=territory,
        after=after,
        limit=limit,
        out=OutcomeOut.of,
    )


@routes.get("/networks/{network}/outcomes", response_model=PageOut[OutcomeOut])
async def all_outcomes(
    network: str,
    at: At,
    project: Annotated[list[UUID], Query()] = [],  # noqa: B006 (FastAPI copies it)
    kind: Annotated[list[OutcomeKind], Query()] = [],  # noqa: B006
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006
    territory: Annotated[list[str], Query(description="A code, with what lies in it")] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What the projects of a network have left."""
    return await at.page(
        queries.outcomes,
        ref=network,
        project=project,
        kind=kind,
        body=body,
        territory=territory,
        after=after,
        limit=limit,
        out=OutcomeOut.of,
    )


@routes.post("/projects/{project_id}/outcomes/{outcome_id}/file", response_model=OutcomeOut, openapi_extra=GUARDED)
async def show_by_file(project_id: UUID, outcome_id: UUID, at: At, file: UploadFile) -> Response:
    """A file that shows it: PDF, signed P7M, image, DOCX, XLSX, ODT, ODS or plain text, up to 20 MB."""
    given = await given_file(file)
    if given is None:
        raise Invalid("/file", "missing", "a file")
    return await at.command(
        commands.show_by_file, project_id, outcome_id, given, expected=at.if_match(), out=OutcomeOut.of
    )


@routes.get("/projects/{project_id}/outcomes/{outcome_id}/file", response_class=Response, responses=FILE_SHOWN)
async def file(project_id: UUID, outcome_id: UUID, at: At) -> Response:
    """The file that shows an outcome, to be kept."""
    return attached(*await at.query(queries.file, project_id, outcome_id))


@routes.delete("/projects/{project_id}/outcomes/{outcome_id}", response_model=ProjectOut, openapi_extra=GUARDED)
async def remove_outcome(project_id: UUID, outcome_id: UUID, at: At) -> Response:
    """An outcome that was recorded by mistake."""
    return await changed(at, commands.remove_outcome, project_id, outcome_id)


cup_taken = problem(
    "cup-taken",
    409,
    it="Il CUP è di un altro progetto\nUn codice unico identifica un solo progetto della rete.",
    en="The CUP is another project's\nA code identifies one project of the network.",
    path="/cup",
    code="taken",
)
problems = {
    UnknownProject: not_found,
    UnknownPart: not_found,
    CupTaken: cup_taken,
    "projects_cup": cup_taken,
    ProjectClosed: problem(
        "project-closed",
        409,
        it="Il progetto è chiuso\nNon si cambia più nulla; ciò che è firmato si può ancora versare.",
        en="The project is closed\nNothing is changed any more; what is signed can still be paid.",
    ),
    InvalidProject: problem(
        "project-invalid",
        422,
        it="Il progetto non torna\n`errors` dice quale campo e che cosa si accetta.",
        en="The project does not add up\n`errors` says which field, and what is accepted.",
    ),
    PastTheEnd: problem(
        "past-the-end",
        409,
        it="Oltre la fine del progetto\nL'ultimo giorno è {last_day}: prima va prorogato con un atto.",
        en="After the end of the project\nIts last day is {last_day}: it has to be extended first, by an act.",
        code="past_the_end",
    ),
    NotContained: problem(
        "not-contained",
        422,
        it="L'importo non sta in quello che lo precede\nSi firma al più quanto promesso e si versa al più quanto "
        "firmato: in centesimi, da {least} a {most}.",
        en="The amount is not contained in the one before it\nAt most what is pledged is signed, at most what is "
        "signed is paid: in cents, from {least} to {most}.",
        code="range",
    ),
    InUse: problem(
        "in-use",
        409,
        it="Altro vi si appoggia\nPrima va tolto ciò che lo usa ({by}).",
        en="Something rests on it\nWhat uses it has to go first ({by}).",
    ),
}

vocabularies = (
    vocabulary(
        "project_states",
        "Stati di un progetto",
        "States of a project",
        [(State.RUNNING, "In corso", "Running"), (State.CLOSED, "Chiuso", "Closed")],
    ),
    vocabulary(
        "project_roles",
        "Ruoli in un progetto",
        "Roles in a project",
        [
            (Role.LEAD, "Capofila", "Lead"),
            (Role.PARTNER, "Partner", "Partner"),
            (Role.SUPPORTER, "Sostenitore", "Supporter"),
        ],
    ),
    vocabulary(
        "source_kinds",
        "Fonti di finanziamento",
        "Sources of funds",
        [
            (SourceKind.GRANT, "Contributo", "Grant"),
            (SourceKind.CO_FUNDING, "Cofinanziamento", "Co-funding"),
            (SourceKind.FUNDRAISING, "Raccolta fondi", "Fundraising"),
        ],
    ),
    vocabulary(
        "outcome_kinds",
        "Esiti di un progetto",
        "Outcomes of a project",
        [
            (OutcomeKind.ORGANISATIONAL_FORM, "Nuova forma organizzativa", "New organisational form"),
            (OutcomeKind.MANAGEMENT_MODEL, "Modello di gestione", "Management model"),
            (OutcomeKind.PARTNERSHIP, "Partenariato", "Partnership"),
            (OutcomeKind.INTERVENTION, "Intervento", "Intervention"),
        ],
    ),
)
