"""Asking for an import of places, correcting what its file was taken for, committing a preview, taking an import back;
and the steps by which a job goes on: each one transaction of
its caller.

The job's row is the fence: every step locks it and looks whether the job is still this worker's. The places of a batch,
the facts about them, the rows of the report and the line reached are written together, so a kill between two batches
loses and repeats nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, func, insert, null, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.mapping.coverage import commands as coverage
from services.mapping.freshness import commands as freshness
from services.mapping.freshness import queries as freshness_queries
from services.mapping.imports import rules, texts
from services.mapping.imports.rules import CREATED, OUTCOMES, REJECTED, UNCHANGED, UPDATED, Entry, Reason, Refused
from services.mapping.imports.tables import place_import_files, place_import_rows, place_imports
from services.mapping.items.commands import require_member
from services.mapping.items.facts import fact_of
from services.mapping.items.rules import State, Subject, Visibility, areas_of
from services.mapping.places.rules import Kind
from services.mapping.places.tables import places
from services.mapping.policy import Right, policy
from services.mapping.presences import commands as presences
from services.mapping.territories.queries import locate
from services.mapping.territories.rules import fold
from shared import territories
from shared.access import loading
from shared.access.actor import Actor, day
from shared.access.tables import grants
from shared.contracts.mapping import ImportFailed, ImportFinished, ImportUndone, RowProblem
from shared.messaging import Cause, context, stage
from shared.runtime.due import schedule, schedule_many
from shared.runtime.jobs import Lost
from shared.runtime.problems import Invalid, NotFound, expect
from shared.sheets import LARGEST_FILE, Correction, FileTooLarge, chosen
from shared.sheets.texts import filled

LEASE = timedelta(seconds=15)  # a batch takes a fraction of a second; after this without news another worker takes over
MOST_ATTEMPTS = 5  # claims without a batch committed in between: then the job is given up
PROBLEMS_IN_FACT = 20
DUE = "place-import"
"""The kind of due row that waits until an import that nobody has committed is given up."""
UNDO_FOR = timedelta(days=30)
WAIT_FOR = timedelta(days=30)
"""How long an import waits to be corrected or committed: files are not kept for nothing."""
WAITING = ("mapping", "previewed")
AGAIN: dict[str, Any] = {**dict.fromkeys(("done", *OUTCOMES, "line", "attempts"), 0), "finished_at": None}


class NotPreviewed(Exception):
    """Only a preview can be committed or corrected; `status` is what the import is in."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class NotUndoable(Exception):
    """The import has changed nothing, or its days are over: `status` is what it is in, `until` when they ended."""

    def __init__(self, status: str, until: datetime | None) -> None:
        super().__init__(status)
        self.status, self.until = status, until.date() if until else "–"


