"""What may be done with agreements.

Locks are taken in one order: the members that a command names, the agreements, the interests, the commitments. A draft
is told to nobody. Who comes forward is an aggregate of its own, so that a thousand members do not wait for one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID, uuid5

from pydantic import ConfigDict, Field, StringConstraints
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from services.registry.agreements import queries, rules
from services.registry.agreements.queries import Heard, Shown
from services.registry.agreements.rules import (
    Action,
    Agreement,
    Criterion,
    Interest,
    InvalidAgreement,
    Kind,
    Obligation,
    Signatory,
    Standing,
    State,
    Table,
    UnfitMandate,
    UnknownPart,
)
from services.registry.agreements.tables import obligations, signatories
from services.registry.commitments import commands as commitments
from services.registry.commitments import queries as commitment_queries
from services.registry.commitments.commands import Owed
from services.registry.commitments.rules import Kind as CommitmentKind
from services.registry.commitments.rules import Source
from services.registry.networks import queries as networks
from services.registry.organisations.rules import Kind as OrganisationKind
from services.registry.organisations.rules import RuntsSection, territory_codes
from services.registry.plans.commands import ActBody, Line, Prose, Url
from services.registry.policy import Right, policy
from shared.access.actor import EARLIEST, LATEST, Actor, day
from shared.contracts.registry import (
    AgreementAdvanced,
    AgreementChanged,
    AgreementOpened,
    AgreementState,
    AudienceListed,
    InterestEvaluated,
    InterestExpressed,
    InterestState,
    InterestWithdrawn,
)
from shared.messaging import stage
from shared.runtime.due import cancel, schedule, schedule_many
from shared.runtime.problems import expect
from shared.runtime.shapes import Request

DUE = "agreement"
"""The kind of due row that waits for the end of a deadline, or of the days on which something is in force."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
Points = Annotated[float, Field(ge=0, le=rules.MOST_POINTS, allow_inf_nan=False)]
Codes = Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=rules.MOST_TERRITORIES)]


class CriterionBody(Request):
    code: Code = Field(examples=["quality"])
    title: Line = Field(examples=["Qualità della proposta"])
    points: int = Field(ge=1, le=rules.MOST_POINTS, examples=[60])


class Terms(Request):
    """What may be said of an agreement; which of it goes with which kind, the rules say. `act` is the notice of a call,
    or the act that approves an agreement; `kinds`, `sections` and `places` are of members that may come forward (none:
    of all); `until` is excluded; `cents` of euro."""

    purpose: Prose | None = None
    authority_id: UUID | None = Field(default=None, description="The member that calls or leads")
    body_id: UUID | None = None
    plan_id: UUID | None = None
    territories: Codes = Field(default=[], examples=[["LC"]])
    act: ActBody | None = None
    link: Url | None = None
    published_on: date | None = None
    deadline: date | None = Field(default=None, description="The last day to come forward")
    officer_mandate_id: UUID | None = Field(default=None, description="Of the responsible officer")
    kinds: list[OrganisationKind] = Field(default=[], max_length=50)
    sections: list[RuntsSection] = Field(default=[], max_length=20)
    places: Codes = Field(default=[])
    criteria: list[CriterionBody] = Field(default=[], max_length=rules.MOST_CRITERIA)
    threshold: Points | None = Field(default=None, description="Points below which nobody is admitted")
    cents: int | None = Field(default=None, ge=0, le=10**13)
    since: date | None = None
    until: date | None = None


class Draft(Terms):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"kind": "memorandum", "title": "Protocollo con l'ASST di Lecco"}]},
    )

    kind: Kind
    title: Line


class AgreementChange(Terms):
    """Only what is given changes."""

    title: Line = Field(default="", examples=["Protocollo con l'ASST di Lecco"])


class Signatories(Request):
    """All who are to sign, members of the network."""

    organisation_ids: list[UUID] = Field(max_length=rules.MOST_SIGNATORIES)


class Signature(Request):
    """An organisation signs on a day (today), by the person who holds the mandate."""

    organisation_id: UUID
    mandate_id: UUID
    on: date | None = None


