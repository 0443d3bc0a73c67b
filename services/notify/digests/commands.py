"""What waited goes on: the mails of hours of quiet one by one, the others in one digest for each person.

All that waits for one instant has one row in the due table, so the sweep costs some statements and a document however
many people it is for. The line where a kill repeats a digest is that of every mail (`deliveries/sending.py`): a digest
is a delivery, made in the transaction that binds its entries to it, once for each person and instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notify.deliveries import waking
from services.notify.deliveries.outcomes import tell
from services.notify.deliveries.rules import Problem, State
from services.notify.deliveries.sending import Unsendable
from services.notify.deliveries.tables import deliveries
from services.notify.digests import rules
from services.notify.digests.queries import DUE, schedule
from services.notify.messages.rules import DIGEST, TOPICS
from services.notify.preferences import queries as preferences
from services.notify.preferences.rules import NONE, Handling, handled
from shared.runtime.due import schedule_many

MOST_PEOPLE = 5_000
"""Of one sweep; the rest has the next."""

AFTER_QUIET = text("""
    UPDATE deliveries SET problem = NULL, waits_until = NULL, next_try = now(), updated_at = now(),
        version = version + 1
    WHERE waits_until <= :now AND state = 'queued' AND problem = 'quiet-hours'
""")
READERS = text("""
    SELECT person_id, max(waits_until) AS at, min(network_id::text)::uuid AS network_id,
        count(DISTINCT coalesce(network_id::text, '')) AS networks,
        (array_agg(because_of ORDER BY id DESC))[1] AS because_of
    FROM deliveries WHERE waits_until <= :now AND state = 'queued' AND problem = 'in-digest' AND digest_id IS NULL
    GROUP BY person_id ORDER BY person_id LIMIT :most
""")
"""Who has a digest now, and of which network when it is of one only: then it is signed by it."""
MAKE = text("""
    INSERT INTO deliveries
        (id, network_id, person_id, channel, topic, parameters, key, because_of, state, intended_at, in_inbox)
    SELECT id, network_id, person_id, 'email', :topic, jsonb_build_object('digest_id', id), key, because_of, 'queued',
        :now, false
    FROM json_to_recordset(CAST(:digests AS json))
        AS d(id uuid, network_id uuid, person_id uuid, key text, because_of uuid)
    ON CONFLICT (key) DO NOTHING
    RETURNING id, person_id
""").bindparams(bindparam("digests", type_=Text))
BIND = text("""
    UPDATE deliveries e SET digest_id = d.id, waits_until = NULL, updated_at = now(), version = e.version + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:people AS uuid[])) AS d(id, person_id)
    WHERE e.person_id = d.person_id AND e.waits_until <= :now AND e.state = 'queued' AND e.problem = 'in-digest'
        AND e.digest_id IS NULL
""")
LATE = text("""
    SELECT DISTINCT person_id FROM deliveries
    WHERE waits_until <= :now AND state = 'queued' AND problem = 'in-digest' AND person_id = ANY(:people)
""")


async def go_on(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: an instant for which something waited has come."""
    await session.execute(AFTER_QUIET, {"now": now})
    readers = (await session.execute(READERS, {"now": now, "most": MOST_PEOPLE})).all()
    made = await _make(session, readers, now)
    if made:
        await session.execute(BIND, {"ids": list(made), "people": list(made.values()), "now": now})
    if len(made) < len(readers):  # intended while their digest of this very instant was made: they wait for the next
        late = {"now": now, "people": [row.person_id for row in readers]}
        await move(session, await session.scalars(LATE, late), now)
    if len(readers) == MOST_PEOPLE:
        await schedule_many(session, DUE, [(ids[-1], now)])
    waking.after_commit(session)


DROP = text("""
    UPDATE deliveries d SET state = v.state, problem = v.problem, reason = v.reason, next_try = NULL,
        updated_at = now(), version = d.version + 1
    FROM json_to_recordset(CAST(:rows AS json)) AS v(id uuid, state text, problem text, reason text)
    WHERE d.id = v.id
    RETURNING d.id, d.version, d.network_id, d.person_id, d.channel, d.topic, d.state, d.attempts, d.because_of,
        d.correlation, d.traceparent
""").bindparams(bindparam("rows", type_=Text))


