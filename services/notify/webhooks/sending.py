"""The sender of webhooks: claims endpoints that something waits for, sends each one message, records what came of it.

An endpoint is a lane: while its lease runs, one process sends to it, one message at a time, in the order in which facts
came here; what fails is tried later and others overtake it, so a receiver keeps the highest `version` of a subject.

Two budgets keep the slow from the quick. Every message begins in the quick one; who has not answered within
`Pace.patience` goes on in the patient one, and the quick slot is free again. Who was slow or failing the last time
begins there. Only when the patient budget is full, too, does a hanging endpoint hold a quick slot, to its deadline.

The line where a kill repeats a message is between the endpoint's answer and the commit of its record: at most the one
in flight of each endpoint, and it comes again with the same webhook-id once the lease has run out.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from services.notify.deliveries import waking
from services.notify.deliveries.sending import patiently
from services.notify.journeys.tables import told
from services.notify.webhooks import commands, rules
from services.notify.webhooks.posting import Post, Poster
from services.notify.webhooks.rules import Answer, Lane, Outcome, Told, Verdict
from services.notify.webhooks.sealing import Safe, Unreadable
from shared.runtime.clock import wall
from shared.runtime.database import away

log = structlog.get_logger("webhooks")
tried = Counter("trama_notify_webhooks_total", "Webhook tries by outcome", ["outcome"])
took = Histogram("trama_notify_webhook_seconds", "From the try to the end of the answer")

LEASE_IN_TRIES = 4
AGAIN_UNREAD = timedelta(minutes=1)
"""When what is to be told is not here (its projection is being rebuilt)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages at once in each budget; seconds after which one is slow; bytes of messages that are remembered."""

    quick: int = 64
    patient: int = 512
    patience: float = 0.25
    poll: float = 1.0
    remembered: int = 16 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """One message that is this process's to send until the lease ends."""

    endpoint_id: UUID
    fact_id: UUID
    type: str
    url: str
    secret: bytes
    previous: bytes | None
    attempts: int
    queued_at: datetime
    lane: Lane
    lease: UUID
    ends: float  # loop time


@dataclass(frozen=True, slots=True)
class Tried:
    """A try to be recorded; without an answer it was none, and the message waits."""

    job: Job
    answer: Answer | None


