"""The sender: claims what is due, has it written, hands it to the relay, records what came of it.

The line where a kill duplicates: between the relay's answer and its note on disk. At most one mail for each lane is in
that window, and a second copy carries the same Message-ID. What was noted is settled from the journal
afterwards and never sent again. A kill before the relay's answer loses nothing: the lease runs out and the delivery is
due again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from services.notify.deliveries import rules, waking
from services.notify.deliveries.mail import Mail, Sender, written
from services.notify.deliveries.outcomes import Claimed, Settled, record, settle_noted
from services.notify.deliveries.rules import Problem, State, Verdict
from services.notify.deliveries.smtp import Answer, Lane, Relay, Unreachable
from shared.runtime.clock import wall
from shared.runtime.database import away
from shared.runtime.telemetry import span

log = structlog.get_logger("sending")
tried = Counter("trama_notify_mails_total", "Mail transactions by topic and outcome", ["topic", "outcome"])

STEPS_OF_A_MAIL = 6
"""Connect, MAIL, RCPT, DATA, the text, RSET: each may take the relay's whole timeout."""
LEASE_IN_MAILS = 3
LONGEST_PAUSE = 15.0
WINDOW = 2.0
"""Seconds for which mails to a domain with a rate are taken up: what is further away leaves the lanes to others."""


@dataclass(frozen=True, slots=True)
class Unsendable:
    """The delivery is settled without the relay."""

    state: State
    problem: Problem
    reason: str | None = None


K = TypeVar("K")


class Writes(Protocol[K]):
    """Who knows the words: one read for a batch, then a mail for each delivery."""

    async def known(self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime) -> K: ...

    def write(self, delivery: Claimed, known: K, wall: datetime, now: datetime) -> Mail | Unsendable: ...

    def domain(self, delivery: Claimed, known: K) -> str | None:
        """To which the mail will go, in small letters."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at a time. `per_second` bounds all senders of this service to the relay together; None: as it comes.
    `per_domain`: what readers' providers allow, mails a second to addresses at each of these domains."""

    lanes: int = 8
    batch: int = 500
    per_second: float | None = None
    poll: float = 1.0
    per_domain: Mapping[str, float] = field(default_factory=dict)

    @property
    def claim(self) -> int:
        """With a rate, a batch is what two seconds allow: a lease must not run out while mails wait for their turn."""
        return self.batch if self.per_second is None else max(1, min(self.batch, int(self.per_second * 2)))


Note = tuple[UUID, int, datetime, str, int | None, str]
NOTE = """
    INSERT INTO attempts (delivery_id, number, at, outcome, code, reason)
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::int[], $6::text[])
    ON CONFLICT DO NOTHING
"""
"""One statement, its own commit. The conflict: a connection that died after the commit and before its answer."""


class Journal:
    """Puts answers on disk as soon as they are here, those of all lanes that wait in one commit."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.waiting: list[tuple[Note, asyncio.Future[None]]] = []
        self.writing: list[tuple[Note, asyncio.Future[None]]] = []
        self.work = asyncio.Event()

    def note(self, delivery: Claimed, answer: Answer, at: datetime) -> asyncio.Future[None]:
        """Done once it is on disk, however long the database is away: the answer is known here and nowhere else."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        note = (delivery.id, delivery.attempts, at, str(answer.outcome), answer.code, answer.reason)
        self.waiting.append((note, done))
        self.work.set()
        return done

    async def run(self) -> None:
        while True:
            await patiently(self._on_one_connection, None)

    async def _on_one_connection(self, _: None) -> None:
        """The driver's own connection and statement: through the ORM a note costs four times as much."""
        async with self.engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            try:
                while True:
                    await self._next_batch(driver)
            except BaseException:
                await connection.invalidate()  # SQLAlchemy has not seen it die, and would lend it again
                raise

    async def _next_batch(self, driver: Any) -> None:
        if not self.writing:
            await self.work.wait()
            self.work.clear()
            self.writing, self.waiting = self.waiting, []
        await self.write(driver, [note for note, _ in self.writing])
        for _, done in self.writing:
            if not done.done():
                done.set_result(None)
        self.writing = []

    async def write(self, driver: Any, notes: Sequence[Note]) -> None:
        await driver.execute(NOTE, *map(list, zip(*notes, strict=True)))


