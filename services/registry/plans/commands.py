"""What may be done with plans: draft, adopt, extend, decide what became of the objectives, close.

Locks are taken in one order: members, people and bodies that a command names, the plans, the commitments. A draft is
told to nobody; from its adoption on, every change of a plan and of its objectives is told with the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified
from uuid_utils.compat import uuid7

from services.registry.commitments import commands as commitments
from services.registry.commitments import queries as commitment_queries
from services.registry.commitments.commands import Owed
from services.registry.commitments.rules import Kind, Source, require_day
from services.registry.networks import queries as networks
from services.registry.organisations.rules import territory_codes
from services.registry.plans import queries, rules
from services.registry.plans.queries import Shown
from services.registry.plans.rules import (
    Act,
    Document,
    FollowerMissing,
    Fund,
    Objective,
    Outcome,
    Plan,
    State,
    UnfitFollower,
)
from services.registry.plans.tables import objectives, plan_actions
from services.registry.policy import Right, policy
from shared.access.actor import Actor, day
from shared.contracts.registry import Objective as ObjectiveTold
from shared.contracts.registry import PlanAdopted, PlanChanged, PlanClosed, PlanExpired, PlanExtended, PlanState
from shared.messaging import stage
from shared.runtime.due import cancel, schedule, schedule_many
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, line, prose

DUE = "plan"
"""The kind of due row that waits for the end of a plan's last day."""
LAPSED = "Obiettivo decaduto alla chiusura del piano / Objective lapsed when the plan was closed"

Line = Annotated[str, line(200)]
Prose = Annotated[str, prose(5_000)]
Number = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000, pattern=r"^https?://[^\s\x00]+$")]
Territories = Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=rules.MOST_TERRITORIES)]


class ActBody(Request):
    """By which an authority decides; its day is today or earlier."""

    number: Line = Field(examples=["DGR 4563/2021"])
    day: date = Field(examples=["2021-04-19"])
    authority: Line = Field(examples=["Assemblea dei Sindaci"])

    @property
    def act(self) -> Act:
        return Act(self.number, self.day, self.authority)


class FundBody(Request):
    """Integer cents of euro."""

    title: Line = Field(examples=["Fondo nazionale politiche sociali"])
    source: Line = Field(examples=["Regione Lombardia"])
    cents: int = Field(ge=0, le=rules.MOST_CENTS, examples=[150_000_000])
    year: int | None = Field(default=None, ge=1900, le=2200)


class DocumentBody(Request):
    title: Line = Field(examples=["Piano di zona 2021-2023"])
    url: Url = Field(examples=["https://example.org/piano.pdf"])


class Draft(Request):
    """From `since` to `last_day`, both included."""

    title: Line = Field(examples=["Piano di zona 2021-2023"])
    guideline: Line | None = Field(default=None, examples=["DGR 4563/2021"])
    since: date = Field(examples=["2021-01-01"])
    last_day: date = Field(examples=["2023-12-31"])
    territories: Territories = Field(default=[], examples=[["E507"]])
    funds: list[FundBody] = Field(default=[], max_length=100)
    documents: list[DocumentBody] = Field(default=[], max_length=100)


class PlanChange(Request):
    """Only what is given changes; the days of an adopted plan are moved by an act."""

    title: Line = Field(default="", examples=["Piano di zona 2021-2023"])
    guideline: Line | None = None
    since: date = date.min
    last_day: date = date.min
    territories: Territories = Field(default=[])
    funds: list[FundBody] = Field(default=[], max_length=100)
    documents: list[DocumentBody] = Field(default=[], max_length=100)


class Extension(Request):
    """The act, and the last day that it gives the plan."""

    act: ActBody
    last_day: date = Field(examples=["2024-12-31"])


class ObjectiveBody(Request):
    """Who answers for it is an organisation or a body of the network. `target` and `actual` are of the indicator."""

    title: Line = Field(examples=["Punti unici di accesso"])
    indicator: Line | None = Field(default=None, examples=["Punti aperti"])
    unit: Line | None = None
    target: Number | None = Field(default=None, examples=[4])
    actual: Number | None = None
    organisation_id: UUID | None = None
    body_id: UUID | None = None


class ObjectiveChange(Request):
    """Only what is given changes."""

    title: Line = Field(default="", examples=["Punti unici di accesso"])
    indicator: Line | None = None
    unit: Line | None = None
    target: Number | None = None
    actual: Number | None = None
    organisation_id: UUID | None = None
    body_id: UUID | None = None


