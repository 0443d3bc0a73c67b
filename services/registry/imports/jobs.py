"""The steps by which a job goes on: each one transaction of its caller, the worker.

The job's row is the fence: every step locks it and looks whether the job is still this worker's. The rows of a batch,
the facts about them and the line reached are written together, so a kill between two batches loses and repeats nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.imports import texts
from services.registry.imports.commands import DUE, UNDO_FOR, WAIT_FOR
from services.registry.imports.copying import as_json, copy
from services.registry.imports.kinds import KINDS
from services.registry.imports.model import CREATED, OUTCOMES, REJECTED, UPDATED, Job, Judged, Reason, Refused
from services.registry.imports.tables import import_files, import_rows, imports
from services.registry.people.tables import people
from shared.contracts.registry import ImportFailed, ImportFinished, ImportUndone, RowProblem
from shared.messaging import stage
from shared.runtime.due import schedule
from shared.runtime.jobs import Lost

LEASE = timedelta(seconds=15)  # a batch takes a fraction of a second; after this without news another worker takes over
MOST_ATTEMPTS = 5  # claims without a batch committed in between: then the job is given up
PROBLEMS_IN_FACT = 20


CLAIM = text(
    """update imports set worker = :worker, lease_until = clock_timestamp() + :lease, attempts = attempts + 1
    where id = (select id from imports
                where status in ('running', 'undoing') and (lease_until is null or lease_until < clock_timestamp())
                order by requested_at, id limit 1 for update skip locked)
    returning id, network_id, of, parent_id, requested_by, correlation, language, status, applying, staged, line,
        attempts, chosen, constants, header_line"""
)
FENCE = text("select line from imports where id = :id and worker = :worker and status = :status for update")
PROGRESS = text(
    """update imports set line = :line, done = done + :done, created = created + :created,
    updated = updated + :updated, unchanged = unchanged + :unchanged, rejected = rejected + :rejected,
    attempts = 0, version = version + 1, lease_until = clock_timestamp() + :lease where id = :id"""
)
RELEASE = text("update imports set worker = null, lease_until = null where id = :id and worker = :worker")


async def claim(session: AsyncSession, worker: UUID) -> Job | None:
    """The oldest job that waits, or that a dead worker left behind; it is ours until the lease runs out."""
    row = (await session.execute(CLAIM, {"worker": worker, "lease": LEASE})).mappings().one_or_none()
    return Job(**row) if row else None


async def release(session: AsyncSession, job: Job, worker: UUID) -> None:
    """Lets another worker go on at once, when this one stops in good order."""
    await session.execute(RELEASE, {"id": job.id, "worker": worker})


async def fence(session: AsyncSession, job: Job, worker: UUID) -> int:
    """Locks the job and gives the last line committed; raises Lost when it is not ours any more."""
    asked = {"id": job.id, "worker": worker, "status": job.status}
    line = (await session.execute(FENCE, asked)).scalar_one_or_none()
    if line is None:
        raise Lost(job.id)
    return int(line)


async def content_of(session: AsyncSession, job: Job) -> bytes:
    found = await session.scalar(select(import_files.c.content).where(import_files.c.import_id == job.id))
    return bytes(found or b"")


async def begin(session: AsyncSession, job: Job, worker: UUID, found: dict[str, Any], total: int) -> None:
    """What the file turned out to be: known before its first row is taken."""
    await fence(session, job, worker)
    await session.execute(
        update(imports).where(imports.c.id == job.id).values(found=found, total=total, version=imports.c.version + 1)
    )


async def ask(session: AsyncSession, job: Job, worker: UUID, now: datetime) -> None:
    """The file can be read, but not which column is which: it waits for somebody who knows."""
    await fence(session, job, worker)
    await _end(session, job, now, status="mapping", applying=False)


async def staged_batch(session: AsyncSession, job: Job, after: int, limit: int) -> list[Any]:
    """Rows that a preview has read, as they were read."""
    rows = await session.execute(
        select(import_rows.c.line, import_rows.c.tax_code, import_rows.c.municipality, import_rows.c.content)
        .where(import_rows.c.import_id == job.id, import_rows.c.line > after)
        .order_by(import_rows.c.line)
        .limit(limit)
    )
    entry_of = KINDS[job.of].entry_of
    return [
        entry_of(r.line, r.tax_code, r.municipality, r.content)
        if r.content
        else Refused(r.line, (), r.tax_code, r.municipality)
        for r in rows
    ]


async def advance(session: AsyncSession, job: Job, worker: UUID, batch: Sequence[Any], now: datetime) -> None:
    """One batch: decides about its rows, writes what they change (unless this is a preview), and reports them."""
    await fence(session, job, worker)
    judged = await KINDS[job.of].advance(session, job, batch, now)
    if job.staged:
        await _report_again(session, job, judged)
    else:
        await _report(session, job, judged)
    count = Counter(one.outcome for one in judged)
    figures = {outcome: count[outcome] for outcome in OUTCOMES}
    await session.execute(
        PROGRESS, {"id": job.id, "line": batch[-1].line, "done": len(batch), "lease": LEASE, **figures}
    )


async def finish(session: AsyncSession, job: Job, worker: UUID, now: datetime) -> None:
    """All rows are through: the preview waits for its commit, or the import is done, or undone, and told."""
    await fence(session, job, worker)
    if job.undoing:
        row = await _end(session, job, now, status="undone")
        await stage(session, ImportUndone(**await _told(session, row, **await _taken_back(session, row))))
    elif job.applying:
        row = await _end(session, job, now, status="done", undo_until=now + UNDO_FOR)
        await _forget(session, job)
        await schedule(session, DUE, job.id, now + UNDO_FOR)
        await stage(session, ImportFinished(**await _told(session, row)))
    else:
        await _end(session, job, now, status="previewed")
        await schedule(session, DUE, job.id, now + WAIT_FOR)


async def fail(session: AsyncSession, job: Job, worker: UUID, reason: str, now: datetime) -> None:
    """The file as a whole cannot be taken, or the job was given up. `reason` is a sentence in the requester's language.
    An undoing that was given up can be asked for again, and a correction that fits no file is taken back: a slip of the
    pen must not cost the upload."""
    await fence(session, job, worker)
    if job.undoing:
        await _end(session, job, now, status="done", reason=reason)
        return
    if job.header_line is not None and not job.applying:
        await _end(session, job, now, status="mapping", reason=reason, header_line=None)
        await schedule(session, DUE, job.id, now + WAIT_FOR)
        return
    row = await _end(session, job, now, status="failed", reason=reason)
    await _forget(session, job)
    if job.applying:
        await stage(session, ImportFailed(**await _told(session, row), reason=reason))


async def _forget(session: AsyncSession, job: Job) -> None:
    """The file is not needed any more; nor is what rows and examples said about people."""
    await session.execute(delete(import_files).where(import_files.c.import_id == job.id))
    if KINDS[job.of].personal:
        await session.execute(update(import_rows).where(import_rows.c.import_id == job.id).values(content=None))
        await session.execute(WITHOUT_EXAMPLES, {"id": job.id})


WITHOUT_EXAMPLES = text(
    """update imports set found = jsonb_set(found, '{table}', (
        select coalesce(jsonb_agg(shown || '{"examples": []}' order by place), '[]')
        from jsonb_array_elements(found -> 'table') with ordinality as columns(shown, place)
    )) where id = :id and found is not null"""
)


async def _end(session: AsyncSession, job: Job, now: datetime, **values: Any) -> Any:
    ended = {"worker": None, "lease_until": None, "finished_at": now, "version": imports.c.version + 1}
    statement = update(imports).where(imports.c.id == job.id).values(**ended, **values)
    return (await session.execute(statement.returning(*imports.c))).one()


async def _told(session: AsyncSession, job: Any, **instead: Any) -> dict[str, Any]:
    """The figures and the first problems, without what the cells held: facts carry no free text."""
    refused = await session.execute(
        select(import_rows.c.line, import_rows.c.code)
        .where(import_rows.c.import_id == job.id, import_rows.c.outcome == REJECTED)
        .order_by(import_rows.c.line)
        .limit(PROBLEMS_IN_FACT)
    )
    figures = {outcome: getattr(job, outcome) for outcome in OUTCOMES}
    return {
        "id": job.id,
        "version": job.version,
        "network_id": job.network_id,
        "of": job.of,
        # An operator's token names nobody of the register: then there is no person to tell.
        "requested_by": await session.scalar(select(people.c.id).where(people.c.id == job.requested_by)),
        "file_name": job.file_name,
        "rows": sum(figures.values()),
        **figures,
        "problems": tuple(_problem(line, code, job.language) for line, code in refused),
        **instead,
    }


def _problem(line: int, code: str, language: str) -> RowProblem:
    field, _, name = code.partition(".")
    return RowProblem(line=line, field=field, reason=texts.short(field, name, language))


# --- taking it back --------------------------------------------------------------------------------------------------

UNDONE = text(
    """update import_rows r set undone = n.kept is null, kept = n.kept
    from unnest(cast(:ids as uuid[]), cast(:kept as text[])) as n(id, kept)
    where r.import_id = :import and coalesce(r.mandate_id, r.organisation_id) = n.id
      and r.outcome in ('created', 'updated') and r.undone is null
    returning r.undone"""
)
UNDO_PROGRESS = text(
    """update imports set line = :line, done = done + :done, undone = undone + :undone, kept = kept + :kept,
    attempts = 0, version = version + 1, lease_until = clock_timestamp() + :lease where id = :id"""
)


async def written(session: AsyncSession, job: Job, after: int, limit: int) -> list[tuple[int, UUID]]:
    """Lines below `after` that made or changed something which is not taken back yet, and what that was."""
    subject = func.coalesce(import_rows.c.mandate_id, import_rows.c.organisation_id)
    rows = await session.execute(
        select(import_rows.c.line, subject)
        .where(
            import_rows.c.import_id == job.id,
            import_rows.c.line > after,
            import_rows.c.outcome.in_((CREATED, UPDATED)),
            import_rows.c.undone.is_(None),
        )
        .order_by(import_rows.c.line)
        .limit(limit)
    )
    return [(line, id_) for line, id_ in rows]


async def take_back(
    session: AsyncSession, job: Job, worker: UUID, batch: Sequence[tuple[int, UUID]], now: datetime
) -> None:
    """One batch of an undoing: all rows about one subject go together, whatever batch the later ones would be in."""
    await fence(session, job, worker)
    ids = list(dict.fromkeys(id_ for _, id_ in batch))
    kept: Mapping[UUID, Reason | None] = await KINDS[job.of].undo(session, job, ids, now)
    said = [texts.sentence(why, job.language) if (why := kept.get(id_)) else None for id_ in ids]
    marked = (await session.execute(UNDONE, {"import": job.id, "ids": ids, "kept": said})).scalars().all()
    figures = {"done": len(marked), "undone": sum(marked), "kept": len(marked) - sum(marked)}
    await session.execute(UNDO_PROGRESS, {"id": job.id, "line": batch[-1][0], "lease": LEASE, **figures})


async def _taken_back(session: AsyncSession, job: Any) -> dict[str, Any]:
    """The figures of an undoing: what is gone again, what is as it was, and what was kept (`rejected`)."""
    counted = await session.execute(
        select(import_rows.c.outcome, import_rows.c.undone, func.count())
        .where(import_rows.c.import_id == job.id, import_rows.c.undone.is_not(None))
        .group_by(import_rows.c.outcome, import_rows.c.undone)
    )
    count = {(outcome, undone): number for outcome, undone, number in counted}
    kept = await session.execute(
        select(import_rows.c.line)
        .where(import_rows.c.import_id == job.id, import_rows.c.undone.is_(False))
        .order_by(import_rows.c.line)
        .limit(PROBLEMS_IN_FACT)
    )
    return {
        "rows": sum(count.values()),
        "created": count.get((CREATED, True), 0),
        "updated": count.get((UPDATED, True), 0),
        "unchanged": 0,
        "rejected": count.get((CREATED, False), 0) + count.get((UPDATED, False), 0),
        "problems": tuple(_problem(line, "row.kept", job.language) for line in kept.scalars()),
    }


# --- the report ------------------------------------------------------------------------------------------------------

ROW = (
    "import_id", "line", "identity", "tax_code", "outcome", "organisation_id", "municipality", "problem", "code",
    "content", "changes", "person_id", "mandate_id", "entered",
)  # fmt: skip
ROW_AGAIN = text(
    """update import_rows r set outcome = n.outcome, organisation_id = n.organisation_id, problem = n.problem,
    code = n.code, changes = n.changes, person_id = n.person_id, mandate_id = n.mandate_id, entered = n.entered
    from unnest(cast(:line as int[]), cast(:outcome as text[]), cast(:organisation_id as uuid[]),
                cast(:problem as text[]), cast(:code as text[]), cast(:changes as jsonb[]),
                cast(:person_id as uuid[]), cast(:mandate_id as uuid[]), cast(:entered as bool[]))
         as n(line, outcome, organisation_id, problem, code, changes, person_id, mandate_id, entered)
    where r.import_id = :id and r.line = n.line"""
)


async def _report(session: AsyncSession, job: Job, judged: Sequence[Judged]) -> None:
    as_kept = KINDS[job.of].as_kept
    rows = (
        (
            job.id,
            one.item.line,
            "" if isinstance(one.item, Refused) else one.item.identity,
            one.item.tax_code,
            one.outcome,
            one.organisation_id,
            one.item.municipality,
            texts.said(one.reasons, job.language) or None,
            _code(one.reasons),
            None if isinstance(one.item, Refused) else as_json(as_kept(one.item)),
            as_json(one.changes) if one.changes else None,
            one.person_id,
            one.mandate_id,
            one.entered,
        )
        for one in judged
    )
    await copy(session, "import_rows", ROW, rows)


async def _report_again(session: AsyncSession, job: Job, judged: Sequence[Judged]) -> None:
    """The outcome of rows that the preview has reported; what could not be read then is as it was."""
    decided = [one for one in judged if not isinstance(one.item, Refused)]
    values = {
        "line": [one.item.line for one in decided],
        "outcome": [one.outcome for one in decided],
        "organisation_id": [one.organisation_id for one in decided],
        "problem": [texts.said(one.reasons, job.language) or None for one in decided],
        "code": [_code(one.reasons) for one in decided],
        "changes": [as_json(one.changes) if one.changes else None for one in decided],
        "person_id": [one.person_id for one in decided],
        "mandate_id": [one.mandate_id for one in decided],
        "entered": [one.entered for one in decided],
    }
    await session.execute(ROW_AGAIN, {**values, "id": job.id})


def _code(reasons: Sequence[Reason]) -> str | None:
    return f"{reasons[0].field}.{reasons[0].code}" if reasons else None
