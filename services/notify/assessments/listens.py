"""Who is asked to be assessed is told so, with the link by which they answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.assessments.tables import assessment_requests
from services.notify.deliveries.commands import intend
from services.notify.messages.intents import intent, networks_known, people_known, projected, stated
from services.notify.messages.rules import ASSESSMENT_ASKED
from shared.access.listens import guard
from shared.contracts.learning import AssessmentAsked, AssessmentRequestState
from shared.messaging import Received, newest, projects, reacts, upsert_newest

KEPT = tuple(str(column.name) for column in assessment_requests.c if column.name not in {"generation", "version"})


@projects(AssessmentRequestState, tables=[assessment_requests])
async def requests_known(
    session: AsyncSession,
    facts: Sequence[Received[AssessmentRequestState]],
    now: datetime,  # noqa: ARG001
) -> None:
    rows = [{**{name: getattr(r.fact, name) for name in KEPT}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, assessment_requests, rows)


@reacts(AssessmentAsked)
async def ask_for_the_assessment(
    session: AsyncSession, facts: Sequence[Received[AssessmentAsked]], now: datetime
) -> None:
    """Once for each time that it is asked: before and after, and again once it was withdrawn meanwhile."""
    await projected(session, assessment_requests, facts)
    await people_known(session, {r.fact.person_id for r in facts})
    await networks_known(session, {r.fact.network_id for r in facts})
    intents = [
        intent(
            r,
            ASSESSMENT_ASKED,
            now,
            person_id=r.fact.person_id,
            parameters={"assessment_request_id": str(r.fact.id)},
            instant=stated(r),
        )
        for r in facts
    ]
    await intend(session, intents, now)