class Decision(Request):
    """Achieved, lapsed (and why) or carried over; until the plan is closed it can be decided anew."""

    outcome: Outcome = Field(examples=[Outcome.ACHIEVED])
    reason: Prose | None = None
    actual: Number | None = Field(default=None, examples=[4])


class Undertaking(Request):
    """What the plan, or one of its objectives, asks of an organisation, a person or a body by a day."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "title": "Aprire lo sportello di Merate",
                    "due": "2026-12-31",
                    "organisation_id": "019a0000-0000-7000-8000-000000000001",
                }
            ]
        },
    )

    title: Line
    kind: Kind = Kind.ACTION
    due: date
    objective_id: UUID | None = None
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    body_id: UUID | None = None
    creditor_body_id: UUID | None = None


class Following(Request):
    """The plan that goes on with what is carried over, to be drafted."""

    title: Line = Field(examples=["Piano di zona 2025-2027"])
    guideline: Line | None = None
    since: date = Field(examples=["2025-01-01"])
    last_day: date = Field(examples=["2027-12-31"])


class Closing(Request):
    """Where something is carried over: the plan into which (`into`), or the one to be drafted (`following`)."""

    into: UUID | None = None
    following: Following | None = None


# --- a plan ----------------------------------------------------------------------------------------------------------


async def draft(session: AsyncSession, actor: Actor, ref: str, request: Draft, *, now: datetime) -> Shown:
    """Raises InvalidPlan, InvalidOrganisation (a territory)."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_PLANS, network=network_id, on=now)
    plan = rules.check(Plan(network_id, **_fields(request.model_dump())))
    session.add(plan)
    await session.flush()
    return await _shown(session, plan)


async def change(
    session: AsyncSession, actor: Actor, plan_id: UUID, *, expected: int | None, now: datetime, **given: Any
) -> Shown:
    """Takes the fields given. Raises NotPossible, InvalidPlan, InvalidOrganisation (a territory)."""
    plan = await _held(session, actor, plan_id, expected, now)
    if plan.change(day(now), **_fields(given)):
        return await _told(session, plan, PlanChanged)
    return await _shown(session, plan)


async def discard(session: AsyncSession, actor: Actor, plan_id: UUID, *, expected: int | None, now: datetime) -> None:
    """A draft that nobody was told of, that goes on with no other plan and that no agreement names. Raises NotPossible,
    Needed."""
    plan = await _held(session, actor, plan_id, expected, now)
    plan.discard(day(now), named=await queries.named_by_agreements(session, plan_id))
    await session.execute(delete(objectives).where(objectives.c.plan_id == plan_id))
    await session.delete(plan)
    await session.flush()


async def adopt(
    session: AsyncSession, actor: Actor, plan_id: UUID, request: ActBody, *, expected: int | None, now: datetime
) -> Shown:
    """By an act; from then on it is told. One that is over already expires at once. Raises NotPossible, InvalidPlan."""
    plan = await _held(session, actor, plan_id, expected, now)
    plan.adopt(request.act, day(now))
    await schedule(session, DUE, plan.id, plan.over_at)
    return await _told(session, plan, PlanAdopted)


async def extend(
    session: AsyncSession, actor: Actor, plan_id: UUID, request: Extension, *, expected: int | None, now: datetime
) -> Shown:
    """By an act, which moves the last day. Raises NotPossible, InvalidPlan."""
    plan = await _held(session, actor, plan_id, expected, now)
    plan.extend(request.act.act, request.last_day, day(now))
    await schedule(session, DUE, plan.id, plan.over_at)
    return await _told(session, plan, PlanExtended)


async def close(
    session: AsyncSession, actor: Actor, plan_id: UUID, request: Closing, *, expected: int | None, now: datetime
) -> Shown:
    """At its end, when every objective has been decided: what is carried over goes on in the plan that follows, what
    somebody still owed for an objective that lapsed is owed no more. Raises NotPossible, NotOver, Undecided,
    FollowerMissing, UnfitFollower."""
    locked = await queries.several_for_update(session, {plan_id, *([request.into] if request.into else [])})
    if plan_id not in locked:
        raise rules.UnknownPlan(plan_id)
    plan = locked[plan_id]
    policy.require(actor, Right.WRITE_PLANS, network=plan.network_id, on=now)
    expect(expected, plan.version)
    found = await queries.objectives_of(session, [plan_id])
    carried = plan.close(found, day(now))
    if carried or request.into or request.following:
        follower = _follower(plan, request, locked)
        follower.follow(plan)
        await _carry(session, follower, carried)
    await cancel(session, DUE, plan.id)
    lapsed = await queries.actions_of(session, [one.id for one in found if one.outcome is Outcome.LAPSED])
    told = await _told(session, plan, PlanClosed)
    await commitments.settle(session, Source.PLAN, lapsed, now, waive=LAPSED)
    return told


