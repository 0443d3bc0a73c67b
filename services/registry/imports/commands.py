"""Asking for an import, committing a preview, and the steps by which a job goes on: each one transaction of its caller.

The job's row is the fence: every step locks it and looks whether the job is still this worker's. The rows of a batch,
the facts about them and the line reached are written together, so a kill between two batches loses and repeats nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.bodies import commands as bodies
from services.registry.commitments import commands as commitments
from services.registry.imports import rules, texts
from services.registry.imports.rules import CREATED, REJECTED, Entry, Reason, Refused, Standing
from services.registry.imports.tables import import_files, import_rows, imports
from services.registry.networks import queries as networks
from services.registry.organisations.rules import State
from services.registry.people.tables import people
from services.registry.policy import Right, policy
from shared.access.actor import Actor, day
from shared.contracts.registry import (
    ImportFailed,
    ImportFinished,
    MembershipActivated,
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationState,
    RowProblem,
    Section,
)
from shared.messaging import Cause, context, stage
from shared.runtime.problems import NotFound
from shared.sheets import LARGEST_FILE, FileTooLarge

LEASE = timedelta(seconds=15)  # a batch takes a fraction of a second; after this without news another worker takes over
MOST_ATTEMPTS = 5  # claims without a batch committed in between: then the job is given up
PROBLEMS_IN_FACT = 20


class NotPreviewed(Exception):
    """Only a preview can be committed; `status` is what the import is in."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Lost(Exception):
    """The job is another worker's by now."""


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed import, and how far it is. `staged`: its rows are read already, `line` is the last one committed."""

    id: UUID
    network_id: UUID
    requested_by: UUID | None
    correlation: UUID | None
    language: str
    applying: bool
    staged: bool
    line: int
    attempts: int

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
    commit: bool,
    language: str,
    now: datetime,
) -> Any:
    """Keeps the file and the job; a worker reads it. The figures are in the row given back. Raises FileTooLarge."""
    found = await networks.by_ref(session, network)
    policy.require(actor, Right.IMPORT, network=found.id, on=now)
    if len(content) > LARGEST_FILE:
        raise FileTooLarge
    values = {
        "id": uuid7(),
        "network_id": found.id,
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
    return job


async def commit(session: AsyncSession, actor: Actor, import_id: UUID, *, now: datetime) -> Any:
    """Sends a preview on to be applied. Committed already is no error: the answer is the same. Raises NotPreviewed."""
    job = (await session.execute(select(imports).where(imports.c.id == import_id).with_for_update())).one_or_none()
    if job is None:
        raise NotFound
    policy.require(actor, Right.IMPORT, network=job.network_id, on=now)
    if job.applying and job.status in {"running", "done"}:
        return job
    if job.status != "previewed":
        raise NotPreviewed(job.status)
    again = {"done": 0, "created": 0, "updated": 0, "unchanged": 0, "rejected": 0, "line": 0, "finished_at": None}
    return (
        await session.execute(
            update(imports)
            .where(imports.c.id == import_id)
            .values(**again, status="running", applying=True, staged=True, attempts=0, version=imports.c.version + 1)
            .returning(*imports.c)
        )
    ).one()


# --- for the worker --------------------------------------------------------------------------------------------------

CLAIM = text(
    """update imports set worker = :worker, lease_until = clock_timestamp() + :lease, attempts = attempts + 1
    where id = (select id from imports
                where status = 'running' and (lease_until is null or lease_until < clock_timestamp())
                order by requested_at, id limit 1 for update skip locked)
    returning id, network_id, requested_by, correlation, language, applying, staged, line, attempts"""
)
FENCE = text("select line from imports where id = :id and worker = :worker and status = 'running' for update")
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
    line = (await session.execute(FENCE, {"id": job.id, "worker": worker})).scalar_one_or_none()
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


async def staged_batch(session: AsyncSession, job: Job, after: int, limit: int) -> list[Entry | Refused]:
    """Rows that a preview has read, as they were read."""
    rows = await session.execute(
        select(import_rows.c.line, import_rows.c.tax_code, import_rows.c.municipality, import_rows.c.content)
        .where(import_rows.c.import_id == job.id, import_rows.c.line > after)
        .order_by(import_rows.c.line)
        .limit(limit)
    )
    return [
        entry_of(r.line, r.tax_code, r.municipality, r.content)
        if r.content
        else Refused(r.line, (), r.tax_code, r.municipality)
        for r in rows
    ]


async def advance(
    session: AsyncSession, job: Job, worker: UUID, batch: Sequence[Entry | Refused], now: datetime
) -> None:
    """One batch: decides about its rows, writes what they change (unless this is a preview), and reports them."""
    await fence(session, job, worker)
    standing = await _standing(session, job, {e.identity for e in batch if isinstance(e, Entry)}, batch[0].line)
    judged = [_judge(item, standing, applying=job.applying) for item in batch]
    if job.applying:
        await _write(session, job, list(standing.values()), now)
    if job.staged:
        await _report_again(session, job, judged)
    else:
        await _report(session, job, judged)
    count = Counter(outcome for _, outcome, _, _ in judged)
    figures = {outcome: count[outcome] for outcome in ("created", "updated", "unchanged", "rejected")}
    await session.execute(
        PROGRESS, {"id": job.id, "line": batch[-1].line, "done": len(batch), "lease": LEASE, **figures}
    )


async def finish(session: AsyncSession, job: Job, worker: UUID, now: datetime) -> None:
    """All rows are through: the preview waits for its commit, or the import is done and told."""
    await fence(session, job, worker)
    status = "done" if job.applying else "previewed"
    row = await _end(session, job, now, status=status)
    if job.applying:
        await session.execute(delete(import_files).where(import_files.c.import_id == job.id))
        await stage(session, ImportFinished(**await _told(session, row)))


async def fail(session: AsyncSession, job: Job, worker: UUID, reason: str, now: datetime) -> None:
    """The file as a whole cannot be taken. `reason` is a sentence in the requester's language."""
    await fence(session, job, worker)
    row = await _end(session, job, now, status="failed", reason=reason)
    await session.execute(delete(import_files).where(import_files.c.import_id == job.id))
    if job.applying:
        await stage(session, ImportFailed(**await _told(session, row), reason=reason))


