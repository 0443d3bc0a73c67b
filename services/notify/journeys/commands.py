"""Keeping what was told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.journeys.rules import bodies_of, confidential, recorded_at, territories_of
from services.notify.journeys.tables import told
from shared.contracts.envelope import Fact
from shared.messaging import Received

COLUMNS = ", ".join(str(column.name) for column in told.c)
KEEP = text(
    f"""
    WITH kept AS (
        INSERT INTO told ({COLUMNS})
        SELECT {COLUMNS} FROM json_populate_recordset(CAST(NULL AS told), CAST(:rows AS json))
        ON CONFLICT (id) DO NOTHING
        RETURNING id, correlation, network_id, occurred_at
    )
    INSERT INTO acts (correlation, network_id, first_id, began_at, last_at, facts)
    SELECT correlation, network_id, (array_agg(id ORDER BY id))[1], min(occurred_at), max(occurred_at), count(*)
    FROM kept WHERE network_id IS NOT NULL GROUP BY correlation, network_id ORDER BY correlation, network_id
    ON CONFLICT (correlation, network_id) DO UPDATE SET
        first_id = least(acts.first_id, excluded.first_id),
        began_at = least(acts.began_at, excluded.began_at),
        last_at = greatest(acts.last_at, excluded.last_at),
        facts = acts.facts + excluded.facts
    """  # noqa: S608 (our own columns)
).bindparams(bindparam("rows", type_=Text))
"""One document for all rows, so one statement for any number; what is there already counts for nothing."""


async def keep(session: AsyncSession, facts: Sequence[Received[Fact]]) -> None:
    """Facts of the other services, each once, whoever hands them in. One statement; rows in the order of their ids, so
    that two who keep the same ones do not lock each other."""
    if facts:
        rows = [_row(received) for received in sorted(facts, key=lambda received: received.fact_id)]
        await session.execute(KEEP, {"rows": orjson.dumps(rows).decode()})


def _row(received: Received[Fact]) -> dict[str, Any]:
    fact = received.fact
    hidden = confidential(type(fact))
    return {
        "id": received.fact_id,
        "service": fact.service(),
        "type": fact.name,
        "subject": fact.subject,
        "aggregate_id": fact.id,
        "generation": received.generation,
        "version": fact.version,
        "network_id": fact.network_id,
        "correlation": received.cause.correlation or received.fact_id,
        "causation": received.because_of,
        "occurred_at": received.occurred_at,
        "recorded_at": recorded_at(received.fact_id, received.occurred_at),
        "bodies": [] if hidden else bodies_of(fact),
        "territories": [] if hidden else territories_of(fact),
        "body": None if hidden else fact.model_dump(),
    }
