"""Rows about people and whom they act for: who is known already, what a batch writes, and how it is taken back.

Locks are taken in the order of the mandates' commands: the offices, the people, the memberships. The number of
statements of a batch does not depend on its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import ARRAY, Text, Uuid, and_, bindparam, insert, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.erasures import commands as erasures
from services.registry.imports import representatives as rules
from services.registry.imports.model import CREATED, REJECTED, UNCHANGED, Changes, Job, Judged, Reason, Refused
from services.registry.imports.representatives import Listed
from services.registry.mandates import commands as mandates
from services.registry.mandates import queries as mandate_queries
from services.registry.mandates.rules import EndReason, Mandate, Office, State
from services.registry.mandates.tables import mandates as mandates_table
from services.registry.people import commands as people
from services.registry.people.rules import Person
from services.registry.people.tables import known_people
from services.registry.processing import commands as processing
from services.registry.representatives import queries as lists
from shared.access.actor import Actor, day
from shared.access.roles import Role
from shared.contracts.registry import MandateDesignated, MandateState, PersonRegistered
from shared.messaging import stage

Named = tuple[str, str]
"""By what a person is known again: the name, and the mailbox or phone."""


@dataclass
class Standing:
    """What there is already, and what the rows before have added."""

    organisations: Mapping[str, UUID | Reason]  # by tax code or name, as the row says it
    people: dict[Named, UUID]
    held: dict[Office, list[Mandate]] = field(default_factory=dict)
    newcomers: dict[Named, Person] = field(default_factory=dict)
    given: list[Mandate] = field(default_factory=list)

    def add(self, mandate: Mandate) -> None:
        self.held.setdefault(mandate.office, []).append(mandate)


async def advance(session: AsyncSession, job: Job, batch: Sequence[Listed | Refused], now: datetime) -> list[Judged]:
    """Decides about the rows of a batch, and writes what they give unless this is a preview."""
    entries = [item for item in batch if isinstance(item, Listed)]
    standing = await _standing(session, job, entries, now)
    if not job.applying:
        await _recall(session, job, entries, batch[0].line, standing, now)
    judged = [_judge(item, job, standing, now) for item in batch]
    if job.applying:
        await _write(session, job, standing, now)
    return judged


async def _standing(session: AsyncSession, job: Job, entries: Sequence[Listed], now: datetime) -> Standing:
    """The organisations, the people and the mandates of these rows, locked when something is going to be given."""
    named = await _organisations(session, job, entries)
    if job.applying:
        ids = {id_ for id_ in named.values() if isinstance(id_, UUID)}
        await _lock_lists(session, job.network_id, ids)
    known = await lists.known(session, job.network_id, [entry.row for entry in entries])
    standing = Standing(named, dict(known))
    if job.applying:
        offices = [office for entry in entries if (office := _office(entry, job, standing, now))]
        if offices:
            await mandate_queries.lock_offices(session, offices)
        there = await lists.lock_people(session, job.network_id, set(known.values()))
        standing.people = {identity: id_ for identity, id_ in known.items() if id_ in there}
        standing.organisations = await _organisations(session, job, entries, lock=True)
    for mandate in await _held(session, job, entries, standing):
        standing.add(mandate)
    return standing


def _office(entry: Listed, job: Job, standing: Standing, now: datetime) -> tuple[Office, UUID | None] | None:
    organisation = standing.organisations.get(entry.organisation)
    person = standing.people.get(entry.row.identity)
    if isinstance(organisation, Reason):
        return None
    mandate = entry.mandate(job.network_id, person or job.id, organisation, day(now))
    return (mandate.office, person) if person or mandate.office.exclusive else None


# Members that may give mandates, by tax code, else by name; several of one name are told apart by nobody.
MEMBERS = """select asked.said, o.id from unnest(:codes) as asked(said)
    join organisations o on o.tax_code = asked.said
    join memberships m on m.organisation_id = o.id and m.network_id = :network and m.state = any(:states)
    union all
    select asked.said, o.id from unnest(:names) as asked(said)
    join organisations o on fold(o.title) = fold(asked.said)
    join memberships m on m.organisation_id = o.id and m.network_id = :network and m.state = any(:states)
    order by 2"""
SHARED = text(
    "select id from memberships where network_id = :network and organisation_id = any(:ids) order by id for share"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


async def _organisations(
    session: AsyncSession, job: Job, entries: Iterable[Listed], *, lock: bool = False
) -> dict[str, UUID | Reason]:
    said = {(entry.tax_code, entry.row.organisation) for entry in entries}
    codes = {code for code, _ in said if code}
    names = {name for code, name in said if name and not code}
    asked = {
        "codes": sorted(codes),
        "names": sorted(names),
        "network": job.network_id,
        "states": [str(state) for state in mandate_queries.MEMBERS],
    }
    if lock:  # they stay members until the transaction ends
        ids = {id_ for _, id_ in await session.execute(FOUND, asked)}
        await session.execute(SHARED, {"network": job.network_id, "ids": sorted(ids)})
    found: dict[str, UUID | Reason] = {}
    for name, id_ in await session.execute(FOUND, asked):
        found[name] = Reason("organisation", "several", {"given": name}) if name in found else id_
    for name in codes | names:
        found.setdefault(name, Reason("organisation", "unknown", {"given": name}))
    return found


FOUND = text(MEMBERS).bindparams(
    bindparam("codes", type_=ARRAY(Text)), bindparam("names", type_=ARRAY(Text)), bindparam("states", type_=ARRAY(Text))
)


async def _lock_lists(session: AsyncSession, network_id: UUID, ids: Iterable[UUID]) -> None:
    """No list of one of these members at the same time: of two, the second finds the people whom the first entered."""
    for id_ in sorted(ids):
        await lists.lock_lists(session, network_id, id_)


async def _held(session: AsyncSession, job: Job, entries: Sequence[Listed], standing: Standing) -> Sequence[Mandate]:
    """The mandates of these people, and those of offices that one holds at a time."""
    owners = {id_ for id_ in standing.organisations.values() if isinstance(id_, UUID)}
    places = {entry.row.territory for entry in entries if entry.role is Role.COORDINATOR}
    table = mandates_table.c
    query = select(Mandate).where(
        table.network_id == job.network_id,
        table.body_id.is_(None),
        or_(
            table.person_id.in_(set(standing.people.values())),
            and_(table.role == Role.REFERENT, table.organisation_id.in_(owners)),
            and_(table.role == Role.COORDINATOR, table.territory.in_(places)),
        ),
    )
    return (await session.execute(query.order_by(table.since, table.id))).scalars().all()


# --- rows above, in a preview ----------------------------------------------------------------------------------------

EARLIER = text(
    """select r.line, r.tax_code, r.content, r.organisation_id from unnest(:identities) as asked(identity)
    join import_rows r on r.import_id = :id and r.identity = asked.identity
    where r.line < :before and r.outcome = 'created' order by r.line"""
).bindparams(bindparam("identities", type_=ARRAY(Text)))


async def _recall(
    session: AsyncSession, job: Job, entries: Sequence[Listed], before: int, standing: Standing, now: datetime
) -> None:
    """What rows above would have given, had this been no preview. Who is nobody yet has the same id in every batch."""
    for entry in entries:
        standing.people.setdefault(entry.row.identity, _stand_in(job, entry.row.identity))
    asked = {"id": job.id, "identities": sorted({entry.identity for entry in entries}), "before": before}
    for row in await session.execute(EARLIER, asked):
        entry = rules.entry_of(row.line, row.tax_code, None, row.content)
        person = standing.people.setdefault(entry.row.identity, _stand_in(job, entry.row.identity))
        standing.add(entry.mandate(job.network_id, person, row.organisation_id, day(now)))


def _stand_in(job: Job, identity: Named) -> UUID:
    return uuid5(job.id, "\n".join(identity))


# --- deciding --------------------------------------------------------------------------------------------------------


def _judge(item: Listed | Refused, job: Job, standing: Standing, now: datetime) -> Judged:
    if isinstance(item, Refused):
        return Judged(item, REJECTED, item.reasons)
    owner = standing.organisations.get(item.organisation) if item.organisation else None
    if isinstance(owner, Reason):
        return Judged(item, REJECTED, [owner])
    identity = item.row.identity
    newcomer = _newcomer(item, job) if identity not in standing.people and job.applying else None
    person_id = newcomer.id if newcomer else standing.people[identity]
    mandate = item.mandate(job.network_id, person_id, owner, day(now))
    meant = rules.judge(item, mandate, standing.held.get(mandate.office, ()), day(now))
    if isinstance(meant, Reason):
        return Judged(item, REJECTED, [meant], owner)
    if meant is not mandate:
        if not job.applying and not meant.version:  # a row above would give it
            return Judged(item, UNCHANGED, (), owner)
        return Judged(item, UNCHANGED, (), owner, None, meant.person_id, meant.id)
    standing.add(mandate)
    if not job.applying:
        return Judged(item, CREATED, (), owner, rules.days_of(mandate))
    if newcomer is not None:
        standing.people[identity], standing.newcomers[identity] = newcomer.id, newcomer
    standing.given.append(mandate)
    return Judged(item, CREATED, (), owner, rules.days_of(mandate), person_id, mandate.id, entered=newcomer is not None)


def _newcomer(entry: Listed, job: Job) -> Person:
    row = entry.row
    return Person(job.network_id, row.given_name, row.family_name, email=row.email, phone=row.phone)


async def _write(session: AsyncSession, job: Job, standing: Standing, now: datetime) -> None:
    newcomers = list(standing.newcomers.values())
    if newcomers:
        session.add_all(newcomers)
        await session.flush()
        known = [{"network_id": job.network_id, "person_id": person.id} for person in newcomers]
        await session.execute(insert(known_people), known)
        await processing.owe(session, job.network_id, [person.id for person in newcomers], now)
        await stage(session, *(people.state_of(PersonRegistered, person) for person in newcomers))
    if standing.given:
        session.add_all(standing.given)
        await session.flush()
        await mandates.tell(session, now, *((MandateDesignated, mandate) for mandate in standing.given))


# --- taking it back --------------------------------------------------------------------------------------------------

GIVEN = text(
    "select mandate_id, person_id, entered, changes from import_rows where import_id = :id and mandate_id = any(:ids)"
    " and outcome = 'created'"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
# Whom this import entered, whose every mandate has been taken back, and about whom nobody has done anything since.
NOBODY_ANY_MORE = text(
    """select p.id from people p where p.id = any(:ids) and p.version = 1 and p.erased_at is null
    and exists (select from import_rows r where r.import_id = :import and r.person_id = p.id and r.entered)
    and not exists (select from mandates m where m.person_id = p.id
                    and (m.end_reason is distinct from 'mistake' or m.ended_on > m.since))
    and not exists (select from known_people k where k.person_id = p.id and k.network_id <> :network)
    and not exists (select from identities i where i.person_id = p.id)
    and not exists (select from commitments c where c.person_id = p.id)
    order by p.id"""
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


async def undo(session: AsyncSession, job: Job, ids: Sequence[UUID], now: datetime) -> dict[UUID, Reason | None]:
    """Takes back these mandates, as if they had never been held, and forgets whom the import alone has entered; by
    mandate, what was kept and why."""
    rows = {row.mandate_id: row for row in await session.execute(GIVEN, {"id": job.id, "ids": list(ids)})}
    found = await _locked(session, ids)
    kept: dict[UUID, Reason | None] = {id_: Reason("row", "gone") for id_ in ids if id_ not in found}
    taken: list[tuple[type[MandateState], Mandate]] = []
    for mandate in found.values():
        changes: Changes = rows[mandate.id].changes
        if rules.untouched(mandate, changes):
            taken.append((_never_held(mandate, now), mandate))
            kept[mandate.id] = None
        else:
            kept[mandate.id] = Reason("row", "changed_since", {"fields": ["mandate"]})
    if taken:
        await mandate_queries.write(session, [mandate for _, mandate in taken])
        await mandates.tell(session, now, *taken)
    await _forget(session, job, {mandate.person_id for _, mandate in taken}, now)
    return kept


async def _locked(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Mandate]:
    query = select(Mandate).where(mandates_table.c.id.in_(ids)).order_by(mandates_table.c.id)
    unlocked = (await session.execute(query)).scalars().all()
    if not unlocked:
        return {}
    await mandate_queries.lock_offices(session, [(one.office, one.person_id) for one in unlocked])
    again = query.with_for_update().execution_options(populate_existing=True)
    return {one.id: one for one in (await session.execute(again)).scalars()}


def _never_held(mandate: Mandate, now: datetime) -> type[MandateState]:
    """Ends it on its own first day; one that has not begun today, so that no due row brings it back."""
    begun = mandate.state(day(now)) is not State.DESIGNATED
    mandate.ended_on, mandate.end_reason = (mandate.since if begun else day(now)), EndReason.MISTAKE
    return mandates.ended(mandate, now)


async def _forget(session: AsyncSession, job: Job, ids: set[UUID], now: datetime) -> None:
    """Erases them, each by itself as everywhere: what an erasure has to reach grows with the platform."""
    asked: dict[str, Any] = {"ids": sorted(ids), "import": job.id, "network": job.network_id}
    for id_ in (await session.execute(NOBODY_ANY_MORE, asked)).scalars().all():
        await erasures.erase_person(session, Actor(admin=True), id_, expected=None, now=now)