async def _end(session: AsyncSession, job: Job, now: datetime, **values: Any) -> Any:
    ended = {"worker": None, "lease_until": None, "finished_at": now, "version": imports.c.version + 1}
    statement = update(imports).where(imports.c.id == job.id).values(**ended, **values)
    return (await session.execute(statement.returning(*imports.c))).one()


async def _told(session: AsyncSession, job: Any) -> dict[str, Any]:
    """The figures and the first problems, without what the cells held: facts carry no free text."""
    refused = await session.execute(
        select(import_rows.c.line, import_rows.c.code)
        .where(import_rows.c.import_id == job.id, import_rows.c.outcome == REJECTED)
        .order_by(import_rows.c.line)
        .limit(PROBLEMS_IN_FACT)
    )
    problems = []
    for line, code in refused:
        field, _, name = code.partition(".")
        problems.append(RowProblem(line=line, field=field, reason=texts.short(field, name, job.language)))
    return {
        "id": job.id,
        "version": job.version,
        "network_id": job.network_id,
        # An operator's token names nobody of the register: then there is no person to tell.
        "requested_by": await session.scalar(select(people.c.id).where(people.c.id == job.requested_by)),
        "file_name": job.file_name,
        "rows": job.done,
        "created": job.created,
        "updated": job.updated,
        "unchanged": job.unchanged,
        "rejected": job.rejected,
        "problems": tuple(problems),
    }


# --- what is there already -------------------------------------------------------------------------------------------

# Joined with `unnest`, which is planned as a thousand index probes; `= any(array)` under a generic plan compares every
# row with every element (150 ms a batch instead of 5).
ORGANISATIONS = """select o.id, o.tax_code, o.title, o.kind, o.municipality, o.sections, o.website, o.ownership,
    o.territories, o.parent_id, o.version
    from unnest(cast(:codes as text[])) asked(tax_code) join organisations o using (tax_code) order by o.id"""
UNNAMED = """select o.id, o.tax_code, o.title, o.kind, o.municipality, o.sections, o.website, o.ownership,
    o.territories, o.parent_id, o.version
    from organisations o join memberships m on m.organisation_id = o.id and m.network_id = :network
    where o.tax_code is null order by o.id"""
MEMBERSHIPS = """select m.id, m.organisation_id, m.version, m.state, m.since, m.email, m.pec, m.phone
    from unnest(cast(:ids as uuid[])) asked(organisation_id)
    join memberships m on m.organisation_id = asked.organisation_id and m.network_id = :network
    order by m.organisation_id"""
EARLIER = text(
    """select r.line, r.tax_code, r.municipality, r.content
    from unnest(cast(:identities as text[])) asked(identity)
    join import_rows r on r.import_id = :id and r.identity = asked.identity
    where r.line < :before and r.outcome <> 'rejected' order by r.line"""
)


