"""Who is on which learning path, as learning tells it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.enrolments.tables import enrolments
from shared.access.listens import guard
from shared.contracts.learning import EnrolmentState
from shared.messaging import Received, newest, projects, upsert_newest

KEPT = tuple(column.name for column in enrolments.c if column.name not in {"generation", "version"})


@projects(EnrolmentState, tables=[enrolments])
async def enrolments_known(session: AsyncSession, facts: Sequence[Received[EnrolmentState]], now: datetime) -> None:  # noqa: ARG001
    rows = [{**{name: getattr(r.fact, name) for name in KEPT}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, enrolments, rows)