async def drop(session: AsyncSession, over: Sequence[tuple[UUID, Unsendable]], now: datetime) -> None:
    """Settles entries that cannot be told any more; the digest goes without them."""
    if over:
        rows = [{"id": id_, "state": why.state, "problem": why.problem, "reason": why.reason} for id_, why in over]
        await tell(session, (await session.execute(DROP, {"rows": _json(rows)})).all(), now)


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return orjson.dumps(rows, default=str).decode()


async def _make(session: AsyncSession, readers: Sequence[Row[Any]], now: datetime) -> dict[UUID, UUID]:
    """By digest, its person."""
    digests = [
        {
            "id": uuid7(),
            "network_id": row.network_id if row.networks == 1 else None,
            "person_id": row.person_id,
            "key": rules.key(row.person_id, row.at),
            "because_of": row.because_of,
        }
        for row in readers
    ]
    if not digests:
        return {}
    found = await session.execute(MAKE, {"digests": _json(digests), "topic": DIGEST.code, "now": now})
    return {row.id: row.person_id for row in found}


# --- what waits follows its person's wishes --------------------------------------------------------------------------

WAITING = text("""
    SELECT id, person_id, network_id, topic, parameters, problem, next_try, in_inbox, digest_id FROM deliveries
    WHERE person_id = ANY(:people) AND state = 'queued' AND channel = 'email' AND topic <> :digest
    ORDER BY id FOR UPDATE
""").columns(parameters=JSONB, problem=deliveries.c.problem.type)
MOVE = (
    text("""
    UPDATE deliveries d SET state = v.state, problem = v.problem, waits_until = v.waits_until, in_inbox = v.in_inbox,
        digest_id = NULL, next_try = CASE WHEN v.state = 'queued' AND v.waits_until IS NULL THEN now() END,
        updated_at = now(), version = d.version + 1
    FROM json_to_recordset(CAST(:rows AS json))
        AS v(id uuid, state text, problem text, waits_until timestamptz, in_inbox boolean)
    WHERE d.id = v.id
    RETURNING d.id, d.version, d.network_id, d.person_id, d.channel, d.topic, d.state, d.attempts, d.because_of,
        d.correlation, d.traceparent
""")
    .bindparams(bindparam("rows", type_=Text))
    .columns(state=deliveries.c.state.type)
)


async def move(session: AsyncSession, people: Iterable[UUID], now: datetime) -> None:
    """What is not sent yet follows what these people want now: it waits until another time, goes at once, or not at
    all. What a sender has in its hands goes out."""
    wanted = sorted(set(people))
    waiting = (await session.execute(WAITING, {"people": wanted, "digest": DIGEST.code})).all()
    wishes = await preferences.wishes(session, wanted) if waiting else {}
    rows = []
    for row in waiting:
        handling = handled(wishes.get(row.person_id, NONE), TOPICS[row.topic], row.network_id, row.parameters, now)
        if not _stays(row, handling):
            rows.append(_moved(row, handling))
    if not rows:
        return
    moved = (await session.execute(MOVE, {"rows": _json(rows)})).all()
    await tell(session, (row for row in moved if row.state is State.SUPPRESSED), now)
    await schedule(session, (row["waits_until"] for row in rows))
    waking.after_commit(session)


def _stays(row: Row[Any], handling: Handling) -> bool:
    """What is in a digest that is being sent, or under way by itself, stays there unless it is not wanted at all."""
    return (row.digest_id or row.next_try) is not None and handling.problem is not Problem.NOT_WANTED


def _moved(row: Row[Any], handling: Handling) -> dict[str, Any]:
    unwanted = handling.problem is Problem.NOT_WANTED
    return {
        "id": row.id,
        "state": State.SUPPRESSED if unwanted else State.QUEUED,
        "problem": handling.problem,
        "waits_until": handling.waits_until,
        "in_inbox": handling.in_inbox,
    }
