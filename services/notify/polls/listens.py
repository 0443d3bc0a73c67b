"""Polls for a date: who is asked hears of them, and of the date that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.commands import intend
from services.notify.messages.intents import (
    bodies_known,
    intent,
    known_or_wait,
    networks_known,
    people_known,
    projected,
    stated,
)
from services.notify.messages.rules import POLL_ASKED, POLL_CLOSED
from services.notify.polls.queries import people_asked
from services.notify.polls.rules import outcome
from services.notify.polls.tables import poll_requests, polls
from shared.access.listens import guard
from shared.contracts.events import PollAsked, PollChanged, PollClosed, PollRequestState, PollState, PollWithdrawn
from shared.messaging import Received, newest, projects, reacts, upsert_newest

OVER = (PollClosed, PollChanged, PollWithdrawn)


@projects(PollState, tables=[polls])
async def polls_known(session: AsyncSession, facts: Sequence[Received[PollState]], now: datetime) -> None:  # noqa: ARG001
    rows = [
        {
            "id": r.fact.id,
            "network_id": r.fact.network_id,
            "body_id": r.fact.body_id,
            "title": r.fact.title,
            "state": r.fact.state,
            "closes_at": r.fact.closes_at,
            "options": [option.model_dump(mode="json") for option in r.fact.options],
            "chosen": r.fact.chosen,
            **guard(r),
        }
        for r in newest(facts)
    ]
    await upsert_newest(session, polls, rows)


@projects(PollRequestState, tables=[poll_requests])
async def poll_requests_known(
    session: AsyncSession,
    facts: Sequence[Received[PollRequestState]],
    now: datetime,  # noqa: ARG001
) -> None:
    names = ("id", "network_id", "poll_id", "person_id", "state")
    rows = [{**{name: getattr(r.fact, name) for name in names}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, poll_requests, rows)


@reacts(PollAsked)
async def ask_when_to_meet(session: AsyncSession, facts: Sequence[Received[PollAsked]], now: datetime) -> None:
    """Once for each time that somebody is asked: who was not any more, and is again, is told so."""
    await projected(session, poll_requests, facts)
    await people_known(session, {r.fact.person_id for r in facts})
    await networks_known(session, {r.fact.network_id for r in facts})
    rows = await known_or_wait(session, polls, "poll", {r.fact.poll_id for r in facts})
    await bodies_known(session, {row.body_id for row in rows.values()})
    intents = [
        intent(
            r,
            POLL_ASKED,
            now,
            person_id=r.fact.person_id,
            parameters={"request_id": str(r.fact.id), "poll_id": str(r.fact.poll_id)},
            instant=stated(r),
        )
        for r in facts
    ]
    await intend(session, intents, now)


@reacts(*OVER)
async def tell_what_came_of_it(session: AsyncSession, facts: Sequence[Received[PollState]], now: datetime) -> None:
    """Once for each date that is chosen, and once when it is withdrawn; another change is no news."""
    over = [(r, came) for r in facts if (came := outcome(r.fact.state, r.fact.chosen)) is not None]
    if not over:
        return
    await projected(session, polls, [r for r, _ in over])
    await networks_known(session, {r.fact.network_id for r, _ in over})
    await bodies_known(session, {r.fact.body_id for r, _ in over})
    told = await people_asked(session, {r.fact.id for r, _ in over})
    await people_known(session, {person for pairs in told.values() for _, person in pairs})
    intents = [
        intent(
            r,
            POLL_CLOSED,
            now,
            person_id=person,
            parameters={"poll_id": str(r.fact.id), "outcome": came, "chosen": r.fact.chosen},
            instant=r.fact.chosen if came == "chosen" else came,
        )
        for r, came in over
        for person in sorted({person for _, person in told[r.fact.id]})
    ]
    await intend(session, intents, now)
