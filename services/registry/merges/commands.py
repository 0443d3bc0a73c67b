"""Merging a duplicate into the organisation that stands for it.

Everything that names the duplicate names the other one afterwards, and is told again; its own record, its memberships
and its tax code are kept with the merge. Locks: the two organisations, their memberships, what follows members, then
the rows that move.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, Uuid, bindparam, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.agreements import commands as agreements
from services.registry.agreements import queries as agreement_queries
from services.registry.agreements.rules import Agreement
from services.registry.agreements.rules import State as AgreementStates
from services.registry.agreements.tables import agreements as agreement_table
from services.registry.bodies import commands as bodies
from services.registry.commitments import commands as commitments
from services.registry.commitments import queries as commitment_queries
from services.registry.grants import commands as grants
from services.registry.mandates import commands as mandates
from services.registry.merges import queries, rules
from services.registry.merges.queries import Plan
from services.registry.merges.rules import Conflict, Conflicts
from services.registry.merges.tables import merges
from services.registry.organisations import commands as organisations
from services.registry.organisations.rules import Membership
from services.registry.organisations.tables import memberships
from services.registry.organisations.tables import organisations as organisation_table
from services.registry.pacts import commands as pacts
from services.registry.pacts import queries as pact_queries
from services.registry.pacts.rules import Pact
from services.registry.pacts.tables import pacts as pact_table
from services.registry.plans import commands as plans
from services.registry.plans import queries as plan_queries
from services.registry.plans.rules import Plan as DistrictPlan
from services.registry.plans.rules import State as PlanStates
from services.registry.plans.tables import plans as plan_table
from services.registry.projects import commands as projects
from services.registry.projects import queries as project_queries
from services.registry.projects.rules import Project
from services.registry.projects.tables import projects as project_table
from shared.access.actor import Actor, day
from shared.contracts import registry as facts
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.repointing import repoint
from shared.runtime.shapes import Request


class Merging(Request):
    """The organisation that stands for both from now on."""

    into_id: UUID


async def merge(
    session: AsyncSession,
    actor: Actor,
    organisation_id: UUID,
    request: Merging,
    *,
    expected: int | None,
    now: datetime,
) -> Plan:
    """Raises what `queries.both` raises, and Conflicts: then nothing has moved."""
    going, staying = await queries.both(session, actor, organisation_id, request.into_id, now, lock=True)
    expect(expected, going.version)
    ids = (going.id, staying.id)
    await _lock(session, ids)
    plan = await queries.plan(session, going, staying, now)
    if plan.conflicts:
        raise Conflicts(queries.named(plan))
    record, belongings = snapshot(going), [snapshot(one) for one, _ in plan.memberships]
    await _move_memberships(session, plan, now)
    await _move_mandates(session, plan, now)
    await _close_seats(session, plan, now)
    await _move_commitments(session, plan, now)
    await _move_affiliates(session, plan, now)
    await _move_the_rest(session, plan)
    await session.execute(update(merges).where(merges.c.into_id == going.id).values(into_id=staying.id))
    await _end(session, plan, now)
    await session.execute(
        insert(merges).values(
            id=going.id,
            into_id=staying.id,
            tax_code=None if staying.tax_code == going.tax_code else going.tax_code,
            record=record,
            memberships=belongings,
            moved=plan.moves,
            merged_at=now,
            merged_by=actor.id,
        )
    )
    return plan


def snapshot(one: Any) -> Any:
    """A row as it was, as a document."""
    return orjson.loads(orjson.dumps({k: v for k, v in vars(one).items() if not k.startswith("_")}, default=str))


async def _lock(session: AsyncSession, ids: tuple[UUID, UUID]) -> None:
    """Nobody is designated, seated or owes anything more for either of them until the transaction ends."""
    query = select(Membership).where(memberships.c.organisation_id.in_(ids)).order_by(memberships.c.id)
    locked = query.with_for_update().execution_options(populate_existing=True)
    rooms = {one.network_id for one in (await session.execute(locked)).scalars()}
    for network_id in sorted(rooms):
        await bodies.lock_members(session, network_id, shared=True)
        await commitment_queries.lock_rules(session, network_id)
    await session.execute(LOCK_MANDATES, {"ids": list(ids)})


LOCK_MANDATES = text("select id from mandates where organisation_id = any(:ids) order by id for update").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)


async def _move_memberships(session: AsyncSession, plan: Plan, now: datetime) -> None:
    told: list[facts.MembershipState | facts.MembershipMerged] = []
    for one, other in plan.memberships:
        if other is None:
            one.organisation_id, one.updated_at = plan.staying.id, now
            await session.flush()
            told.append(organisations.membership_fact(organisations.FACT_OF[one.state], one))
            continue
        if rules.combine(other, one):
            other.updated_at = now
            await session.flush()
            told.append(organisations.membership_fact(organisations.FACT_OF[other.state], other))
        told.append(
            facts.MembershipMerged(
                id=one.id,
                version=one.version + 1,
                network_id=one.network_id,
                organisation_id=one.organisation_id,
                into_id=other.id,
            )
        )
        session.expunge(one)
        await session.execute(delete(memberships).where(memberships.c.id == one.id))
    await session.flush()
    await stage(session, *told)


MOVE_MANDATES = text(
    "update mandates m set organisation_id ="
    " case when m.organisation_id = :going then :staying else m.organisation_id end,"
    " beside = m.beside or m.id = any(:beside), version = m.version + 1, updated_at = now(),"
    " ended_on = case when m.id = any(:ended) then :today else m.ended_on end,"
    " end_reason = case when m.id = any(:ended) then 'organisation_merged' else m.end_reason end,"
    " told = case when m.id = any(:ended) then 'ended' else m.told end"
    " where m.organisation_id = :going or m.id = any(:ended) returning m.*"
).bindparams(bindparam("beside", type_=ARRAY(Uuid)), bindparam("ended", type_=ARRAY(Uuid)))
NOTE_BESIDE = text(
    "update mandates set beside = true where id = any(:beside) and organisation_id = :staying"
).bindparams(bindparam("beside", type_=ARRAY(Uuid)))


async def _move_mandates(session: AsyncSession, plan: Plan, now: datetime) -> None:
    """First those of the one that stays are noted, so that the constraint lets the others come beside them."""
    going, staying = plan.going.id, plan.staying.id
    beside, ended = sorted(plan.mandates.beside), sorted(plan.mandates.ended)
    await session.execute(NOTE_BESIDE, {"beside": beside, "staying": staying})
    asked = {"going": going, "staying": staying, "beside": beside, "ended": ended, "today": day(now)}
    moved: Any = (await session.execute(MOVE_MANDATES, asked)).all()
    over = plan.mandates.ended
    await stage(
        session,
        *(mandates.state_of(facts.MandateEnded if m.id in over else facts.MandateChanged, m) for m in moved),
    )
    if moved:
        await grants.follow(session, {m.person_id for m in moved}, now)


MOVE_SEATS = text(
    "update seats s set organisation_id = :staying, version = s.version + 1,"
    " until = case when s.id = any(:closed) then greatest(s.since, cast(:today as date)) else s.until end"
    " where s.organisation_id = :going or s.id = any(:closed) returning s.*"
).bindparams(bindparam("closed", type_=ARRAY(Uuid)))


async def _close_seats(session: AsyncSession, plan: Plan, now: datetime) -> None:
    asked = {"going": plan.going.id, "staying": plan.staying.id, "closed": sorted(plan.seats.closed), "today": day(now)}
    moved = (await session.execute(MOVE_SEATS, asked)).all()
    await stage(session, *(bodies.seat_fact(_of_seat(row.until, now), row) for row in moved))


def _of_seat(until: Any, now: datetime) -> type[facts.SeatState]:
    return facts.SeatClosed if until is not None and until <= day(now) else facts.SeatCreated


MOVE_COMMITMENTS = text(
    "update commitments c set organisation_id = :staying, beside = c.beside or c.id = any(:beside),"
    " version = c.version + 1, updated_at = now(),"
    " state = case when c.id = any(:waived) then 'waived' else c.state end,"
    " waived_on = case when c.id = any(:waived) then :today else c.waived_on end,"
    " waiver_code = case when c.id = any(:waived) then 'organisation_merged' else c.waiver_code end"
    " where c.organisation_id = :going or c.id = any(:waived) returning c.*"
).bindparams(bindparam("beside", type_=ARRAY(Uuid)), bindparam("waived", type_=ARRAY(Uuid)))
NOTE_OWED = text(
    "update commitments set beside = true where id = any(:beside) and organisation_id = :staying"
).bindparams(bindparam("beside", type_=ARRAY(Uuid)))


async def _move_commitments(session: AsyncSession, plan: Plan, now: datetime) -> None:
    asked = {"beside": sorted(plan.beside), "staying": plan.staying.id}
    await session.execute(NOTE_OWED, asked)
    asked |= {"going": plan.going.id, "waived": sorted(plan.waived), "today": day(now)}
    moved = (await session.execute(MOVE_COMMITMENTS, asked)).all()
    waived = plan.waived
    await stage(
        session,
        *(
            commitments.state_of(facts.CommitmentWaived if c.id in waived else facts.CommitmentChanged, c)
            for c in moved
        ),
    )


async def _move_affiliates(session: AsyncSession, plan: Plan, now: datetime) -> None:
    """Those of the duplicate; the one that stays, if it was among them, hangs where the duplicate hung."""
    query = select(organisation_table.c.id).where(organisation_table.c.parent_id == plan.going.id)
    children = set(await session.scalars(query)) - {plan.staying.id}
    if plan.staying.parent_id == plan.going.id:
        plan.fills["parent_id"] = None if plan.going.parent_id == plan.staying.id else plan.going.parent_id
    if children:
        outcomes = await organisations.set_parents(session, dict.fromkeys(sorted(children), plan.staying.id), now)
        refused = {child: why for child, why in outcomes.items() if why not in ("updated", "unchanged")}
        if refused:  # somebody moved a line meanwhile
            raise Conflicts([Conflict("circle", None, why, child, plan.staying.id) for child, why in refused.items()])


async def _move_the_rest(session: AsyncSession, plan: Plan) -> None:
    columns = [column for column in queries.moved_columns() if column.table.name not in queries.TOLD_APART]
    touched = {name: await rows(session, plan.going.id) for name, (rows, _) in RETOLD.items()}
    await projects.combine(session, plan.going.id, plan.staying.id)
    await repoint(session, columns, {plan.going.id: plan.staying.id})
    for name, (_, tell) in RETOLD.items():
        if touched[name]:
            await tell(session, touched[name])


async def _end(session: AsyncSession, plan: Plan, now: datetime) -> None:
    """The duplicate's row goes, and the other one takes what it lacked: the tax code once nobody else bears it."""
    going, staying = plan.going, plan.staying
    code = plan.fills.get("tax_code")
    changed = staying.change({name: value for name, value in plan.fills.items() if name != "tax_code"}, now)
    await session.flush()
    session.expunge(going)
    await session.execute(delete(organisation_table).where(organisation_table.c.id == going.id))
    if code is not None:
        changed = staying.change({"tax_code": code}, now)
        await session.flush()
    if changed:
        await stage(session, organisations.organisation_fact(facts.OrganisationChanged, staying))
    await stage(session, facts.OrganisationMerged(id=going.id, version=going.version + 1, into_id=staying.id))