class Options(BaseModel):
    """What all places of a file have: their kind (none: as each row says), who sees them, the organisation that runs
    them, and whether they are on the map at once."""

    model_config = ConfigDict(frozen=True)

    kind: Kind | None = None
    visibility: Visibility = Visibility.NETWORK
    organisation_id: UUID | None = None
    validated: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed import, and how far it is: `line` is the last one committed."""

    id: UUID
    network_id: UUID
    requested_by: UUID | None
    correlation: UUID | None
    language: str
    status: str
    applying: bool
    options: Options
    line: int
    attempts: int
    chosen: Mapping[str, int | None]
    constants: Mapping[str, str]
    header_line: int | None

    @property
    def correction(self) -> Correction:
        return Correction(self.chosen, self.constants, self.header_line)

    @property
    def undoing(self) -> bool:
        return self.status == "undoing"

    def cause(self, at: datetime) -> Cause:
        return Cause(correlation=self.correlation, actor=self.requested_by, at=at)


# --- for people ------------------------------------------------------------------------------------------------------


async def request(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    file_name: str,
    content: bytes,
    options: Options,
    commit: bool,
    language: str,
    now: datetime,
) -> Any:
    """Keeps the file and the job; a worker reads it. Raises FileTooLarge, UnknownReference, Forbidden."""
    network_id = await loading.network_id(session, network)
    policy.require(actor, Right.IMPORT_PLACES, network=network_id, on=now)
    if len(content) > LARGEST_FILE:
        raise FileTooLarge
    if options.organisation_id:
        await require_member(session, network_id, options.organisation_id, "/organisation_id")
    values = {
        "id": uuid7(),
        "network_id": network_id,
        "requested_by": actor.person_id,
        "correlation": context.current().correlation,
        "language": language,
        "file_name": file_name,
        "options": options.model_dump(mode="json"),
        "status": "running",
        "applying": commit,
        "requested_at": now,
    }
    job = (await session.execute(insert(place_imports).values(values).returning(*place_imports.c))).one()
    await session.execute(insert(place_import_files).values(import_id=job.id, content=content))
    await schedule(session, DUE, job.id, now + WAIT_FOR)
    return job


async def correct(
    session: AsyncSession,
    actor: Actor,
    import_id: UUID,
    *,
    columns: Mapping[str, str | int | None],
    constants: Mapping[str, str | None],
    header_line: int | None,
    expected: int | None,
    now: datetime,
) -> Any:
    """What somebody who knows the file says of it, added to what was said before; the preview is made anew.

    Raises NotPreviewed, UnknownColumn, Invalid.
    """
    job = await _for_update(session, actor, import_id, now)
    expect(expected, job.version)
    if job.status not in WAITING:
        raise NotPreviewed(job.status)
    _check_fields("columns", columns, list(rules.WORDS.synonyms))
    _check_fields("constants", constants, rules.CONSTANTS)
    for name, value in constants.items():
        if value is not None and not rules.fits(name, value, territories.load()):
            raise Invalid(f"/constants/{name}", "unknown", rules.example(name))
    table = job.found["table"]
    positions = chosen(columns, [column["name"] for column in table], len(table))
    said = {name: value for name, value in {**job.constants, **constants}.items() if value is not None}
    await session.execute(delete(place_import_rows).where(place_import_rows.c.import_id == import_id))
    return await _set(
        session,
        import_id,
        **AGAIN,
        status="running",
        applying=False,
        chosen={**job.chosen, **positions},
        constants=said,
        header_line=job.header_line if header_line is None else header_line,
    )


def _check_fields(where: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise Invalid(f"/{where}/{name}", "unknown", list(known))


async def commit(session: AsyncSession, actor: Actor, import_id: UUID, *, now: datetime) -> Any:
    """Sends a preview on to be applied: the file is read again, as the places are by then. Committed already is no
    error: the answer is the same. Raises NotPreviewed."""
    job = await _for_update(session, actor, import_id, now)
    if job.applying and job.status in {"running", "done"}:
        return job
    if job.status != "previewed":
        raise NotPreviewed(job.status)
    await session.execute(delete(place_import_rows).where(place_import_rows.c.import_id == import_id))
    return await _set(session, import_id, **AGAIN, status="running", applying=True)


async def undo(session: AsyncSession, actor: Actor, import_id: UUID, *, now: datetime) -> Any:
    """Takes back what an import has made and changed. Asked for again, it is the same undoing. Raises NotUndoable."""
    job = await _for_update(session, actor, import_id, now)
    if job.status in {"undoing", "undone"}:
        return job
    if job.status != "done" or job.undo_until is None or job.undo_until <= now:
        raise NotUndoable(job.status, job.undo_until)
    r = place_import_rows.c
    written = select(func.count()).where(r.import_id == import_id, r.outcome.in_((CREATED, UPDATED)))
    total = await session.scalar(written)
    again = {"done": 0, "total": total, "line": 0, "attempts": 0, "finished_at": None, "reason": None}
    return await _set(session, import_id, **again, status="undoing")


async def close(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: what was waiting to be committed is given up. Those at work are looked at again."""
    query = select(place_imports).where(place_imports.c.id.in_(ids)).order_by(place_imports.c.id)
    jobs = (await session.execute(query.with_for_update(skip_locked=True))).all()
    for job in jobs:
        if job.status in WAITING:
            reason = filled(texts.EXPIRED[job.language == "en"], {"days": WAIT_FOR.days})
            await _set(session, job.id, status="failed", reason=reason, finished_at=now, found=null())
            await session.execute(delete(place_import_files).where(place_import_files.c.import_id == job.id))
            await session.execute(delete(place_import_rows).where(place_import_rows.c.import_id == job.id))
    await schedule_many(session, DUE, [(id_, now) for id_ in sorted(set(ids) - {job.id for job in jobs})])


async def _for_update(session: AsyncSession, actor: Actor, import_id: UUID, now: datetime) -> Any:
    query = select(place_imports).where(place_imports.c.id == import_id).with_for_update()
    job = (await session.execute(query)).one_or_none()
    if job is None or not policy.has(actor, Right.IMPORT_PLACES, network=job.network_id, on=now):
        raise NotFound
    return job


