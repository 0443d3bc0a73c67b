"""What reports are made of, as the registry, mapping and learning tell it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.events.reports.tables import crossings, gaps, outcomes, projects
from shared.contracts.learning import GapState
from shared.contracts.mapping import CrossingClosed, CrossingState
from shared.contracts.registry import OutcomeRemoved, OutcomeState, ProjectState
from shared.messaging import Received, newest, upsert_newest
from shared.messaging import projects as projecting

PROJECT = ("id", "network_id", "title", "state", "since", "last_day", "version")
OUTCOME = (
    "id", "network_id", "project_id", "action_id", "kind", "title", "body_id", "territory", "evidenced", "version",
)  # fmt: skip
CROSSING = (
    "id", "network_id", "title", "ballot_id", "state", "cells", "scores", "respondents", "entitled", "version",
)  # fmt: skip
GAP = (
    "id", "network_id", "assessment_id", "title", "competence", "body_id", "territory", "cohort", "n", "before",
    "after", "gain", "version",
)  # fmt: skip


@projecting(ProjectState, tables=[projects])
async def projects_known(session: AsyncSession, facts: Sequence[Received[ProjectState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, projects, [_row(received, PROJECT) for received in newest(facts)])


@projecting(OutcomeState, OutcomeRemoved, tables=[outcomes])
async def outcomes_known(
    session: AsyncSession,
    facts: Sequence[Received[OutcomeState | OutcomeRemoved]],
    now: datetime,  # noqa: ARG001
) -> None:
    await upsert_newest(session, outcomes, [_outcome(received) for received in newest(facts)])


@projecting(CrossingState, tables=[crossings])
async def crossings_known(session: AsyncSession, facts: Sequence[Received[CrossingState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, crossings, [_crossing(received) for received in newest(facts)])


@projecting(GapState, tables=[gaps])
async def gaps_known(session: AsyncSession, facts: Sequence[Received[GapState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, gaps, [_row(received, GAP) for received in newest(facts)])


def _row(received: Received[Any], names: Sequence[str]) -> dict[str, Any]:
    return {**{name: getattr(received.fact, name) for name in names}, "generation": received.generation}


def _outcome(received: Received[OutcomeState | OutcomeRemoved]) -> dict[str, Any]:
    """One that was removed stays as a row without a project: an older fact must not bring it back."""
    fact = received.fact
    if isinstance(fact, OutcomeState):
        return {**_row(received, OUTCOME), "day": fact.on}
    gone = dict.fromkeys([*OUTCOME, "day"]) | {"id": fact.id, "evidenced": False, "version": fact.version}
    return {**gone, "generation": received.generation}


def _crossing(received: Received[CrossingState]) -> dict[str, Any]:
    fact = received.fact
    best, left_out = (fact.best, fact.best_left_out) if isinstance(fact, CrossingClosed) else ((), 0)
    return {
        **_row(received, CROSSING),
        "cohorts": [cohort.model_dump() for cohort in fact.cohorts],
        "best": [each.model_dump() for each in best],
        "best_left_out": left_out,
    }
