"""Idempotency-Key: the same request sent again is answered again, not done again.

The key is claimed by an insert at the start of the command's own transaction. A second request with the same key
waits on the unique index until the first has ended: it then finds the answer, or, if the first was rolled back, does
the work.
Kept for a week (`purge`); unique per (actor, key).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, LargeBinary, SmallInteger, Table, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.runtime.database import sqlstate
from shared.runtime.problems import idempotency_in_progress, idempotency_reused
from shared.runtime.tables import metadata

KEPT = timedelta(days=7)
LOCK_NOT_AVAILABLE = "55P03"

answers = Table(
    "idempotency",
    metadata,
    Column("actor_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger),
    Column("headers", JSONB),
    Column("body", LargeBinary),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Index("idempotency_recorded_at", "recorded_at"),
)

CLAIM = text(
    "insert into idempotency (actor_id, key, fingerprint) values (:actor, :key, :fingerprint)"
    " on conflict do nothing returning true"
)
FIND = text("select fingerprint, status, headers, body from idempotency where actor_id = :actor and key = :key")
STORE = text(
    "update idempotency set status = :status, headers = :headers, body = :body where actor_id = :actor and key = :key"
).bindparams(bindparam("headers", type_=JSONB))
FORGET = text("delete from idempotency where position(:needle in body) > 0").bindparams(
    bindparam("needle", type_=LargeBinary)
)
FORGET_WORDS = text("delete from idempotency where convert_from(body, 'UTF8') ~* :expression")
PURGE = text("delete from idempotency where recorded_at < :before")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


async def claim(session: AsyncSession, actor: UUID, key: str, fingerprint: bytes) -> Answer | None:
    """The answer given before, or None: the key is ours until the transaction ends. Raises problems 409 and 422."""
    values = {"actor": actor, "key": key}
    try:
        claimed = (await session.execute(CLAIM, {**values, "fingerprint": fingerprint})).scalar()
    except DBAPIError as error:
        if sqlstate(error) == LOCK_NOT_AVAILABLE:
            raise idempotency_in_progress() from error
        raise
    if claimed:
        return None
    found: Any = (await session.execute(FIND, values)).one()
    if bytes(found.fingerprint) != fingerprint:
        raise idempotency_reused()
    return Answer(found.status, found.headers, bytes(found.body))


async def store(session: AsyncSession, actor: UUID, key: str, answer: Answer) -> None:
    await session.execute(
        STORE, {"actor": actor, "key": key, "status": answer.status, "headers": answer.headers, "body": answer.body}
    )


async def forget(session: AsyncSession, subject: UUID) -> None:
    """Part of an erasure: drops the answers that name the subject. Reads a week's answers; erasures are rare."""
    await session.execute(FORGET, {"needle": str(subject).encode()})


async def forget_words(session: AsyncSession, expression: str) -> None:
    """Drops the answers whose text holds what the regular expression of PostgreSQL finds; none when it is empty."""
    if expression:
        await session.execute(FORGET_WORDS, {"expression": expression})


async def purge(session: AsyncSession, now: datetime) -> None:
    """Forgets the answers of more than a week ago (wall time)."""
    await session.execute(PURGE, {"before": now - KEPT})
