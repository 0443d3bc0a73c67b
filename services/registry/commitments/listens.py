"""What is decided in meetings becomes a commitment, when somebody is to do it by a day; and what comes on the map keeps
the report of experiences that a member owes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.commitments import queries
from services.registry.commitments.commands import DUE, state_of
from services.registry.commitments.rules import Kind, Source, State, WaiverCode, late_at
from services.registry.organisations.queries import standing_for
from services.registry.organisations.rules import State as MembershipState
from shared.access.actor import LATEST, day
from shared.contracts.events import DecisionAdopted
from shared.contracts.mapping import AbsenceDeclared, ExperienceValidated
from shared.contracts.registry import CommitmentFulfilled, CommitmentMade, CommitmentWaived
from shared.messaging import Received, caused_by, newest, reacts, stage
from shared.runtime.due import schedule_many


class UnknownOwner(Exception):
    """The registry knows no such member, person or body in the decision's network, and never will: it gives the ids."""


@reacts(DecisionAdopted)
async def commit_owners(session: AsyncSession, facts: Sequence[Received[DecisionAdopted]], now: datetime) -> None:
    """A commitment for each decision with an owner and a day, once. Raises UnknownOwner.

    The minutes may be approved after the day: then it is late at once. Of an owner who has left the network meanwhile,
    or has been erased, nothing is owed: the commitment is there, waived with that reason.
    """
    owed = {r.fact.id: r for r in newest(facts) if r.fact.due is not None and _owner(r.fact) is not None}
    if not owed:
        return
    decided = await _of_those_there(session, [_row(r.fact) for r in owed.values()])
    states = await queries.lock_owners(session, decided)
    if missing := [str(_owner(owed[id_].fact)) for id_ in owed if id_ not in states]:
        raise UnknownOwner(f"not of this network: {', '.join(missing)}")
    rows = [row | _standing(states[row["source_id"]], day(now)) for row in decided]
    made = await queries.insert_owed(session, rows, day(now))
    for row in made:
        fact = CommitmentMade if row.state == State.OPEN else CommitmentWaived
        with caused_by(replace(owed[row.source_id].cause, at=now)):
            await stage(session, state_of(fact, row))
    await schedule_many(session, DUE, [(row.id, late_at(row.due)) for row in made if row.state == State.OPEN])


async def _of_those_there(session: AsyncSession, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Who was merged while the fact was on its way owes by the organisation that stands for it."""
    stands = await standing_for(session, {row["organisation_id"] for row in rows} - {None})
    return [row | {"organisation_id": stands.get(row["organisation_id"], row["organisation_id"])} for row in rows]


def _owner(decision: DecisionAdopted) -> UUID | None:
    return decision.owner_organisation_id or decision.owner_person_id or decision.owner_body_id


def _row(decision: DecisionAdopted) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "network_id": decision.network_id,
        "title": decision.title,
        "kind": decision.kind if decision.kind in set(Kind) else Kind.ACTION,
        "organisation_id": decision.owner_organisation_id,
        "person_id": None if decision.owner_organisation_id else decision.owner_person_id,
        "body_id": None if decision.owner_organisation_id or decision.owner_person_id else decision.owner_body_id,
        "creditor_body_id": decision.body_id,
        "due": min(decision.due or LATEST, LATEST),
        "source": Source.DECISION,
        "source_id": decision.id,
    }


GONE = {MembershipState.WITHDRAWN: WaiverCode.ORGANISATION_LEFT, "erased": WaiverCode.PERSON_ERASED}


def _standing(owner: str, on: date) -> dict[str, Any]:
    if owner not in GONE:
        return {"state": State.OPEN, "waived_on": None, "waiver_code": None}
    return {"state": State.WAIVED, "waived_on": on, "waiver_code": GONE[owner]}


@reacts(ExperienceValidated, AbsenceDeclared)
async def keep_the_report(
    session: AsyncSession, facts: Sequence[Received[ExperienceValidated | AbsenceDeclared]], now: datetime
) -> None:
    """An experience validated on the map, or the declaration that there is none, closes the report of experiences that
    the organisation owes the network; of several, the one that is due first. Who owes none is none the worse. Whatever
    it closes has been here before: there is nothing to wait for."""
    told = {r.fact_id: r for r in facts if r.fact.organisation_id is not None and r.fact.network_id is not None}
    rows = [_shown(r, day(now)) for r in told.values()]
    if not rows:
        return
    rows = await _of_those_there(session, rows)
    asked = {"rows": orjson.dumps(rows, default=str).decode()}
    for kept in await session.execute(KEPT_BY_MAP, asked):
        with caused_by(replace(told[kept.fact_id].cause, at=now)):
            await stage(session, state_of(CommitmentFulfilled, kept))


def _shown(received: Received[Any], today: date) -> dict[str, Any]:
    fact = received.fact
    absent = isinstance(fact, AbsenceDeclared)
    on = fact.declared_on if absent else day(received.occurred_at)
    return {
        "fact_id": received.fact_id,
        "organisation_id": fact.organisation_id,
        "network_id": fact.network_id,
        "at": received.occurred_at.isoformat(),
        "day": min(on, today),
        "absent": absent,
        "what": "" if absent else fact.title,
    }


KEPT_BY_MAP = text(
    """
    with shown as (
        select s.*, n.language,
            row_number() over (partition by s.network_id, s.organisation_id order by s.at, s.fact_id) as nth
        from json_to_recordset(cast(:rows as json)) as s(fact_id uuid, organisation_id uuid, network_id uuid,
            at timestamptz, day date, absent boolean, what text)
        join networks n on n.id = s.network_id
    ),
    owed as (
        select c.id, c.network_id, c.organisation_id, c.due from commitments c
        where (c.network_id, c.organisation_id) in (select network_id, organisation_id from shown)
            and c.kind = 'report_of_experiences' and c.state in ('open', 'late')
        order by c.id for update
    ),
    ordered as (
        select *, row_number() over (partition by network_id, organisation_id order by due, id) as nth from owed
    )
    update commitments c set state = 'fulfilled', fulfilled_on = greatest(s.day, c.made_on),
        evidence = case
            when s.absent and s.language = 'en' then 'The absence of experiences was declared'
            when s.absent then 'Dichiarata l''assenza di esperienze'
            when s.language = 'en' then 'On the map: ' || s.what
            else 'Sulla mappa: ' || s.what end,
        version = c.version + 1, updated_at = now()
    from ordered o join shown s using (network_id, organisation_id, nth) where c.id = o.id
    returning c.*, s.fact_id
    """
).bindparams(bindparam("rows", type_=Text))