async def _set(session: AsyncSession, import_id: UUID, **values: Any) -> Any:
    changed = update(place_imports).where(place_imports.c.id == import_id)
    changed = changed.values(**values, version=place_imports.c.version + 1)
    return (await session.execute(changed.returning(*place_imports.c))).one()


# --- for the worker --------------------------------------------------------------------------------------------------

CLAIM = text(
    """update place_imports set worker = :worker, lease_until = clock_timestamp() + :lease, attempts = attempts + 1
    where id = (select id from place_imports
                where status in ('running', 'undoing') and (lease_until is null or lease_until < clock_timestamp())
                order by requested_at, id limit 1 for update skip locked)
    returning id, network_id, requested_by, correlation, language, status, applying, options, line, attempts,
        chosen, constants, header_line"""
)
FENCE = text("select line from place_imports where id = :id and worker = :worker and status = :status for update")
PROGRESS = text(
    """update place_imports set line = :line, done = done + :done, created = created + :created,
    updated = updated + :updated, unchanged = unchanged + :unchanged, rejected = rejected + :rejected,
    attempts = 0, version = version + 1, lease_until = clock_timestamp() + :lease where id = :id"""
)
RELEASE = text("update place_imports set worker = null, lease_until = null where id = :id and worker = :worker")


async def claim(session: AsyncSession, worker: UUID) -> Job | None:
    """The oldest job that waits, or that a dead worker left behind; it is ours until the lease runs out."""
    claimed = CLAIM.columns(*(place_imports.c[name] for name in CLAIMED))
    row = (await session.execute(claimed, {"worker": worker, "lease": LEASE})).mappings().one_or_none()
    return Job(**{**row, "options": Options.model_validate(row["options"])}) if row else None


CLAIMED = (
    "id", "network_id", "requested_by", "correlation", "language", "status", "applying", "options", "line", "attempts",
    "chosen", "constants", "header_line",
)  # fmt: skip


async def release(session: AsyncSession, job: Job, worker: UUID) -> None:
    """Lets another worker go on at once, when this one stops in good order."""
    await session.execute(RELEASE, {"id": job.id, "worker": worker})


async def fence(session: AsyncSession, job: Job, worker: UUID) -> None:
    """Locks the job; raises Lost when it is not ours any more."""
    if (
        await session.execute(FENCE, {"id": job.id, "worker": worker, "status": job.status})
    ).scalar_one_or_none() is None:
        raise Lost(job.id)


async def content_of(session: AsyncSession, job: Job) -> bytes:
    query = select(place_import_files.c.content).where(place_import_files.c.import_id == job.id)
    return bytes(await session.scalar(query) or b"")


async def begin(session: AsyncSession, job: Job, worker: UUID, found: dict[str, Any], total: int) -> None:
    """What the file turned out to be: known before its first row is taken."""
    await fence(session, job, worker)
    known = {"found": found, "total": total, "version": place_imports.c.version + 1}
    await session.execute(update(place_imports).where(place_imports.c.id == job.id).values(**known))


async def ask(session: AsyncSession, job: Job, worker: UUID, now: datetime) -> None:
    """The file can be read, but not which column is which: it waits for somebody who knows."""
    await fence(session, job, worker)
    await _end(session, job, now, status="mapping", applying=False)


@dataclass
class Judged:
    """A row and what becomes of it: `place_id` is the place's, `changes` what the row says otherwise than
    it, `made` how it is when the row has made it."""

    item: Entry | Refused
    outcome: str
    reasons: Sequence[Reason]
    place_id: UUID | None = None
    changes: rules.Changes | None = None
    made: dict[str, Any] | None = None


async def advance(
    session: AsyncSession, job: Job, worker: UUID, batch: Sequence[Entry | Refused], now: datetime
) -> None:
    """One batch: decides about its rows, writes what they change (unless this is a preview), and reports them."""
    if job.applying:
        await presences.take_turn(session)
    await fence(session, job, worker)
    judged = await _judged(session, job, batch)
    if job.applying:
        await _create(session, job, [one for one in judged if one.outcome == CREATED], now)
        await _change(session, [one for one in judged if one.outcome == UPDATED])
    await _report(session, job, judged)
    count = Counter(one.outcome for one in judged)
    figures = {outcome: count[outcome] for outcome in OUTCOMES}
    await session.execute(
        PROGRESS, {"id": job.id, "line": batch[-1].line, "done": len(batch), "lease": LEASE, **figures}
    )