async def _standing(session: AsyncSession, job: Job, identities: set[str], before: int) -> dict[str, Standing]:
    """The organisations so identified, locked when they are going to be changed."""
    lock = " for update of {}" if job.applying else ""
    asked = sorted(identities)
    rows = await session.execute(text(ORGANISATIONS + lock.format("o")), {"codes": asked})
    found = {row["tax_code"]: Standing(**row) for row in rows.mappings()}
    if any(identity.startswith("~") for identity in asked):
        rows = await session.execute(text(UNNAMED + lock.format("o")), {"network": job.network_id})
        groups = [Standing(**row) for row in rows.mappings()]
        by_name = {rules.unnamed(group.title, group.municipality): group for group in groups}
        found |= {identity: by_name[identity] for identity in identities & by_name.keys()}
    if found:
        by_id = {one.id: one for one in found.values()}
        values = {"network": job.network_id, "ids": sorted(by_id)}
        for row in await session.execute(text(MEMBERSHIPS + lock.format("m")), values):
            one = by_id[row.organisation_id]
            one.membership_id, one.membership_version = row.id, row.version
            one.state, one.since = row.state, row.since
            one.email, one.pec, one.phone = row.email, row.pec, row.phone
    for row in await session.execute(EARLIER, {"id": job.id, "identities": asked, "before": before}):
        _recall(entry_of(row.line, row.tax_code, row.municipality, row.content), found, applied=job.applying)
    return found


def _recall(entry: Entry, standing: dict[str, Standing], *, applied: bool) -> None:
    """An earlier row of this file: applied, it is in the tables already; in a preview it has to be thought of again."""
    known = standing.get(entry.identity)
    if applied:
        if known is not None:
            known.line = known.line or entry.line
    elif known is None:
        standing[entry.identity] = rules.create(entry, uuid7())
    else:
        rules.merge(entry, known)


Judged = tuple[Entry | Refused, str, tuple[Reason, ...], UUID | None]


def _judge(item: Entry | Refused, standing: dict[str, Standing], *, applying: bool) -> Judged:
    if isinstance(item, Refused):
        return item, REJECTED, item.reasons, None
    known = standing.get(item.identity)
    if known is None:
        known = standing[item.identity] = rules.create(item, uuid7())
        outcome, notes = CREATED, item.notes
    else:
        outcome, notes = rules.merge(item, known)
    exists = outcome != REJECTED and (applying or not known.new)  # a preview makes no organisation
    return item, outcome, notes, known.id if exists else None


# --- writing, set-based ----------------------------------------------------------------------------------------------


