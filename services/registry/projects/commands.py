"""What may be done with projects, their partners, actions, money and outcomes.

Locks are taken in one order: the members that a command names, the project, what rests on it. Every change of a part
moves the project's version and is told with it; an amount that a partner signs becomes a commitment, and closes it when
all of it is paid.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from services.registry.commitments import commands as commitments
from services.registry.commitments.commands import Owed
from services.registry.commitments.rules import Kind, UnknownDebtor, file_of
from services.registry.commitments.rules import Source as CommitmentSource
from services.registry.mandates.queries import territory_of
from services.registry.networks import queries as networks
from services.registry.organisations.rules import territory_codes
from services.registry.policy import Right, policy
from services.registry.projects import queries, rules
from services.registry.projects.queries import Seen, Shown
from services.registry.projects.rules import (
    Action,
    Entry,
    InUse,
    InvalidProject,
    Line,
    Outcome,
    OutcomeKind,
    Partner,
    Payment,
    Pledge,
    Project,
    Role,
    Source,
    SourceKind,
)
from services.registry.projects.tables import (
    project_actions,
    project_entries,
    project_files,
    project_lines,
    project_outcomes,
    project_partners,
    project_pledges,
    project_sources,
)
from shared.access.actor import Actor, day
from shared.contracts.registry import (
    Counted,
    OutcomeRecorded,
    OutcomeRemoved,
    ProjectChanged,
    ProjectClosed,
    ProjectExtended,
    ProjectOpened,
    ProjectState,
)
from shared.contracts.registry import Partner as PartnerTold
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, line, prose

PAID = "Versato per intero / Paid in full"
GIVEN_UP = "Impegno ritirato dal progetto / Pledge withdrawn from the project"

Words = Annotated[str, line(200)]
Prose = Annotated[str, prose(5_000)]
Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000, pattern=r"^https?://[^\s\x00]+$")]
Cup = Annotated[str, Field(max_length=40)]
Cents = Annotated[int, Field(ge=0, le=rules.MOST_CENTS)]
Territory = Annotated[str, Field(max_length=20)]
Territories = Annotated[list[Territory], Field(max_length=100)]
Year = Annotated[int, Field(ge=1900, le=2200)]


class PartnerBody(Request):
    """A member of the network; without territories it works where it says in the register."""

    organisation_id: UUID
    role: Role = Role.PARTNER
    territories: Annotated[list[Territory], Field(max_length=rules.MOST_TERRITORIES)] = Field(
        default=[], examples=[["D150"]]
    )


class Partners(Request):
    """Partners to be added, or whose role or territories change; the others stay. One of all leads."""

    items: Annotated[list[PartnerBody], Field(min_length=1, max_length=rules.MOST_PARTNERS)]


class Opening(Request):
    """From `since` to `last_day`, both included. The CUP is the fifteen characters of the public investment's code."""

    title: Words = Field(examples=["FareLegami"])
    summary: Prose | None = None
    since: date = Field(examples=["2015-02-01"])
    last_day: date = Field(examples=["2018-01-31"])
    lead_id: UUID
    cup: Cup | None = Field(default=None, examples=["J47H15000440006"])
    funder: Words | None = Field(default=None, examples=["Fondazione Cariplo"])
    notice: Words | None = Field(default=None, examples=["Bando Welfare in azione"])
    decree_number: Words | None = Field(default=None, examples=["123/2014"])
    decree_day: date | None = Field(default=None, examples=["2014-12-15"])
    territories: Territories = Field(default=[], examples=[["D142", "D150", "B898"]])


class Change(Request):
    """Only what is given changes; the last day is moved by an act, the lead among the partners."""

    title: Words = Field(default="", examples=["FareLegami"])
    summary: Prose | None = None
    since: date = date.min
    cup: Cup | None = None
    funder: Words | None = None
    notice: Words | None = None
    decree_number: Words | None = None
    decree_day: date | None = None
    territories: Territories = Field(default=[])