A = TypeVar("A")
R = TypeVar("R")


async def patiently(act: Callable[[A], Awaitable[R]], argument: A) -> R:
    """`act(argument)`, again and again while the database is away."""
    pause = 0.1
    while True:
        try:
            return await act(argument)
        except Exception as error:
            if not away(error):
                raise
            log.warning("database_away", error=str(error))
        await asyncio.sleep(pause)
        pause = min(pause * 2, 5.0)


@dataclass
class Round(Generic[K]):
    """One claimed batch on its way through the lanes."""

    waiting: deque[Claimed]
    known: K
    deadline: float  # of the lease, loop time
    first_slot: float  # loop time
    interval: float  # seconds between two mails, 0 without a rate
    slots: Mapping[UUID, float] = field(default_factory=dict)  # of mails to a domain with a rate, loop time
    settled: list[Settled] = field(default_factory=list)
    taken: int = 0
    unreachable: str | None = None

    def take(self, margin: float, now: float) -> tuple[Claimed, float] | None:
        """The next delivery and when its turn is; none when the batch is through or the lease is too short for one
        more mail."""
        if not self.waiting:
            return None
        slot = max(self.first_slot + self.taken * self.interval, self.slots.get(self.waiting[0].id, 0.0))
        if max(now, slot) + margin > self.deadline:
            return None
        self.taken += 1
        return self.waiting.popleft(), slot


