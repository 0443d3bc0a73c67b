"""Taking facts in: whatever happens to a fact (handled, ignored, parked) is committed before it is acknowledged."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from opentelemetry import trace
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter
from sqlalchemy import ARRAY, Text, Uuid, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from shared.contracts.envelope import FACTS, Fact
from shared.messaging import wire
from shared.messaging.context import Cause, caused_by
from shared.messaging.handlers import Handler, NotYet, Received
from shared.messaging.topology import Consumer
from shared.runtime.database import disconnected

logger = logging.getLogger(__name__)
tracer = trace.get_tracer("trama.messaging")
facts_counter = Counter("trama_facts", "Facts taken in, by what became of them", ["consumer", "outcome"])

TRIES = 5
"""A fact that failed so often is dead: visible, and replayed only when somebody asks."""
BACKOFF = (1.0, 5.0, 30.0, 120.0)
"""Seconds until the second, third, ... try."""
PATIENCE = 900.0
"""Seconds that a fact waits for what it needs (NotYet) before it is dead."""
BEHIND = "waits for an earlier fact of its aggregate"

_propagator = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as NATS gave it; `sequence` is its place in the stream."""

    subject: str
    headers: Mapping[str, str]
    body: bytes
    sequence: int

    @property
    def type(self) -> str:
        return self.headers.get("ce-type", "")

    @property
    def fact_id(self) -> UUID:
        """A message without one gets an id made of its place, so that parking it twice is parking it once."""
        return wire.fact_id(self.headers) or UUID(int=self.sequence)


@dataclass(frozen=True, slots=True)
class Taken:
    message: Incoming
    received: Received[Fact]


def is_away(error: BaseException) -> bool:
    """The database cannot be reached: nothing is wrong with the fact, and nothing else would fare better."""
    return isinstance(error, PoolTimeout | TimeoutError) or disconnected(error)


