"""Reading the register of erasures, and the locks with which commands take them: the person before the erasure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.erasures.rules import Erasure, Office, Phase, UnknownErasure, actions
from services.registry.erasures.tables import answers, erasures, stream_erasures
from services.registry.networks import queries as networks
from services.registry.people import queries as people_queries
from services.registry.people.rules import Person
from services.registry.people.tables import known_people, people
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Shown:
    """An erasure with its person as they are called today ("" out of sight), what the services answered, phase after
    phase, and how far the stream is; and what the reader may do."""

    erasure: Erasure
    name: str
    actions: list[str]
    answers: Sequence[Any] = field(default=())
    stream: Any = None

    @property
    def version(self) -> int:
        return self.erasure.version


async def get(session: AsyncSession, actor: Actor, erasure_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownErasure also for one of somebody whom no network of the caller knows."""
    erasure = await session.get(Erasure, erasure_id)
    if erasure is None:
        raise UnknownErasure(erasure_id)
    return await shown(session, actor, erasure, now)


async def shown(session: AsyncSession, actor: Actor, erasure: Erasure, now: datetime) -> Shown:
    person = await session.get_one(Person, erasure.person_id)
    may_erase, themselves = await _rights(session, actor, person, now)
    if not may_erase and not themselves:
        raise UnknownErasure(erasure.id)
    (whole,) = await _whole(session, [(erasure, person.name)], may_erase=may_erase, themselves=themselves)
    return whole


async def _rights(session: AsyncSession, actor: Actor, person: Person, now: datetime) -> tuple[bool, bool]:
    rights = await people_queries.rights_on(session, actor, person, now)
    return Right.ERASE_PEOPLE in rights, actor.person_id == person.id


async def _whole(
    session: AsyncSession, found: Iterable[tuple[Erasure, str]], *, may_erase: bool, themselves: bool = False
) -> list[Shown]:
    found = list(found)
    ids = [erasure.id for erasure, _ in found]
    answered: dict[UUID, list[Any]] = {}
    query = select(answers).where(answers.c.erasure_id.in_(ids)).order_by(answers.c.asked, answers.c.service)
    for row in await session.execute(query):
        answered.setdefault(row.erasure_id, []).append(row)
    of_people = select(stream_erasures).where(stream_erasures.c.person_id.in_([e.person_id for e, _ in found]))
    streams = {row.person_id: row for row in await session.execute(of_people)}
    return [
        Shown(
            erasure,
            name.strip(),
            actions(erasure, may_erase=may_erase, themselves=themselves),
            answered.get(erasure.id, ()),
            streams.get(erasure.person_id) if erasure.phase is Phase.ERASE else None,
        )
        for erasure, name in found
    ]


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    phase: Collection[Phase] = (),
    person: Collection[UUID] = (),
    open_: bool | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The erasures of the people whom a network knows, oldest first."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.ERASE_PEOPLE, network=network_id, on=now)
    name = people.c.given_name + " " + people.c.family_name
    query: Select[Any] = (
        select(Erasure, name)
        .join(people, people.c.id == erasures.c.person_id)
        .join(known_people, known_people.c.person_id == people.c.id)
        .where(known_people.c.network_id == network_id)
    )
    if phase:
        query = query.where(erasures.c.phase.in_(phase))
    if person:
        query = query.where(erasures.c.person_id.in_(person))
    if open_ is not None:
        query = query.where(erasures.c.closed_on.is_(None) if open_ else erasures.c.closed_on.is_not(None))
    if updated_since:
        query = query.where(erasures.c.updated_at >= updated_since)
    found = await page(session, query, key=[erasures.c.id], after=after, limit=limit)
    return Page(await _whole(session, [(row[0], row[1]) for row in found.items], may_erase=True), found.next)


# --- for commands -----------------------------------------------------------------------------------------------------


async def for_update(session: AsyncSession, actor: Actor, erasure_id: UUID, now: datetime) -> tuple[Erasure, Person]:
    """Both locked. Raises UnknownErasure, or Forbidden for people who may only read or call off their own."""
    erasure, person = await locked(session, erasure_id)
    may_erase, themselves = await _rights(session, actor, person, now)
    if not may_erase and not themselves:
        raise UnknownErasure(erasure_id)
    return erasure, person


async def locked(session: AsyncSession, erasure_id: UUID) -> tuple[Erasure, Person]:
    person_id = await session.scalar(select(erasures.c.person_id).where(erasures.c.id == erasure_id))
    if person_id is None:
        raise UnknownErasure(erasure_id)
    person = await session.get_one(Person, person_id, with_for_update=True)
    erasure = await session.get_one(Erasure, erasure_id, with_for_update=True, populate_existing=True)
    return erasure, person


async def running(session: AsyncSession, person_id: UUID) -> Erasure | None:
    """The person's erasure that is not closed, locked; the caller holds the person."""
    query = select(Erasure).where(erasures.c.person_id == person_id, erasures.c.closed_on.is_(None))
    return (await session.execute(query.with_for_update())).scalar_one_or_none()


async def unanswered(session: AsyncSession, erasure_id: UUID) -> Sequence[str]:
    """The services that have not answered what was asked last."""
    last = select(func.max(answers.c.asked)).where(answers.c.erasure_id == erasure_id).scalar_subquery()
    query = select(answers.c.service).where(
        answers.c.erasure_id == erasure_id, answers.c.asked == last, answers.c.answered_at.is_(None)
    )
    return (await session.execute(query.order_by(answers.c.service))).scalars().all()


async def office(session: AsyncSession, person_id: UUID, on: date) -> Office | None:
    """An office that the person holds on that day or is about to; that which ends last."""
    held = await people_queries.last_held(session, person_id, on)
    return None if held is None else Office(held.id, held.ends)