class ObligationBody(Request):
    """What a signatory is to do by a day."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "organisation_id": "019a0000-0000-7000-8000-000000000001",
                    "title": "Mettere a disposizione la sede",
                    "due": "2026-12-31",
                }
            ]
        },
    )

    organisation_id: UUID
    title: Line
    kind: CommitmentKind = CommitmentKind.ACTION
    due: date


class Coming(Request):
    """The member that comes forward, and what it has to say."""

    organisation_id: UUID
    note: Prose | None = None


class Evaluation(Request):
    """Points by the code of the criterion; who is excluded is told why."""

    outcome: Standing = Field(examples=[Standing.ADMITTED])
    scores: dict[Code, Points] = Field(default={}, max_length=rules.MOST_CRITERIA, examples=[{"quality": 48}])
    reason: Prose | None = None


class TableBody(Request):
    """A table that was held: with the id of its approved minutes, or a record by hand."""

    held_on: date
    title: Line = Field(examples=["Primo tavolo"])
    minutes_id: UUID | None = None
    record: Prose | None = Field(default=None, examples=["Condivisa l'analisi dei bisogni"])
    link: Url | None = None


class Conclusion(Request):
    """In words, or by the convention that was signed, or both."""

    outcome: Prose | None = Field(default=None, examples=["Documento di co-programmazione condiviso"])
    convention_id: UUID | None = None


class Reason(Request):
    reason: Prose = Field(examples=["Recesso consensuale"])


# --- the agreement itself --------------------------------------------------------------------------------------------


async def draft(session: AsyncSession, actor: Actor, ref: str, request: Draft, *, now: datetime) -> Shown:
    """Raises InvalidAgreement, InvalidOrganisation (a territory), UnknownDebtor (authority or body)."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_AGREEMENTS, network=network_id, on=now)
    fields = await _fields(session, network_id, request.model_dump(), now)
    agreement = rules.check(Agreement(network_id, **fields))
    session.add(agreement)
    await session.flush()
    return await _shown(session, agreement)


async def change(
    session: AsyncSession, actor: Actor, agreement_id: UUID, *, expected: int | None, now: datetime, **given: Any
) -> Shown:
    """Takes the fields given. Raises NotPossible, InvalidAgreement, InvalidOrganisation, UnknownDebtor."""
    network_id = (await queries.by_id(session, agreement_id)).network_id
    policy.require(actor, Right.WRITE_AGREEMENTS, network=network_id, on=now)
    fields = await _fields(session, network_id, given, now)
    agreement = await _held(session, actor, agreement_id, expected, now)
    if not agreement.change(day(now), **fields):
        return await _shown(session, agreement)
    await _wait(session, agreement)
    return await _told(session, agreement, AgreementChanged)


async def discard(
    session: AsyncSession, actor: Actor, agreement_id: UUID, *, expected: int | None, now: datetime
) -> None:
    """A draft that nobody was told of. Raises NotPossible."""
    agreement = await _held(session, actor, agreement_id, expected, now)
    agreement.require(Action.DISCARD, day(now))
    for table in (signatories, obligations):
        await session.execute(delete(table).where(table.c.agreement_id == agreement_id))
    await session.delete(agreement)
    await session.flush()


async def end(
    session: AsyncSession, actor: Actor, agreement_id: UUID, request: Reason, *, expected: int | None, now: datetime
) -> Shown:
    """Before its day: what is not due yet is owed no more, what was due stays owed. Raises NotPossible."""
    agreement = await _held(session, actor, agreement_id, expected, now)
    agreement.end(request.reason, day(now))
    await cancel(session, DUE, agreement.id)
    told = await _told(session, agreement, AgreementAdvanced)
    ahead = [one.id for one in await queries.obligations_of(session, agreement_id) if one.due >= day(now)]
    await commitments.settle(session, Source.AGREEMENT, ahead, now, waive=request.reason)
    return told


async def withdraw(
    session: AsyncSession, actor: Actor, agreement_id: UUID, request: Reason, *, expected: int | None, now: datetime
) -> Shown:
    """Raises NotPossible."""
    agreement = await _held(session, actor, agreement_id, expected, now)
    agreement.withdraw(request.reason, day(now))
    await cancel(session, DUE, agreement.id)
    return await _told(session, agreement, AgreementAdvanced)


