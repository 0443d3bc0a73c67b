"""What the registry's facts mean for those who learn: a mandate that starts enrols, one that ends may end it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.enrolments import commands
from services.learning.mandates.listens import mandates_known
from services.learning.people.listens import people_known
from services.learning.people.queries import hold_all_fast
from services.learning.store import mapper
from shared.access.actor import day
from shared.contracts.learning import EnrolmentState
from shared.contracts.registry import MandateEnded, MandateStarted, PersonErased, PersonMerged
from shared.messaging import Received, caused_by, reacts, stage
from shared.messaging.context import Cause
from shared.runtime.repointing import naming_people, repoint


@reacts(MandateStarted, MandateEnded)
async def follow_the_mandate(
    session: AsyncSession, facts: Sequence[Received[MandateStarted | MandateEnded]], now: datetime
) -> None:
    """Beginnings before ends: when one mandate follows another on the same day, the enrolment goes on. An end that was
    heard before its beginning ends it all the same.

    The reaction keeps the mandates as the projection does, since either may hear of them first: a path that is
    published right after finds those who came onto the roll just before.
    """
    await mandates_known(session, facts, now)
    await commands.lock_paths(session, {r.fact.network_id for r in facts if r.fact.network_id})
    await hold_all_fast(session, {r.fact.person_id for r in facts})
    causes = {r.fact.person_id: r.cause for r in facts}
    if started := _days(r for r in facts if isinstance(r.fact, MandateStarted)):
        await tell(session, await commands.enrol_started(session, started, now), causes, now)
    known = await commands.over(session, started, now)
    if ended := {**known, **_days(r for r in facts if isinstance(r.fact, MandateEnded))}:
        await tell(session, await commands.end_with_mandates(session, ended), causes, now)


@reacts(PersonErased)
async def forget_the_erased(session: AsyncSession, facts: Sequence[Received[PersonErased]], now: datetime) -> None:
    await people_known(session, facts, now)
    causes = {r.fact.id: r.cause for r in facts}
    await tell(session, await commands.forget(session, sorted(causes), now), causes, now)


@reacts(PersonMerged)
async def follow_the_merged(session: AsyncSession, facts: Sequence[Received[PersonMerged]], now: datetime) -> None:
    """One after the other, in the order in which they were merged: who stands for somebody may be merged in turn."""
    await people_known(session, facts, now)
    for received in facts:
        told = await commands.reassign(session, received.fact.id, received.fact.into_id, now)
        with caused_by(replace(received.cause, at=now)):
            await stage(session, *told)
        columns = [column for column in naming_people(mapper.metadata) if column.table.name not in APART]
        await repoint(session, columns, {received.fact.id: received.fact.into_id})


APART = frozenset({"assessment_requests", "mandates", "enrolments"})
"""Tables that follow the registry's own facts, and those that are told again."""


def _days(facts: Iterable[Received[MandateStarted | MandateEnded]]) -> dict[UUID, date]:
    """Of each mandate the day on which it was told: the same whenever it is heard."""
    return {received.fact.id: day(received.occurred_at) for received in facts}


async def tell(
    session: AsyncSession, facts: Iterable[EnrolmentState], causes: Mapping[UUID, Cause], now: datetime
) -> None:
    """Each fact under the cause of what happened to its person; those of one cause in one statement."""
    by_cause: dict[Cause, list[EnrolmentState]] = {}
    for fact in facts:
        by_cause.setdefault(causes[fact.person_id], []).append(fact)
    for cause, told in by_cause.items():
        with caused_by(replace(cause, at=now)):
            await stage(session, *told)