def _follower(plan: Plan, request: Closing, locked: dict[UUID, Plan]) -> Plan:
    if request.into is not None:
        if request.into not in locked:
            raise UnfitFollower
        return locked[request.into]
    if request.following is None:
        raise FollowerMissing
    fresh = Plan(plan.network_id, **request.following.model_dump(), territories=list(plan.territories))
    return rules.check(fresh)


async def _carry(session: AsyncSession, follower: Plan, carried: Sequence[Objective]) -> None:
    """Into a draft that is new, or into a plan whose row is locked."""
    there = await queries.objectives_of(session, [follower.id])
    rules.require_room(len(there) + len(carried))
    session.add(follower)
    flag_modified(follower, "follows_id")
    await session.flush()
    last = max((one.position for one in there), default=0)
    session.add_all(one.carried(follower.id, last + place) for place, one in enumerate(carried, 1))
    await session.flush()
    if follower.state is not State.DRAFT:
        await stage(session, state_of(PlanChanged, follower, await queries.objectives_of(session, [follower.id])))


async def expire(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: the last day of these plans is over. What was extended meanwhile is left as it is."""
    found, today = await queries.unlocked_for_update(session, ids), day(now)
    over = [plan for plan in found if plan.expire(today)]
    await session.flush()
    by_plan: dict[UUID, list[Objective]] = {plan.id: [] for plan in over}
    for one in await queries.objectives_of(session, by_plan):
        by_plan[one.plan_id].append(one)
    await stage(session, *(state_of(PlanExpired, plan, by_plan[plan.id]) for plan in over))
    later = [(plan.id, plan.over_at) for plan in found if plan.state is State.ADOPTED]
    busy = set(ids) - {plan.id for plan in found}  # a command holds them, and may be about to move their day
    await schedule_many(session, DUE, [*later, *((id_, now) for id_ in sorted(busy))])


# --- objectives ------------------------------------------------------------------------------------------------------


async def add_objective(
    session: AsyncSession,
    actor: Actor,
    plan_id: UUID,
    request: ObjectiveBody,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """Raises NotPossible, UnknownDebtor (the owner), InvalidPlan."""
    await _lock_owner(session, actor, plan_id, request.model_dump(), now)
    plan = await _held(session, actor, plan_id, expected, now)
    plan.require("add_objective", day(now))
    there = await queries.objectives_of(session, [plan_id])
    rules.require_room(len(there) + 1)
    last = max((one.position for one in there), default=0)
    session.add(rules.check_objective(Objective(plan_id, last + 1, **request.model_dump())))
    return await _told(session, plan, PlanChanged)


async def change_objective(
    session: AsyncSession,
    actor: Actor,
    plan_id: UUID,
    objective_id: UUID,
    *,
    expected: int | None,
    now: datetime,
    **given: Any,
) -> Shown:
    """Takes the fields given. Raises NotPossible, UnknownObjective, UnknownDebtor (the owner), InvalidPlan."""
    await _lock_owner(session, actor, plan_id, given, now)
    plan = await _held(session, actor, plan_id, expected, now)
    plan.require("change", day(now))
    objective = await queries.objective(session, plan_id, objective_id)
    if objective.change(**given):
        return await _told(session, plan, PlanChanged)
    return await _shown(session, plan)


async def remove_objective(
    session: AsyncSession, actor: Actor, plan_id: UUID, objective_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """From a draft: an adopted plan keeps all of its own, and any plan what it goes on with. Raises NotPossible,
    UnknownObjective, InvalidPlan."""
    plan = await _held(session, actor, plan_id, expected, now)
    plan.require("remove_objective", day(now))
    objective = await queries.objective(session, plan_id, objective_id)
    objective.require_own()
    await session.delete(objective)
    return await _told(session, plan, PlanChanged)


async def decide(
    session: AsyncSession,
    actor: Actor,
    plan_id: UUID,
    objective_id: UUID,
    request: Decision,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """What became of an objective. Raises NotPossible, UnknownObjective, InvalidPlan."""
    plan = await _held(session, actor, plan_id, expected, now)
    plan.require("decide", day(now))
    objective = await queries.objective(session, plan_id, objective_id)
    objective.decide(request.outcome, request.reason, request.actual, day(now))
    return await _told(session, plan, PlanChanged)


async def commit(session: AsyncSession, actor: Actor, plan_id: UUID, request: Undertaking, *, now: datetime) -> UUID:
    """A commitment because of the plan; gives its id. Raises NotPossible, UnknownObjective, DebtorMissing,
    UnknownDebtor, InvalidDay."""
    plan = await queries.by_id(session, plan_id)
    policy.require(actor, Right.WRITE_PLANS, network=plan.network_id, on=now)
    policy.require(actor, Right.WRITE_COMMITMENTS, network=plan.network_id, on=now)
    require_day("due", request.due, day(now))
    given = request.model_dump(exclude={"objective_id"})
    owed = Owed(network_id=plan.network_id, source=Source.PLAN, source_id=uuid7(), **given)
    await commitment_queries.lock_debtors(session, plan.network_id, given)
    plan = await queries.for_update(session, actor, plan_id, now)
    plan.require("commit", day(now))
    if request.objective_id is not None:
        await queries.objective(session, plan_id, request.objective_id)
    asked = {"id": owed.source_id, "plan_id": plan_id, "objective_id": request.objective_id}
    await session.execute(insert(plan_actions).values(asked))
    (made,) = await commitments.owe(session, [owed], now)
    return made


# --- what commands share ---------------------------------------------------------------------------------------------


async def _held(session: AsyncSession, actor: Actor, plan_id: UUID, expected: int | None, now: datetime) -> Plan:
    plan = await queries.for_update(session, actor, plan_id, now)
    expect(expected, plan.version)
    return plan


async def _lock_owner(session: AsyncSession, actor: Actor, plan_id: UUID, given: dict[str, Any], now: datetime) -> None:
    """The right comes first: that an owner is refused tells who belongs to the network. Raises Forbidden,
    UnknownDebtor."""
    plan = await queries.by_id(session, plan_id)
    policy.require(actor, Right.WRITE_PLANS, network=plan.network_id, on=now)
    named = {name: given.get(name) for name in ("organisation_id", "body_id")}
    await commitment_queries.lock_debtors(session, plan.network_id, named)


async def _told(session: AsyncSession, plan: Plan, fact: type[PlanState]) -> Shown:
    """Moves the plan's version, also where only an objective changed, and tells it unless it is a draft."""
    flag_modified(plan, "title")
    await session.flush()
    if plan.state is not State.DRAFT:
        await stage(session, state_of(fact, plan, await queries.objectives_of(session, [plan.id])))
    return await _shown(session, plan)


async def _shown(session: AsyncSession, plan: Plan) -> Shown:
    return (await queries.shown(session, [plan]))[0]


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    """As they are kept. Raises InvalidOrganisation for a territory that there is not."""
    fields = dict(given)
    if "territories" in fields:
        fields["territories"] = territory_codes(fields["territories"])
    if "funds" in fields:
        fields["funds"] = rules.kept(Fund(**fund) for fund in fields["funds"])
    if "documents" in fields:
        fields["documents"] = rules.kept(Document(**document) for document in fields["documents"])
    return fields


TITLE_TOLD, INDICATOR_TOLD = 150, 80
"""Characters: a fact has at most 64 kB, and a plan up to 50 objectives."""


def state_of(fact: type[PlanState], plan: Plan, found: Sequence[Objective]) -> PlanState:
    """Acts, funds, documents and reasons stay here."""
    return fact(
        id=plan.id,
        version=plan.version,
        network_id=plan.network_id,
        title=plan.title,
        guideline=plan.guideline,
        territories=tuple(plan.territories),
        since=plan.since,
        last_day=plan.last_day,
        extended_from=plan.extended_from,
        state=plan.state,
        follows_id=plan.follows_id,
        objectives=tuple(
            ObjectiveTold(
                id=one.id,
                title=one.title[:TITLE_TOLD],
                indicator=one.indicator and one.indicator[:INDICATOR_TOLD],
                owner_organisation_id=one.organisation_id,
                owner_body_id=one.body_id,
                state=one.outcome,
            )
            for one in found
        ),
    )
