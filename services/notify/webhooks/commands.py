"""Making and changing endpoints, queueing what they are told, telling it again, giving one up."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Text, Uuid, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notify.deliveries import waking
from services.notify.deliveries.commands import intend
from services.notify.deliveries.rules import Delivery, Problem, idempotency_key
from services.notify.deliveries.rules import State as DeliveryState
from services.notify.journeys.tables import told
from services.notify.messages.intents import secretariats
from services.notify.messages.rules import ENDPOINT_DISABLED
from services.notify.policy import Right, policy
from services.notify.webhooks import queries, rules
from services.notify.webhooks.posting import Post, Poster
from services.notify.webhooks.rules import (
    KEPT,
    MOST_ENDPOINTS,
    MOST_REPLAYED,
    Answer,
    Endpoint,
    MessageState,
    NothingToReplay,
    Off,
    PeriodUnfit,
    Reason,
    TooMany,
    TooMuch,
)
from services.notify.webhooks.sealing import Safe, key_of
from services.notify.webhooks.tables import endpoint_attempts, endpoint_lanes, endpoint_messages, endpoints
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.contracts.notify import (
    EndpointChanged,
    EndpointDisabled,
    EndpointRegistered,
    EndpointRemoved,
    EndpointState,
)
from shared.messaging import Cause, caused_by, stage
from shared.runtime.clock import wall
from shared.runtime.problems import expect

CHUNK = 5_000


class Given(Protocol):
    title: str
    description: str | None
    url: str
    types: Sequence[str]


@dataclass(frozen=True)
class WithSecret:
    """An endpoint and its new secret, which is shown this once."""

    endpoint: Endpoint
    shown: queries.Shown
    secret: bytes = field(repr=False)

    @property
    def version(self) -> int:
        return self.endpoint.version


def fact_of(endpoint: Endpoint, kind: type[EndpointState], failing_since: datetime | None = None) -> EndpointState:
    return kind(
        id=endpoint.id,
        version=endpoint.version,
        network_id=endpoint.network_id,
        title=endpoint.title,
        state=endpoint.state,
        reason=endpoint.reason,
        failing_since=failing_since,
    )


async def register(
    session: AsyncSession,
    actor: Actor,
    network: str,
    given: Given,
    *,
    safe: Safe | None,
    insecure: bool,
    now: datetime,
) -> WithSecret:
    """Raises NetworkUnknown, Forbidden, Off, AddressUnfit, TypeUnknown, TooMany."""
    room = await network_id(session, network)
    policy.require(actor, Right.MANAGE_WEBHOOKS, network=room, on=now)
    if safe is None:
        raise Off
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"endpoints of {room}", 0))))
    there = await session.scalar(select(func.count()).select_from(endpoints).where(endpoints.c.network_id == room))
    if (there or 0) >= MOST_ENDPOINTS:
        raise TooMany
    secret, id_ = secrets.token_bytes(rules.SECRET_BYTES), uuid7()
    endpoint = Endpoint(
        id=id_,
        network_id=room,
        title=given.title,
        description=given.description or None,
        url=rules.address(given.url, insecure=insecure),
        types=rules.patterns(given.types),
        secret=safe.seal(id_, secret),
        made_at=wall(),
        key_id=actor.key_id,
    )
    session.add(endpoint)
    await session.flush()
    await session.execute(insert(endpoint_lanes).values(endpoint_id=id_))
    await stage(session, fact_of(endpoint, EndpointRegistered))
    return WithSecret(endpoint, await queries.get(session, actor, id_, now=now), secret)


async def held(session: AsyncSession, actor: Actor, endpoint_id: UUID, expected: int | None, now: datetime) -> Endpoint:
    """Locked. Raises Unknown, Forbidden, Stale."""
    shown = await queries.get(session, actor, endpoint_id, now=now)
    policy.require(actor, Right.MANAGE_WEBHOOKS, network=shown.endpoint.network_id, on=now)
    endpoint = await session.get_one(Endpoint, endpoint_id, with_for_update=True, populate_existing=True)
    if expected is not None:
        expect(expected, endpoint.version)
    return endpoint


async def _changed(session: AsyncSession, actor: Actor, endpoint: Endpoint, now: datetime) -> queries.Shown:
    await session.flush()
    await stage(session, fact_of(endpoint, EndpointChanged))
    return await queries.get(session, actor, endpoint.id, now=now)


async def change(
    session: AsyncSession,
    actor: Actor,
    endpoint_id: UUID,
    given: Mapping[str, Any],
    *,
    expected: int,
    insecure: bool,
    now: datetime,
) -> queries.Shown:
    """What is given of title, description, url, types. Another URL is another machine: its breaker begins anew. Raises
    Unknown, Forbidden, Stale, AddressUnfit, TypeUnknown."""
    endpoint = await held(session, actor, endpoint_id, expected, now)
    taken = dict(given)
    if "url" in taken:
        taken["url"] = rules.address(taken["url"], insecure=insecure)
    if "types" in taken:
        taken["types"] = rules.patterns(taken["types"])
    if "description" in taken:
        taken["description"] = taken["description"] or None
    elsewhere = taken.get("url", endpoint.url) != endpoint.url
    if not endpoint.change(wall(), taken):
        return await queries.get(session, actor, endpoint_id, now=now)
    if elsewhere:
        await _close_breaker(session, endpoint_id)
    return await _changed(session, actor, endpoint, now)


async def _close_breaker(session: AsyncSession, endpoint_id: UUID) -> None:
    await session.execute(
        update(endpoint_lanes)
        .where(endpoint_lanes.c.endpoint_id == endpoint_id)
        .values(failures=0, failing_since=None, open_until=None, suspect=False)
    )


async def pause(
    session: AsyncSession, actor: Actor, endpoint_id: UUID, *, expected: int, now: datetime
) -> queries.Shown:
    """What happens meanwhile waits. Raises Unknown, Forbidden, Stale, WrongState."""
    endpoint = await held(session, actor, endpoint_id, expected, now)
    endpoint.pause(wall())
    return await _changed(session, actor, endpoint, now)


async def resume(
    session: AsyncSession, actor: Actor, endpoint_id: UUID, *, expected: int, now: datetime
) -> queries.Shown:
    """Also of one that was disabled: its breaker begins anew. Raises Unknown, Forbidden, Stale, WrongState."""
    endpoint = await held(session, actor, endpoint_id, expected, now)
    endpoint.resume(wall())
    await _close_breaker(session, endpoint_id)
    waking.after_commit(session)
    return await _changed(session, actor, endpoint, now)


async def rotate(
    session: AsyncSession,
    actor: Actor,
    endpoint_id: UUID,
    hours: int,
    *,
    safe: Safe | None,
    expected: int,
    now: datetime,
) -> WithSecret:
    """A new secret; the one before it signs, too, for so many hours. Raises Off, Unknown, Forbidden, Stale."""
    if safe is None:
        raise Off
    endpoint = await held(session, actor, endpoint_id, expected, now)
    secret = secrets.token_bytes(rules.SECRET_BYTES)
    endpoint.rotate(safe.seal(endpoint_id, secret), wall(), timedelta(hours=hours))
    return WithSecret(endpoint, await _changed(session, actor, endpoint, now), secret)


async def remove(session: AsyncSession, actor: Actor, endpoint_id: UUID, *, expected: int, now: datetime) -> None:
    """With all that was kept of what it was told. Raises Unknown, Forbidden, Stale."""
    endpoint = await held(session, actor, endpoint_id, expected, now)
    gone = fact_of(endpoint, EndpointRemoved).model_copy(update={"version": endpoint.version + 1})
    await session.execute(delete(endpoints).where(endpoints.c.id == endpoint_id))
    await stage(session, gone)
    session.expunge(endpoint)


# --- what waits -------------------------------------------------------------------------------------------------------

QUEUE = text("""
    INSERT INTO endpoint_messages (endpoint_id, fact_id, type, aggregate_id, state, queued_at, next_try)
    SELECT v.endpoint_id, v.fact_id, v.type, v.aggregate_id, 'queued', :at, :at
    FROM unnest(CAST(:endpoints AS uuid[]), CAST(:facts AS uuid[]), CAST(:types AS text[]), CAST(:aggregates AS uuid[]))
        WITH ORDINALITY AS v(endpoint_id, fact_id, type, aggregate_id, position)
    JOIN endpoints e ON e.id = v.endpoint_id
    ORDER BY v.position FOR KEY SHARE OF e
    ON CONFLICT DO NOTHING
