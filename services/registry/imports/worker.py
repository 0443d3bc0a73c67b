"""The background worker that reads uploaded files and takes their rows, one batch and one transaction at a time.

Every process of the registry may run one: a job is claimed with a lease. Reading and checking happen in a thread, a
batch ahead of the database, so that HTTP goes on in the same process. Memory holds the file and two batches, whatever
its rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, islice
from typing import Any
from uuid import UUID

from services.registry.imports import jobs, texts
from services.registry.imports.kinds import KINDS, Kind
from services.registry.imports.model import Job, Layout
from shared import sheets, territories
from shared.messaging import caused_by
from shared.runtime import jobs as working
from shared.runtime.context import Context
from shared.sheets import AS_IT_IS, Correction, Sheet, Unreadable, below

BATCH: int | None = None
"""Rows of a transaction, instead of what each kind of import says."""
KIND = "imports"

Batch = list[Any]


async def run(context: Context) -> None:
    """Works off imports until cancelled; one that fails again and again is given up."""
    await working.work_off(context, KIND, _one)


def wake(context: Context) -> None:
    """An import was committed in this process: its worker need not wait for its next look."""
    working.wake(context, KIND)


async def _one(context: Context, me: UUID) -> bool:
    """Claims a job and brings it to its end; False when there was none."""
    async with context.database.sessions.begin() as session:
        job = await jobs.claim(session, me)
    if job is None:
        return False
    try:
        ended = await _work(context, me, job)
    except Unreadable as problem:
        reason, now = texts.why_unreadable(problem.reason, problem.values, job.language), context.clock.now()
        with caused_by(job.cause(now)):
            async with context.database.sessions.begin() as session:
                await jobs.fail(session, job, me, reason, now)
    except BaseException:
        await asyncio.shield(_release(context, me, job))
        raise
    else:
        end = jobs.finish if ended else jobs.ask
        now = context.clock.now()
        with caused_by(job.cause(now)):
            async with context.database.sessions.begin() as session:
                await end(session, job, me, now)
    context.wake()
    return True


async def _release(context: Context, me: UUID, job: Job) -> None:
    async with context.database.sessions.begin() as session:
        await jobs.release(session, job, me)


async def _work(context: Context, me: UUID, job: Job) -> bool:
    """True when the job has come to its end, False when it waits for somebody to say what the file's columns mean."""
    if job.attempts > jobs.MOST_ATTEMPTS:
        raise Unreadable("internal")
    if job.undoing:
        return await _undo(context, me, job)
    async with _batches(context, me, job) as batches:
        if batches is None:
            return False
        async for batch in batches:
            await working.step(context, job.cause, partial(jobs.advance, job=job, worker=me, batch=batch))
    return True


async def _undo(context: Context, me: UUID, job: Job) -> bool:
    line = job.line
    while True:
        async with context.database.sessions() as session:
            batch = await jobs.written(session, job, line, BATCH or KINDS[job.of].batch)
        if not batch:
            return True
        await working.step(context, job.cause, partial(jobs.take_back, job=job, worker=me, batch=batch))
        line = batch[-1][0]


@asynccontextmanager
async def _batches(context: Context, me: UUID, job: Job) -> AsyncIterator[AsyncIterator[Batch] | None]:
    """The batches that are still to be taken, from the preview's rows or from the file; None when nobody can say yet
    what its columns mean."""
    if job.staged:
        async with aclosing(_staged(context, job)) as staged:
            yield staged
        return
    async with context.database.sessions() as session:
        content = await jobs.content_of(session, job)
    kind = KINDS[job.of]
    table = await asyncio.to_thread(Table.opened, content, kind, job.correction)
    try:
        async with context.database.sessions.begin() as session:
            await jobs.begin(session, job, me, table.found(), table.total)
        if table.layout.missing:
            yield None
            return
        async with aclosing(_ahead(table.batches(job.line, BATCH or kind.batch))) as read:
            yield read
    finally:
        table.close()


async def _staged(context: Context, job: Job) -> AsyncGenerator[Batch, None]:
    line = job.line
    while True:
        async with context.database.sessions() as session:
            batch = await jobs.staged_batch(session, job, line, BATCH or KINDS[job.of].batch)
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
    kind: Kind
    correction: Correction
    layout: Layout
    total: int

    @classmethod
    def opened(cls, content: bytes, kind: Kind = KINDS["organisations"], correction: Correction = AS_IT_IS) -> Table:
        """Reads the whole file once. Raises Unreadable for whatever is wrong with it as a whole."""
        sheet = sheets.opened(content)
        try:
            layout, total = _surveyed(sheet, kind, correction)
        except BaseException:
            sheet.close()
            raise
        return cls(sheet, kind, correction, layout, total)

    def batches(self, after: int, size: int) -> Generator[Batch, None, None]:
        """Rows below the line `after`, read and healed."""
        places = territories.load()
        batch: Batch = []
        for record in below(self.sheet.records(), self.layout.header):
            if record.line <= after:
                continue
            batch.append(self.kind.read(record, self.layout, places))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def found(self) -> dict[str, object]:
        """What to show of it: kind, encoding, delimiter, the column that each field is read from, every column with
        examples and what it is taken for, and the fields that nobody has found."""
        header = self.layout.header
        table = sheets.described(header, self.layout.body, self.layout.columns, self.kind.words, self.correction.chosen)
        return {
            **asdict(self.sheet.form),
            "header_line": header.line,
            "columns": header.names,
            "table": [column._asdict() for column in table],
            "missing": list(self.layout.missing),
        }

    def close(self) -> None:
        self.sheet.close()


def _surveyed(sheet: Sheet, kind: Kind, correction: Correction) -> tuple[Layout, int]:
    """The layout and the number of rows, after reading the whole table once: what is wrong with it as a whole comes out
    before a row is taken. Raises Unreadable."""
    records = sheet.records()
    sample = list(islice(records, sheets.SAMPLE))
    layout = kind.layout_of(sample, territories.load(), correction)
    return layout, sheets.counted(chain(sample, records), layout.header)
