"""Sending the log to the stream: everything once it is committed, in the order of its aggregate, at least once.

Each round takes the current snapshot and sends what is visible in it and was not in the previous one. That misses no
transaction that commits late (a plain `seq > cursor` does), and waits for none that is still open.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import asyncpg
import nats.errors
import orjson
from nats.aio.client import Client
from nats.js.api import Header
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from shared.messaging import topology, wire
from shared.messaging.broker import BrokerClosed, connect
from shared.messaging.leader import LOST, Role, leading
from shared.messaging.schema import PLACE

logger = logging.getLogger(__name__)
tracer = trace.get_tracer("trama.messaging")
published = Counter("trama_facts_published", "Facts that the stream acknowledged", ["service"])

ACK_TIMEOUT = 10.0
"""A cluster that lost its leader answers within 6 s."""

BREATH = 0.01
"""Seconds between the beginnings of two rounds while facts come faster than rounds: together they cost a fraction."""
SETTINGS = "set enable_seqscan = off; set synchronous_commit = off"
"""For the relay's own connection. A cursor that a crash puts back sends some facts again, which the stream discards."""

_COLUMNS = "seq, id, type, subject, generation, network_id, headers, body, occurred_at"

_CURSOR = """
    select previous, coalesce("window", pg_current_snapshot()) as current, "window" is not null as open, last_seq
    from relay_cursor
"""
_UNSENT = """
    l.tx >= pg_snapshot_xmin(c.previous) and l.seq + 0 > c.last_seq
    and pg_visible_in_snapshot(l.tx, c.current) and not pg_visible_in_snapshot(l.tx, c.previous)
"""
"""`seq + 0`: only the index on tx may find these rows. Left to itself the planner walks the primary key from the first
fact ever (0.3 ms for each thousand of them, in every round), because it cannot know that the rows are the last ones."""

FRESH = f"""
with c as materialized ({_CURSOR})
select c.previous::text, c.current::text as "current", c.open, l.*
from c left join lateral (select {_COLUMNS} from log l where {_UNSENT} limit $1) l on true
"""  # noqa: S608
"""The window to send and its rows in no order, which is all of it unless there are as many as asked for."""

OPEN = f"""
with c as materialized ({_CURSOR}), unsent as materialized (select l.seq from c join log l on {_UNSENT})
select c.previous::text, c.current::text as "current", w.first, w.last
from c cross join (select min(seq) as first, max(seq) as last from unsent) w
"""  # noqa: S608
"""The window to send and its first and last seq, when it has more than a page; pages then follow the primary key."""

PAGE = f"""
select {_COLUMNS} from log
where seq > $1 and seq <= $2
  and pg_visible_in_snapshot(tx, $4::text::pg_snapshot) and not pg_visible_in_snapshot(tx, $3::text::pg_snapshot)
order by seq limit $5
"""  # noqa: S608

HOME = f"""
select place = ({PLACE}) and pg_snapshot_xmax(previous) <= pg_snapshot_xmax(pg_current_snapshot()) from relay_cursor
"""  # noqa: S608
"""Whether the cursor speaks of the cluster that we are in."""


class CursorElsewhere(Exception):
    """The database was restored: its cursor names transactions of another cluster. `resume --after-restore` helps."""


class Refused(Exception):
    """The stream did not take a message."""