class Sending:
    """All webhooks of one process. Several processes may send at once: each claims other endpoints."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        poster: Poster,
        safe: Safe,
        pace: Pace = Pace(),
        *,
        wall: Callable[[], datetime] = wall,
        now: Callable[[], datetime] = wall,
        after_commit: Callable[[], None] = lambda: None,
    ) -> None:
        """`wall` decides what is due; `now` is the domain clock, by which facts are dated."""
        self.sessions, self.poster, self.safe, self.pace = sessions, poster, safe, pace
        self.wall, self.now, self.after_commit = wall, now, after_commit
        self.lease = poster.patience.total * LEASE_IN_TRIES
        self.payloads = Payloads(pace.remembered)
        self.waiting: deque[Job] = deque()
        self.quick: set[Job] = set()
        self.patient: set[Job] = set()
        self.over: list[Tried] = []
        self.news = asyncio.Event()
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """For ever. The database being away is waited out; any other error of ours ends it, and is not hidden."""
        try:
            with waking.sender() as self.wake:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._record_all())
                    await self._rounds(tasks)
        finally:
            await self.poster.close()

    async def _rounds(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self.wake.clear()
            found = await self._claim() if len(self.waiting) < self.pace.quick else 0
            self._start(tasks)
            if found and not self.waiting:
                continue
            await self.poster.sweep()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.pace.poll):
                    await self.wake.wait()

    def _start(self, tasks: asyncio.TaskGroup) -> None:
        """What has a slot; what would outlive its lease is left to the lease."""
        loop, margin = asyncio.get_running_loop(), self.poster.patience.total * 2
        for _ in range(len(self.waiting)):
            job = self.waiting.popleft()
            if loop.time() + margin > job.ends:
                continue
            slots, most = (self.patient, self.pace.patient) if job.lane.suspect else (self.quick, self.pace.quick)
            if len(slots) >= most:
                self.waiting.append(job)
                continue
            slots.add(job)
            tasks.create_task(self._send(job))

    async def _send(self, job: Job) -> None:
        demotion = asyncio.get_running_loop().call_later(self.pace.patience, self._demote, job)
        try:
            answer = await self._answer(job)
        finally:
            demotion.cancel()
            self.quick.discard(job)
            self.patient.discard(job)
            self.wake.set()
        self.over.append(Tried(job, answer))
        self.news.set()

    def _demote(self, job: Job) -> None:
        if job in self.quick and len(self.patient) < self.pace.patient:
            self.quick.discard(job)
            self.patient.add(job)
            self.wake.set()

    async def _answer(self, job: Job) -> Answer | None:
        content = self.payloads.get(job.fact_id)
        if content is None:
            return None
        try:
            secrets = [self.safe.open(job.endpoint_id, kept) for kept in (job.secret, job.previous) if kept]
        except Unreadable:
            log.exception("webhook_secret_unreadable", endpoint=str(job.endpoint_id))
            return Answer(Outcome.UNREADABLE, self.wall(), 0, text="the endpoint's secret cannot be read: rotate it")
        post = Post(job.endpoint_id, job.url, rules.message_id(job.fact_id), content, secrets)
        answer = await self.poster.post(post, patient=job.lane.suspect)
        tried.labels(str(answer.outcome)).inc()
        took.observe(answer.latency_ms / 1000)
        return answer

    # --- claiming ---------------------------------------------------------------------------------------------------

    async def _claim(self) -> int:
        """Endpoints of both kinds, each with its first message; none while the database is away."""
        try:
            jobs = await self._claimed()
        except Exception as error:
            if not away(error):
                raise
            log.warning("database_away", error=type(error).__name__)
            return 0
        self.waiting.extend(jobs)
        return len(jobs)

    async def _claimed(self) -> list[Job]:
        at, ends = self.wall(), asyncio.get_running_loop().time() + self.lease
        suspects = sum(job.lane.suspect for job in self.waiting)
        rooms = {
            False: 2 * self.pace.quick - (len(self.waiting) - suspects),
            True: self.pace.patient - len(self.patient) - suspects,
        }
        lease, jobs = uuid7(), list[Job]()
        async with self.sessions.begin() as session:
            for suspect, room in rooms.items():
                if room > 0:
                    rows = await claim(session, at, self.lease, lease, suspect=suspect, room=room)
                    jobs += [_job(row, at, lease, ends) for row in rows]
            await self.payloads.fill(session, {job.fact_id for job in jobs})
        return jobs

    # --- recording --------------------------------------------------------------------------------------------------

    async def _record_all(self) -> None:
        """All that is over at once in one transaction: a thousand endpoints cost some dozen commits."""
        while True:
            await self.news.wait()
            self.news.clear()
            over: Sequence[Tried] = self.over
            self.over = []
            told = await patiently(lambda tried: self._record(tried), over) if over else False
            if told:
                self.after_commit()
            self.wake.set()

    async def _record(self, over: Sequence[Tried]) -> bool:
        async with self.sessions.begin() as session:
            return await record(session, over, self.pace, self.wall(), self.now())


def _job(row: Row[Any], at: datetime, lease: UUID, ends: float) -> Job:
    lane = Lane(row.failures, row.failing_since, row.open_until, row.suspect)
    previous = row.previous if row.previous_until is not None and at < row.previous_until else None
    return Job(
        row.endpoint_id,
        row.fact_id,
        row.type,
        row.url,
        row.secret,
        previous,
        row.attempts,
        row.queued_at,
        lane,
        lease,
        ends,
    )


CLAIM = text("""
    WITH lanes AS (
        SELECT l.endpoint_id FROM endpoint_lanes l JOIN endpoints e ON e.id = l.endpoint_id
        WHERE e.state = 'active' AND l.suspect = :suspect AND (l.lease_until IS NULL OR l.lease_until <= :at)
            AND (l.open_until IS NULL OR l.open_until <= :at)
            AND EXISTS (SELECT FROM endpoint_messages m
                WHERE m.endpoint_id = l.endpoint_id AND m.state = 'queued' AND m.next_try <= :at)
        ORDER BY l.served_at NULLS FIRST LIMIT :room FOR UPDATE OF l SKIP LOCKED
    ), leased AS (
        UPDATE endpoint_lanes l SET lease = :lease, lease_until = :until, served_at = :at FROM lanes
        WHERE l.endpoint_id = lanes.endpoint_id
        RETURNING l.endpoint_id, l.failures, l.failing_since, l.open_until, l.suspect
    )
    SELECT l.*, e.url, e.secret, e.previous, e.previous_until, m.fact_id, m.type, m.attempts, m.queued_at
    FROM leased l JOIN endpoints e ON e.id = l.endpoint_id CROSS JOIN LATERAL (
        SELECT fact_id, type, attempts, queued_at FROM endpoint_messages m
        WHERE m.endpoint_id = l.endpoint_id AND m.state = 'queued' AND m.next_try <= :at
        ORDER BY m.next_try, m.seq LIMIT 1) m
