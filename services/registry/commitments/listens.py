"""What is decided in meetings becomes a commitment, when somebody is to do it by a day."""

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

from services.registry.commitments.commands import DUE, state_of
from services.registry.commitments.rules import Kind, State, WaiverCode, late_at
from services.registry.organisations.rules import State as MembershipState
from shared.access.actor import LATEST, day
from shared.contracts.events import DecisionAdopted
from shared.contracts.registry import CommitmentMade, CommitmentWaived
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
    decided = [_row(r.fact) for r in owed.values()]
    states = await _states_of_owners(session, decided)
    if missing := [str(_owner(owed[id_].fact)) for id_ in owed if id_ not in states]:
        raise UnknownOwner(f"not of this network: {', '.join(missing)}")
    rows = [row | _standing(states[row["source_id"]], day(now)) for row in decided]
    made = (await session.execute(MAKE, {"rows": _json(rows), "today": day(now)})).all()
    for row in made:
        fact = CommitmentMade if row.state == State.OPEN else CommitmentWaived
        with caused_by(replace(owed[row.source_id].cause, at=now)):
            await stage(session, state_of(fact, row))
    await schedule_many(session, DUE, [(row.id, late_at(row.due)) for row in made if row.state == State.OPEN])


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
        "source_id": decision.id,
    }


GONE = {MembershipState.WITHDRAWN: WaiverCode.ORGANISATION_LEFT, "erased": WaiverCode.PERSON_ERASED}


def _standing(owner: str, on: date) -> dict[str, Any]:
    if owner not in GONE:
        return {"state": State.OPEN, "waived_on": None, "waiver_code": None}
    return {"state": State.WAIVED, "waived_on": on, "waiver_code": GONE[owner]}


async def _states_of_owners(session: AsyncSession, decided: Sequence[dict[str, Any]]) -> dict[UUID, str]:
    """By decision: the state of the owner's membership, `known` or `erased` of a person, `known` of a body. Members and
    people are locked: none leaves or is erased between this look and the commitment."""
    asked, kinds = {"rows": _json(decided)}, (MEMBERS, PEOPLE, BODIES)
    return {row.source_id: row.state for owners in kinds for row in await session.execute(owners, asked)}


DECIDED = (
    "json_to_recordset(cast(:rows as json)) as d(id uuid, network_id uuid, title text, kind text, organisation_id uuid,"
    " person_id uuid, body_id uuid, creditor_body_id uuid, due date, source_id uuid, state text, waived_on date,"
    " waiver_code text)"
)
MEMBERS = text(
    f"select d.source_id, m.state from {DECIDED} join memberships m using (network_id, organisation_id)"  # noqa: S608
    " order by m.id for share of m"
).bindparams(bindparam("rows", type_=Text))
PEOPLE = text(
    "select d.source_id, case when p.erased_at is null then 'known' else 'erased' end as state"  # noqa: S608
    f" from {DECIDED} join known_people using (network_id, person_id) join people p on p.id = person_id"
    " order by p.id for share of p"
).bindparams(bindparam("rows", type_=Text))
BODIES = text(
    f"select d.source_id, 'known' as state from {DECIDED} join bodies b"  # noqa: S608
    " on b.id = d.body_id and b.network_id = d.network_id"
).bindparams(bindparam("rows", type_=Text))
MAKE = text(
    "insert into commitments (id, network_id, title, kind, organisation_id, person_id, body_id, creditor_body_id, due,"  # noqa: S608
    " made_on, source, source_id, state, waived_on, waiver_code, version)"
    " select d.id, d.network_id, d.title, d.kind, d.organisation_id, d.person_id, d.body_id,"
    " (select b.id from bodies b where b.id = d.creditor_body_id and b.network_id = d.network_id), d.due, :today,"
    f" 'decision', d.source_id, d.state, d.waived_on, d.waiver_code, 1 from {DECIDED} order by d.source_id"
    " on conflict (source_id) where source = 'decision' do nothing returning *"
).bindparams(bindparam("rows", type_=Text))


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return orjson.dumps(rows, default=str).decode()