# --- what other slices tell again ------------------------------------------------------------------------------------

Rows = Callable[[AsyncSession, UUID], Awaitable[list[UUID]]]
Tell = Callable[[AsyncSession, list[UUID]], Awaitable[None]]


def _where(statement: str) -> Rows:
    query = text(statement)

    async def rows(session: AsyncSession, organisation_id: UUID) -> list[UUID]:
        return list(await session.scalars(query, {"id": organisation_id}))

    return rows


async def _touched(session: AsyncSession, kind: type[Any], table: Any, ids: Sequence[UUID]) -> Sequence[Any]:
    """With their version moved, as a change of any of their parts moves it."""
    await session.execute(update(table).where(table.c.id.in_(ids)).values(version=table.c.version + 1))
    query = select(kind).where(table.c.id.in_(ids)).order_by(table.c.id).execution_options(populate_existing=True)
    return (await session.execute(query)).scalars().all()


async def _tell_plans(session: AsyncSession, ids: list[UUID]) -> None:
    for plan in await _touched(session, DistrictPlan, plan_table, ids):
        if plan.state is not PlanStates.DRAFT:
            found = await plan_queries.objectives_of(session, [plan.id])
            await stage(session, plans.state_of(facts.PlanChanged, plan, found))


async def _tell_agreements(session: AsyncSession, ids: list[UUID]) -> None:
    for one in await _touched(session, Agreement, agreement_table, ids):
        if one.state is not AgreementStates.DRAFT:
            found = await agreement_queries.signatories_of(session, [one.id])
            signing = [signatory.organisation_id for signatory in found]
            await stage(session, agreements.state_of(facts.AgreementChanged, one, signing))