class Extension(Request):
    """The act, its day, and the last day that it gives the project."""

    number: Words = Field(examples=["Determina 45/2017"])
    day: date = Field(examples=["2017-11-30"])
    last_day: date = Field(examples=["2018-06-30"])


class Closing(Request):
    on: date | None = None
    note: Prose | None = None


class ActionBody(Request):
    """What is done, from `since` to `last_day` (included). `series_id` names the series of meetings that it holds."""

    title: Words = Field(examples=["Laboratori di comunità"])
    since: date
    last_day: date
    organisation_id: UUID | None = None
    series_id: UUID | None = None


class ActionChange(Request):
    title: Words = Field(default="", examples=["Laboratori di comunità"])
    since: date = date.min
    last_day: date = date.min
    organisation_id: UUID | None = None
    series_id: UUID | None = None


class LineBody(Request):
    """Integer cents of euro; of an action, or of the project as a whole."""

    title: Words = Field(examples=["Personale"])
    cents: Annotated[int, Field(ge=1, le=rules.MOST_CENTS)] = Field(examples=[120_000_000])
    action_id: UUID | None = None


class LineChange(Request):
    title: Words = Field(default="", examples=["Personale"])
    cents: Annotated[int, Field(ge=1, le=rules.MOST_CENTS)] = 1
    action_id: UUID | None = None


class SourceBody(Request):
    """`cents` is what is granted, or expected of it."""

    kind: SourceKind = Field(examples=["grant"])
    title: Words = Field(examples=["Contributo della fondazione"])
    cents: Cents = Field(examples=[150_000_000])


class SourceChange(Request):
    title: Words = Field(default="", examples=["Contributo della fondazione"])
    cents: Cents = 0


class PledgeBody(Request):
    """What a partner gives from the source in a year; of a grant the funder itself, if no partner is named."""

    year: Year = Field(examples=[2016])
    cents: Annotated[int, Field(ge=1, le=rules.MOST_CENTS)] = Field(examples=[10_000_000])
    organisation_id: UUID | None = None


class Amount(Request):
    cents: Annotated[int, Field(ge=1, le=rules.MOST_CENTS)]


class Signing(Request):
    """The amount that binds, signed on `on` (today if not said) and due by `due` (the end of its year if not said)."""

    cents: Annotated[int, Field(ge=1, le=rules.MOST_CENTS)]
    on: date | None = None
    due: date | None = None
    document: Url | None = None


class PaymentBody(Request):
    cents: Annotated[int, Field(ge=1, le=rules.MOST_CENTS)]
    on: date | None = None
    reference: Words | None = Field(default=None, examples=["Mandato di pagamento 118"])


class EntryBody(Request):
    """What fundraising has brought. `title` says of what occasion, never of whom."""

    on: date
    cents: Annotated[int, Field(ge=1, le=rules.MOST_CENTS)]
    title: Words = Field(examples=["Cena solidale di dicembre"])


class OutcomeBody(Request):
    """What is left in a community: a body of the network or a territory. Words or a link show it."""

    kind: OutcomeKind = Field(examples=["organisational_form"])
    title: Words = Field(examples=["Cooperativa di comunità di Vho"])
    on: date
    action_id: UUID | None = None
    body_id: UUID | None = None
    territory: Territory | None = None
    evidence: Prose | None = Field(default=None, examples=["Atto costitutivo del 3 maggio"])
    link: Url | None = None


# --- the project -----------------------------------------------------------------------------------------------------


