"""Who owes what by which day, as the registry tells it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.commitments.tables import commitments
from shared.access.listens import guard
from shared.contracts.registry import CommitmentState
from shared.messaging import Received, newest, projects, upsert_newest

KEPT = tuple(column.name for column in commitments.c if column.name not in {"generation", "version"})


@projects(CommitmentState, tables=[commitments])
async def commitments_known(
    session: AsyncSession,
    facts: Sequence[Received[CommitmentState]],
    now: datetime,  # noqa: ARG001
) -> None:
    rows = [{**{name: getattr(r.fact, name) for name in KEPT}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, commitments, rows)