async def _judged(session: AsyncSession, job: Job, batch: Sequence[Entry | Refused]) -> list[Judged]:
    """In the order of the file. A place that the file has twice is taken once."""
    entries = [item for item in batch if isinstance(item, Entry)]
    identities = [entry.identity for entry in entries]
    standing = await _standing(session, job, identities)
    seen = await _seen(session, job, identities)
    decided = {
        entry.line: _decide(entry, first, standing.get(entry.identity))
        for entry, first in rules.repeated(entries, seen)
    }
    return [decided[item.line] if isinstance(item, Entry) else Judged(item, REJECTED, item.reasons) for item in batch]


def _decide(entry: Entry, first: int | None, place: Any) -> Judged:
    if first is not None:
        again = Reason("row", "repeated", {"line": first})
        return Judged(entry, UNCHANGED, [again, *entry.notes], place.id if place else None)
    if place is None:
        return Judged(entry, CREATED, entry.notes, uuid7())
    if place.state is State.CLOSED:
        return Judged(entry, UNCHANGED, [Reason("row", "closed"), *entry.notes], place.id)
    changes = rules.differences(place._mapping, entry)
    return Judged(entry, UPDATED if changes else UNCHANGED, entry.notes, place.id, changes)


async def _standing(session: AsyncSession, job: Job, identities: Sequence[str]) -> dict[str, Any]:
    """The network's places by identity, locked; an open one before a closed one."""
    query = (
        select(*places.c)
        .where(places.c.network_id == job.network_id, places.c.identity.in_(identities))
        .order_by(places.c.id)
        .with_for_update()
    )
    found: dict[str, Any] = {}
    for row in await session.execute(query):
        known = found.get(row.identity)
        if known is None or known.state is State.CLOSED:
            found[row.identity] = row
    return found


async def _seen(session: AsyncSession, job: Job, identities: Sequence[str]) -> dict[str, int]:
    """Identities that earlier batches of this file had, with the line on which each came first."""
    r = place_import_rows.c
    query = select(r.identity, r.line).where(r.import_id == job.id, r.identity.in_(identities), r.outcome != REJECTED)
    found: dict[str, int] = {}
    for row in await session.execute(query.order_by(r.line)):
        found.setdefault(row.identity, row.line)
    return found


async def _create(session: AsyncSession, job: Job, new: Sequence[Judged], now: datetime) -> None:
    if not new:
        return
    on, options = day(now), job.options
    state = State.VALIDATED if options.validated else State.PROPOSED
    shared: dict[str, Any] = {
        "network_id": job.network_id,
        "organisation_id": options.organisation_id,
        "state": state,
        "visibility": options.visibility,
        "shared_with": [],
        "proposed_by": job.requested_by,
        "proposed_on": on,
        "endorsed_on": on,  # the secretariat brings it in, for the organisation too
        "validated_on": on if options.validated else None,
        "checked_on": on if options.validated else None,
        "activities": [],
        "hours": [],
        "import_id": job.id,
        "version": 1,
    }
    values = [{**shared, **_place(one)} for one in new]
    rows = (await session.execute(insert(places).returning(*places.c, sort_by_parameter_order=True), values)).all()
    for one, row in zip(new, rows, strict=True):
        one.made = rules.as_made(row._asdict())
    told = "validated" if options.validated else "proposed"
    await stage(session, *(fact_of(Subject.PLACE, told, row) for row in rows))
    ids = [row.id for row in rows]
    await coverage.items_changed(session, Subject.PLACE, ids)
    await presences.places_changed(session, ids, now)
    if options.validated:
        rule = await freshness_queries.rule_of(session, job.network_id)
        await freshness.follow_many(session, Subject.PLACE, rows, rule)


def _place(one: Judged) -> dict[str, Any]:
    entry = one.item
    assert isinstance(entry, Entry)
    codes = [entry.municipality]
    return {
        **entry.content(),
        "id": one.place_id,
        "identity": entry.identity,
        "search": fold(entry.title),
        "territories": codes,
        "areas": areas_of(codes, locate),
    }


