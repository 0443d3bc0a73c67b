"""What is decided in meetings becomes a commitment, when somebody is to do it by a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.commitments import queries
from services.registry.commitments.commands import DUE, state_of
from services.registry.commitments.rules import Kind, Source, State, WaiverCode, late_at
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
