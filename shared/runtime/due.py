"""What becomes due at an instant of the domain clock: the only way in which time becomes facts.

`schedule` and `cancel` take the caller's session, so that what is due is committed with what caused it. The loop
deletes the rows that are due and calls the handler in one transaction: a crash before the commit leaves them due, a
commit means that they are done. A row that fails is tried alone and put off (1 s, doubling up to an hour of wall time);
it holds no other back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Column, DateTime, Index, SmallInteger, Table, Text, Uuid, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.runtime.clock import Clock, wall
from shared.runtime.database import Database, away
from shared.runtime.logs import without_values
from shared.runtime.tables import metadata

BATCH = 500
LONGEST = timedelta(hours=1)

Handler = Callable[[AsyncSession, Sequence[UUID], datetime], Awaitable[None]]
"""Called with the ids that are due, in order of their instants, and `now`."""

due = Table(
    "due",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("retry_at", DateTime(timezone=True)),
    Column("error", Text),
    Index("due_at", "at"),
)

SCHEDULE = text(
    "insert into due (kind, subject_id, at) values (:kind, :subject_id, :at)"
    " on conflict (kind, subject_id) do update set at = excluded.at, attempts = 0, retry_at = null, error = null"
)
CANCEL = text("delete from due where kind = :kind and subject_id = :subject_id")
TAKE = text(
    "with taken as (select kind, subject_id from due where kind = :kind and at <= :now"
    " and (retry_at is null or retry_at <= :wall) order by at, subject_id limit :limit for update skip locked)"
    " delete from due using taken where due.kind = taken.kind and due.subject_id = taken.subject_id"
    " returning due.subject_id, due.at"
)
CANDIDATES = text(
    "select subject_id from due where kind = :kind and at <= :now and (retry_at is null or retry_at <= :wall)"
    " order by at, subject_id limit :limit"
)
TAKE_ONE = text(
    "delete from due where kind = :kind and subject_id = (select subject_id from due where kind = :kind"
    " and subject_id = :subject_id and at <= :now for update skip locked) returning subject_id"
)
PUT_OFF = text(
    "update due set attempts = attempts + 1, error = :error,"
    " retry_at = cast(:wall as timestamptz) + least(interval '1 second' * power(2, attempts), :longest)"
    " where kind = :kind and subject_id = :subject_id"
)
WAITING = text("select distinct kind from due where at <= :now and (retry_at is null or retry_at <= :wall)")
OVERDUE = text("select count(*) from due where at <= :now")


async def schedule(session: AsyncSession, kind: str, subject_id: UUID, at: datetime) -> None:
    """`kind` falls due for the subject at that instant; an earlier schedule of the same is replaced."""
    await session.execute(SCHEDULE, {"kind": kind, "subject_id": subject_id, "at": at})


async def schedule_many(session: AsyncSession, kind: str, at: Iterable[tuple[UUID, datetime]]) -> None:
    rows = [{"kind": kind, "subject_id": subject, "at": instant} for subject, instant in at]
    if rows:
        await session.execute(SCHEDULE, rows)


async def cancel(session: AsyncSession, kind: str, subject_id: UUID) -> None:
    await session.execute(CANCEL, {"kind": kind, "subject_id": subject_id})


async def overdue(session: AsyncSession, now: datetime) -> int:
    """How many are due and not done, those that failed included."""
    return int((await session.execute(OVERDUE, {"now": now})).scalar_one())


class DueLoop:
    """Runs the handlers of a service; several processes may run it at once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        handlers: Mapping[str, Handler],
        *,
        poll: float = 0.5,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self.database, self.clock, self.handlers, self.poll, self.done = database, clock, dict(handlers), poll, done
        self.idle = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        self.log = structlog.get_logger("due")

    async def run(self) -> None:
        """Until cancelled. While the database is away it waits; nothing is lost, all of it stays due."""
        while True:
            try:
                busy = await self.turn()
            except Exception as error:
                if not away(error):
                    raise
                self.log.warning("database_away", error=type(error).__name__)
                busy = False
            if not busy:
                await asyncio.sleep(self.poll)

    async def turn(self) -> bool:
        """One batch of every kind that has something due; True when something was done, so that more may be waiting."""
        busy = False
        waiting = await self._waiting()
        for kind in [kind for kind in self.handlers if kind in waiting]:
            busy |= await self._kind(kind, self.handlers[kind])
        return busy

    async def _waiting(self) -> set[str]:
        """One statement without a transaction: most polls find nothing, and a service has a dozen kinds."""
        async with self.idle.connect() as connection:
            asked = {"now": self.clock.now(), "wall": wall()}
            return set((await connection.execute(WAITING, asked)).scalars())

    async def _kind(self, kind: str, handler: Handler) -> bool:
        try:
            count = await self._batch(kind, handler)
        except Exception as error:
            if away(error):
                raise
            self.log.warning("due_batch_failed", kind=kind, error=repr(error))
            count = await self._one_by_one(kind, handler)
        if count:
            self.done()
        return count > 0

    async def _batch(self, kind: str, handler: Handler) -> int:
        now = self.clock.now()
        async with self.database.sessions.begin() as session:
            asked = {"kind": kind, "now": now, "wall": wall(), "limit": BATCH}
            taken = (await session.execute(TAKE, asked)).all()
            if taken:
                ids = [row.subject_id for row in sorted(taken, key=lambda row: (row.at, row.subject_id))]
                await handler(session, ids, now)
        return len(taken)

    async def _one_by_one(self, kind: str, handler: Handler) -> int:
        now = self.clock.now()
        async with self.database.sessions() as session:
            asked = {"kind": kind, "now": now, "wall": wall(), "limit": BATCH}
            ids: Sequence[UUID] = (await session.execute(CANDIDATES, asked)).scalars().all()
        done = 0
        for subject_id in ids:
            done += await self._one(kind, subject_id, handler, now)
        return done

    async def _one(self, kind: str, subject_id: UUID, handler: Handler, now: datetime) -> bool:
        which = {"kind": kind, "subject_id": subject_id}
        try:
            async with self.database.sessions.begin() as session:
                if (await session.execute(TAKE_ONE, {**which, "now": now})).first() is None:
                    return False
                await handler(session, [subject_id], now)
        except Exception as error:
            if away(error):
                raise
            self.log.exception("due_failed", kind=kind, subject=str(subject_id))
            reason = without_values(f"{type(error).__name__}: {error}")[:1000]
            async with self.database.sessions.begin() as session:
                await session.execute(PUT_OFF, {**which, "error": reason, "wall": wall(), "longest": LONGEST})
            return False
        return True