async def _change(session: AsyncSession, changed: Sequence[Judged]) -> None:
    """What the file says otherwise, of places that are there; their state stays, as the secretariat says it."""
    facts = []
    for one in changed:
        said = {name: becomes for name, (_, becomes) in (one.changes or {}).items()}
        values = {**said, "version": places.c.version + 1}
        row = await session.execute(
            update(places).where(places.c.id == one.place_id).values(**values).returning(*places.c)
        )
        facts.append(fact_of(Subject.PLACE, "changed", row.one()))
    await stage(session, *facts)


async def _report(session: AsyncSession, job: Job, judged: Sequence[Judged]) -> None:
    rows = [_row(job, one) for one in judged]
    await session.execute(insert(place_import_rows), rows)


def _row(job: Job, one: Judged) -> dict[str, Any]:
    item = one.item
    entry = item if isinstance(item, Entry) else None
    reason = one.reasons[0] if one.outcome == REJECTED else None
    # of a place that only a preview would make there is no id yet
    place_id = one.place_id if job.applying or one.outcome != CREATED else None
    return {
        "import_id": job.id,
        "line": item.line,
        "identity": entry.identity if entry else "",
        "name": item.title,
        "outcome": one.outcome,
        "place_id": place_id,
        "municipality": entry.municipality if entry else None,
        "phone": entry.phone if entry else None,
        "problem": texts.said(one.reasons, job.language),
        "code": f"{reason.field}.{reason.code}" if reason else None,
        "content": entry.content() if entry else None,
        "changes": one.changes or None,
        "made": one.made,
    }


async def finish(session: AsyncSession, job: Job, worker: UUID, now: datetime) -> None:
    """All rows are through: the preview waits for its commit, or the import is done, or undone, and told."""
    await fence(session, job, worker)
    if job.undoing:
        row = await _end(session, job, now, status="undone")
        await stage(session, ImportUndone(**{**await _told(session, row), **await _taken_back(session, row)}))
    elif not job.applying:
        await _end(session, job, now, status="previewed")
        await schedule(session, DUE, job.id, now + WAIT_FOR)
    else:
        row = await _end(session, job, now, status="done", undo_until=now + UNDO_FOR)
        await session.execute(delete(place_import_files).where(place_import_files.c.import_id == job.id))
        await stage(session, ImportFinished(**await _told(session, row)))


async def fail(session: AsyncSession, job: Job, worker: UUID, reason: str, now: datetime) -> None:
    """The file as a whole cannot be taken, or the job was given up. `reason` is a sentence in the requester's language.
    An undoing that was given up can be asked for again."""
    await fence(session, job, worker)
    if job.undoing:
        await _end(session, job, now, status="done", reason=reason)
        return
    row = await _end(session, job, now, status="failed", reason=reason)
    await session.execute(delete(place_import_files).where(place_import_files.c.import_id == job.id))
    if job.applying:
        await stage(session, ImportFailed(**await _told(session, row), reason=reason))


async def _end(session: AsyncSession, job: Job, now: datetime, **values: Any) -> Any:
    ended = {"worker": None, "lease_until": None, "finished_at": now, "version": place_imports.c.version + 1}
    statement = update(place_imports).where(place_imports.c.id == job.id).values(**ended, **values)
    return (await session.execute(statement.returning(*place_imports.c))).one()


async def _told(session: AsyncSession, job: Any) -> dict[str, Any]:
    """The figures and the first problems, without what the cells held: facts carry no free text."""
    r = place_import_rows.c
    query = select(r.line, r.code).where(r.import_id == job.id, r.outcome == REJECTED).order_by(r.line)
    problems = await session.execute(query.limit(PROBLEMS_IN_FACT))
    known = select(grants.c.person_id).where(grants.c.person_id == job.requested_by)
    return {
        "id": job.id,
        "version": job.version,
        "network_id": job.network_id,
        # An operator's token names nobody whom others know: then there is no person to tell.
        "requested_by": await session.scalar(known.limit(1)),
        "file_name": job.file_name,
        "rows": sum(getattr(job, outcome) for outcome in OUTCOMES),
        **{outcome: getattr(job, outcome) for outcome in OUTCOMES},
        "problems": tuple(_problem(line, code, job.language) for line, code in problems),
    }


def _problem(line: int, code: str, language: str) -> RowProblem:
    return RowProblem(line=line, field=code.partition(".")[0], reason=texts.short(code, language))


# --- taking it back --------------------------------------------------------------------------------------------------

