"""What becomes of requests when mandates start and end, and when people are erased or turn out to be one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.assessments import commands
from services.learning.mandates.listens import mandates_known
from shared.contracts.registry import MandateEnded, MandateStarted, PersonErased, PersonMerged
from shared.messaging import Received, caused_by, reacts
from shared.messaging.context import Cause


@reacts(MandateStarted, MandateEnded)
async def ask_whoever_comes_and_nobody_who_leaves(
    session: AsyncSession, facts: Sequence[Received[MandateStarted | MandateEnded]], now: datetime
) -> None:
    """The reaction keeps the mandates as the projection does, since either may hear of them first."""
    await mandates_known(session, facts, now)
    by_cause: dict[tuple[UUID, Cause], set[UUID]] = {}
    for received in facts:
        if received.fact.network_id is not None:
            by_cause.setdefault((received.fact.network_id, received.cause), set()).add(received.fact.person_id)
    for (network, cause), people in by_cause.items():
        await commands.follow(session, network, people, cause=cause, now=now)


@reacts(PersonErased)
async def forget_what_the_erased_answered(
    session: AsyncSession, facts: Sequence[Received[PersonErased]], now: datetime
) -> None:
    await commands.forget(session, {received.fact.id: received.cause for received in facts}, now)


@reacts(PersonMerged)
async def ask_the_merged_once(session: AsyncSession, facts: Sequence[Received[PersonMerged]], now: datetime) -> None:
    for received in facts:
        with caused_by(replace(received.cause, at=now)):
            await commands.reassign(session, received.fact.id, received.fact.into_id)
