"""Rows about organisations, and about the affiliates of one: what is there already, what a batch writes, and how it is
taken back. A dozen statements for a batch, whatever its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.bodies import commands as bodies
from services.registry.commitments import commands as commitments
from services.registry.imports import rules
from services.registry.imports.copying import as_json, copy
from services.registry.imports.model import CREATED, REJECTED, Job, Judged, Reason, Refused
from services.registry.imports.rules import Entry, Parent, Standing, Undoing, Written
from services.registry.organisations import queries as organisations
from services.registry.organisations.rules import State
from shared.access.actor import day
from shared.contracts.registry import (
    MembershipActivated,
    MembershipChanged,
    MembershipState,
    MembershipWithdrawn,
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationState,
    Section,
)
from shared.messaging import stage


async def advance(session: AsyncSession, job: Job, batch: Sequence[Entry | Refused], now: datetime) -> list[Judged]:
    """Decides about the rows of a batch, and writes what they change unless this is a preview."""
    parent = await _parent(session, job)
    batch = await _of_those_there(session, batch)
    entries = [item for item in batch if isinstance(item, Entry)]
    standing = await _standing(session, job, {entry.identity for entry in entries}, batch[0].line, parent)
    judged = [_judge(item, standing, parent, applying=job.applying) for item in batch]
    if job.applying:
        await _write(session, job, list(standing.values()), now)
    return judged


async def _parent(session: AsyncSession, job: Job) -> Parent | None:
    """Of whom the rows are affiliates; the line above it stays as it is until the transaction ends."""
    if job.parent_id is None:
        return None
    return Parent(job.parent_id, frozenset(await organisations.lines(session, [job.parent_id])))


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
BY_ID = """select o.id, o.tax_code, o.title, o.kind, o.municipality, o.sections, o.website, o.ownership,
    o.territories, o.parent_id, o.version
    from unnest(cast(:ids as uuid[])) asked(id) join organisations o using (id) order by o.id for update of o"""
MEMBERSHIPS = """select m.id, m.organisation_id, m.version, m.state, m.since, m.email, m.pec, m.phone
    from unnest(cast(:ids as uuid[])) asked(organisation_id)
    join memberships m on m.organisation_id = asked.organisation_id and m.network_id = :network
    order by m.organisation_id"""
# Those that left the network with an import that was undone, and about whom nobody has decided anything since.
TAKEN_BACK = text(
    """select distinct m.organisation_id from unnest(cast(:ids as uuid[])) asked(organisation_id)
    join memberships m on m.organisation_id = asked.organisation_id and m.network_id = :network
    join import_rows r on r.organisation_id = m.organisation_id and r.undone and r.outcome = 'created'
    join imports i on i.id = r.import_id and i.network_id = m.network_id and m.updated_at <= i.finished_at"""
)
EARLIER = text(
    """select r.line, r.tax_code, r.municipality, r.content
    from unnest(cast(:identities as text[])) asked(identity)
    join import_rows r on r.import_id = :id and r.identity = asked.identity
    where r.line < :before and r.outcome <> 'rejected' order by r.line"""
)


MERGED = text(
    """select m.tax_code, o.tax_code as of_now from unnest(cast(:codes as text[])) asked(tax_code)
    join merges m using (tax_code) join organisations o on o.id = m.into_id where o.tax_code is not null"""
)


async def _of_those_there(session: AsyncSession, batch: Sequence[Entry | Refused]) -> Sequence[Entry | Refused]:
    """The tax code of a merged duplicate means the organisation that stands for it: no file makes it anew."""
    asked = sorted({item.tax_code for item in batch if isinstance(item, Entry) and item.tax_code})
    known = {row.tax_code: row.of_now for row in await session.execute(MERGED, {"codes": asked})}
    if not known:
        return batch
    return [
        replace(item, tax_code=known[item.tax_code]) if isinstance(item, Entry) and item.tax_code in known else item
        for item in batch
    ]


async def _standing(
    session: AsyncSession, job: Job, identities: set[str], before: int, parent: Parent | None
) -> dict[str, Standing]:
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
        await _add_memberships(session, job, {one.id: one for one in found.values()}, lock)
    for row in await session.execute(EARLIER, {"id": job.id, "identities": asked, "before": before}):
        _recall(entry_of(row.line, row.tax_code, row.municipality, row.content), found, parent, applied=job.applying)
    return found


async def _add_memberships(session: AsyncSession, job: Job, by_id: Mapping[UUID, Standing], lock: str) -> None:
    asked = {"network": job.network_id, "ids": sorted(by_id)}
    withdrawn = []
    for row in await session.execute(text(MEMBERSHIPS + lock.format("m")), asked):
        one = by_id[row.organisation_id]
        one.membership_id, one.membership_version = row.id, row.version
        one.state, one.since = row.state, row.since
        one.email, one.pec, one.phone = row.email, row.pec, row.phone
        if row.state == State.WITHDRAWN:
            withdrawn.append(one.id)
    if withdrawn and not job.undoing:
        for id_ in (await session.execute(TAKEN_BACK, {"network": job.network_id, "ids": withdrawn})).scalars():
            by_id[id_].withdrawn_by_undo = True


def _recall(entry: Entry, standing: dict[str, Standing], parent: Parent | None, *, applied: bool) -> None:
    """An earlier row of this file: applied, it is in the tables already; in a preview it has to be thought of again."""
    known = standing.get(entry.identity)
    if applied:
        if known is not None:
            known.line = known.line or entry.line
    elif known is None:
        standing[entry.identity] = rules.create(entry, uuid7(), parent)
    else:
        rules.merge(entry, known, parent)


def _judge(item: Entry | Refused, standing: dict[str, Standing], parent: Parent | None, *, applying: bool) -> Judged:
    if isinstance(item, Refused):
        return Judged(item, REJECTED, item.reasons)
    known = standing.get(item.identity)
    if known is None:
        known = standing[item.identity] = rules.create(item, uuid7(), parent)
        outcome, notes, changes = CREATED, item.notes, None
    else:
        outcome, notes, changes = rules.merge(item, known, parent)
    exists = outcome != REJECTED and (applying or not known.new)  # a preview makes no organisation
    return Judged(item, outcome, notes, known.id if exists else None, changes)


# --- writing ---------------------------------------------------------------------------------------------------------


async def _write(session: AsyncSession, job: Job, standing: Sequence[Standing], now: datetime) -> None:
    """New organisations, changed ones, memberships, and a fact for each: a dozen statements whatever the batch."""
    new = sorted(
        (one for one in standing if one.new), key=lambda one: one.tax_code or ""
    )  # one order for all: no deadlock
    changed = [one for one in standing if one.changed and not one.new]
    joining = [one for one in standing if one.joins]
    rejoining = [one for one in standing if one.rejoins]
    contacts = [one for one in standing if one.contacts_changed and not one.joins]
    if new:
        await copy(session, "organisations", ORGANISATION, ((*_record(one), now, now, 1) for one in new))
    if changed:
        await session.execute(CHANGE, _columns(changed, now))
    since = day(now)
    ids = [uuid7() for _ in joining]
    if joining:
        rows = (
            (id_, job.network_id, one.id, str(State.ACTIVE), since, "[]", one.email, one.pec, one.phone, now, now, 1)
            for id_, one in zip(ids, joining, strict=True)
        )
        await copy(session, "memberships", MEMBERSHIP, rows)
    facts: list[OrganisationState | MembershipState] = [
        *(_fact(OrganisationRegistered, one, 1) for one in new),
        *(_fact(OrganisationChanged, one, one.version + 1) for one in changed),
        *(
            MembershipActivated(
                id=id_,
                version=1,
                network_id=job.network_id,
                organisation_id=one.id,
                state=State.ACTIVE,
                since=since,
                pec=one.pec,
            )
            for id_, one in zip(ids, joining, strict=True)
        ),
    ]
    facts += await _change_contacts(session, job, contacts, rejoining, now)
    facts += await _step(session, job, rejoining, State.ACTIVE, now)
    if facts:
        await stage(session, *facts)
    if joining or rejoining:
        joined = [one.id for one in (*joining, *rejoining)]
        await bodies.follow_members(session, job.network_id, joined=joined, on=since)
        await commitments.follow_members(session, job.network_id, joined, (), since, now)


ORGANISATION = (
    "id", "title", "tax_code", "kind", "ownership", "sections", "municipality", "territories", "parent_id", "website",
    "created_at", "updated_at", "version",
)  # fmt: skip
MEMBERSHIP = (
    "id", "network_id", "organisation_id", "state", "since", "history", "email", "pec", "phone", "created_at",
    "updated_at", "version",
)  # fmt: skip
CHANGE = text(
    """update organisations o set title = n.title, kind = n.kind, sections = n.sections, municipality = n.municipality,
    website = n.website, parent_id = n.parent_id, updated_at = :now, version = o.version + 1
    from unnest(cast(:id as uuid[]), cast(:title as text[]), cast(:kind as text[]), cast(:sections as jsonb[]),
                cast(:municipality as text[]), cast(:website as text[]), cast(:parent_id as uuid[]))
         as n(id, title, kind, sections, municipality, website, parent_id)
    where o.id = n.id"""
)
CONTACTS = text(
    """update memberships m set email = n.email, pec = n.pec, phone = n.phone, updated_at = :now,
    version = m.version + 1
    from unnest(cast(:membership_id as uuid[]), cast(:email as text[]), cast(:pec as text[]), cast(:phone as text[]))
         as n(id, email, pec, phone)
    where m.id = n.id
    returning m.id, m.organisation_id, m.state, m.since, m.pec, m.version"""
)


# A membership's step as `Membership.step` takes it, for many at once. `version` afterwards comes back: a contact that
# was changed in the same batch has moved it too.
STEP = text(
    """update memberships m set history = m.history || jsonb_build_object('state', m.state, 'since', m.since),
    state = :state, since = greatest(m.since, :since), updated_at = :now, version = m.version + 1
    from unnest(cast(:ids as uuid[])) asked(id) where m.id = asked.id
    returning m.id, m.organisation_id, m.since, m.pec, m.version"""
)


def _record(one: Standing) -> tuple[Any, ...]:
    sections, parent = as_json(one.sections), one.parent_id
    return (
        one.id,
        one.title,
        one.tax_code,
        str(one.kind),
        one.ownership,
        sections,
        one.municipality,
        [],
        parent,
        one.website,
    )


def _columns(changed: Sequence[Standing], now: datetime) -> dict[str, Any]:
    return {
        "id": [one.id for one in changed],
        "title": [one.title for one in changed],
        "kind": [str(one.kind) for one in changed],
        "sections": [as_json(one.sections) for one in changed],
        "municipality": [one.municipality for one in changed],
        "website": [one.website for one in changed],
        "parent_id": [one.parent_id for one in changed],
        "now": now,
    }


def _contacts(changed: Sequence[Standing], now: datetime) -> dict[str, Any]:
    columns = {name: [getattr(one, name) for one in changed] for name in ("membership_id", *rules.CONTACTS)}
    return {**columns, "now": now}


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


async def _step(
    session: AsyncSession, job: Job, stepping: Sequence[Standing], state: State, now: datetime
) -> list[OrganisationState | MembershipState]:
    """Memberships enter a state today; gives the facts that say so."""
    if not stepping:
        return []
    ids = sorted(one.membership_id for one in stepping if one.membership_id)
    fact = MembershipActivated if state is State.ACTIVE else MembershipWithdrawn
    rows = await session.execute(STEP, {"ids": ids, "state": str(state), "since": day(now), "now": now})
    return [
        fact(
            id=row.id,
            version=row.version,
            network_id=job.network_id,
            organisation_id=row.organisation_id,
            state=state,
            since=row.since,
            pec=row.pec,
        )
        for row in rows
    ]


async def _change_contacts(
    session: AsyncSession, job: Job, changed: Sequence[Standing], stepping: Sequence[Standing], now: datetime
) -> list[OrganisationState | MembershipState]:
    """Of each that changes, the fact that says so; of those that take a step besides, that one's fact does."""
    if not changed:
        return []
    rows = await session.execute(CONTACTS, _contacts(changed, now))
    told = {one.membership_id for one in stepping}
    return [
        MembershipChanged(
            id=row.id,
            version=row.version,
            network_id=job.network_id,
            organisation_id=row.organisation_id,
            state=row.state,
            since=row.since,
            pec=row.pec,
        )
        for row in rows
        if row.id not in told
    ]


