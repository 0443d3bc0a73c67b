"""Taking a list of representatives: people, their dated mandates, and the commitment that it closes, in one go.

Locks are taken in the order of the mandates' commands (the offices, the people, the membership), then the commitment.
The number of statements does not depend on the number of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.registry.commitments import commands as commitments
from services.registry.commitments import queries as commitment_queries
from services.registry.commitments.commands import Fulfilment
from services.registry.commitments.queries import Named
from services.registry.mandates import commands as mandates
from services.registry.mandates import queries as mandate_queries
from services.registry.mandates.rules import Mandate
from services.registry.people import commands as people
from services.registry.people.rules import Person
from services.registry.people.tables import known_people
from services.registry.processing import commands as processing
from services.registry.representatives import queries, rules
from services.registry.representatives.rules import (
    MOST_ROWS,
    Finding,
    NothingListed,
    Outcome,
    Row,
    RowsRefused,
    Sheet,
    Standing,
    TooManyRows,
)
from services.registry.representatives.tables import listed_people, representative_lists
from shared import sheets, territories
from shared.access.actor import Actor, day
from shared.contracts.registry import MandateDesignated, PersonRegistered
from shared.messaging import stage
from shared.sheets import LARGEST_FILE, FileTooLarge, Record, Unreadable, plain

EVIDENCE = {
    "it": "Elenco dichiarato completo: {rows} righe.",
    "en": "List declared complete: {rows} rows.",
}


@dataclass(frozen=True)
class Taken:
    """What became of a list. `names` are those of the people, by id; from the columns in `unread` nothing was read."""

    id: UUID
    commitment: Named
    outcomes: Sequence[Outcome]
    names: dict[UUID, str]
    entered: int
    complete: bool
    unread: Sequence[str]

    @property
    def created(self) -> int:
        return sum(outcome.new for outcome in self.outcomes)


def read(content: bytes) -> Sheet:
    """The rows of a file, as the imports read theirs: any usual encoding and delimiter, workbooks weighed before they
    are opened. Takes seconds for a large workbook: call it in a thread. Raises FileTooLarge, Unreadable,
    MissingColumns, TooManyRows."""
    if len(content) > LARGEST_FILE:
        raise FileTooLarge
    sheet = rules.read(_records(content), territories.load())
    if not sheet.rows and not sheet.findings:
        raise Unreadable("no_rows")
    return sheet


def _records(content: bytes) -> Sequence[Record]:
    most = MOST_ROWS + rules.HEADER_WITHIN + 1
    with sheets.opened(content) as sheet:
        found = list(islice(sheet.records(), most + 1))
    if len(found) > most:
        raise TooManyRows
    return found


async def take(
    session: AsyncSession,
    actor: Actor,
    commitment_id: UUID,
    sheet: Sheet,
    *,
    complete: bool,
    language: str,
    by_link: bool = False,
    now: datetime,
) -> Taken:
    """A list, whole. Sent again it finds everything there. Raises RowsRefused with every finding; Closed, NotAList."""
    named = await queries.awaited(session, actor, commitment_id, by_link=by_link, now=now)
    network_id, organisation_id = named.commitment.network_id, named.commitment.organisation_id
    assert organisation_id is not None
    findings = [*sheet.findings, *await _of_others(session, network_id, organisation_id, sheet.rows)]
    if findings:
        raise RowsRefused(findings, sheet.columns, language)
    standing = await _locked(session, network_id, organisation_id, sheet.rows)
    await commitment_queries.lock_debtors(session, network_id, {"organisation_id": organisation_id})
    named = await commitment_queries.for_update(session, commitment_id)
    queries.require_awaited(named)
    newcomers = _newcomers(sheet.rows, standing)
    entered = {identity: person.id for identity, person in newcomers.items()}
    outcomes, contradictions = rules.judge(sheet.rows, standing, entered, day(now))
    if contradictions:
        raise RowsRefused(contradictions, sheet.columns, language)
    await _enter(session, newcomers.values(), now)
    await _designate(session, [outcome.mandate for outcome in outcomes if outcome.new], now)
    list_id = await _note(session, actor, named, outcomes, set(entered.values()), complete=complete, now=now)
    if complete:
        evidence = EVIDENCE[language].format(rows=len(outcomes))
        shown = Fulfilment.model_construct(evidence=evidence, link=None, on=None)
        await commitments.close(session, named.commitment, shown, now)
    names = {outcome.mandate.person_id: f"{outcome.row.given_name} {outcome.row.family_name}" for outcome in outcomes}
    return Taken(list_id, named, outcomes, names, len(newcomers), complete, sheet.unread)


async def declare_complete(
    session: AsyncSession, actor: Actor, commitment_id: UUID, *, language: str, by_link: bool = False, now: datetime
) -> Taken:
    """Whom the lists and forms so far have named is everybody. Raises NothingListed, Closed, NotAList."""
    named = await queries.awaited(session, actor, commitment_id, by_link=by_link, now=now)
    network_id, organisation_id = named.commitment.network_id, named.commitment.organisation_id
    assert organisation_id is not None
    await queries.lock_lists(session, network_id, organisation_id)
    named = await commitment_queries.for_update(session, commitment_id)
    queries.require_awaited(named)
    count = await queries.listed(session, commitment_id)
    if not count:
        raise NothingListed
    list_id = await _note(session, actor, named, (), set(), complete=True, now=now)
    shown = Fulfilment.model_construct(evidence=EVIDENCE[language].format(rows=count), link=None, on=None)
    await commitments.close(session, named.commitment, shown, now)
    return Taken(list_id, named, (), {}, 0, complete=True, unread=())


async def _of_others(
    session: AsyncSession, network_id: UUID, organisation_id: UUID, rows: Iterable[Row]
) -> list[Finding]:
    """The rows that name another association: nobody designates for others."""
    cells = {row.organisation for row in rows if row.organisation}
    if not cells:
        return []
    title, tax_code = await queries.title_of(session, organisation_id)
    others = {plain(name) for name in await queries.other_members(session, network_id, organisation_id, cells)}
    own = {cell for cell in cells if plain(cell) == plain(title)}
    own |= {cell for cell in cells if rules.names(cell, title, tax_code) and plain(cell) not in others}
    return [
        Finding(row.line, "organisation", "another", {"given": row.organisation[: rules.LONGEST_SHOWN]}, title)
        for row in rows
        if row.organisation and row.organisation not in own
    ]


async def _locked(session: AsyncSession, network_id: UUID, organisation_id: UUID, rows: Collection[Row]) -> Standing:
    """What there is already of the people in the list, locked."""
    await queries.lock_lists(session, network_id, organisation_id)
    standing = Standing(network_id, organisation_id, await queries.known(session, network_id, rows))
    known = [(row, id_) for row in rows if (id_ := standing.known.get(row.identity)) is not None]
    await mandate_queries.lock_offices(session, [(standing.office(row), id_) for row, id_ in known])
    there = await queries.lock_people(session, network_id, {id_ for _, id_ in known})
    standing.known = {identity: id_ for identity, id_ in standing.known.items() if id_ in there}
    standing.held = await queries.held(session, network_id, organisation_id, there)
    return standing


def _newcomers(rows: Iterable[Row], standing: Standing) -> dict[tuple[str, str], Person]:
    """Those whom the network does not know, once each: a name that comes back with another phone keeps the first."""
    found: dict[tuple[str, str], Person] = {}
    for row in rows:
        if row.identity in standing.known:
            continue
        person = found.setdefault(
            row.identity, Person(standing.network_id, row.given_name, row.family_name, email=row.email, phone=row.phone)
        )
        person.phone = person.phone or row.phone
    return found


async def _enter(session: AsyncSession, newcomers: Collection[Person], now: datetime) -> None:
    if not newcomers:
        return
    session.add_all(newcomers)
    await session.flush()
    known = [{"network_id": person.network_id, "person_id": person.id} for person in newcomers]
    await session.execute(insert(known_people), known)
    network_id = next(iter(newcomers)).network_id  # a list is of one member of one network
    await processing.owe(session, network_id, [person.id for person in newcomers], now)
    await stage(session, *(people.state_of(PersonRegistered, person) for person in newcomers))


async def _designate(session: AsyncSession, new: Sequence[Mandate], now: datetime) -> None:
    if not new:
        return
    session.add_all(new)
    await session.flush()
    await mandates.tell(session, now, *((MandateDesignated, mandate) for mandate in new))


async def _note(
    session: AsyncSession,
    actor: Actor,
    named: Named,
    outcomes: Sequence[Outcome],
    entered: Collection[UUID],
    *,
    complete: bool,
    now: datetime,
) -> UUID:
    """The list and whom it named: the source of what is kept of them."""
    list_id = uuid7()
    created = sum(outcome.new for outcome in outcomes)
    await session.execute(
        insert(representative_lists).values(
            id=list_id,
            commitment_id=named.commitment.id,
            sent_at=now,
            sent_by=actor.id,
            rows=len(outcomes),
            created=created,
            unchanged=len(outcomes) - created,
            complete=complete,
        )
    )
    ids = sorted({outcome.mandate.person_id for outcome in outcomes})
    rows = [{"list_id": list_id, "person_id": id_, "entered": id_ in entered} for id_ in ids]
    if rows:
        await session.execute(insert(listed_people), rows)
    return list_id
