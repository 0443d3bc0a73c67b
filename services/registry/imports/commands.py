"""Asking for an import, correcting what its file was taken for, committing a preview, taking an import back.

Each only changes the job's row; a worker (`jobs.py`) does what it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.imports import texts
from services.registry.imports.kinds import KINDS
from services.registry.imports.model import CREATED, UPDATED
from services.registry.imports.queries import may_import
from services.registry.imports.tables import import_files, import_rows, imports
from services.registry.networks import queries as networks
from services.registry.organisations import queries as organisations
from services.registry.organisations.rules import LONGEST_LINE, State
from services.registry.organisations.tables import memberships
from shared.access.actor import Actor
from shared.messaging import context
from shared.runtime.due import schedule
from shared.runtime.problems import Invalid, NotFound, expect
from shared.sheets import LARGEST_FILE, FileTooLarge, chosen

DUE = "import"
"""The kind of due row that waits until an import can be undone no more, or was not committed in time."""
UNDO_FOR = timedelta(days=30)
WAIT_FOR = timedelta(days=30)
"""How long an import waits to be corrected or committed: files of people are not kept for nothing."""
WAITING = ("mapping", "previewed")
AGAIN: dict[str, Any] = {
    "done": 0, "created": 0, "updated": 0, "unchanged": 0, "rejected": 0, "line": 0, "finished_at": None, "attempts": 0,
}  # fmt: skip


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


class UnknownParent(Exception):
    """The organisation whose affiliates are in the file is no member of the network."""


async def request(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    of: str,
    parent: UUID | None,
    file_name: str,
    content: bytes,
    commit: bool,
    language: str,
    now: datetime,
) -> Any:
    """Keeps the file and the job; a worker reads it. The figures are in the row given back. Raises FileTooLarge,
    UnknownParent, Invalid."""
    found = await networks.by_ref(session, network)
    may_import(actor, of, found.id, now)
    if len(content) > LARGEST_FILE:
        raise FileTooLarge
    await _check_parent(session, of, parent, found.id)
    values = {
        "id": uuid7(),
        "network_id": found.id,
        "of": of,
        "parent_id": parent,
        "requested_by": actor.person_id,
        "correlation": context.current().correlation,
        "language": language,
        "file_name": file_name,
        "status": "running",
        "applying": commit,
        "requested_at": now,
    }
    job = (await session.execute(insert(imports).values(values).returning(*imports.c))).one()
    await session.execute(insert(import_files).values(import_id=job.id, content=content))
    await schedule(session, DUE, job.id, now + WAIT_FOR)
    return job


async def _check_parent(session: AsyncSession, of: str, parent: UUID | None, network_id: UUID) -> None:
    if (of == "affiliates") != (parent is not None):
        raise Invalid("?parent", "not_allowed" if parent else "missing", "an organisation, with ?of=affiliates")
    if parent is None:
        return
    membership = select(memberships.c.id).where(
        memberships.c.network_id == network_id,
        memberships.c.organisation_id == parent,
        memberships.c.state != State.WITHDRAWN,
    )
    if await session.scalar(membership) is None:
        raise UnknownParent(parent)
    if len(await organisations.lines(session, [parent])) > LONGEST_LINE:
        raise Invalid("?parent", "too_deep", LONGEST_LINE)


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
    kind = KINDS[job.of]
    _check_fields("columns", columns, kind.fields)
    _check_fields("constants", constants, kind.constants)
    for name, value in constants.items():
        if value is not None and not kind.fits(name, value):
            raise Invalid(f"/constants/{name}", "unknown", kind.example(name))
    table = job.found["table"]
    positions = chosen(columns, [column["name"] for column in table], len(table))
    said = {name: value for name, value in {**job.constants, **constants}.items() if value is not None}
    await session.execute(delete(import_rows).where(import_rows.c.import_id == import_id))
    return await _set(
        session,
        import_id,
        **AGAIN,
        status="running",
        applying=False,
        staged=False,
        chosen={**job.chosen, **positions},
        constants=said,
        header_line=job.header_line if header_line is None else header_line,
        reason=None,
    )


def _check_fields(where: str, given: Mapping[str, Any], known: Sequence[str] | Mapping[str, Any]) -> None:
    for name in given:
        if name not in known:
            raise Invalid(f"/{where}/{name}", "unknown", list(known))


async def commit(session: AsyncSession, actor: Actor, import_id: UUID, *, now: datetime) -> Any:
    """Sends a preview on to be applied. Committed already is no error: the answer is the same. Raises NotPreviewed."""
    job = await _for_update(session, actor, import_id, now)
    if job.applying and job.status in {"running", "done"}:
        return job
    if job.status != "previewed":
        raise NotPreviewed(job.status)
    return await _set(session, import_id, **AGAIN, status="running", applying=True, staged=True)


async def undo(session: AsyncSession, actor: Actor, import_id: UUID, *, now: datetime) -> Any:
    """Takes back what an import has made and changed. Asked for again, it is the same undoing. Raises NotUndoable."""
    job = await _for_update(session, actor, import_id, now)
    if job.status in {"undoing", "undone"}:
        return job
    if job.status != "done" or job.undo_until is None or job.undo_until <= now:
        raise NotUndoable(job.status, job.undo_until)
    written = select(func.count()).where(
        import_rows.c.import_id == import_id, import_rows.c.outcome.in_((CREATED, UPDATED))
    )
    return await _set(
        session,
        import_id,
        status="undoing",
        done=0,
        total=await session.scalar(written),
        line=0,
        attempts=0,
        finished_at=None,
    )


async def close(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call. What was waiting to be committed is given up; of what was done and can be undone no more,
    the texts about people go."""
    rows = await session.execute(select(imports).where(imports.c.id.in_(ids)).order_by(imports.c.id).with_for_update())
    for job in rows.all():
        if job.status in WAITING:
            reason = texts.why_unreadable("expired", {"days": WAIT_FOR.days}, job.language)
            await _set(session, job.id, status="failed", reason=reason, finished_at=now, found=null())
            await session.execute(delete(import_files).where(import_files.c.import_id == job.id))
            await session.execute(delete(import_rows).where(import_rows.c.import_id == job.id))
        elif job.of == "representatives" and job.status in {"done", "undone"}:
            await session.execute(
                update(import_rows)
                .where(import_rows.c.import_id == job.id, import_rows.c.problem.is_not(None))
                .values(problem=None)
            )


async def _for_update(session: AsyncSession, actor: Actor, import_id: UUID, now: datetime) -> Any:
    job = (await session.execute(select(imports).where(imports.c.id == import_id).with_for_update())).one_or_none()
    if job is None:
        raise NotFound
    may_import(actor, job.of, job.network_id, now)
    return job


async def _set(session: AsyncSession, import_id: UUID, **values: Any) -> Any:
    changed = update(imports).where(imports.c.id == import_id).values(**values, version=imports.c.version + 1)
    return (await session.execute(changed.returning(*imports.c))).one()