async def open_(session: AsyncSession, actor: Actor, ref: str, request: Opening, *, now: datetime) -> Shown:
    """By the secretariat, or by the referent of the lead. Raises InvalidProject, CupTaken."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_PROJECTS, network=network_id, organisation=request.lead_id, on=now)
    given = _fields(request.model_dump(exclude={"lead_id"}))
    project = rules.open_(Project(network_id, opened_on=day(now), **given))
    try:
        await queries.lock_members(session, project, [request.lead_id])
    except UnknownDebtor as unknown:
        raise InvalidProject("lead_id", "unknown", unknown.accepted) from unknown
    session.add(project)
    await session.flush()
    session.add(Partner(project.id, request.lead_id, Role.LEAD))
    return await _told(session, project, ProjectOpened, fresh=True)


async def change(
    session: AsyncSession, actor: Actor, project_id: UUID, *, expected: int | None, now: datetime, **given: Any
) -> Shown:
    """Takes the fields given. Raises ProjectClosed, InvalidProject, CupTaken."""
    project = await _held(session, actor, project_id, expected, now)
    if project.change(**_fields(given)):
        return await _told(session, project)
    return (await queries.shown(session, [project]))[0]


async def extend(
    session: AsyncSession, actor: Actor, project_id: UUID, request: Extension, *, expected: int | None, now: datetime
) -> Shown:
    """By an act. Raises ProjectClosed, InvalidProject."""
    project = await _held(session, actor, project_id, expected, now)
    project.extend(request.number, request.day, request.last_day, day(now))
    return await _told(session, project, ProjectExtended)


async def close(
    session: AsyncSession, actor: Actor, project_id: UUID, request: Closing, *, expected: int | None, now: datetime
) -> Shown:
    """What was signed stays owed. Raises ProjectClosed, InvalidProject."""
    project = await _held(session, actor, project_id, expected, now)
    project.close(request.on or day(now), request.note, day(now))
    return await _told(session, project, ProjectClosed)


# --- partners --------------------------------------------------------------------------------------------------------


async def set_partners(
    session: AsyncSession, actor: Actor, project_id: UUID, request: Partners, *, expected: int | None, now: datetime
) -> Shown:
    """Adds partners, or changes what they are. Raises ProjectClosed, InvalidProject, UnknownDebtor."""
    named = {one.organisation_id: one for one in request.items}
    if len(named) < len(request.items):
        raise InvalidProject("items", "repeated", "each organisation once")
    await queries.lock_members(session, await queries.by_id(session, project_id), list(named))
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    there = {one.organisation_id: one for one in await queries.partners_of(session, project_id)}
    after = {id_: Partner(project_id, id_, one.role, territory_codes(one.territories)) for id_, one in named.items()}
    rules.require_partners([*(one for id_, one in there.items() if id_ not in after), *after.values()])
    gone = [id_ for id_ in after if id_ in there]
    theirs = project_partners.c.project_id == project_id
    for one in there.values():
        session.expunge(one)
    await session.execute(delete(project_partners).where(theirs, project_partners.c.organisation_id.in_(gone)))
    rows = [
        {"project_id": project_id, "organisation_id": id_, "role": one.role, "territories": one.territories}
        for id_, one in after.items()
    ]
    await session.execute(insert(project_partners), rows)
    return await _told(session, project)


async def remove_partner(
    session: AsyncSession, actor: Actor, project_id: UUID, organisation_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """Who has pledged or answers for an action stays. Raises ProjectClosed, InUse, UnknownPart, InvalidProject."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    there = {one.organisation_id: one for one in await queries.partners_of(session, project_id)}
    if organisation_id not in there:
        raise rules.UnknownPart("partner")
    shown = (await queries.shown(session, [project]))[0]
    if any(one.organisation_id == organisation_id for one in shown.pledges):
        raise InUse("pledge")
    if any(one.organisation_id == organisation_id for one in shown.actions):
        raise InUse("action")
    rules.require_partners([one for id_, one in there.items() if id_ != organisation_id])
    await session.delete(there[organisation_id])
    return await _told(session, project)


# --- actions ---------------------------------------------------------------------------------------------------------


async def add_action(
    session: AsyncSession, actor: Actor, project_id: UUID, request: ActionBody, *, expected: int | None, now: datetime
) -> Shown:
    """Raises ProjectClosed, InvalidProject, PastTheEnd."""
    project = await _held(session, actor, project_id, expected, now)
    rules.require_room("title", await queries.count(session, project_actions, project_id) + 1, rules.MOST_PARTS)
    action = Action(project_id, **request.model_dump())
    session.add(rules.check_action(project, action, await queries.partners_of(session, project_id)))
    return await _told(session, project)


