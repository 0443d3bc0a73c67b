"""Reading records, notices and consents, and the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.networks import queries as networks
from services.registry.people.rules import UnknownPerson
from services.registry.people.tables import PERSON_NAME, known_people, people
from services.registry.policy import Right, policy
from services.registry.processing.rules import (
    PENDING,
    Consent,
    NoRecord,
    Notice,
    Processing,
    State,
    UnknownConsent,
    UnknownNotice,
)
from services.registry.processing.tables import consents, notices, processing_terms, processings
from shared.access import loading
from shared.access.actor import LATEST, ROME, Actor, day
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Named:
    """A notice, whose it is, whether they have an address or a number, and whether there is a record to tell."""

    notice: Notice
    person: str
    has_email: bool
    has_phone: bool
    recorded: bool

    @property
    def version(self) -> int:
        return self.notice.version


@dataclass(frozen=True)
class NamedConsent:
    consent: Consent
    person: str

    @property
    def version(self) -> int:
        return self.consent.version


# --- the record ------------------------------------------------------------------------------------------------------


async def lock_record(session: AsyncSession, network_id: UUID, *, alone: bool = False) -> None:
    """People become known side by side (shared); the first record is written while none does (`alone`), so that no
    notice is missed by both."""
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    await session.execute(text(f"select {lock}(hashtextextended(:key, 0))"), {"key": f"processing {network_id}"})


async def record_of(session: AsyncSession, network_id: UUID, *, lock: bool = False) -> Processing | None:
    query = select(Processing).where(processings.c.network_id == network_id)
    return (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()


async def record(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Processing:
    """What everybody in the network may know. Raises NoRecord."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_PROCESSING, network=network_id, on=now)
    found = await record_of(session, network_id)
    if found is None:
        raise NoRecord
    return found


async def history(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    on: date | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Any]:
    """Every state that the record had, the last one first; with a day, the one that held at its end in Italy."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_PROCESSING, network=network_id, on=now)
    query = (
        select(*processing_terms.c)
        .join(processings, processings.c.id == processing_terms.c.processing_id)
        .where(processings.c.network_id == network_id)
    )
    if on is not None:
        over = datetime.combine(min(on, LATEST) + timedelta(days=1), time(), ROME)
        held = select(func.max(processing_terms.c.version)).where(processing_terms.c.recorded_at < over)
        mine = held.where(processing_terms.c.processing_id == processings.c.id).correlate(processings)
        query = query.where(processing_terms.c.version == mine.scalar_subquery())
    return await page(session, query, key=[processing_terms.c.version], after=after, limit=limit, descending=True)


# --- notices ---------------------------------------------------------------------------------------------------------

NAMED = (
    select(
        Notice,
        PERSON_NAME,
        people.c.email.is_not(None),
        people.c.phone.is_not(None),
        select(processings.c.id).where(processings.c.network_id == notices.c.network_id).exists(),
    )
    .join(people, people.c.id == notices.c.person_id)
    .execution_options(populate_existing=True)
)
Sort = Literal["id", "due"]


def named_row(row: Row[Notice, str, bool, bool, bool]) -> Named:
    return Named(row[0], row[1], row[2], row[3], row[4])


async def get(session: AsyncSession, actor: Actor, notice_id: UUID, *, now: datetime) -> Named:
    """Raises UnknownNotice; Forbidden unless it is the caller's own or the secretariat asks."""
    row = (await session.execute(NAMED.where(notices.c.id == notice_id))).one_or_none()
    if row is None:
        raise UnknownNotice(notice_id)
    named = named_row(row)
    if actor.person_id is None or actor.person_id != named.notice.person_id:
        policy.require(actor, Right.MANAGE_NOTICES, network=named.notice.network_id, on=now)
    return named


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Sequence[State] = (),
    person: Sequence[UUID] = (),
    due_before: date | None = None,
    updated_since: datetime | None = None,
    sort: Sort = "id",
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Named]:
    """The notices of a network; `due_before` is exclusive."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.MANAGE_NOTICES, network=network_id, on=now)
    query = NAMED.where(notices.c.network_id == network_id)
    if state:
        query = query.where(notices.c.state.in_(state))
    if person:
        query = query.where(notices.c.person_id.in_(person))
    if due_before:
        query = query.where(notices.c.due < due_before)
    if updated_since:
        query = query.where(notices.c.updated_at >= updated_since)
    key: list[ColumnElement[Any]] = [notices.c.id] if sort == "id" else [notices.c.due, notices.c.id]
    found = await page(session, query, key=key, after=after, limit=limit)
    return Page([named_row(row) for row in found.items], found.next)


@dataclass(frozen=True)
class Summary:
    """How a network's notices stand; without a record those that are owed wait."""

    recorded: bool
    counts: dict[State, int]
    overdue: int


