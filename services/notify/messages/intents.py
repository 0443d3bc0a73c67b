"""What reactions have in common: intents to tell somebody something, and waiting for what they speak of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bodies.tables import bodies
from services.notify.contacts.tables import contacts
from services.notify.deliveries.rules import Delivery, Problem, State, idempotency_key
from services.notify.messages.rules import Topic
from services.notify.organisations.tables import organisations
from shared.access.roles import Role
from shared.access.tables import grants, networks
from shared.messaging import NotYet, Received

CHUNK = 10_000
"""Ids in one statement: PostgreSQL takes 32,767 parameters."""


def intent(
    received: Received[Any],
    topic: Topic,
    now: datetime,
    *,
    person_id: UUID | None,
    parameters: Mapping[str, Any],
    subject: UUID | None = None,
    instant: object = "",
    network_id: UUID | None = None,
) -> Delivery:
    """To tell `topic` to one person by mail because of this fact, once for each subject, instant and person. Subject
    and network are the fact's own unless given; without a person there is nobody to tell, and it is born failed."""
    return Delivery(
        topic=topic.code,
        channel="email",
        key=idempotency_key(topic.code, subject or received.fact.id, instant, person_id),
        because_of=received.fact_id,
        intended_at=now,
        network_id=network_id or received.fact.network_id,
        person_id=person_id,
        parameters=dict(parameters),
        correlation=received.cause.correlation,
        traceparent=received.cause.traceparent,
        state=State.QUEUED if person_id else State.FAILED,
        problem=None if person_id else Problem.NOBODY_TO_TELL,
    )


def to_each(
    received: Received[Any],
    topic: Topic,
    now: datetime,
    people: Sequence[UUID],
    parameters: Mapping[str, Any],
    subject: UUID | None = None,
    instant: object = "",
) -> list[Delivery]:
    """One intent for each of these people; for nobody, a failure to be seen."""
    return [
        intent(received, topic, now, person_id=person, parameters=parameters, subject=subject, instant=instant)
        for person in people or (None,)
    ]


def stated(received: Received[Any]) -> str:
    """An instant of the aggregate's life, different for each of its facts, also after its service was restored."""
    generation, version = received.rank
    return f"{generation}.{version}"


async def secretariats(session: AsyncSession, ids: Iterable[UUID | None], on: date) -> dict[UUID | None, list[UUID]]:
    """Who is in the secretariat of each of these networks on that day."""
    found: dict[UUID | None, list[UUID]] = defaultdict(list)
    holders = await session.execute(
        select(grants.c.network_id, grants.c.person_id)
        .distinct()
        .where(
            grants.c.network_id.in_({id_ for id_ in ids if id_}),
            grants.c.role == Role.SECRETARIAT,
            grants.c.since <= on,
            or_(grants.c.until.is_(None), grants.c.until > on),
        )
        .order_by(grants.c.network_id, grants.c.person_id)
    )
    for row in holders:
        found[row.network_id].append(row.person_id)
    return found


async def people_known(session: AsyncSession, ids: Iterable[UUID | None]) -> None:
    """Projections and reactions are read by separate consumers: a person may arrive after what is to be told them."""
    await _all_there(session, contacts.c.person_id, "person", ids)


async def people_there(session: AsyncSession, ids: Iterable[UUID | None]) -> set[UUID | None]:
    """Those of them whom somebody can tell something. An actor may be a partner's key, or an administrator of the
    platform whom the registry does not know: nobody waits for them."""
    wanted, there = sorted({id_ for id_ in ids if id_}), set[UUID | None]()
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        there |= set(await session.scalars(select(contacts.c.person_id).where(contacts.c.person_id.in_(some))))
    return there


async def known_or_wait(
    session: AsyncSession, table: Table, what: str, ids: Iterable[UUID | None]
) -> dict[UUID, Row[Any]]:
    """The rows of these things, by id; raises NotYet while one of them is not here."""
    wanted = sorted({id_ for id_ in ids if id_})
    rows: dict[UUID, Row[Any]] = {}
    for start in range(0, len(wanted), CHUNK):
        found = await session.execute(select(table).where(table.c.id.in_(wanted[start : start + CHUNK])))
        rows |= {row.id: row for row in found}
    if missing := set(wanted) - rows.keys():
        raise NotYet(f"{what} {min(missing)}")
    return rows


async def networks_known(session: AsyncSession, ids: Iterable[UUID | None]) -> None:
    await _all_there(session, networks.c.id, "network", ids)


async def organisations_known(session: AsyncSession, ids: Iterable[UUID | None]) -> None:
    await _all_there(session, organisations.c.id, "organisation", ids)


async def bodies_known(session: AsyncSession, ids: Iterable[UUID | None]) -> None:
    await _all_there(session, bodies.c.id, "body", ids)


async def _all_there(session: AsyncSession, column: Any, what: str, ids: Iterable[UUID | None]) -> None:
    wanted = sorted({id_ for id_ in ids if id_})
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        missing = set(some) - set(await session.scalars(select(column).where(column.in_(some))))
        if missing:
            raise NotYet(f"{what} {min(missing)}")


async def projected(session: AsyncSession, table: Table, facts: Sequence[Received[Any]]) -> None:
    """Waits until the projection is as new as these facts. It then holds what their service told before them, too."""
    wanted: dict[UUID, tuple[int, int]] = {}
    for received in facts:
        wanted[received.fact.id] = max(received.rank, wanted.get(received.fact.id, received.rank))
    key = next(iter(table.primary_key.columns))
    found = await session.execute(select(key, table.c.generation, table.c.version).where(key.in_(sorted(wanted))))
    there = {id_: (generation, version) for id_, generation, version in found}
    behind = [id_ for id_, rank in wanted.items() if there.get(id_, (0, 0)) < rank]
    if behind:
        raise NotYet(f"{table.name} {min(behind)}")
