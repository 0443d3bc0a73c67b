"""Intending deliveries, and trying a failed one again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries import queries, waking
from services.notify.deliveries.outcomes import tell
from services.notify.deliveries.rules import Delivery, Problem, State, subject_of
from services.notify.deliveries.tables import deliveries
from services.notify.digests.queries import schedule
from services.notify.messages.rules import TOPICS
from services.notify.policy import Right, policy
from services.notify.preferences import queries as preferences
from services.notify.preferences.rules import NONE, Channel, Wishes, handled
from shared.access.actor import Actor
from shared.runtime.clock import wall
from shared.runtime.problems import expect

COLUMNS = [str(c.name) for c in deliveries.c if c.name not in {"next_try", "updated_at", "version", "tx"}]
CHUNK = 2_000
"""Intents in one statement: a few megabytes, however many people are to be told."""
INTEND = (
    text(
        f"INSERT INTO deliveries (next_try, {', '.join(COLUMNS)})"  # noqa: S608 (our own columns)
        f" SELECT CASE WHEN state = 'queued' AND waits_until IS NULL THEN now() END, {', '.join(COLUMNS)}"
        " FROM json_populate_recordset(CAST(NULL AS deliveries), CAST(:rows AS json))"
        " ON CONFLICT (key) DO NOTHING"
        " RETURNING id, version, network_id, person_id, channel, topic, state, attempts, because_of, correlation,"
        " traceparent"
    )
    .bindparams(bindparam("rows", type_=Text))
    .columns(state=deliveries.c.state.type)
)
"""One document for all rows, so one statement for any number: 1,000 intents cost this process 16 ms of its time; as a
statement with thousands of values they cost 700."""


async def intend(session: AsyncSession, intents: Sequence[Delivery], now: datetime) -> int:
    """Queues each intent whose key is new, as its person wants it, and wakes the sender when the caller commits;
    returns how many were new. What is settled at once is told at once: nobody to tell, not wanted, for the inbox alone.

    The one place where preferences are applied: three statements for each CHUNK of people. What somebody stops wanting
    at this very moment is found out when it is written (`messages/compose.py`).
    """
    new = 0
    for start in range(0, len(intents), CHUNK):
        some = intents[start : start + CHUNK]
        wishes = await preferences.wishes(session, {intent.person_id for intent in some})
        rows = [_row(_as_wanted(intent, wishes, now)) for intent in some]
        added = await session.execute(INTEND, {"rows": orjson.dumps(rows, default=str).decode()})
        inserted = added.all()
        new += len(inserted)
        await tell(session, (row for row in inserted if row.state is not State.QUEUED), now)
        await schedule(session, (intent.waits_until for intent in some))
    if new:
        waking.after_commit(session)
    return new


def _row(intent: Delivery) -> dict[str, Any]:
    return {name: getattr(intent, name) for name in COLUMNS}


def _as_wanted(intent: Delivery, wishes: Mapping[UUID, Wishes], now: datetime) -> Delivery:
    """Settles what needs no mail, and says until when a mail waits. A certified mail is the sender's own decision."""
    intent.subject_id = intent.subject_id or subject_of(intent.parameters)
    if intent.state is not State.QUEUED or intent.person_id is None or intent.channel not in tuple(Channel):
        return intent
    person = wishes.get(intent.person_id, NONE)
    handling = handled(person, TOPICS[intent.topic], intent.network_id, intent.parameters, now)
    intent.in_inbox = handling.in_inbox
    if intent.channel == Channel.INBOX:
        intent.state = State.SENT if handling.in_inbox else State.SUPPRESSED
        intent.problem = None if handling.in_inbox else Problem.NOT_WANTED
        intent.sent_at = wall() if handling.in_inbox else None
        return intent
    intent.problem, intent.waits_until = handling.problem, handling.waits_until
    if handling.problem is Problem.NOT_WANTED:
        intent.state = State.SUPPRESSED
    return intent


async def retry(session: AsyncSession, actor: Actor, id_: UUID, expected: int, *, now: datetime) -> queries.Told:
    """Queues it again. Raises NotFound, Forbidden, Stale, NotFailed."""
    await queries.get(session, actor, id_, now=now)
    delivery = await session.get_one(Delivery, id_, with_for_update=True)
    policy.require(actor, Right.RETRY_DELIVERIES, network=delivery.network_id, on=now)
    expect(expected, delivery.version)
    delivery.retry(wall())
    await session.flush()
    waking.after_commit(session)
    return await queries.get(session, actor, id_, now=now)