# --- taking it back --------------------------------------------------------------------------------------------------

# All rows of an import about the organisations that those of a batch are about, the first one first.
ROWS_ABOUT = text(
    """select r.line, r.tax_code, r.municipality, r.content, r.outcome, r.changes, r.organisation_id
    from import_rows r join unnest(cast(:ids as uuid[])) asked(organisation_id) using (organisation_id)
    where r.import_id = :id and r.outcome in ('created', 'updated') order by r.line"""
)
# Somebody acts for the organisation in this network, or it has kept a word since.
IN_USE = text(
    """select asked.id from unnest(cast(:ids as uuid[])) asked(id)
    where exists (select from mandates m where m.network_id = :network and m.organisation_id = asked.id)
    or exists (select from commitments c
               where c.network_id = :network and c.organisation_id = asked.id and c.state = 'fulfilled')"""
)


async def undo(session: AsyncSession, job: Job, ids: Sequence[UUID], now: datetime) -> dict[UUID, Reason | None]:
    """Takes back what the import made of these organisations; by organisation, what was kept and why."""
    parent = await _parent(session, job)
    rows: dict[UUID, list[Written]] = {}
    for row in await session.execute(ROWS_ABOUT, {"id": job.id, "ids": ids}):
        entry = entry_of(row.line, row.tax_code, row.municipality, row.content)
        rows.setdefault(row.organisation_id, []).append(Written(entry, row.outcome, row.changes))
    there = await session.execute(text(BY_ID), {"ids": sorted(rows)})
    standing = {row["id"]: Standing(**row) for row in there.mappings()}
    await _add_memberships(session, job, standing, " for update of m")
    used = set((await session.execute(IN_USE, {"network": job.network_id, "ids": sorted(standing)})).scalars())
    undone = {id_: rules.take_back(one, rows[id_], parent, in_use=id_ in used) for id_, one in standing.items()}
    await _restore(session, job, standing, undone, now)
    gone = Undoing(kept=Reason("row", "gone"))
    return {id_: undone.get(id_, gone).kept for id_ in rows}


async def _restore(
    session: AsyncSession, job: Job, standing: Mapping[UUID, Standing], undone: Mapping[UUID, Undoing], now: datetime
) -> None:
    changed = [one for one in standing.values() if one.changed]
    contacts = [one for one in standing.values() if one.contacts_changed]
    leaving = [standing[id_] for id_, what in undone.items() if what.withdraws]
    if changed:
        await session.execute(CHANGE, _columns(changed, now))
    told = await _change_contacts(session, job, contacts, leaving, now)
    facts = [
        *(_fact(OrganisationChanged, one, one.version + 1) for one in changed),
        *told,
        *await _step(session, job, leaving, State.WITHDRAWN, now),
    ]
    await stage(session, *facts)
    if leaving:
        left, on = sorted(one.id for one in leaving), day(now)
        await bodies.follow_members(session, job.network_id, left=left, on=on)
        await commitments.follow_members(session, job.network_id, (), left, on, now)


# --- a row as it is kept ---------------------------------------------------------------------------------------------

KEPT = ("title", "kind", "likely_kind", "sections", "email", "pec", "phone", "website")


def as_kept(entry: Entry) -> dict[str, Any]:
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