""")


async def claim(
    session: AsyncSession, at: datetime, seconds: float, lease: UUID, *, suspect: bool, room: int
) -> Sequence[Row[Any]]:
    """Up to `room` endpoints that nobody sends to and that something waits for; those longest not served first."""
    asked = {"at": at, "until": at + timedelta(seconds=seconds), "lease": lease, "suspect": suspect, "room": room}
    return (await session.execute(CLAIM, asked)).all()


class Payloads:
    """What is sent, by fact: the same bytes for all endpoints, the latest used ones kept."""

    def __init__(self, most: int) -> None:
        self.most, self.size = most, 0
        self.kept: OrderedDict[UUID, bytes] = OrderedDict()

    def get(self, fact_id: UUID) -> bytes | None:
        return self.kept.get(fact_id)

    async def fill(self, session: AsyncSession, wanted: Iterable[UUID]) -> None:
        """All of these are here afterwards, except what is not kept in `told`."""
        missing = [id_ for id_ in wanted if not self._used(id_)]
        if not missing:
            return
        for fact in await facts_told(session, missing):
            content = rules.payload(fact)
            self.kept[fact.id] = content
            self.size += len(content)
        while self.size > self.most and len(self.kept) > len(missing):
            self.size -= len(self.kept.popitem(last=False)[1])

    def _used(self, id_: UUID) -> bool:
        if id_ in self.kept:
            self.kept.move_to_end(id_)
        return id_ in self.kept


async def facts_told(session: AsyncSession, ids: Sequence[UUID]) -> list[Told]:
    columns = ("id", "type", "subject", "version", "network_id", "correlation", "occurred_at", "body")
    found = await session.execute(
        select(*(told.c[name] for name in columns)).where(told.c.id.in_(ids), told.c.body.is_not(None))
    )
    return [Told(*row) for row in found]


RECORD_ATTEMPTS = text("""
    INSERT INTO endpoint_attempts (id, endpoint_id, fact_id, type, number, at, outcome, status, latency_ms, answer)
    SELECT v.* FROM unnest(CAST(:ids AS uuid[]), CAST(:endpoints AS uuid[]), CAST(:facts AS uuid[]),
        CAST(:types AS text[]), CAST(:numbers AS int[]), CAST(:ats AS timestamptz[]), CAST(:outcomes AS text[]),
        CAST(:statuses AS int[]), CAST(:latencies AS int[]), CAST(:answers AS text[]))
        AS v(id, endpoint_id, fact_id, type, number, at, outcome, status, latency_ms, answer)
    JOIN endpoints e ON e.id = v.endpoint_id FOR KEY SHARE OF e
""")
"""Of an endpoint that is being removed at this moment nothing is kept: the lock waits for who removes it."""
RECORD_MESSAGES = text("""
    UPDATE endpoint_messages m SET state = v.state, attempts = v.number, next_try = v.next_try, outcome = v.outcome,
        status = v.status, settled_at = CASE v.state WHEN 'queued' THEN NULL ELSE v.at END
    FROM unnest(CAST(:endpoints AS uuid[]), CAST(:facts AS uuid[]), CAST(:numbers AS int[]),
        CAST(:states AS text[]), CAST(:next_tries AS timestamptz[]), CAST(:ats AS timestamptz[]),
        CAST(:outcomes AS text[]), CAST(:statuses AS int[]), CAST(:queued AS timestamptz[]))
        AS v(endpoint_id, fact_id, number, state, next_try, at, outcome, status, queued_at)
    WHERE m.endpoint_id = v.endpoint_id AND m.fact_id = v.fact_id AND m.state = 'queued' AND m.queued_at = v.queued_at
