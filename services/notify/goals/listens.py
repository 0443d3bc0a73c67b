"""Who is told how a network's goals stand: its secretariat, at each step and at the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.commands import intend
from services.notify.messages.intents import networks_known, people_known, secretariats, stated, to_each
from services.notify.messages.rules import GOAL_ADVANCED, GOAL_DECIDED, Topic
from shared.access.actor import day
from shared.contracts.registry import GoalAdvanced, GoalDecided, GoalState
from shared.messaging import Received, reacts


@reacts(GoalAdvanced)
async def tell_the_step(session: AsyncSession, facts: Sequence[Received[GoalAdvanced]], now: datetime) -> None:
    await _tell(session, facts, GOAL_ADVANCED, now)


@reacts(GoalDecided)
async def tell_the_outcome(session: AsyncSession, facts: Sequence[Received[GoalDecided]], now: datetime) -> None:
    await _tell(session, facts, GOAL_DECIDED, now)


async def _tell(session: AsyncSession, facts: Sequence[Received[GoalState]], topic: Topic, now: datetime) -> None:
    await networks_known(session, {r.fact.network_id for r in facts})
    offices = await secretariats(session, {r.fact.network_id for r in facts}, day(now))
    await people_known(session, {person for people in offices.values() for person in people})
    intents = [
        delivery
        for r in facts
        for delivery in to_each(r, topic, now, offices[r.fact.network_id], _figures(r.fact), instant=stated(r))
    ]
    await intend(session, intents, now)


def _figures(goal: GoalState) -> dict[str, Any]:
    """As they were at that step: a later one has its own message."""
    return {
        "goal_id": str(goal.id),
        "title": goal.title,
        "reached": goal.reached,
        "minimum": goal.minimum,
        "full": goal.full,
        "last_day": goal.last_day.isoformat(),
        "state": goal.state,
        "next_best": goal.next_best,
        "territory": goal.territory if isinstance(goal, GoalAdvanced) else None,
    }
