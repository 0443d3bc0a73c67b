"""Ballots that are in no meeting: who may vote is called, and hears what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.commands import intend
from services.notify.meetings.tables import ballots
from services.notify.messages.intents import (
    bodies_known,
    intent,
    known_or_wait,
    networks_known,
    organisations_known,
    people_known,
    projected,
    stated,
)
from services.notify.messages.rules import BALLOT_CALLED, BALLOT_CLOSED
from services.notify.voters.queries import voters_of
from services.notify.voters.tables import voters
from shared.access.listens import guard
from shared.contracts.events import BallotClosed, VoterCalled, VoterState
from shared.messaging import Received, newest, projects, reacts, upsert_newest

NAMES = ("id", "network_id", "ballot_id", "person_id", "organisation_id", "state")


@projects(VoterState, tables=[voters])
async def voters_known(session: AsyncSession, facts: Sequence[Received[VoterState]], now: datetime) -> None:  # noqa: ARG001
    rows = [{**{name: getattr(r.fact, name) for name in NAMES}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, voters, rows)


@reacts(VoterCalled)
async def call_the_voters(session: AsyncSession, facts: Sequence[Received[VoterCalled]], now: datetime) -> None:
    """Each paper by itself: who votes for two gets two messages, each with its own link. Once for each time that
    somebody is called, also after they were not any more."""
    await projected(session, voters, facts)
    await people_known(session, {r.fact.person_id for r in facts})
    await organisations_known(session, {r.fact.organisation_id for r in facts})
    await networks_known(session, {r.fact.network_id for r in facts})
    rows = await known_or_wait(session, ballots, "ballot", {r.fact.ballot_id for r in facts})
    await bodies_known(session, {row.body_id for row in rows.values()})
    intents = [
        intent(
            r,
            BALLOT_CALLED,
            now,
            person_id=r.fact.person_id,
            parameters={"voter_id": str(r.fact.id), "ballot_id": str(r.fact.ballot_id)},
            instant=stated(r),
        )
        for r in facts
    ]
    await intend(session, intents, now)


@reacts(BallotClosed)
async def tell_the_result(session: AsyncSession, facts: Sequence[Received[BallotClosed]], now: datetime) -> None:
    """Each person once, however many papers were theirs. Of one in a meeting the minutes tell."""
    alone = [r for r in facts if r.fact.meeting_id is None]
    if not alone:
        return
    await projected(session, ballots, alone)
    await networks_known(session, {r.fact.network_id for r in alone})
    await bodies_known(session, {r.fact.body_id for r in alone})
    called = await voters_of(session, {r.fact.id for r in alone})
    await people_known(session, {row.person_id for rows in called.values() for row in rows})
    intents = [
        intent(r, BALLOT_CLOSED, now, person_id=person, parameters={"ballot_id": str(r.fact.id)})
        for r in alone
        for person in sorted({row.person_id for row in called[r.fact.id]})
    ]
    await intend(session, intents, now)
