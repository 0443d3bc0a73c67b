"""The background worker that reads uploaded lists of places and takes their rows, one batch and one transaction at a
time.

Every process of mapping may run one: a job is claimed with a lease. Reading and checking happen in a thread, so that
HTTP goes on in the same process. Memory holds the file and a batch, whatever its rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, islice
from uuid import UUID

from services.mapping.imports import commands, rules, texts
from services.mapping.imports.commands import Job
from services.mapping.imports.rules import Entry, Layout, Refused
from services.mapping.places.rules import Kind
from shared import sheets, territories
from shared.messaging import caused_by
from shared.runtime import jobs as working
from shared.runtime.context import Context
from shared.sheets import Correction, Sheet, Unreadable, below

BATCH = 500
KIND = "place_imports"

Batch = list[Entry | Refused]


async def run(context: Context) -> None:
    """Works off imports until cancelled; one that fails again and again is given up."""
    await working.work_off(context, KIND, _one)


def wake(context: Context) -> None:
    """An import was committed in this process: its worker need not wait for its next look."""
    working.wake(context, KIND)


async def _one(context: Context, me: UUID) -> bool:
    """Claims a job and brings it to its end; False when there was none."""
    async with context.database.sessions.begin() as session:
        job = await commands.claim(session, me)
    if job is None:
        return False
    reason: str | None = None
    ended = True
    try:
        ended = await _work(context, me, job)
    except Unreadable as problem:
        reason = sheets.why_unreadable(problem.reason, problem.values, job.language, texts.FIELDS)
    except BaseException:
        await asyncio.shield(_release(context, me, job))
        raise
    now = context.clock.now()
    with caused_by(job.cause(now)):
        async with context.database.sessions.begin() as session:
            if reason is not None:
                await commands.fail(session, job, me, reason, now)
            elif ended:
                await commands.finish(session, job, me, now)
            else:
                await commands.ask(session, job, me, now)
    context.wake()
    return True


async def _release(context: Context, me: UUID, job: Job) -> None:
    async with context.database.sessions.begin() as session:
        await commands.release(session, job, me)


async def _work(context: Context, me: UUID, job: Job) -> bool:
    """True when the job has come to its end, False when it waits for somebody to say what the file's columns mean."""
    if job.attempts > commands.MOST_ATTEMPTS:
        raise Unreadable("internal")
    if job.undoing:
        return await _undo(context, me, job)
    async with context.database.sessions() as session:
        content = await commands.content_of(session, job)
    table = await asyncio.to_thread(Table.opened, content, job.correction)
    try:
        async with context.database.sessions.begin() as session:
            await commands.begin(session, job, me, table.found(), table.total)
        if table.layout.missing:
            return False
        batches = table.batches(job.line, job.options.kind)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            await working.step(context, job.cause, partial(commands.advance, job=job, worker=me, batch=batch))
    finally:
        table.close()
    return True


async def _undo(context: Context, me: UUID, job: Job) -> bool:
    line = job.line
    while True:
        async with context.database.sessions() as session:
            batch = await commands.written(session, job, line, BATCH)
        if not batch:
            return True
        await working.step(context, job.cause, partial(commands.take_back, job=job, worker=me, batch=batch))
        line = batch[-1].line


@dataclass
class Table:
    """An uploaded file, understood: where its rows are and what its columns mean. Used in threads."""

    sheet: Sheet
    correction: Correction
    layout: Layout
    total: int

    @classmethod
    def opened(cls, content: bytes, correction: Correction) -> Table:
        """Reads the whole file once. Raises Unreadable for whatever is wrong with it as a whole."""
        sheet = sheets.opened(content)
        try:
            layout, total = _surveyed(sheet, correction)
        except BaseException:
            sheet.close()
            raise
        return cls(sheet, correction, layout, total)

    def batches(self, after: int, kind: Kind | None) -> Generator[Batch, None, None]:
        """Rows below the line `after`, read and healed."""
        italy = territories.load()
        batch: Batch = []
        for record in below(self.sheet.records(), self.layout.header):
            if record.line <= after:
                continue
            batch.append(rules.read(record, self.layout.header, italy, kind, self.layout.constants))
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def found(self) -> dict[str, object]:
        """What to show of it: kind, encoding, delimiter, the column that each field is read from, every column with
        examples and what it is taken for, and the fields that nobody has found."""
        header = self.layout.header
        table = sheets.described(header, self.layout.body, header.columns, rules.WORDS, self.correction.chosen)
        return {
            **asdict(self.sheet.form),
            "header_line": header.line,
            "columns": header.names,
            "table": [column._asdict() for column in table],
            "missing": list(self.layout.missing),
        }

    def close(self) -> None:
        self.sheet.close()


def _surveyed(sheet: Sheet, correction: Correction) -> tuple[Layout, int]:
    """The layout and the number of rows. Raises Unreadable."""
    records = sheet.records()
    sample = list(islice(records, sheets.SAMPLE))
    layout = rules.layout_of(sample, correction)
    return layout, sheets.counted(chain(sample, records), layout.header)