""")


async def queue(session: AsyncSession, wanted: Sequence[tuple[UUID, UUID, str, UUID]], at: datetime) -> None:
    """(endpoint, fact, its type, its aggregate), in the order in which they are to be told. A fact that an endpoint was
    told once is not told twice."""
    for start in range(0, len(wanted), CHUNK):
        endpoints_, facts, types, aggregates = zip(*wanted[start : start + CHUNK], strict=True)
        rows = {"endpoints": endpoints_, "facts": facts, "types": types, "aggregates": aggregates}
        await session.execute(QUEUE, {**{name: list(values) for name, values in rows.items()}, "at": at})
    waking.after_commit(session)


async def replay(
    session: AsyncSession,
    actor: Actor,
    endpoint_id: UUID,
    *,
    fact_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    now: datetime,
) -> int:
    """Queues again one fact, or those of a period (by the instants at which they occurred) that the endpoint asks for
    today; returns how many. Raises Unknown, Forbidden, PeriodUnfit, NothingToReplay, TooMuch."""
    endpoint = await held(session, actor, endpoint_id, None, now)
    if (fact_id is None) == (since is None):
        raise PeriodUnfit("either fact_id, or since and until")
    if since is not None and (until or now) <= since:
        raise PeriodUnfit("since before until")
    names = sorted(rules.matching(tuple(endpoint.types)))
    which: list[ColumnElement[bool]] = [told.c.id == fact_id] if fact_id is not None else [told.c.occurred_at >= since]
    if since is not None and until is not None:
        which.append(told.c.occurred_at < until)
    which += [told.c.network_id == endpoint.network_id, told.c.type.in_(names), told.c.body.is_not(None)]
    found = await session.scalar(
        select(func.count()).select_from(select(told.c.id).where(*which).limit(MOST_REPLAYED + 1).subquery())
    )
    if (found or 0) > MOST_REPLAYED:
        raise TooMuch
    if not found and fact_id is not None:
        raise NothingToReplay
    await _queue_again(session, endpoint_id, which, wall())
    waking.after_commit(session)
    return found or 0


async def _queue_again(
    session: AsyncSession, endpoint_id: UUID, which: Sequence[ColumnElement[bool]], at: datetime
) -> None:
    """In the order in which they were recorded; with ten tries more, whatever became of them before."""
    columns = ["endpoint_id", "fact_id", "type", "aggregate_id", "state", "queued_at", "next_try"]
    instant = literal(at, DateTime(timezone=True))
    queued = (literal(str(MessageState.QUEUED), Text), instant, instant)
    again = select(literal(endpoint_id, Uuid), told.c.id, told.c.type, told.c.aggregate_id, *queued)
    made = upsert(endpoint_messages).from_select(columns, again.where(*which).order_by(told.c.recorded_at, told.c.id))
    anew = {"state": MessageState.QUEUED, "attempts": 0, "queued_at": at, "next_try": at}
    settled = {"settled_at": None, "outcome": None, "status": None}
    await session.execute(
        made.on_conflict_do_update(index_elements=["endpoint_id", "fact_id"], set_={**anew, **settled})
    )


# --- the test button --------------------------------------------------------------------------------------------------

TEST_TYPE = "notify.endpoint.tested"


async def to_test(
    session: AsyncSession, actor: Actor, endpoint_id: UUID, *, safe: Safe | None, now: datetime
) -> tuple[Endpoint, list[bytes]]:
    """The endpoint and the secrets that sign. Raises Off, Unknown, Forbidden, Unreadable."""
    shown = await queries.get(session, actor, endpoint_id, now=now)
    endpoint = shown.endpoint
    policy.require(actor, Right.MANAGE_WEBHOOKS, network=endpoint.network_id, on=now)
    if safe is None:
        raise Off
    fresh = endpoint.previous_until is not None and wall() < endpoint.previous_until
    kept = [endpoint.secret, *([endpoint.previous] if fresh and endpoint.previous else [])]
    return endpoint, [safe.open(endpoint_id, sealed) for sealed in kept]


async def send_test(endpoint: Endpoint, signing: Sequence[bytes], poster: Poster, now: datetime) -> Answer:
    """Outside of any transaction: it takes as long as the endpoint does."""
    test_id = uuid7()
    content = rules.payload(
        rules.Told(
            id=test_id,
            type=TEST_TYPE,
            subject=f"notify.endpoint.{endpoint.id}.tested",
            version=endpoint.version,
            network_id=endpoint.network_id,
            correlation=test_id,
            occurred_at=now,
            body={"id": str(endpoint.id), "version": endpoint.version, "title": endpoint.title, "test": True},
        )
    )
    return await poster.post(Post(endpoint.id, endpoint.url, rules.message_id(test_id), content, signing), patient=True)


async def note_test(session: AsyncSession, actor: Actor, endpoint_id: UUID, answer: Answer, *, now: datetime) -> UUID:
    """In the log of tries; the breaker is not moved by it. Raises Unknown."""
    await queries.get(session, actor, endpoint_id, now=now)
    kept = select(endpoints.c.id).where(endpoints.c.id == endpoint_id).with_for_update(read=True, key_share=True)
    if await session.scalar(kept) is None:  # removed while it was asked
        raise rules.Unknown
    id_ = uuid7()
    await session.execute(
        insert(endpoint_attempts).values(
            id=id_,
            endpoint_id=endpoint_id,
            type=TEST_TYPE,
            number=1,
            at=answer.at,
            outcome=answer.outcome,
            status=answer.status,
            latency_ms=answer.latency_ms,
            answer=answer.text,
        )
    )
    return id_


# --- giving up, and what is thrown away -------------------------------------------------------------------------------


async def disable(session: AsyncSession, given_up: Mapping[UUID, Reason], at: datetime, now: datetime) -> bool:
    """What waits for them has failed; each network's secretariat is told. True when a fact was staged."""
    held_ = await session.scalars(
        select(Endpoint)
        .where(endpoints.c.id.in_(sorted(given_up)), endpoints.c.state == rules.State.ACTIVE)
        .order_by(endpoints.c.id)
        .with_for_update()
    )
    found = held_.all()
    since = await _failing_since(session, given_up)
    offices = await secretariats(session, {endpoint.network_id for endpoint in found}, day(now))
    for endpoint in found:
        endpoint.disable(given_up[endpoint.id], at)
        await session.flush()
        with caused_by(Cause(at=now)):
            [fact_id] = await stage(session, fact_of(endpoint, EndpointDisabled, since.get(endpoint.id)))
        told_to = offices[endpoint.network_id]
        await intend(session, _tell(endpoint, fact_id, since.get(endpoint.id) or at, told_to, now), now)
    await session.execute(
        update(endpoint_messages)
        .where(
            endpoint_messages.c.endpoint_id.in_([e.id for e in found]),
            endpoint_messages.c.state == MessageState.QUEUED,
        )
        .values(state=MessageState.FAILED, next_try=None, settled_at=at)
    )
    return bool(found)