class Relay:
    """Sends one service's facts while `run()` runs, if this process leads; several may run, one works.

    `problem` says why nothing is being sent, if so; `client` is the NATS connection, none before the first success.
    """

    def __init__(
        self, engine: AsyncEngine, nats_url: str, service: str, *, poll: float = 0.25, batch: int = topology.BATCH
    ) -> None:
        self.client: Client | None = None
        self.problem: str | None = "starting"
        self._engine = engine
        self._url = nats_url
        self._service = service
        self._poll = poll
        self._batch = batch
        self._wake = asyncio.Event()
        self._closed = asyncio.Event()

    def wake(self) -> None:
        """There is something to send: called after each commit, in the process that leads or in any other."""
        self._wake.set()

    @property
    def connected(self) -> bool:
        return self.client is not None and self.client.is_connected

    async def run(self) -> None:
        """Until cancelled. NATS or PostgreSQL being away is waited out; raises BrokerClosed when NATS refuses us."""
        try:
            self.client = await connect(self._url, self._service, self._on_closed)
            await self._forever()
        finally:
            if self.client is not None:
                await self.client.close()

    async def _on_closed(self) -> None:
        self._closed.set()
        self._wake.set()

    async def _forever(self) -> None:
        failures = 0
        while True:
            try:
                self.problem = "another process leads"
                async with leading(self._engine, Role.RELAY) as db:
                    await check_place(db)
                    await db.execute(SETTINGS)
                    self.problem = None
                    while True:
                        failures = await self._rounds(db, failures)
            except (*LOST, CursorElsewhere) as error:
                failures = await self._back_off(failures, error)

    async def _rounds(self, db: asyncpg.Connection, failures: int) -> int:
        """Rounds until something fails; returns the number of failures in a row."""
        try:
            while True:
                self._wake.clear()
                if self._closed.is_set():
                    raise BrokerClosed(f"{self._service}: NATS closed the connection")
                began = time.monotonic()
                sent = await self.round(db)
                failures, self.problem = 0, None
                if self._wake.is_set():
                    await asyncio.sleep(max(0.0, began + BREATH - time.monotonic()) if sent > 1 else 0)
                elif sent < self._batch:  # who commits in this process wakes us; others are found by looking again
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._poll):
                            await self._wake.wait()
        except (nats.errors.Error, Refused) as error:  # the broker is away: what is not acknowledged is sent again
            return await self._back_off(failures, error)

    async def _back_off(self, failures: int, error: Exception) -> int:
        self.problem = f"{type(error).__name__}: {error}"
        logger.log(
            logging.WARNING if failures == 0 else logging.DEBUG, "relay of %s waits: %s", self._service, self.problem
        )
        await asyncio.sleep(min(0.1 * 2**failures, 3.0))
        return failures + 1

    async def round(self, db: asyncpg.Connection) -> int:
        """Send one window, page by page; returns how many facts. The cursor follows each acknowledgement."""
        rows = await db.fetch(FRESH, self._batch + 1)
        if len(rows) > self._batch:
            return await self._backlog(db)
        if rows[0]["seq"] is None:
            if rows[0]["open"]:
                await self._move(db, rows[0], None)
            return 0
        rows.sort(key=itemgetter("seq"))
        await self._send(_batch(rows), rows)
        await self._move(db, rows[0], rows[-1]["seq"])
        return len(rows)

    async def _backlog(self, db: asyncpg.Connection) -> int:
        window = await db.fetchrow(OPEN)
        sent = 0
        rows = await self._page(db, window, window["first"] - 1)
        batch = _batch(rows)
        while rows:
            # The next page is read and encoded while the stream writes this one to disk.
            sending = asyncio.create_task(self._send(batch, rows))
            try:
                following = await self._page(db, window, rows[-1]["seq"])
                batch = _batch(following)
            except BaseException:
                sending.cancel()
                raise
            await sending
            sent += len(rows)
            await self._move(db, window, rows[-1]["seq"], last=not following)
            rows = following
        return sent

    async def _page(self, db: asyncpg.Connection, window: Any, after: int) -> list[Any]:
        if after >= window["last"]:
            return []
        return list(await db.fetch(PAGE, after, window["last"], window["previous"], window["current"], self._batch))

    async def _move(self, db: asyncpg.Connection, window: Any, seq: int | None, *, last: bool = True) -> None:
        if last:
            await db.execute(
                'update relay_cursor set previous = $1::text::pg_snapshot, "window" = null, last_seq = 0,'
                " top_seq = greatest(top_seq, $2)",
                window["current"],
                seq or 0,
            )
        else:
            await db.execute(
                'update relay_cursor set "window" = $1::text::pg_snapshot, last_seq = $2,'
                " top_seq = greatest(top_seq, $2)",
                window["current"],
                seq,
            )

    async def _send(self, batch: Batch, rows: Sequence[Any]) -> None:
        assert self.client is not None
        with tracer.start_as_current_span(
            f"publish {topology.stream(self._service)}",
            kind=SpanKind.PRODUCER,
            attributes={"messaging.system": "nats", "messaging.batch.message_count": len(rows)},
        ):
            try:
                await send_batch(self.client, batch)
            except Refused as error:
                logger.info("batch refused, sending one by one: %s", error)
                for row in rows:
                    await send_one(self.client, *message(row))
        published.labels(self._service).inc(len(rows))