async def _copy(session: AsyncSession, table: str, columns: Sequence[str], records: Iterable[tuple[Any, ...]]) -> None:
    """COPY in the session's own transaction (begun: the fence has run)."""
    connection = await (await session.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    await driver.copy_records_to_table(table, columns=columns, records=records)


async def _write(session: AsyncSession, job: Job, standing: Sequence[Standing], now: datetime) -> None:
    """New organisations, changed ones, memberships, and a fact for each: a dozen statements whatever the batch."""
    new = sorted(
        (one for one in standing if one.new), key=lambda one: one.tax_code or ""
    )  # one order for all: no deadlock
    changed = [one for one in standing if one.changed and not one.new]
    joining = [one for one in standing if one.joins]
    contacts = [one for one in standing if one.contacts_changed and not one.joins]
    if new:
        await _copy(session, "organisations", ORGANISATION, ((*_record(one), now, now, 1) for one in new))
    if changed:
        await session.execute(CHANGE, _columns(changed, now))
    since = day(now)
    ids = [uuid7() for _ in joining]
    if joining:
        rows = (
            (id_, job.network_id, one.id, str(State.ACTIVE), since, "[]", one.email, one.pec, one.phone, now, now, 1)
            for id_, one in zip(ids, joining, strict=True)
        )
        await _copy(session, "memberships", MEMBERSHIP, rows)
    if contacts:
        values = {name: [getattr(one, name) for one in contacts] for name in ("membership_id", "email", "pec", "phone")}
        await session.execute(CONTACTS, {**values, "now": now})
    facts = [
        *(_fact(OrganisationRegistered, one, 1) for one in new),
        *(_fact(OrganisationChanged, one, one.version + 1) for one in changed),
        *(
            MembershipActivated(
                id=id_, version=1, network_id=job.network_id, organisation_id=one.id, state=State.ACTIVE, since=since
            )
            for id_, one in zip(ids, joining, strict=True)
        ),
    ]
    if facts:
        await stage(session, *facts)
    if joining:
        joined = [one.id for one in joining]
        await bodies.follow_members(session, job.network_id, joined=joined, on=since)
        await commitments.follow_members(session, job.network_id, joined, (), since, now)


ORGANISATION = (
    "id", "title", "tax_code", "kind", "ownership", "sections", "municipality", "territories", "website", "created_at",
    "updated_at", "version",
)  # fmt: skip
MEMBERSHIP = (
    "id", "network_id", "organisation_id", "state", "since", "history", "email", "pec", "phone", "created_at",
    "updated_at", "version",
)  # fmt: skip
CHANGE = text(
    """update organisations o set title = n.title, kind = n.kind, sections = n.sections, municipality = n.municipality,
    website = n.website, updated_at = :now, version = o.version + 1
    from unnest(cast(:id as uuid[]), cast(:title as text[]), cast(:kind as text[]), cast(:sections as jsonb[]),
                cast(:municipality as text[]), cast(:website as text[]))
         as n(id, title, kind, sections, municipality, website)
    where o.id = n.id"""
)
CONTACTS = text(
    """update memberships m set email = n.email, pec = n.pec, phone = n.phone, updated_at = :now,
    version = m.version + 1
    from unnest(cast(:membership_id as uuid[]), cast(:email as text[]), cast(:pec as text[]), cast(:phone as text[]))
         as n(id, email, pec, phone)
    where m.id = n.id"""
)


def _record(one: Standing) -> tuple[Any, ...]:
    sections = _json(one.sections)
    return one.id, one.title, one.tax_code, str(one.kind), one.ownership, sections, one.municipality, [], one.website


def _columns(changed: Sequence[Standing], now: datetime) -> dict[str, Any]:
    return {
        "id": [one.id for one in changed],
        "title": [one.title for one in changed],
        "kind": [str(one.kind) for one in changed],
        "sections": [_json(one.sections) for one in changed],
        "municipality": [one.municipality for one in changed],
        "website": [one.website for one in changed],
        "now": now,
    }


def _fact(fact: type[OrganisationState], one: Standing, version: int) -> OrganisationState:
    return fact(
        id=one.id,
        version=version,
        title=one.title,
        tax_code=one.tax_code,
        kind=one.kind,
        ownership=one.ownership,
        sections=tuple(Section(**section) for section in one.sections),
        municipality=one.municipality,
        territories=tuple(one.territories),
        parent_id=one.parent_id,
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


# --- the report ------------------------------------------------------------------------------------------------------

ROW = (
    "import_id", "line", "identity", "tax_code", "outcome", "organisation_id", "municipality", "problem", "code",
    "content",
)  # fmt: skip
ROW_AGAIN = text(
    """update import_rows r set outcome = n.outcome, organisation_id = n.organisation_id, problem = n.problem,
    code = n.code
    from unnest(cast(:line as int[]), cast(:outcome as text[]), cast(:organisation_id as uuid[]),
                cast(:problem as text[]), cast(:code as text[])) as n(line, outcome, organisation_id, problem, code)
    where r.import_id = :id and r.line = n.line"""
)


async def _report(session: AsyncSession, job: Job, judged: Sequence[Judged]) -> None:
    rows = (
        (
            job.id,
            item.line,
            item.identity if isinstance(item, Entry) else "",
            item.tax_code,
            outcome,
            organisation,
            item.municipality,
            texts.said(reasons, job.language) or None,
            _code(reasons),
            _json(content_as_kept(item)) if isinstance(item, Entry) else None,
        )
        for item, outcome, reasons, organisation in judged
    )
    await _copy(session, "import_rows", ROW, rows)


async def _report_again(session: AsyncSession, job: Job, judged: Sequence[Judged]) -> None:
    """The outcome of rows that the preview has reported; what could not be read then is as it was."""
    decided = [one for one in judged if isinstance(one[0], Entry)]
    values = {
        "line": [item.line for item, _, _, _ in decided],
        "outcome": [outcome for _, outcome, _, _ in decided],
        "organisation_id": [organisation for _, _, _, organisation in decided],
        "problem": [texts.said(reasons, job.language) or None for _, _, reasons, _ in decided],
        "code": [_code(reasons) for _, _, reasons, _ in decided],
    }
    await session.execute(ROW_AGAIN, {**values, "id": job.id})


def _code(reasons: Sequence[Reason]) -> str | None:
    return f"{reasons[0].field}.{reasons[0].code}" if reasons else None


KEPT = ("title", "kind", "likely_kind", "sections", "email", "pec", "phone", "website")


def content_as_kept(entry: Entry) -> dict[str, Any]:
    kept: dict[str, Any] = {name: value for name in KEPT if (value := getattr(entry, name))}
    if entry.notes:
        kept["notes"] = [[note.field, note.code, dict(note.values)] for note in entry.notes]
    return kept


def entry_of(line: int, tax_code: str, municipality: str, kept: dict[str, Any]) -> Entry:
    values: dict[str, Any] = {name: kept.get(name) for name in KEPT if name != "sections"}
    notes = tuple(Reason(*note) for note in kept.get("notes", ()))
    return Entry(
        line, tax_code, municipality=municipality, sections=tuple(kept.get("sections", ())), notes=notes, **values
    )
