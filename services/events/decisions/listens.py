"""What becomes of decisions with an owner: the registry makes commitments of them, and tells how these stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.events.decisions.tables import commitments
from shared.contracts.registry import CommitmentState
from shared.messaging import Received, newest, projects, upsert_newest

DECISION = "decision"
"""The source of a commitment that a decision made; its `source_id` is the decision."""


@projects(CommitmentState, tables=[commitments])
async def commitments_known(
    session: AsyncSession,
    facts: Sequence[Received[CommitmentState]],
    now: datetime,  # noqa: ARG001
) -> None:
    rows = [
        {
            "id": r.fact.id,
            "decision_id": r.fact.source_id,
            "due": r.fact.due,
            "state": r.fact.state,
            "fulfilled_on": r.fact.fulfilled_on,
            "generation": r.generation,
            "version": r.fact.version,
        }
        for r in newest(facts)
        if r.fact.source == DECISION and r.fact.source_id is not None
    ]
    await upsert_newest(session, commitments, rows)
