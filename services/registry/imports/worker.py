"""The background worker that reads uploaded files and takes their rows, one batch and one transaction at a time.

Every process of the registry may run one: a job is claimed with a lease. Reading and checking happen in a thread, a
batch ahead of the database, so that HTTP goes on in the same process. Memory holds the file and two batches, whatever
its rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import structlog
from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from services.registry.imports import commands, rules, texts
from services.registry.imports.commands import Job, Lost
from services.registry.imports.rules import Entry, Layout, Refused
from shared import sheets, territories
from shared.messaging import caused_by
from shared.runtime.context import Context
from shared.runtime.database import away, sqlstate
from shared.sheets import Sheet, Unreadable, below

BATCH = 1_000
IDLE = 0.3  # seconds between looks at the table when nothing is to be done
PAUSE = 2.0  # seconds after a failure
CROSSED = {"23505", "40P01", "40001", "55P03"}  # another transaction was quicker: the batch is decided anew

log = structlog.get_logger(__name__)
Batch = list[Entry | Refused]


async def run(context: Context) -> None:
    """Works off imports until cancelled. A failing job is tried again, and given up after a few attempts; a database
    that is away is waited for."""
    me = uuid7()
    while True:
        try:
            busy = await _one(context, me)
        except Lost:
            log.warning("import.taken_over")
            continue
        except Exception as problem:
            log.exception("import.failed_step", away=away(problem))
            await asyncio.sleep(PAUSE)
            continue
        if not busy:
            await _news(context)


def wake(context: Context) -> None:
    """A job was committed in this process: its worker need not wait for its next look."""
    _bell(context).set()


async def _news(context: Context) -> None:
    bell = _bell(context)
    with suppress(TimeoutError):
        async with asyncio.timeout(IDLE):
            await bell.wait()
    bell.clear()


def _bell(context: Context) -> asyncio.Event:
    bell: asyncio.Event = context.state.setdefault("imports", asyncio.Event())
    return bell


async def _one(context: Context, me: UUID) -> bool:
    """Claims a job and brings it to its end; False when there was none."""
    async with context.database.sessions.begin() as session:
        job = await commands.claim(session, me)
    if job is None:
        return False
    try:
        await _work(context, me, job)
    except Unreadable as problem:
        reason, now = texts.why_unreadable(problem.reason, problem.values, job.language), context.clock.now()
        with caused_by(job.cause(now)):
            async with context.database.sessions.begin() as session:
                await commands.fail(session, job, me, reason, now)
    except BaseException:
        await asyncio.shield(_release(context, me, job))
        raise
    else:
        now = context.clock.now()
        with caused_by(job.cause(now)):
            async with context.database.sessions.begin() as session:
                await commands.finish(session, job, me, now)
    context.wake()
    return True


async def _release(context: Context, me: UUID, job: Job) -> None:
    async with context.database.sessions.begin() as session:
        await commands.release(session, job, me)


async def _work(context: Context, me: UUID, job: Job) -> None:
    if job.attempts > commands.MOST_ATTEMPTS:
        raise Unreadable("internal")
    async with _batches(context, me, job) as batches:
        async for batch in batches:
            await _advance(context, me, job, batch, context.clock.now())
            context.wake()


async def _advance(context: Context, me: UUID, job: Job, batch: Batch, now: datetime) -> None:
    for attempt in range(5):
        try:
            with caused_by(job.cause(now)):
                async with context.database.sessions.begin() as session:
                    await commands.advance(session, job, me, batch, now)
        except (DBAPIError, PostgresError) as problem:  # the latter from COPY, which goes past SQLAlchemy
            if sqlstate(problem) not in CROSSED or attempt == 4:
                raise
        else:
            return


@asynccontextmanager
async def _batches(context: Context, me: UUID, job: Job) -> AsyncIterator[AsyncIterator[Batch]]:
    """The batches that are still to be taken, from the preview's rows or from the file."""
    if job.staged:
        async with aclosing(_staged(context, job)) as staged:
            yield staged
        return
    async with context.database.sessions() as session:
        content = await commands.content_of(session, job)
    table = await asyncio.to_thread(Table.opened, content)
    try:
        async with context.database.sessions.begin() as session:
            await commands.begin(session, job, me, table.found(), table.total)
        async with aclosing(_ahead(table.batches(job.line))) as read:
            yield read
    finally:
        table.close()


async def _staged(context: Context, job: Job) -> AsyncGenerator[Batch, None]:
    line = job.line
    while True:
        async with context.database.sessions() as session:
            batch = await commands.staged_batch(session, job, line, BATCH)
        if not batch:
            return
        yield batch
        line = batch[-1].line


async def _ahead(batches: Generator[Batch, None, None]) -> AsyncGenerator[Batch, None]:
    """Batches made in a thread, the next one while the last is being written."""
    coming = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
    try:
        while (batch := await asyncio.shield(coming)) is not None:
            coming = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
            yield batch
    finally:
        await asyncio.wait([coming])  # the thread reads from what is about to be closed
        batches.close()


@dataclass
class Table:
    """An uploaded file, understood: where its rows are and what its columns mean. Used in threads."""

    sheet: Sheet
    layout: Layout
    total: int

    @classmethod
    def opened(cls, content: bytes) -> Table:
        """Reads the whole file once. Raises Unreadable for whatever is wrong with it as a whole."""
        sheet = sheets.opened(content)
        try:
            layout, total = rules.surveyed(sheet.records(), territories.load())
        except BaseException:
            sheet.close()
            raise
        return cls(sheet, layout, total)

    def batches(self, after: int) -> Generator[Batch, None, None]:
        """Rows below the line `after`, read and healed."""
        places = territories.load()
        batch: Batch = []
        for record in below(self.sheet.records(), self.layout.header):
            if record.line <= after:
                continue
            batch.append(rules.read(record, self.layout, places))
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def found(self) -> dict[str, object]:
        """What to show of it: kind, encoding, delimiter, and the column that each field is read from."""
        header = self.layout.header
        return {**asdict(self.sheet.form), "header_line": header.line, "columns": header.names}

    def close(self) -> None:
        self.sheet.close()