async def change_action(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    action_id: UUID,
    *,
    expected: int | None,
    now: datetime,
    **given: Any,
) -> Shown:
    """Takes the fields given. Raises ProjectClosed, UnknownPart, InvalidProject, PastTheEnd."""
    project = await _held(session, actor, project_id, expected, now)
    action = await queries.part(session, Action, project_id, action_id, "action")
    _set(action, given)
    rules.check_action(project, action, await queries.partners_of(session, project_id))
    return await _told(session, project)


async def remove_action(
    session: AsyncSession, actor: Actor, project_id: UUID, action_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """One that owns no line and no outcome. Raises ProjectClosed, UnknownPart, InUse."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    action = await queries.part(session, Action, project_id, action_id, "action")
    for column, by in ((project_lines.c.action_id, "budget_line"), (project_outcomes.c.action_id, "outcome")):
        if await queries.used(session, column, action_id):
            raise InUse(by)
    await session.delete(action)
    return await _told(session, project)


# --- the budget ------------------------------------------------------------------------------------------------------


async def add_line(
    session: AsyncSession, actor: Actor, project_id: UUID, request: LineBody, *, expected: int | None, now: datetime
) -> Shown:
    """Raises ProjectClosed, InvalidProject, UnknownPart."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    rules.require_room("title", await queries.count(session, project_lines, project_id) + 1, rules.MOST_PARTS)
    await _own_action(session, project_id, request.action_id)
    session.add(Line(project_id, **request.model_dump()))
    return await _told(session, project)


async def change_line(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    line_id: UUID,
    *,
    expected: int | None,
    now: datetime,
    **given: Any,
) -> Shown:
    """Takes the fields given. Raises ProjectClosed, UnknownPart."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    line = await queries.part(session, Line, project_id, line_id, "budget_line")
    await _own_action(session, project_id, given.get("action_id"))
    _set(line, given)
    return await _told(session, project)


async def remove_line(
    session: AsyncSession, actor: Actor, project_id: UUID, line_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """Raises ProjectClosed, UnknownPart."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    await session.delete(await queries.part(session, Line, project_id, line_id, "budget_line"))
    return await _told(session, project)


async def add_source(
    session: AsyncSession, actor: Actor, project_id: UUID, request: SourceBody, *, expected: int | None, now: datetime
) -> Shown:
    """Raises ProjectClosed, InvalidProject."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    rules.require_room("title", await queries.count(session, project_sources, project_id) + 1, rules.MOST_PARTS)
    session.add(Source(project_id, **request.model_dump()))
    return await _told(session, project)


async def change_source(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    source_id: UUID,
    *,
    expected: int | None,
    now: datetime,
    **given: Any,
) -> Shown:
    """Takes the fields given; what is pledged beyond the amount is shown so. Raises ProjectClosed, UnknownPart."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    _set(await queries.part(session, Source, project_id, source_id, "source"), given)
    return await _told(session, project)


async def remove_source(
    session: AsyncSession, actor: Actor, project_id: UUID, source_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """One from which nothing has been pledged. Raises ProjectClosed, UnknownPart, InUse."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    source = await queries.part(session, Source, project_id, source_id, "source")
    for column, by in ((project_pledges.c.source_id, "pledge"), (project_entries.c.source_id, "entry")):
        if await queries.used(session, column, source_id):
            raise InUse(by)
    await session.delete(source)
    return await _told(session, project)


# --- pledged, signed, paid -------------------------------------------------------------------------------------------


async def pledge(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    source_id: UUID,
    request: PledgeBody,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """By who carries the project, or by the partner for itself. Raises ProjectClosed, UnknownPart, InvalidProject,
    PastTheEnd."""
    project = await _held(session, actor, project_id, expected, now, of=request.organisation_id)
    rules.require_room("year", await queries.count(session, project_pledges, project_id) + 1, rules.MOST_PLEDGES)
    source = await queries.part(session, Source, project_id, source_id, "source")
    made = Pledge(project_id, source_id, request.year, request.cents, request.organisation_id)
    session.add(rules.check_pledge(project, source, made, await queries.partners_of(session, project_id)))
    return await _told(session, project)


async def change_pledge(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    pledge_id: UUID,
    request: Amount,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """Another amount. Raises ProjectClosed, UnknownPart, NotContained."""
    project, made = await _held_pledge(session, actor, project_id, pledge_id, expected, now)
    project.require_running()
    made.pledge(request.cents)
    return await _told(session, project)


async def sign(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    pledge_id: UUID,
    request: Signing,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """The partner is bound, and owes the amount as a commitment. Signing again changes amount and papers. Raises
    ProjectClosed, UnknownPart, NotContained, InvalidProject, UnknownDebtor."""
    before = await queries.part(session, Pledge, project_id, pledge_id, "pledge")
    if before.organisation_id is not None:
        await queries.lock_members(session, await queries.by_id(session, project_id), [before.organisation_id])
    project, made = await _held_pledge(session, actor, project_id, pledge_id, expected, now)
    project.require_running()
    due = request.due or (max(date(made.year, 12, 31), request.on or day(now)) if made.organisation_id else None)
    made.sign(request.cents, request.on or day(now), due, request.document, day(now))
    told = await _told(session, project)
    if made.organisation_id is not None and due is not None:
        owed = Owed(
            network_id=project.network_id,
            title=f"{project.title}: contributo {made.year}"[:300],
            kind=Kind.CONTRIBUTION,
            due=due,
            source=CommitmentSource.PROJECT,
            source_id=made.id,
            organisation_id=made.organisation_id,
        )
        await commitments.owe(session, [owed], now)
        await _settle(session, made, now)
    return told


async def pay(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    pledge_id: UUID,
    request: PaymentBody,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """Part of what is signed has come, as who carries the project says; also when it is closed. All of it closes the
    commitment. Raises UnknownPart, NotContained, InvalidProject."""
    project = await _held(session, actor, project_id, expected, now)
    made = await queries.part(session, Pledge, project_id, pledge_id, "pledge")
    payment = made.pay(request.cents, request.on or day(now), day(now))
    payment.reference = request.reference
    session.add(payment)
    told = await _told(session, project)
    await _settle(session, made, now)
    return told


async def _settle(session: AsyncSession, made: Pledge, now: datetime) -> None:
    if made.settled:
        await commitments.settle(session, CommitmentSource.PROJECT, [made.id], now, evidence=PAID)


async def take_back(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    pledge_id: UUID,
    payment_id: UUID,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """A payment that was entered by mistake; a commitment that it closed stays closed. Raises UnknownPart."""
    project = await _held(session, actor, project_id, expected, now)
    made = await queries.part(session, Pledge, project_id, pledge_id, "pledge")
    payment = await session.get(Payment, payment_id, populate_existing=True)
    if payment is None or payment.pledge_id != made.id:
        raise rules.UnknownPart("payment")
    made.take_back(payment)
    await session.delete(payment)
    return await _told(session, project)


async def withdraw(
    session: AsyncSession, actor: Actor, project_id: UUID, pledge_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """A pledge of which nothing has been paid: what was signed is owed no more. Raises ProjectClosed, UnknownPart,
    InUse."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    made = await queries.part(session, Pledge, project_id, pledge_id, "pledge")
    if made.paid:
        raise InUse("payment")
    await session.delete(made)
    told = await _told(session, project)
    await commitments.settle(session, CommitmentSource.PROJECT, [pledge_id], now, waive=GIVEN_UP)
    return told


async def enter(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    source_id: UUID,
    request: EntryBody,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """What fundraising has brought. Raises ProjectClosed, UnknownPart, InvalidProject, PastTheEnd."""
    project = await _held(session, actor, project_id, expected, now)
    rules.require_room("on", await queries.count(session, project_entries, project_id) + 1, rules.MOST_PLEDGES)
    source = await queries.part(session, Source, project_id, source_id, "source")
    entry = Entry(project_id, source_id, **request.model_dump())
    session.add(rules.check_entry(project, source, entry, day(now)))
    return await _told(session, project)


async def remove_entry(
    session: AsyncSession, actor: Actor, project_id: UUID, entry_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """One that was entered by mistake. Raises ProjectClosed, UnknownPart."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    await session.delete(await queries.part(session, Entry, project_id, entry_id, "entry"))
    return await _told(session, project)


# --- outcomes --------------------------------------------------------------------------------------------------------


async def record(
    session: AsyncSession, actor: Actor, project_id: UUID, request: OutcomeBody, *, expected: int | None, now: datetime
) -> Seen:
    """Raises ProjectClosed, InvalidProject, PastTheEnd, UnknownPart, UnknownTerritory."""
    project = await _held(session, actor, project_id, expected, now)
    given = request.model_dump() | {"territory": territory_of(request.territory)}
    outcome = rules.check_outcome(project, Outcome(project_id, **given), day(now))
    await _own_action(session, project_id, request.action_id)
    if request.body_id is not None:
        await queries.require_body(session, project.network_id, request.body_id)
    session.add(outcome)
    await _told(session, project)
    await stage(session, outcome_state_of(project, outcome))
    return await queries.seen(session, outcome.id, project.version)


async def show_by_file(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    outcome_id: UUID,
    file: tuple[str, bytes],
    *,
    expected: int | None,
    now: datetime,
) -> Seen:
    """A file that shows the outcome, in place of one that is there. Raises ProjectClosed, UnknownPart, UnfitFile."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    outcome = await queries.part(session, Outcome, project_id, outcome_id, "outcome")
    shown = file_of(*file)
    outcome.file_name, outcome.file_type = shown.name, shown.media_type
    outcome.file_size, outcome.file_sha256 = shown.size, shown.sha256
    flag_modified(outcome, "file_name")  # the same file once more is a change, too: the fact has a version of its own
    await session.execute(delete(project_files).where(project_files.c.outcome_id == outcome_id))
    await session.execute(insert(project_files).values(outcome_id=outcome_id, content=file[1]))
    await _told(session, project)
    await stage(session, outcome_state_of(project, outcome))
    return await queries.seen(session, outcome.id, project.version)


async def remove_outcome(
    session: AsyncSession, actor: Actor, project_id: UUID, outcome_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """One that was recorded by mistake. Raises ProjectClosed, UnknownPart."""
    project = await _held(session, actor, project_id, expected, now)
    project.require_running()
    outcome = await queries.part(session, Outcome, project_id, outcome_id, "outcome")
    await session.execute(delete(project_files).where(project_files.c.outcome_id == outcome_id))
    await session.delete(outcome)
    shown = await _told(session, project)
    await stage(session, OutcomeRemoved(id=outcome.id, version=outcome.version + 1, network_id=project.network_id))
    return shown


# --- for other slices ------------------------------------------------------------------------------------------------


async def combine(session: AsyncSession, going: UUID, staying: UUID) -> None:
    """Part of a merge of two organisations: where both take part in a project, the one that stays does, in the stronger
    role and wherever either works."""
    both = select(project_partners.c.project_id).where(project_partners.c.organisation_id == staying)
    query = select(*project_partners.c).where(
        project_partners.c.project_id.in_(both), project_partners.c.organisation_id.in_([going, staying])
    )
    rows = (await session.execute(query.order_by(project_partners.c.project_id).with_for_update())).all()
    named = {(row.project_id, row.organisation_id): row for row in rows}
    for project_id in {row.project_id for row in rows if row.organisation_id == going}:
        one, other = named[project_id, going], named[project_id, staying]
        role, territories = rules.combined((one.role, one.territories), (other.role, other.territories))
        where = project_partners.c.project_id == project_id
        await session.execute(delete(project_partners).where(where, project_partners.c.organisation_id == going))
        await session.execute(
            update(project_partners)
            .where(where, project_partners.c.organisation_id == staying)
            .values(role=role, territories=territories)
        )


# --- what commands share ---------------------------------------------------------------------------------------------


async def _held(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    expected: int | None,
    now: datetime,
    *,
    of: UUID | None = None,
) -> Project:
    """The project, locked, if the caller carries it; or, for what is the partner's `of`, speaks for that."""
    project = await queries.for_update(session, project_id)
    lead = rules.lead_of(await queries.partners_of(session, project_id))
    where = {"network": project.network_id, "on": now}
    own = of is not None and policy.has(actor, Right.PLEDGE, organisation=of, **where)  # type: ignore[arg-type]
    if not own:
        policy.require(actor, Right.WRITE_PROJECTS, organisation=lead, **where)  # type: ignore[arg-type]
    expect(expected, project.version)
    return project


async def _held_pledge(
    session: AsyncSession, actor: Actor, project_id: UUID, pledge_id: UUID, expected: int | None, now: datetime
) -> tuple[Project, Pledge]:
    await queries.for_update(session, project_id)
    made: Pledge = await queries.part(session, Pledge, project_id, pledge_id, "pledge")
    return await _held(session, actor, project_id, expected, now, of=made.organisation_id), made


async def _own_action(session: AsyncSession, project_id: UUID, action_id: UUID | None) -> None:
    if action_id is not None:
        await queries.part(session, Action, project_id, action_id, "action")


def _set(one: Any, given: dict[str, Any]) -> None:
    for name, value in given.items():
        setattr(one, name, value)


async def _told(
    session: AsyncSession, project: Project, fact: type[ProjectState] = ProjectChanged, *, fresh: bool = False
) -> Shown:
    """Moves the project's version, also where only a part changed, and tells it with its figures."""
    if not fresh:
        flag_modified(project, "title")
    await session.flush()
    shown = (await queries.shown(session, [project]))[0]
    await stage(session, state_of(fact, shown))
    return shown


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    """As they are kept. Raises InvalidProject, and InvalidOrganisation for a territory that there is not."""
    fields = dict(given)
    if fields.get("cup") is not None:
        fields["cup"] = rules.cup_of(fields["cup"])
    if "territories" in fields:
        fields["territories"] = territory_codes(fields["territories"])
    return fields


def state_of(fact: type[ProjectState], shown: Shown) -> ProjectState:
    """Titles of actions, lines, sources and outcomes stay here, and so do acts and papers."""
    project, figures = shown.project, shown.budget
    return fact(
        id=project.id,
        version=project.version,
        network_id=project.network_id,
        title=project.title,
        state=project.state,
        cup=project.cup,
        lead_id=shown.lead_id,
        partners=tuple(
            PartnerTold(organisation_id=one.organisation_id, role=one.role, territories=tuple(one.territories))
            for one in shown.partners
        ),
        territories=tuple(project.territories),
        since=project.since,
        last_day=project.last_day,
        budget_cents=figures.total,
        granted_cents=figures.kinds[SourceKind.GRANT].pledged,
        pledged_cents=figures.whole.pledged,
        signed_cents=figures.whole.signed,
        paid_cents=figures.whole.paid,
        outcomes=tuple(Counted(kind=kind, count=count) for kind, count in sorted(shown.outcomes.items())),
    )


def outcome_state_of(project: Project, outcome: Outcome) -> OutcomeRecorded:
    """What shows it stays here. Whoever changes an outcome holds the project's lock, which keeps its facts in order."""
    return OutcomeRecorded(
        id=outcome.id,
        version=outcome.version,
        network_id=project.network_id,
        project_id=project.id,
        action_id=outcome.action_id,
        kind=outcome.kind,
        title=outcome.title,
        body_id=outcome.body_id,
        territory=outcome.territory,
        on=outcome.on,
        evidenced=outcome.file_name is not None,
    )