class Sending(Generic[K]):
    """All sending of one process. Several processes may send at once: each claims other rows."""

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: async_sessionmaker[AsyncSession],
        relay: Relay,
        sender: Sender,
        writer: Writes[K],
        pace: Pace = Pace(),
        *,
        now: Callable[[], datetime] = wall,
        after_commit: Callable[[], None] = lambda: None,
        return_path: Callable[[UUID, str], str] | None = None,
    ) -> None:
        """`now` is the domain clock, by which facts are dated and news grows old; `after_commit` is called when there
        are new facts. `return_path` makes the envelope's sender of the mail of a delivery to an address, by which a
        bounce says what it is of; without, all bounces go to the platform's own."""
        self.return_path = return_path or (lambda _delivery, _to: sender.address)
        self.engine, self.sessions, self.relay, self.sender, self.writer = engine, sessions, relay, sender, writer
        self.pace, self.now, self.after_commit = pace, now, after_commit
        domain = sender.address.rpartition("@")[2]
        self.lanes = [Lane(relay, domain) for _ in range(pace.lanes)]
        self.journal = Journal(engine)
        self.lease = relay.timeout * STEPS_OF_A_MAIL * LEASE_IN_MAILS
        self.outage: str | None = None

    async def run(self) -> None:
        """For ever. The database or the relay being away is waited out; any other error ends it, and is not hidden."""
        try:
            with waking.sender() as wake:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self.journal.run())
                    await self._rounds(wake)
        finally:
            await asyncio.gather(*(lane.close() for lane in self.lanes))

    async def _rounds(self, wake: asyncio.Event) -> None:
        pause = 0.0
        while True:
            wake.clear()
            sent = await self.burst()
            if self.outage:
                pause = min(max(pause * 2, 0.5), LONGEST_PAUSE)
                await asyncio.sleep(pause)
                continue
            pause = 0.0
            if not sent:
                await self._idle(wake)

    async def _idle(self, wake: asyncio.Event) -> None:
        """Until there is news, or for a poll; connections are not kept while there is nothing to say."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.pace.poll):
                await wake.wait()
            return
        await asyncio.gather(*(lane.close() for lane in self.lanes))

    async def burst(self) -> int:
        """Batch after batch until nothing is due; returns how many deliveries it held. While one batch is sent, the one
        before is recorded and the next one is claimed."""
        if self.outage and not await self._reached():
            return 0
        held, over, batch = 0, list[Settled](), await self._claim()
        while batch is not None:
            held += len(batch.waiting)
            full = len(batch.waiting) >= self.pace.claim
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._finish(over))
                coming = tasks.create_task(self._claim()) if full else None
                tasks.create_task(self._send_all(batch))
            over, batch = batch.settled, coming.result() if coming else None
            if self.outage and batch is not None:
                over, batch = over + self._given_back(batch), None
        await self._finish(over)
        return held

    async def _send_all(self, batch: Round[K]) -> None:
        async with asyncio.TaskGroup() as lanes:
            for lane in self.lanes[: len(batch.waiting)]:
                lanes.create_task(self._drain(lane, batch))
        self.outage = batch.unreachable if batch.waiting and batch.unreachable else None
        if self.outage:
            log.warning("relay_unreachable", relay=str(self.relay), reason=self.outage)
        batch.settled += self._given_back(batch)

    def _given_back(self, batch: Round[K]) -> list[Settled]:
        """What no lane has taken is due again as if it had not been claimed."""
        verdict = Verdict(State.QUEUED, Problem.RELAY_UNREACHABLE if self.outage else None)
        return [Settled(left, verdict, self.outage, untried=True) for left in batch.waiting]

    async def _finish(self, settled: Sequence[Settled]) -> None:
        if not settled:
            return
        told = await patiently(self._record, settled)
        if told:
            self.after_commit()

    async def _reached(self) -> bool:
        try:
            await self.lanes[0].connected()
        except Unreachable as error:
            self.outage = str(error)
            return False
        self.outage = None
        return True

    async def _claim(self) -> Round[K] | None:
        """The next batch; none when nothing is due, or while the database is away."""
        try:
            return await self._claimed()
        except Exception as error:
            if not away(error):
                raise
            log.warning("database_away", error=str(error))
            return None

    async def _claimed(self) -> Round[K] | None:
        interval = 1 / self.pace.per_second if self.pace.per_second else 0.0
        async with self.sessions.begin() as session:
            settled = await settle_noted(session, self.now())
            claimed = await claim(session, self.pace.claim, self.lease)
            wait = await reserve(session, str(self.relay), len(claimed) * interval) if claimed and interval else 0.0
            known = await self.writer.known(session, claimed, self.now()) if claimed else None
            slots = await self._spaced(session, claimed, known) if known is not None and self.pace.per_domain else {}
        if settled:
            self.after_commit()
        if known is None:
            return None
        now = asyncio.get_running_loop().time()
        taken = sorted((c for c in claimed if slots.get(c.id, 0.0) is not None), key=lambda c: slots.get(c.id) or 0.0)
        at = {id_: now + later for id_, later in slots.items() if later is not None}
        return Round(deque(taken), known, now + self.lease + wait, now + wait, interval, at)

    async def _spaced(self, session: AsyncSession, claimed: Sequence[Claimed], known: K) -> dict[UUID, float | None]:
        """In how many seconds each mail to a domain with a rate has its turn, among those of all senders; None for
        those that are due later again, and are in nobody's hands until then."""
        slots: dict[UUID, float | None] = {}
        later: list[Settled] = []
        by_domain: dict[str, list[Claimed]] = {}
        for one in claimed:
            if (domain := self.writer.domain(one, known)) in self.pace.per_domain:
                by_domain.setdefault(str(domain), []).append(one)
        for domain, mails in sorted(by_domain.items()):  # in one order: two senders must not wait for each other
            rate = self.pace.per_domain[domain]
            most = max(1, int(rate * WINDOW))
            wait = await reserve(session, f"{self.relay} {domain}", min(len(mails), most) / rate)
            for position, one in enumerate(mails):
                turn = wait + position / rate
                slots[one.id] = turn if position < most else None
                if position >= most:
                    again = Verdict(State.QUEUED, next_try=wall() + timedelta(seconds=turn))
                    later.append(Settled(one, again, untried=True))
        await record(session, later, self.now())
        return slots

    async def _record(self, settled: Sequence[Settled]) -> bool:
        async with self.sessions.begin() as session:
            return await record(session, settled, self.now())

    async def _drain(self, lane: Lane, batch: Round[K]) -> None:
        """Mails on one connection until the batch is through. The next one is written while the answer to the last goes
        to disk, and handed over when it is there: at most one answer of a lane is unknown to the journal. A lane that
        finds no relay gives its mail back and ends: others may still have a connection (relays limit how many)."""
        loop = asyncio.get_running_loop()
        margin = self.relay.timeout * STEPS_OF_A_MAIL
        noted: asyncio.Future[None] | None = None
        while (turn := batch.take(margin, loop.time())) is not None:
            delivery, slot = turn
            message = self._written(delivery, batch.known)
            if noted is not None:
                await noted
            if isinstance(message, Settled):
                batch.settled.append(message)
                await asyncio.sleep(0)  # this loop serves requests too
                continue
            if slot > loop.time():
                await asyncio.sleep(slot - loop.time())
            try:
                answer = await self._hand_over(lane, delivery, *message)
            except Unreachable as error:
                batch.unreachable = str(error)
                batch.waiting.appendleft(delivery)
                return
            at = wall()
            noted = self.journal.note(delivery, answer, at)
            verdict = rules.verdict(answer.outcome, delivery.attempts, delivery.first_try, at, delivery.id)
            batch.settled.append(Settled(delivery, verdict, answer.reason, at))
        if noted is not None:
            await noted

    def _written(self, delivery: Claimed, known: K) -> tuple[str, bytes] | Settled:
        """The mailbox and the message; settled at once when there is nothing to send."""
        at = wall()
        mail = self.writer.write(delivery, known, at, self.now())
        if isinstance(mail, Mail):
            return mail.to, written(mail, self.sender, delivery.id, delivery.correlation, at)
        if mail.problem is Problem.NOT_WRITABLE:
            log.error("mail_not_writable", delivery=str(delivery.id), reason=mail.reason)
        return Settled(delivery, Verdict(mail.state, mail.problem), mail.reason, untried=True)

    async def _hand_over(self, lane: Lane, delivery: Claimed, to: str, message: bytes) -> Answer:
        about = {"trama.delivery": str(delivery.id), "trama.topic": delivery.topic, "server.address": self.relay.host}
        with span("smtp send", delivery.traceparent, kind=SpanKind.CLIENT, attributes=about):
            answer = await lane.send(self.return_path(delivery.id, to), to, message)
        tried.labels(delivery.topic, str(answer.outcome)).inc()
        return answer