async def summary(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Summary:
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.MANAGE_NOTICES, network=network_id, on=now)
    late = func.count().filter(notices.c.state.in_(PENDING), notices.c.due < day(now))
    counted = select(notices.c.state, func.count(), late).where(notices.c.network_id == network_id)
    rows = (await session.execute(counted.group_by(notices.c.state))).all()
    recorded = await record_of(session, network_id) is not None
    return Summary(recorded, {row[0]: row[1] for row in rows}, sum(row[2] for row in rows))


@dataclass(frozen=True)
class Linked:
    """What the page of a notice's link shows: the record as it stands, of the network (`name`, `logo`)."""

    named: Named
    processing: Processing
    network: Any


async def linked(session: AsyncSession, _: Actor, notice_id: UUID, *, now: datetime) -> Linked:  # noqa: ARG001
    """Whoever holds the link may see it. Raises UnknownNotice, NoRecord."""
    row = (await session.execute(NAMED.where(notices.c.id == notice_id))).one_or_none()
    if row is None:
        raise UnknownNotice(notice_id)
    named = named_row(row)
    processing = await record_of(session, named.notice.network_id)
    if processing is None:
        raise NoRecord
    return Linked(named, processing, await loading.network_row(session, str(named.notice.network_id)))


async def for_update(session: AsyncSession, actor: Actor, notice_id: UUID, now: datetime) -> Named:
    """The notice, its row locked. Raises UnknownNotice, Forbidden."""
    row = (await session.execute(NAMED.where(notices.c.id == notice_id).with_for_update(of=notices))).one_or_none()
    if row is None:
        raise UnknownNotice(notice_id)
    named = named_row(row)
    policy.require(actor, Right.MANAGE_NOTICES, network=named.notice.network_id, on=now)
    return named


async def gone(session: AsyncSession, ids: Sequence[UUID]) -> set[UUID]:
    """Those of them that are no notices any more."""
    there = set((await session.execute(select(notices.c.id).where(notices.c.id.in_(ids)))).scalars())
    return set(ids) - there


# --- consents --------------------------------------------------------------------------------------------------------

CONSENTS = (
    select(Consent, PERSON_NAME)
    .join(people, people.c.id == consents.c.person_id)
    .execution_options(populate_existing=True)
)


async def lock_person(session: AsyncSession, network_id: UUID, person_id: UUID) -> None:
    """Somebody whom the network knows, who stays, and consents to nothing else, until the transaction ends. Raises
    UnknownPerson."""
    query = (
        select(people.c.id)
        .join(known_people, known_people.c.person_id == people.c.id)
        .where(people.c.id == person_id, people.c.erased_at.is_(None), known_people.c.network_id == network_id)
        .with_for_update(key_share=True, of=people)
    )
    if not await session.scalar(query):
        raise UnknownPerson(person_id)


async def standing(session: AsyncSession, network_id: UUID, person_id: UUID) -> Consent | None:
    """The person's consent that was not withdrawn, locked."""
    query = select(Consent).where(
        consents.c.network_id == network_id, consents.c.person_id == person_id, consents.c.withdrawn_on.is_(None)
    )
    return (await session.execute(query.with_for_update())).scalar_one_or_none()


async def named_consent(session: AsyncSession, consent_id: UUID) -> NamedConsent:
    row = (await session.execute(CONSENTS.where(consents.c.id == consent_id))).one_or_none()
    if row is None:
        raise UnknownConsent(consent_id)
    return NamedConsent(*row)


async def consent_for_update(session: AsyncSession, actor: Actor, consent_id: UUID, now: datetime) -> NamedConsent:
    row = (
        await session.execute(CONSENTS.where(consents.c.id == consent_id).with_for_update(of=consents))
    ).one_or_none()
    if row is None:
        raise UnknownConsent(consent_id)
    named = NamedConsent(*row)
    _require_own(actor, named.consent, now)
    return named


async def consent(session: AsyncSession, actor: Actor, consent_id: UUID, *, now: datetime) -> NamedConsent:
    named = await named_consent(session, consent_id)
    _require_own(actor, named.consent, now)
    return named


def _require_own(actor: Actor, one: Consent, now: datetime) -> None:
    if actor.person_id is None or actor.person_id != one.person_id:
        policy.require(actor, Right.MANAGE_NOTICES, network=one.network_id, on=now)


async def consents_listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    person: Sequence[UUID] = (),
    on: date | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[NamedConsent]:
    """The consents of a network, withdrawn ones too; with a day, those that held on it."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.MANAGE_NOTICES, network=network_id, on=now)
    query = CONSENTS.where(consents.c.network_id == network_id)
    if person:
        query = query.where(consents.c.person_id.in_(person))
    if on:
        query = query.where(
            consents.c.given_on <= on, consents.c.withdrawn_on.is_(None) | (consents.c.withdrawn_on > on)
        )
    found = await page(session, query, key=[consents.c.id], after=after, limit=limit)
    return Page([NamedConsent(row[0], row[1]) for row in found.items], found.next)
