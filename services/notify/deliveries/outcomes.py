"""What came of claimed deliveries, written set-based, with the facts that tell it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.rules import State, Verdict
from shared.contracts.notify import DeliveryBounced, DeliveryFailed, DeliverySent, DeliveryState, DeliverySuppressed
from shared.messaging import Cause, caused_by, stage

FACTS: dict[str, type[DeliveryState]] = {
    State.SENT: DeliverySent,
    State.FAILED: DeliveryFailed,
    State.BOUNCED: DeliveryBounced,
    State.SUPPRESSED: DeliverySuppressed,
}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that one sender has for the time of its lease; `attempts` counts the one about to be made."""

    id: UUID
    network_id: UUID | None
    person_id: UUID | None
    channel: str
    topic: str
    parameters: dict[str, Any]
    because_of: UUID
    correlation: UUID | None
    traceparent: str | None
    attempts: int
    first_try: datetime

    @classmethod
    def of(cls, row: Any) -> Claimed:
        """As it would be claimed: of a row of `deliveries`, to be written and not sent."""
        return cls(**{one.name: getattr(row, one.name) for one in fields(cls)})


@dataclass(frozen=True, slots=True)
class Settled:
    """What a claimed delivery is left with; `untried` takes the claim's attempt back."""

    delivery: Claimed
    verdict: Verdict
    reason: str | None = None
    at: datetime | None = None
    untried: bool = False


RECORD = text("""
    UPDATE deliveries d SET state = v.state, problem = v.problem, reason = v.reason,
        next_try = CASE v.state WHEN 'queued' THEN coalesce(v.next_try, now()) END,
        sent_at = CASE v.state WHEN 'sent' THEN v.at END,
        attempts = d.attempts - v.untried,
        first_try = CASE WHEN d.attempts > v.untried THEN d.first_try END,
        parameters = CASE v.problem WHEN 'person-erased' THEN '{}' ELSE d.parameters END,
        lease_until = NULL, updated_at = now(), version = d.version + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[]), CAST(:states AS text[]),
        CAST(:problems AS text[]), CAST(:reasons AS text[]), CAST(:next_tries AS timestamptz[]),
        CAST(:ats AS timestamptz[]), CAST(:untried AS int[]))
        AS v(id, attempts, state, problem, reason, next_try, at, untried)
    WHERE d.id = v.id AND d.state = 'sending' AND d.attempts = v.attempts
    RETURNING d.id, d.version, d.network_id, d.person_id, d.channel, d.topic, d.state, d.attempts, d.because_of,
        d.correlation, d.traceparent
""")


async def record(session: AsyncSession, settled: Sequence[Settled], now: datetime) -> bool:
    """True when a fact was staged. A row that another sender has claimed since (our lease ran out) is left to it: the
    journal has told it what happened."""
    if not settled:
        return False
    rows = await session.execute(
        RECORD,
        {
            "ids": [s.delivery.id for s in settled],
            "attempts": [s.delivery.attempts for s in settled],
            "states": [str(s.verdict.state) for s in settled],
            "problems": [s.verdict.problem and str(s.verdict.problem) for s in settled],
            "reasons": [s.reason for s in settled],
            "next_tries": [s.verdict.next_try for s in settled],
            "ats": [s.at for s in settled],
            "untried": [int(s.untried) for s in settled],
        },
    )
    return await tell(session, rows, now)


SETTLE_NOTED = text("""
    UPDATE deliveries d SET state = 'sent', problem = NULL, reason = a.reason, next_try = NULL, sent_at = a.at,
        lease_until = NULL, updated_at = now(), version = d.version + 1
    FROM attempts a
    WHERE a.delivery_id = d.id AND a.outcome = 'accepted' AND d.state = 'sending' AND d.lease_until <= now()
    RETURNING d.id, d.version, d.network_id, d.person_id, d.channel, d.topic, d.state, d.attempts, d.because_of,
        d.correlation, d.traceparent
""")
RELEASE = text("""
    UPDATE deliveries SET state = 'queued', next_try = now(), lease_until = NULL, updated_at = now(),
        version = version + 1
    WHERE state = 'sending' AND lease_until <= now()
""")


async def settle_noted(session: AsyncSession, now: datetime) -> bool:
    """After a sender died: what the relay had accepted is sent, the rest is due again. True when a fact was staged."""
    told = await tell(session, await session.execute(SETTLE_NOTED), now)
    await session.execute(RELEASE)
    return told


ENTRIES = text("""
    UPDATE deliveries e SET state = d.state, problem = d.problem, reason = d.reason, next_try = NULL,
        sent_at = d.sent_at, updated_at = now(), version = e.version + 1
    FROM deliveries d
    WHERE e.digest_id = d.id AND d.id = ANY(:digests) AND e.state <> d.state
        AND e.state IN ('queued', 'failed', 'bounced', 'sent')
    RETURNING e.id, e.version, e.network_id, e.person_id, e.channel, e.topic, e.state, e.attempts, e.because_of,
        e.correlation, e.traceparent
""")


async def tell(session: AsyncSession, rows: Iterable[Row[Any]], now: datetime) -> bool:
    """Stages the facts of settled deliveries, each in the chain of what caused it; true when there was one. What went
    in a digest has become of it what has become of the digest."""
    told = [row for row in rows if row.state in FACTS]
    digests = [row.id for row in told if row.topic == "digest"]
    if digests:
        told += (await session.execute(ENTRIES, {"digests": digests})).all()
    settled = sorted(told, key=_chain)
    for _, chain in groupby(settled, key=_chain):
        facts = list(chain)
        first = facts[0]
        with caused_by(Cause(first.correlation, first.because_of, first.traceparent, at=now)):
            await stage(session, *(fact_of(row) for row in facts))
    return bool(settled)


def _chain(row: Row[Any]) -> tuple[str, str, str]:
    return str(row.correlation), str(row.because_of), row.traceparent or ""


def fact_of(row: Any) -> DeliveryState:
    """Of a delivery or of its row."""
    return FACTS[row.state](
        id=row.id,
        version=row.version,
        network_id=row.network_id,
        person_id=row.person_id,
        channel=row.channel,
        topic=row.topic,
        state=str(row.state),
        attempts=row.attempts,
        because_of=row.because_of,
    )