""")
RECORD_LANES = text("""
    UPDATE endpoint_lanes l SET failures = v.failures, failing_since = v.failing_since, open_until = v.open_until,
        suspect = v.suspect, lease = NULL, lease_until = NULL
    FROM unnest(CAST(:endpoints AS uuid[]), CAST(:leases AS uuid[]), CAST(:failures AS int[]),
        CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]), CAST(:suspects AS bool[]))
        AS v(endpoint_id, lease, failures, failing_since, open_until, suspect)
    WHERE l.endpoint_id = v.endpoint_id AND l.lease = v.lease
""")
PUT_OFF = text("""
    UPDATE endpoint_messages SET next_try = :again
    WHERE state = 'queued' AND (endpoint_id, fact_id) IN
        (SELECT * FROM unnest(CAST(:endpoints AS uuid[]), CAST(:facts AS uuid[])))
""")


async def record(session: AsyncSession, over: Sequence[Tried], pace: Pace, at: datetime, now: datetime) -> bool:
    """Attempts, messages and lanes, set-based; who has failed for days is disabled. True when a fact was staged. A lane
    that another process has claimed since (our lease ran out) is left to it; what was delivered stays
    delivered, and what was queued anew meanwhile (a replay) stays queued."""
    made = [(one.job, one.answer) for one in over if one.answer is not None]
    unread = [one.job for one in over if one.answer is None]
    if unread:
        asked = {"endpoints": [j.endpoint_id for j in unread], "facts": [j.fact_id for j in unread]}
        await session.execute(PUT_OFF, {**asked, "again": at + AGAIN_UNREAD})
    if made:
        await _record_tries(session, made)
    patience = timedelta(seconds=pace.patience)
    after = [(job, answer, job.lane.after(answer, patience)) for job, answer in made]
    lanes = [(job, job.lane) for job in unread] + [(job, lane) for job, _, lane in after]
    await session.execute(RECORD_LANES, _lanes(lanes))
    given_up = {job.endpoint_id: reason for job, answer, lane in after if (reason := lane.given_up(answer))}
    return await commands.disable(session, given_up, at, now) if given_up else False


def _verdict(job: Job, answer: Answer) -> Verdict:
    return rules.verdict(answer, job.attempts + 1, job.endpoint_id.int ^ job.fact_id.int)


async def _record_tries(session: AsyncSession, made: Sequence[tuple[Job, Answer]]) -> None:
    verdicts = [_verdict(job, answer) for job, answer in made]
    alike = {
        "endpoints": [job.endpoint_id for job, _ in made],
        "facts": [job.fact_id for job, _ in made],
        "numbers": [job.attempts + 1 for job, _ in made],
        "ats": [answer.at for _, answer in made],
        "outcomes": [str(answer.outcome) for _, answer in made],
        "statuses": [answer.status for _, answer in made],
    }
    told_of = {
        "ids": [uuid7() for _ in made],
        "types": [job.type for job, _ in made],
        "latencies": [answer.latency_ms for _, answer in made],
        "answers": [answer.text for _, answer in made],
    }
    await session.execute(RECORD_ATTEMPTS, {**alike, **told_of})
    settled = {"states": [str(v.state) for v in verdicts], "next_tries": [v.next_try for v in verdicts]}
    queued = [job.queued_at for job, _ in made]
    await session.execute(RECORD_MESSAGES, {**alike, **settled, "queued": queued})


def _lanes(lanes: Sequence[tuple[Job, Lane]]) -> dict[str, list[Any]]:
    ordered = sorted(lanes, key=lambda one: one[0].endpoint_id)
    return {
        "endpoints": [job.endpoint_id for job, _ in ordered],
        "leases": [job.lease for job, _ in ordered],
        "failures": [lane.failures for _, lane in ordered],
        "since": [lane.failing_since for _, lane in ordered],
        "until": [lane.open_until for _, lane in ordered],
        "suspects": [lane.suspect for _, lane in ordered],
    }