async def _tell_interests(session: AsyncSession, ids: list[UUID]) -> None:
    statement = "update agreement_interests set version = version + 1 where id = any(:ids) returning *"
    rows = await session.execute(text(statement).bindparams(bindparam("ids", ids, ARRAY(Uuid))))
    await stage(session, *(_interest(row) for row in rows))


INTEREST: dict[str, type[facts.InterestState]] = {
    "expressed": facts.InterestExpressed,
    "withdrawn": facts.InterestWithdrawn,
}


def _interest(row: Any) -> facts.InterestState:
    return INTEREST.get(row.state, facts.InterestEvaluated)(
        id=row.id,
        version=row.version,
        network_id=row.network_id,
        agreement_id=row.agreement_id,
        organisation_id=row.organisation_id,
        state=row.state,
        expressed_on=row.expressed_on,
        points=row.points,
    )


async def _tell_pacts(session: AsyncSession, ids: list[UUID]) -> None:
    found = await _touched(session, Pact, pact_table, ids)
    parts = await pact_queries.parts_of(session, ids)
    await stage(session, *(pacts.state_of(facts.PactChanged, pact, parts[pact.id]) for pact in found))


async def _tell_projects(session: AsyncSession, ids: list[UUID]) -> None:
    found = await project_queries.shown(session, await _touched(session, Project, project_table, ids))
    await stage(session, *(projects.state_of(facts.ProjectChanged, shown) for shown in found))


RETOLD: dict[str, tuple[Rows, Tell]] = {
    "plans": (_where("select distinct plan_id from plan_objectives where organisation_id = :id"), _tell_plans),
    "agreements": (
        _where(
            "select id from agreements where authority_id = :id"
            " union select agreement_id from agreement_signatories where organisation_id = :id"
        ),
        _tell_agreements,
    ),
    "agreement_interests": (_where("select id from agreement_interests where organisation_id = :id"), _tell_interests),
    "pacts": (_where("select id from pacts where organisation_id = :id"), _tell_pacts),
    "projects": (_where("select project_id from project_partners where organisation_id = :id"), _tell_projects),
}
"""What tells an organisation in its facts: whose rows name it, and how they are told."""