class Intake:
    """What one consumer does with its facts. `since`: a reaction ignores facts that were written before."""

    def __init__(
        self,
        consumer: Consumer,
        handlers: Sequence[Handler],
        sessions: async_sessionmaker[AsyncSession],
        now: Callable[[], datetime],
        backoff: Sequence[float] = BACKOFF,
    ) -> None:
        self.consumer = consumer
        self.since: datetime | None = None
        self.recent: OrderedDict[UUID, None] = OrderedDict()
        self._handlers = [(h, h.types) for h in handlers if h.kind == consumer.kind]
        self._wanted = frozenset(
            t for _, types in self._handlers for t in types if FACTS[t].service() == consumer.source
        )
        self._sessions = sessions
        self._now = now
        self._backoff = backoff
        self._reacts = consumer.kind == "reactions"

    # Facts that have just arrived

    async def take(self, messages: Sequence[Incoming]) -> int:
        """Commit what becomes of these messages; returns how many were parked. Raises only when `is_away` says so."""
        facts, broken = self._decode(messages)
        if not facts and not broken:
            return 0
        with self._span(facts):
            try:
                parked = await self._together(facts, broken)
            except Exception as error:
                if is_away(error):
                    raise
                logger.info("%s: batch of %d failed, in halves: %s", self.consumer.name, len(facts), _reason(error))
                parked = await self._halved(facts, broken)
        for fact in facts:
            self.recent[fact.received.fact_id] = None
        while len(self.recent) > 20_000:
            self.recent.popitem(last=False)
        return parked

    def _decode(self, messages: Sequence[Incoming]) -> tuple[list[Taken], list[tuple[Incoming, str]]]:
        facts: list[Taken] = []
        broken: list[tuple[Incoming, str]] = []
        ignored = unknown = 0
        for message in messages:
            known = FACTS.get(message.type)
            if message.type and known is None:
                unknown += 1
            elif known is not None and message.type not in self._wanted and not known.tombstone:
                ignored += 1
            else:
                try:
                    facts.append(Taken(message, wire.decode(message.subject, message.headers, message.body)))
                except wire.Undecodable as error:
                    broken.append((message, str(error)))
        self._count("unknown", unknown)
        self._count("ignored", ignored)
        return self._not_from_before(facts), broken

    def _not_from_before(self, facts: list[Taken]) -> list[Taken]:
        """A rebuilt stream brings back all facts; a consumer that began later was never meant to react to those."""
        if not self._reacts or self.since is None:
            return facts
        start = int(self.since.timestamp() * 1000)
        return [f for f in facts if f.received.fact_id.version != 7 or (f.received.fact_id.int >> 80) >= start]

    async def _together(self, facts: Sequence[Taken], broken: Sequence[tuple[Incoming, str]]) -> int:
        parked = 0
        async with self._sessions.begin() as session:
            await self._forget_erased(session, facts)
            for message, reason in broken:
                await self._park(session, message, reason, dead=True)
            fresh = [f for f in facts if f.message.type in self._wanted]
            if self._reacts:
                fresh = await self._first_time(session, fresh)
                fresh, behind = await self._in_order(session, fresh)
                for fact in behind:
                    await self._park(session, fact.message, BEHIND)
                parked = len(behind)
            await self._run(session, [f.received for f in fresh])
        self._count("dead", len(broken))
        self._count("parked", parked)
        self._count("handled", len(fresh))
        self._count("repeated", len(facts) - len(fresh) - parked)
        return parked

    async def _halved(self, facts: Sequence[Taken], broken: Sequence[tuple[Incoming, str]]) -> int:
        """The batch failed: each half on its own, down to the facts that fail alone, which are parked. With one bad
        fact in a hundred this takes a fifth of the transactions that one by one would."""
        parked = await self._together([], broken) if broken else 0
        if len(facts) == 1:
            return parked + await self._alone(facts[0])
        middle = len(facts) // 2
        for half in (facts[:middle], facts[middle:]):
            try:
                parked += await self._together(half, [])
            except Exception as error:
                if is_away(error):
                    raise
                parked += await self._halved(half, [])
        return parked

    async def _alone(self, fact: Taken) -> int:
        try:
            return await self._together([fact], [])
        except Exception as error:
            if is_away(error):
                raise
            soon = isinstance(error, NotYet)
            async with self._sessions.begin() as session:
                if self._reacts:
                    await self._first_time(session, [fact])
                delay = 0.1 if soon else self._backoff[0]
                await self._park(session, fact.message, _reason(error), delay, 0 if soon else 1)
            self._count("parked", 1)
            return 1

    async def _first_time(self, session: AsyncSession, facts: Sequence[Taken]) -> list[Taken]:
        """Insert-or-ignore into the inbox: whoever is in it has been handled, or parked."""
        if not facts:
            return []
        ids = sorted({f.received.fact_id for f in facts})
        fresh = set(await session.scalars(_ENTER, {"consumer": self.consumer.name, "ids": ids}))
        first: list[Taken] = []
        for fact in facts:
            if fact.received.fact_id in fresh:
                fresh.remove(fact.received.fact_id)  # twice in one batch counts once
                first.append(fact)
        return first

    async def _in_order(self, session: AsyncSession, facts: Sequence[Taken]) -> tuple[list[Taken], list[Taken]]:
        """Facts whose aggregate has an earlier one parked go behind it."""
        aggregates = sorted({f.received.fact.id for f in facts})
        held = (
            set(await session.scalars(_HELD, {"consumer": self.consumer.name, "ids": aggregates})) if facts else set()
        )
        if not held:
            return list(facts), []
        return [f for f in facts if f.received.fact.id not in held], [f for f in facts if f.received.fact.id in held]

    async def _forget_erased(self, session: AsyncSession, facts: Sequence[Taken]) -> None:
        """Somebody was erased: our copies of what could not be handled go too."""
        erased = sorted({f.received.fact.id for f in facts if f.received.fact.tombstone})
        if erased:
            await session.execute(_FORGET, {"ids": erased, "tombstones": [t for t, c in FACTS.items() if c.tombstone]})

    async def _run(self, session: AsyncSession, facts: Sequence[Received[Fact]]) -> None:
        now = self._now()
        typed = [(r.fact.type, r) for r in facts]
        present = {type_ for type_, _ in typed}
        for handler, types in self._handlers:
            if types.isdisjoint(present):  # most of a service's many handlers, for most batches
                continue
            mine = [r for type_, r in typed if type_ in types]
            with caused_by(_shared_cause(mine, now)):
                await handler.function(session, mine, now)

    async def _park(
        self,
        session: AsyncSession,
        message: Incoming,
        reason: str,
        delay: float = 0.0,
        attempts: int = 0,
        *,
        dead: bool = False,
    ) -> None:
        await session.execute(
            _PARK,
            {
                "consumer": self.consumer.name,
                "fact_id": message.fact_id,
                "type": message.type or "?",
                "subject": message.subject,
                "aggregate_id": wire.aggregate_id(message.subject),
                "stream_seq": message.sequence,
                "headers": json.dumps(dict(message.headers)),
                "body": message.body,
                "reason": reason,
                "attempts": attempts,
                "delay": delay,
                "dead": dead,
            },
        )
        logger.warning("%s: %s %s: %s", self.consumer.name, "dead" if dead else "parked", message.fact_id, reason)

    # Facts that were parked

    async def retry(self) -> bool:
        """Try the next parked fact that is due; returns whether there was one."""
        async with self._sessions.begin() as session:
            row = (await session.execute(_DUE, {"consumer": self.consumer.name, "ordered": self._reacts})).one_or_none()
            if row is None:
                return False
            try:
                async with session.begin_nested():
                    received = wire.decode(row.subject, row.headers, row.body)
                    with self._span([Taken(Incoming(row.subject, row.headers, row.body, row.stream_seq), received)]):
                        await self._run(session, [received])
            except Exception as error:
                if is_away(error):
                    raise
                await self._postpone(session, row, error)
            else:
                await session.execute(_DONE, {"consumer": self.consumer.name, "fact_id": row.fact_id})
                self._count("handled", 1)
        return True

    async def _postpone(self, session: AsyncSession, row: Any, error: Exception) -> None:
        waited = (datetime.now(UTC) - row.parked_at).total_seconds()
        attempts = row.attempts
        if isinstance(error, NotYet):
            dead, delay = waited > PATIENCE, min(max(waited / 2, 0.1), 30.0)
        else:
            attempts += 1
            dead = attempts >= TRIES or isinstance(error, wire.Undecodable)
            delay = self._backoff[min(attempts, len(self._backoff)) - 1]
        values = {"reason": _reason(error), "attempts": attempts, "delay": delay, "dead": dead}
        await session.execute(_POSTPONE, {"consumer": self.consumer.name, "fact_id": row.fact_id, **values})
        if dead:
            self._count("dead", 1)
            logger.error("%s: dead %s: %s", self.consumer.name, row.fact_id, values["reason"])

    # Telling about it

    def _count(self, outcome: str, number: int) -> None:
        if number:
            facts_counter.labels(self.consumer.name, outcome).inc(number)

    def _span(self, facts: Sequence[Taken]) -> Any:
        """Child of the fact's own trace when there is one fact, linked to each trace when there are more."""
        parents = [f.received.cause.traceparent for f in facts if f.received.cause.traceparent]
        contexts = [_propagator.extract({"traceparent": p}) for p in dict.fromkeys(parents[:32])]
        alone = contexts[0] if len(facts) == 1 and contexts else None
        links = [] if alone else [Link(trace.get_current_span(c).get_span_context()) for c in contexts]
        return tracer.start_as_current_span(
            f"handle {self.consumer.name}",
            context=alone,
            kind=SpanKind.CONSUMER,
            links=links,
            attributes={"messaging.system": "nats", "messaging.batch.message_count": len(facts)},
        )