async def _failing_since(session: AsyncSession, ids: Mapping[UUID, Reason]) -> dict[UUID, datetime | None]:
    lanes = endpoint_lanes.c
    rows = await session.execute(select(lanes.endpoint_id, lanes.failing_since).where(lanes.endpoint_id.in_(ids)))
    return {row.endpoint_id: row.failing_since for row in rows}


def _tell(
    endpoint: Endpoint, because_of: UUID, since: datetime, people: Sequence[UUID], now: datetime
) -> list[Delivery]:
    parameters = {
        "endpoint_id": str(endpoint.id),
        "title": endpoint.title,
        "reason": endpoint.reason,
        "failing_since": since.isoformat(),
    }
    return [
        Delivery(
            topic=ENDPOINT_DISABLED.code,
            channel="email",
            key=idempotency_key(ENDPOINT_DISABLED.code, endpoint.id, endpoint.version, person),
            because_of=because_of,
            intended_at=now,
            network_id=endpoint.network_id,
            person_id=person,
            parameters=parameters,
            correlation=because_of,
            state=DeliveryState.QUEUED if person else DeliveryState.FAILED,
            problem=None if person else Problem.NOBODY_TO_TELL,
        )
        for person in (*people,) or (None,)
    ]


async def purge(session: AsyncSession, at: datetime) -> None:
    """What was settled or tried longer ago than it is kept, and what has waited so long behind a pause."""
    before = at - KEPT
    await session.execute(delete(endpoint_attempts).where(endpoint_attempts.c.at < before))
    await session.execute(delete(endpoint_messages).where(endpoint_messages.c.queued_at < before))


async def reseal(session: AsyncSession, safe: Safe) -> int:
    """Seals with the current key what an older one sealed; returns how many secrets are so sealed now."""
    found = await session.execute(
        select(endpoints.c.id, endpoints.c.secret, endpoints.c.previous).order_by(endpoints.c.id).with_for_update()
    )
    anew = 0
    for row in found.all():
        kept = {"secret": row.secret, "previous": row.previous}
        old = {name: sealed for name, sealed in kept.items() if sealed and key_of(sealed) != safe.current}
        old = {name: sealed for name, sealed in old.items() if key_of(sealed) in safe.keys}
        if old:
            sealed = {name: safe.seal(row.id, safe.open(row.id, was)) for name, was in old.items()}
            await session.execute(update(endpoints).where(endpoints.c.id == row.id).values(**sealed))
            anew += 1
    return anew