UNDONE = text(
    """update place_import_rows r set undone = n.kept is null, kept = n.kept
    from unnest(cast(:lines as int[]), cast(:kept as text[])) as n(line, kept)
    where r.import_id = :import and r.line = n.line"""
)
UNDO_PROGRESS = text(
    """update place_imports set line = :line, done = done + :done, undone = undone + :undone, kept = kept + :kept,
    attempts = 0, version = version + 1, lease_until = clock_timestamp() + :lease where id = :id"""
)
IN_USE = text("select distinct place_id from needs where place_id = any(:ids)")


async def written(session: AsyncSession, job: Job, after: int, limit: int) -> list[Any]:
    """Rows below the line `after` that made or changed a place which is not taken back yet."""
    r = place_import_rows.c
    query = select(r.line, r.place_id, r.made, r.changes).where(
        r.import_id == job.id, r.line > after, r.outcome.in_((CREATED, UPDATED)), r.undone.is_(None)
    )
    return list(await session.execute(query.order_by(r.line).limit(limit)))


async def take_back(session: AsyncSession, job: Job, worker: UUID, batch: Sequence[Any], now: datetime) -> None:
    """One batch of an undoing. No place is in two rows: what a file has twice is taken once."""
    ids = sorted(row.place_id for row in batch)
    await freshness.hold(session, Subject.PLACE, ids)
    await fence(session, job, worker)
    query = select(*places.c).where(places.c.id.in_(ids)).order_by(places.c.id).with_for_update()
    standing = {row.id: row for row in await session.execute(query)}
    used = set(await session.scalars(IN_USE, {"ids": ids}))
    steps = {
        row.place_id: rules.take_back(
            standing[row.place_id]._asdict(), row.made, row.changes or {}, in_use=row.place_id in used
        )
        for row in batch
    }
    await _restore(session, steps, now)
    said = [texts.said([why], job.language) if (why := steps[row.place_id].kept) else None for row in batch]
    await session.execute(UNDONE, {"import": job.id, "lines": [row.line for row in batch], "kept": said})
    kept = sum(one is not None for one in said)
    figures = {"done": len(batch), "undone": len(batch) - kept, "kept": kept}
    await session.execute(UNDO_PROGRESS, {"id": job.id, "line": batch[-1].line, "lease": LEASE, **figures})


async def _restore(session: AsyncSession, steps: Mapping[UUID, rules.Undoing], now: datetime) -> None:
    """What leaves is closed, and no later list finds it: the same place in a corrected file is a new one."""
    leaving = sorted(id_ for id_, step in steps.items() if step.leaves)
    facts = []
    for id_, step in sorted(steps.items()):
        if step.values:
            back = update(places).where(places.c.id == id_).values(**step.values, version=places.c.version + 1)
            facts.append(fact_of(Subject.PLACE, "changed", (await session.execute(back.returning(*places.c))).one()))
    if leaving:
        left = {"state": State.CLOSED, "closed_on": day(now), "identity": None, "version": places.c.version + 1}
        gone = update(places).where(places.c.id.in_(leaving)).values(**left).returning(*places.c)
        facts += [fact_of(Subject.PLACE, "closed", row) for row in await session.execute(gone)]
        await coverage.items_changed(session, Subject.PLACE, leaving)
        await presences.places_changed(session, leaving, now)
        await freshness.leave_many(session, Subject.PLACE, leaving, day(now))
    await stage(session, *facts)


async def _taken_back(session: AsyncSession, job: Any) -> dict[str, Any]:
    """The figures of an undoing: what is gone again, what is as it was, and what was kept (`rejected`)."""
    r = place_import_rows.c
    counted = await session.execute(
        select(r.outcome, r.undone, func.count())
        .where(r.import_id == job.id, r.undone.is_not(None))
        .group_by(r.outcome, r.undone)
    )
    count = {(outcome, undone): number for outcome, undone, number in counted}
    kept = select(r.line).where(r.import_id == job.id, r.undone.is_(False)).order_by(r.line).limit(PROBLEMS_IN_FACT)
    return {
        "rows": sum(count.values()),
        "created": count.get((CREATED, True), 0),
        "updated": count.get((UPDATED, True), 0),
        "unchanged": 0,
        "rejected": count.get((CREATED, False), 0) + count.get((UPDATED, False), 0),
        "problems": tuple(_problem(line, "row.kept", job.language) for line in await session.scalars(kept)),
    }
