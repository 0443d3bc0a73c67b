"""Who is on which learning path, as learning tells it, and that it begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.commands import intend
from services.notify.enrolments.tables import enrolments
from services.notify.messages.intents import intent, networks_known, people_known, projected
from services.notify.messages.rules import ENROLLED, ENROLMENT_RENEWED
from shared.access.listens import guard
from shared.contracts.learning import Enrolled, EnrolmentRenewed, EnrolmentState
from shared.messaging import Received, newest, projects, reacts, upsert_newest

KEPT = tuple(str(column.name) for column in enrolments.c if column.name not in {"generation", "version"})


@projects(EnrolmentState, tables=[enrolments])
async def enrolments_known(session: AsyncSession, facts: Sequence[Received[EnrolmentState]], now: datetime) -> None:  # noqa: ARG001
    rows = [{**{name: getattr(r.fact, name) for name in KEPT}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, enrolments, rows)


@reacts(Enrolled)
async def invite_to_learn(session: AsyncSession, facts: Sequence[Received[Enrolled]], now: datetime) -> None:
    await projected(session, enrolments, facts)
    await people_known(session, {r.fact.person_id for r in facts})
    await networks_known(session, {r.fact.network_id for r in facts})
    intents = [
        intent(r, ENROLLED, now, person_id=r.fact.person_id, parameters={"enrolment_id": str(r.fact.id)}) for r in facts
    ]
    await intend(session, intents, now)


@reacts(EnrolmentRenewed)
async def invite_to_learn_again(
    session: AsyncSession, facts: Sequence[Received[EnrolmentRenewed]], now: datetime
) -> None:
    """Once for each attempt."""
    await projected(session, enrolments, facts)
    await people_known(session, {r.fact.person_id for r in facts})
    await networks_known(session, {r.fact.network_id for r in facts})
    intents = [
        intent(
            r,
            ENROLMENT_RENEWED,
            now,
            person_id=r.fact.person_id,
            parameters={"enrolment_id": str(r.fact.id), "attempt": r.fact.attempt},
            instant=r.fact.attempt,
        )
        for r in facts
    ]
    await intend(session, intents, now)