def _shared_cause(facts: Sequence[Received[Fact]], now: datetime) -> Cause:
    """The fact's cause when there is one; what all have in common when there are more."""
    first = facts[0].cause
    if len(facts) == 1:
        return Cause(first.correlation, first.causation, first.traceparent, at=now)
    same = all(r.cause.correlation == first.correlation for r in facts)
    return Cause(first.correlation if same else None, at=now)


def _reason(error: Exception) -> str:
    """Type and first line, without the values of a statement, which may be personal."""
    found = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(found).__name__}: {str(found).splitlines()[0] if str(found) else ''}"[:500]


_ENTER = (
    text(
        "insert into inbox (consumer, fact_id) select :consumer, unnest(:ids) on conflict do nothing returning fact_id"
    )
    .bindparams(bindparam("consumer", type_=Text), bindparam("ids", type_=ARRAY(Uuid)))
    .columns(fact_id=Uuid)
)
_HELD = (
    text(
        "select distinct aggregate_id from parked"
        " where consumer = :consumer and dead_at is null and aggregate_id = any(:ids)"
    )
    .bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    .columns(aggregate_id=Uuid)
)
_FORGET = text("delete from parked where aggregate_id = any(:ids) and type <> all(:tombstones)").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)), bindparam("tombstones", type_=ARRAY(Text))
)
_PARK = text(
    """
    insert into parked (consumer, fact_id, type, subject, aggregate_id, stream_seq, headers, body, reason, attempts,
                        next_try, dead_at)
    values (:consumer, :fact_id, :type, :subject, cast(:aggregate_id as uuid), :stream_seq, cast(:headers as jsonb),
            :body, :reason, :attempts, clock_timestamp() + make_interval(secs => :delay),
            case when :dead then clock_timestamp() end)
    on conflict do nothing
    """
)
_DUE = text(
    """
    select p.fact_id, p.subject, p.headers, p.body, p.stream_seq, p.attempts, p.parked_at from parked p
    where p.consumer = :consumer and p.dead_at is null and p.next_try <= clock_timestamp()
      and not (:ordered and exists (
          select from parked e where e.consumer = p.consumer and e.aggregate_id = p.aggregate_id
             and e.dead_at is null and e.stream_seq < p.stream_seq))
    order by p.stream_seq limit 1 for update skip locked
    """
)
_DONE = text("delete from parked where consumer = :consumer and fact_id = :fact_id")
_POSTPONE = text(
    """
    update parked set reason = :reason, attempts = :attempts,
        next_try = clock_timestamp() + make_interval(secs => :delay),
        dead_at = case when :dead then clock_timestamp() end
    where consumer = :consumer and fact_id = :fact_id
    """
)