CLAIM = text("""
    WITH due AS (
        SELECT id FROM deliveries WHERE state = 'queued' AND next_try <= now()
        ORDER BY next_try LIMIT :size FOR UPDATE SKIP LOCKED
    )
    UPDATE deliveries d SET state = 'sending', lease_until = now() + :lease, attempts = d.attempts + 1,
        first_try = coalesce(d.first_try, now()), updated_at = now(), version = d.version + 1
    FROM due WHERE d.id = due.id
    RETURNING d.id, d.network_id, d.person_id, d.channel, d.topic, d.parameters, d.because_of, d.correlation,
        d.traceparent, d.attempts, d.first_try
""").columns(parameters=JSONB)


async def claim(session: AsyncSession, size: int, lease: float) -> list[Claimed]:
    """Up to `size` due deliveries, for `lease` seconds this sender's own."""
    rows = await session.execute(CLAIM, {"size": size, "lease": timedelta(seconds=lease)})
    return sorted((Claimed(**row._mapping) for row in rows), key=lambda claimed: claimed.id)


RESERVE = text("""
    INSERT INTO pace AS p (relay, free_at) VALUES (:relay, now() + :span)
    ON CONFLICT (relay) DO UPDATE SET free_at = greatest(p.free_at, now()) + :span
    RETURNING extract(epoch FROM free_at - :span - now())
""")


async def reserve(session: AsyncSession, relay: str, seconds: float) -> float:
    """Takes `seconds` of the relay's time after what all senders have taken; returns how long until they begin."""
    wait = await session.scalar(RESERVE, {"relay": relay, "span": timedelta(seconds=seconds)})
    return max(0.0, float(wait or 0))