def _batch(rows: Sequence[Any]) -> Batch:
    return Batch.of([message(row) for row in rows] or [("", b"", {})])


async def check_place(db: asyncpg.Connection) -> None:
    if not await db.fetchval(HOME):
        raise CursorElsewhere("the relay's cursor is of another cluster: resume --after-restore")


Message = tuple[str, bytes, dict[str, str]]


def message(row: Any, *, fresh: bool = False) -> Message:
    """(subject, body, headers) of a row of the log; `fresh` gives it a message id that no stream has seen."""
    carried = orjson.loads(row["headers"])
    made = wire.headers(
        fact_id=row["id"],
        type_=row["type"],
        subject=row["subject"],
        generation=row["generation"],
        network_id=row["network_id"],
        occurred_at=row["occurred_at"],
        carried=carried,
        message_id=uuid7() if fresh else None,
    )
    return row["subject"], row["body"].encode(), made


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages ready to be stored together: all but the last as bytes of the protocol, the last as it commits."""

    size: int
    opening: bytes
    commit: Message

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Batch:
        id_ = str(uuid7())
        *others, (subject, body, headers) = messages
        opening = b"".join(_frame(message, id_, number) for number, message in enumerate(others, 1))
        closing = {
            **headers,
            Header.BATCH_ID.value: id_,
            Header.BATCH_SEQUENCE.value: str(len(messages)),
            Header.BATCH_COMMIT.value: "1",
        }
        return cls(len(messages), opening, (subject, body, closing if others else headers))


def _frame(message: Message, batch: str, number: int) -> bytes:
    """One HPUB of NATS's protocol. nats-py checks and encodes each of some twelve headers by itself, which took half of
    the relay's time; these are our own, and none can hold a line break but the trace, which the wire module cleans."""
    subject, body, headers = message
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = f"NATS/1.0\r\n{lines}Nats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {number}\r\n\r\n".encode()
    return b"HPUB %s %d %d\r\n%s%s\r\n" % (subject.encode(), len(head), len(head) + len(body), head, body)


async def send_batch(client: Client, batch: Batch) -> None:
    """Publish atomically: all are stored, in order, or none. Raises Refused (one duplicate id refuses them all), or
    nats.errors.Error when no answer came, and then they may be stored or not."""
    if batch.opening:
        if not client.is_connected:
            raise nats.errors.OutboundBufferLimitError
        await client._send_command(batch.opening)  # nats-py has no other way to send prepared bytes
    await send_one(client, *batch.commit)


async def send_one(client: Client, subject: str, body: bytes, headers: dict[str, str]) -> bool:
    """Publish and wait until it is on disk; returns whether the stream had it already. Raises Refused."""
    answer = _answer(await client.request(subject, body, timeout=ACK_TIMEOUT, headers=headers))
    return bool(answer.get("duplicate"))


def _answer(reply: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(reply.data)
    if "error" in answer:
        raise Refused(str(answer["error"].get("description", answer["error"])))
    return answer