async def turn(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: a deadline is over and evaluation begins, or the days in force are. What was moved
    meanwhile is left as it is."""
    found, today = await queries.unlocked_for_update(session, ids), day(now)
    turned = [agreement for agreement in found if agreement.turn(today)]
    await session.flush()
    signing: dict[UUID, list[UUID]] = {agreement.id: [] for agreement in turned}
    for one in await queries.signatories_of(session, signing):
        signing[one.agreement_id].append(one.organisation_id)
    await stage(session, *(state_of(AgreementAdvanced, a, signing[a.id]) for a in turned))
    later = [(agreement.id, agreement.due_at) for agreement in found if agreement.due_at is not None]
    busy = set(ids) - {agreement.id for agreement in found}
    await schedule_many(session, DUE, [*((i, at) for i, at in later if at), *((id_, now) for id_ in sorted(busy))])


# --- what is signed --------------------------------------------------------------------------------------------------


async def set_signatories(
    session: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    request: Signatories,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """All of them, in a draft. Raises NotPossible, InvalidAgreement, UnknownDebtor."""
    network_id = (await queries.by_id(session, agreement_id)).network_id
    policy.require(actor, Right.WRITE_AGREEMENTS, network=network_id, on=now)
    wanted = dict.fromkeys(request.organisation_ids)
    await _members(session, network_id, wanted, "organisation_ids")
    agreement = await _held(session, actor, agreement_id, expected, now)
    agreement.require(Action.SUBMIT, day(now))  # while it is a draft of something that is signed
    owing = {one.organisation_id for one in await queries.obligations_of(session, agreement_id)}
    if owing - wanted.keys():
        raise InvalidAgreement("organisation_ids", "owes", "those whose obligations are named, too")
    await session.execute(delete(signatories).where(signatories.c.agreement_id == agreement_id))
    session.add_all(Signatory(agreement_id, organisation_id) for organisation_id in wanted)
    return await _told(session, agreement, AgreementChanged)


async def submit(
    session: AsyncSession, actor: Actor, agreement_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """To be signed; from then on it is told. Raises NotPossible, InvalidAgreement."""
    agreement = await _held(session, actor, agreement_id, expected, now)
    agreement.submit(await queries.signatories_of(session, [agreement_id]), day(now))
    return await _told(session, agreement, AgreementOpened)


async def sign(session: AsyncSession, actor: Actor, agreement_id: UUID, request: Signature, *, now: datetime) -> Shown:
    """By the secretariat, or by who speaks for the organisation. With the last signature it is in force, and what the
    signatories owe becomes commitments. Raises NotPossible, UnknownPart, UnfitMandate, SignedAlready,
    InvalidAgreement."""
    before = await queries.readable(session, actor, agreement_id, now)
    policy.require(actor, Right.COME_FORWARD, network=before.network_id, organisation=request.organisation_id, on=now)
    names = {one.organisation_id for one in await queries.signatories_of(session, [agreement_id])}
    there = await queries.lock_members(session, before.network_id, names)
    agreement = await queries.for_update(session, agreement_id)
    found = {one.organisation_id: one for one in await queries.signatories_of(session, [agreement_id])}
    if (signatory := found.pop(request.organisation_id, None)) is None:
        raise UnknownPart(request.organisation_id)
    on = request.on or day(now)
    agreement.require(Action.SIGN, day(now))
    if not await queries.held_mandate(
        session, agreement.network_id, request.mandate_id, _kept(on), request.organisation_id
    ):
        raise UnfitMandate
    agreement.sign(signatory, list(found.values()), request.mandate_id, on, day(now))
    if agreement.state is not State.IN_FORCE:
        return await _told(session, agreement, AgreementChanged)
    await _wait(session, agreement)
    told = await _told(session, agreement, AgreementAdvanced)
    owed = [one for one in await queries.obligations_of(session, agreement_id) if one.organisation_id in there]
    await _owe(session, agreement, owed, now)
    return told if not owed else await _shown(session, agreement)


async def oblige(
    session: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    request: ObligationBody,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """What a signatory is to do: a commitment at once where it is in force, else from then on. Raises NotPossible,
    UnknownPart (no signatory), InvalidAgreement."""
    network_id = (await queries.by_id(session, agreement_id)).network_id
    policy.require(actor, Right.WRITE_AGREEMENTS, network=network_id, on=now)
    await _members(session, network_id, [request.organisation_id], "organisation_id")
    agreement = await _held(session, actor, agreement_id, expected, now)
    agreement.require(Action.OBLIGE, day(now))
    if not day(now) <= request.due <= LATEST:
        raise InvalidAgreement("due", "day", f"{day(now)} to {LATEST}")
    if request.organisation_id not in {
        o.organisation_id for o in await queries.signatories_of(session, [agreement_id])
    }:
        raise InvalidAgreement("organisation_id", "signatory", "one of the signatories")
    there = await queries.obligations_of(session, agreement_id)
    if len(there) >= MOST_OBLIGATIONS:
        raise InvalidAgreement("obligations", "too_many", f"<= {MOST_OBLIGATIONS}")
    obligation = Obligation(agreement_id, **request.model_dump())
    session.add(obligation)
    told = await _told(session, agreement, AgreementChanged)
    if agreement.state is State.IN_FORCE:
        await _owe(session, agreement, [obligation], now)
        return await _shown(session, agreement)
    return told


MOST_OBLIGATIONS = 500


async def release(
    session: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    obligation_id: UUID,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """Takes an obligation out before it binds: once it is a commitment, it is waived there. Raises NotPossible,
    UnknownPart."""
    agreement = await _held(session, actor, agreement_id, expected, now)
    agreement.require(Action.OBLIGE, day(now))
    if agreement.state is State.IN_FORCE:
        raise rules.NotPossible(Action.OBLIGE, agreement.state, ["waive the commitment"])
    found = {one.id: one for one in await queries.obligations_of(session, agreement_id)}
    if obligation_id not in found:
        raise UnknownPart(obligation_id)
    await session.delete(found[obligation_id])
    return await _told(session, agreement, AgreementChanged)


async def _owe(session: AsyncSession, agreement: Agreement, owed: Sequence[Obligation], now: datetime) -> None:
    asked = [
        Owed(
            network_id=agreement.network_id,
            title=one.title,
            kind=CommitmentKind(one.kind),
            due=one.due,
            source=Source.AGREEMENT,
            source_id=one.id,
            organisation_id=one.organisation_id,
            creditor_body_id=agreement.body_id,
        )
        for one in owed
    ]
    await commitments.owe(session, asked, now)


# --- what is called --------------------------------------------------------------------------------------------------


async def open_call(
    session: AsyncSession, actor: Actor, agreement_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """From now on members come forward. Told with all whom it concerns today. Raises NotPossible, InvalidAgreement,
    UnfitMandate."""
    agreement = await _held(session, actor, agreement_id, expected, now)
    agreement.open(day(now))
    if agreement.officer_mandate_id is not None:
        await _require_officer(session, agreement.network_id, agreement.officer_mandate_id, day(now))
    await _wait(session, agreement)
    told = await _told(session, agreement, AgreementOpened)
    concerned = await queries.eligible_ids(session, agreement, day(now))
    await stage(session, *(_audience(agreement, part, ids) for part, ids in rules.parts(concerned)))
    return told


def _audience(agreement: Agreement, part: int, organisations: tuple[UUID, ...]) -> AudienceListed:
    return AudienceListed(
        id=uuid5(agreement.id, f"audience {part}"),
        version=1,
        network_id=agreement.network_id,
        agreement_id=agreement.id,
        part=part,
        organisations=organisations,
    )


async def come_forward(
    session: AsyncSession, actor: Actor, agreement_id: UUID, request: Coming, *, now: datetime
) -> Heard:
    """A member, by who speaks for it or by the secretariat; after the deadline nobody. Raises NotPossible, TooLate,
    NotEligible, CameForward."""
    before = await queries.readable(session, actor, agreement_id, now)
    network_id, organisation_id, today = before.network_id, request.organisation_id, day(now)
    policy.require(actor, Right.COME_FORWARD, network=network_id, organisation=organisation_id, on=now)
    await queries.lock_members(session, network_id, [organisation_id])
    agreement = await queries.for_share(session, agreement_id)
    agreement.hear(today)
    if lacking := await queries.lacking(session, agreement, organisation_id, today):
        raise rules.NotEligible(lacking)
    on_behalf = policy.has(actor, Right.WRITE_AGREEMENTS, network=network_id, on=now)
    interest = await queries.interest_of(session, agreement_id, organisation_id)
    if interest is None:
        interest = Interest(agreement_id, network_id, organisation_id, today, request.note, on_behalf)
        session.add(interest)
    else:
        interest.again(request.note, today, on_behalf=on_behalf)
    return await _heard(session, interest, InterestExpressed)


async def take_back(
    session: AsyncSession, actor: Actor, interest_id: UUID, *, expected: int | None, now: datetime
) -> Heard:
    """Until the deadline. Raises UnknownPart, NotPossible, TooLate."""
    before = (await queries.heard(session, interest_id)).interest
    policy.require(actor, Right.COME_FORWARD, network=before.network_id, organisation=before.organisation_id, on=now)
    agreement = await queries.for_share(session, before.agreement_id)
    interest = await queries.interest_for_update(session, interest_id)
    expect(expected, interest.version)
    interest.withdraw(agreement, day(now))
    return await _heard(session, interest, InterestWithdrawn)


async def evaluate(
    session: AsyncSession, actor: Actor, interest_id: UUID, request: Evaluation, *, expected: int | None, now: datetime
) -> Heard:
    """Raises UnknownPart, NotPossible, InvalidAgreement."""
    before = (await queries.heard(session, interest_id)).interest
    policy.require(actor, Right.WRITE_AGREEMENTS, network=before.network_id, on=now)
    agreement = await queries.for_share(session, before.agreement_id)
    interest = await queries.interest_for_update(session, interest_id)
    expect(expected, interest.version)
    interest.evaluate(agreement, request.outcome, request.scores, request.reason, day(now))
    flag_modified(interest, "state")
    return await _heard(session, interest, InterestEvaluated)


async def convene(
    session: AsyncSession, actor: Actor, agreement_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """The tables, once everybody who came forward has been admitted or excluded. Raises NotPossible, Unevaluated,
    InvalidAgreement."""
    agreement = await _held(session, actor, agreement_id, expected, now)
    agreement.convene(await queries.all_interests(session, agreement_id), day(now))
    return await _told(session, agreement, AgreementAdvanced)


async def record(
    session: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    request: TableBody,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """A table that was held. Raises NotPossible, InvalidAgreement, NotYetKnown (its minutes)."""
    agreement = await _held(session, actor, agreement_id, expected, now)
    table = rules.hold(agreement, Table(agreement_id, **request.model_dump()), day(now))
    await queries.require_minutes(session, agreement.network_id, table.minutes_id)
    session.add(table)
    return await _told(session, agreement, AgreementChanged)


async def conclude(
    session: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    request: Conclusion,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """With an outcome in words, or the convention that was signed. Raises NotPossible, InvalidAgreement."""
    agreement = await _held(session, actor, agreement_id, expected, now)
    if request.convention_id is not None:
        convention = await session.get(Agreement, request.convention_id)
        signed = convention is not None and convention.state_on(day(now)) is State.IN_FORCE
        if convention is None or not signed or convention.network_id != agreement.network_id:
            raise InvalidAgreement("convention_id", "unknown", "an agreement of the network that is in force")
    held = await queries.tables_held(session, agreement_id)
    agreement.conclude(request.outcome, request.convention_id, held, day(now))
    return await _told(session, agreement, AgreementAdvanced)


# --- what commands share ---------------------------------------------------------------------------------------------


async def _held(
    session: AsyncSession, actor: Actor, agreement_id: UUID, expected: int | None, now: datetime
) -> Agreement:
    agreement = await queries.for_update(session, agreement_id)
    policy.require(actor, Right.WRITE_AGREEMENTS, network=agreement.network_id, on=now)
    expect(expected, agreement.version)
    return agreement


async def _wait(session: AsyncSession, agreement: Agreement) -> None:
    if (at := agreement.due_at) is not None:
        await schedule(session, DUE, agreement.id, at)
    else:
        await cancel(session, DUE, agreement.id)


async def _told(session: AsyncSession, agreement: Agreement, fact: type[AgreementState]) -> Shown:
    """Moves the agreement's version, also where only a part of it changed, and tells it unless it is a draft."""
    flag_modified(agreement, "title")
    await session.flush()
    if agreement.state is not State.DRAFT:
        found = await queries.signatories_of(session, [agreement.id])
        await stage(session, state_of(fact, agreement, [one.organisation_id for one in found]))
    return await _shown(session, agreement)


async def _shown(session: AsyncSession, agreement: Agreement) -> Shown:
    await session.flush()
    return (await queries.shown(session, [agreement]))[0]


async def _heard(session: AsyncSession, interest: Interest, fact: type[InterestState]) -> Heard:
    await session.flush()
    await stage(
        session,
        fact(
            id=interest.id,
            version=interest.version,
            network_id=interest.network_id,
            agreement_id=interest.agreement_id,
            organisation_id=interest.organisation_id,
            state=interest.state,
            expressed_on=interest.expressed_on,
            points=interest.points,
        ),
    )
    return await queries.heard(session, interest.id)


async def _members(session: AsyncSession, network_id: UUID, ids: Any, field: str) -> None:
    """All of them belong to the network, and go on doing so. Raises InvalidAgreement."""
    missing = set(ids) - await queries.lock_members(session, network_id, list(ids))
    if missing:
        raise InvalidAgreement(field, "unknown", "members of the network")


async def _require_officer(session: AsyncSession, network_id: UUID, mandate_id: UUID, on: date) -> None:
    if not await queries.held_mandate(session, network_id, mandate_id, on):
        raise UnfitMandate


async def _fields(session: AsyncSession, network_id: UUID, given: dict[str, Any], now: datetime) -> dict[str, Any]:
    """As they are kept; whom they name is locked. Raises InvalidOrganisation, InvalidAgreement, UnknownDebtor,
    UnfitMandate."""
    fields = dict(given)
    for name in ("territories", "places"):
        if name in fields:
            fields[name] = territory_codes(fields[name])
    for name in ("kinds", "sections"):
        if name in fields:
            fields[name] = sorted({str(word) for word in fields[name]})
    if fields.get("act") is not None:
        act = ActBody.model_validate(fields["act"]).act
        rules.check_act(act, day(now))
        fields["act"] = act.json()
    if "criteria" in fields:
        fields["criteria"] = [vars(Criterion(**criterion)) for criterion in fields["criteria"]]
    if fields.get("authority_id") is not None:
        await _members(session, network_id, [fields["authority_id"]], "authority_id")
    await commitment_queries.lock_debtors(session, network_id, {"body_id": fields.get("body_id")})
    if fields.get("plan_id") is not None and not await queries.plan_there(session, network_id, fields["plan_id"]):
        raise InvalidAgreement("plan_id", "unknown", "a plan of the network")
    if fields.get("officer_mandate_id") is not None:
        await _require_officer(session, network_id, fields["officer_mandate_id"], day(now))
    return fields


def _kept(on: date) -> date:
    """A day that the database can look for; the rule says which are accepted."""
    return min(max(on, EARLIEST), LATEST)


def state_of(fact: type[AgreementState], agreement: Agreement, signing: Sequence[UUID]) -> AgreementState:
    """Purposes, reasons and outcomes are free text: they stay here."""
    return fact(
        id=agreement.id,
        version=agreement.version,
        network_id=agreement.network_id,
        title=agreement.title,
        kind=agreement.kind,
        state=agreement.state,
        authority_id=agreement.authority_id,
        body_id=agreement.body_id,
        plan_id=agreement.plan_id,
        territories=tuple(agreement.territories),
        signatories=tuple(signing),
        deadline=agreement.deadline,
        since=agreement.since,
        until=agreement.until,
        outcome_id=agreement.outcome_id,
    )
