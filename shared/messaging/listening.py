"""Hearing what the other services tell: FastStream's batch pull subscribers, one for each consumer of the topology."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from uuid import UUID

import asyncpg
import nats.errors
import nats.js.errors
from faststream.message import StreamMessage
from faststream.middlewares import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.client import Client
from nats.aio.msg import Msg
from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from shared.contracts.envelope import FACTS
from shared.messaging import topology, wire
from shared.messaging.broker import BrokerClosed, options
from shared.messaging.handlers import Handler, handlers_of
from shared.messaging.intake import BACKOFF, Incoming, Intake, is_away
from shared.messaging.leader import LOST, Role, leading

logger = logging.getLogger(__name__)

PARKED = text("select distinct consumer from parked where dead_at is null and next_try <= clock_timestamp()")


class PromptSubscriber(BatchPullStreamSubscriber):
    """FastStream's batch subscriber with a pull loop of our own.

    The original waits until the batch is full or timed out; this one hands over what is there. It binds to the
    consumer (services may not create any), goes on after every error, and in `ordered` mode notices deliveries that
    were lost on the way: it lets everything outstanding expire and so reads it again in order.
    """

    __slots__ = ()

    ordered: bool
    begin: Callable[[Any], Any]
    reconnected: asyncio.Event

    async def _create_subscription(self) -> None:
        if self.subscription is None:
            self.subscription = await self.jetstream.pull_subscribe_bind(
                durable=self.extra_options["durable"],
                stream=self.stream.name,
                inbox_prefix=self.extra_options["inbox_prefix"],
            )
            self.add_task(self._consume_pull)

    async def _consume_pull(self) -> None:
        assert self.subscription is not None
        begun = False
        expected: int | None = None  # the number of the next delivery, when it is known
        while self.running:
            try:
                if not begun:
                    # Outstanding: what a process that died, or a connection that broke, was given last.
                    outstanding = await self.begin(await self.subscription.consumer_info())
                    if outstanding and self.ordered:
                        await self._let_expire()
                    begun, expected = True, None
                messages = await self._fetch()
            except (nats.errors.Error, nats.js.errors.Error, OSError, SQLAlchemyError) as error:
                logger.debug("%s: %s", self.extra_options["durable"], error)
                begun = False
                await asyncio.sleep(0.2)  # also keeps a closed client from spinning
                continue
            if not messages:
                continue
            numbers = [m.metadata.sequence.consumer for m in messages]
            # A consumer that was made anew begins at 1: nothing of it can have been lost before.
            begins = numbers[0] == 1 or expected in (None, numbers[0])
            complete = begins and numbers[-1] - numbers[0] + 1 == len(numbers)
            if self.ordered and not complete:
                logger.info("%s: deliveries were lost, reading again", self.extra_options["durable"])
                expected = None
                await self._let_expire()
                continue
            expected = numbers[-1] + 1
            await self.consume(messages)

    async def _fetch(self) -> list[Msg]:
        """What is there, at most a batch; waits up to 5 s for the first, or until the connection was renewed, because
        the server has then forgotten that we asked."""
        assert self.subscription is not None
        self.reconnected.clear()
        fetching = asyncio.create_task(self.subscription.fetch(self.pull_sub.batch_size, timeout=5))
        renewed = asyncio.create_task(self.reconnected.wait())
        try:
            await asyncio.wait({fetching, renewed}, return_when=asyncio.FIRST_COMPLETED)
            if not fetching.done():
                return []
            with suppress(TimeoutError):
                return list(fetching.result())
            return []
        finally:
            fetching.add_done_callback(lambda task: task.cancelled() or task.exception())  # it ends unheard
            fetching.cancel()
            renewed.cancel()

    async def _let_expire(self) -> None:
        await asyncio.sleep(topology.ACK_WAIT + 0.5)


class Listening:
    """Takes in one service's facts while `run()` runs, if this process leads: one reader keeps each aggregate's order.

    `problem` says why nothing is being taken in, if so; `client` is the NATS connection, none while there is none.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        nats_url: str,
        service: str,
        modules: Iterable[ModuleType],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        backoff: Sequence[float] = BACKOFF,
        done: Callable[[], None] = lambda: None,
        batch: int = topology.BATCH,
    ) -> None:
        """`done` is called after each commit: a reaction may have staged facts (`relay.wake`)."""
        self.problem: str | None = "starting"
        self._engine = engine
        self._url = nats_url
        self._service = service
        self._batch = batch
        self._done = done
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._idle = engine.execution_options(isolation_level="AUTOCOMMIT")
        handlers = handlers_of(modules)
        consumers = topology.consumers(service)
        _check(handlers, consumers)
        self.intakes = [Intake(c, handlers, self._sessions, now, backoff) for c in consumers]
        self._broker: NatsBroker | None = None
        self._parked = asyncio.Event()
        self._stopping = asyncio.Event()
        self._closed = asyncio.Event()
        self._subscribers: list[PromptSubscriber] = []

    @property
    def client(self) -> Client | None:
        state = self._broker.config.broker_config.connection_state if self._broker is not None else None
        return state.connection if state else None

    @property
    def connected(self) -> bool:
        return self.client is not None and self.client.is_connected

    def has_seen(self, fact_id: UUID) -> bool:
        """Whether this process has lately committed that fact's projection."""
        return any(fact_id in i.recent for i in self.intakes if i.consumer.kind == "projections")

    async def run(self) -> None:
        """Until cancelled. NATS or PostgreSQL being away is waited out; raises BrokerClosed when NATS refuses us."""
        if not self.intakes:
            self.problem = None
            await asyncio.Event().wait()
        pause = 0.1
        while True:
            try:
                self.problem = "another process leads"
                async with leading(self._engine, Role.LISTEN) as lead:
                    pause = 0.1
                    await self._listen(lead)
            except LOST as error:
                self.problem = f"{type(error).__name__}: {error}"
                logger.warning("listening of %s waits: %s", self._service, self.problem)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 3.0)

    async def _listen(self, lead: asyncpg.Connection) -> None:
        self._stopping.clear()
        self._closed.clear()
        self._broker = broker = self._make_broker()
        retrying = asyncio.create_task(self._retry_forever())
        try:
            self.problem = "NATS is away"
            await broker.start()
            self.problem = None
            while not self._closed.is_set():
                await lead.execute("select 1")  # raises when the lock is lost
                with suppress(TimeoutError):
                    async with asyncio.timeout(3.0):
                        await self._closed.wait()
            raise BrokerClosed(f"{self._service}: NATS closed the connection")
        finally:
            self._stopping.set()
            retrying.cancel()
            await self._stop(broker)

    async def _stop(self, broker: NatsBroker) -> None:
        """Running batches end first; what was fetched and not handled is delivered again."""
        client = self.client
        for subscriber in self._subscribers:
            with suppress(nats.errors.Error):
                await subscriber.stop()
        if client is not None:
            with suppress(nats.errors.Error):
                await client.flush(2)
            await client.close()
        with suppress(nats.errors.Error):
            await broker.stop()
        self._broker = None

    def _make_broker(self) -> NatsBroker:
        async def renewed() -> None:
            for subscriber in self._subscribers:
                subscriber.reconnected.set()

        async def closed() -> None:
            self._closed.set()

        broker = NatsBroker(
            **options(self._url, self._service),
            reconnected_cb=renewed,
            closed_cb=closed,
            apply_types=False,
            logger=None,
            graceful_timeout=8.0,
        )
        self._subscribers = [self._subscribe(broker, intake) for intake in self.intakes]
        return broker

    def _subscribe(self, broker: NatsBroker, intake: Intake) -> PromptSubscriber:
        consumer = intake.consumer
        plain = broker.subscriber(
            f"{consumer.source}.>",
            stream=JStream(consumer.stream, declare=False),
            durable=consumer.name,
            pull_sub=PullSub(batch_size=self._batch, batch=True),
            inbox_prefix=f"{topology.inbox(self._service)}.".encode(),
            ack_policy=AckPolicy.MANUAL,
            decoder=_raw,
            no_reply=True,
        )

        async def handle(messages: list[Msg]) -> None:
            await self._handle(intake, messages)

        plain(handle)
        # FastStream has no hook for the class of its subscribers; ours has the same layout.
        subscriber: Any = plain
        subscriber.__class__ = PromptSubscriber
        subscriber.ordered = consumer.kind == "reactions"
        subscriber.reconnected = asyncio.Event()
        subscriber.begin = lambda info: self._begin(intake, info)
        made: PromptSubscriber = subscriber
        return made

    async def _begin(self, intake: Intake, info: Any) -> int:
        """Learn since when this consumer reacts (its first creation, also after a stream was rebuilt); returns how many
        deliveries are outstanding, from a process that died or a connection that broke."""
        if intake.since is None:
            async with self._sessions.begin() as session:
                values = {"consumer": intake.consumer.name, "since": _instant(info.created)}
                await session.execute(_REMEMBER, values)
                intake.since = (await session.execute(_SINCE, {"consumer": intake.consumer.name})).scalar_one()
        return int(info.num_ack_pending or 0)

    async def _handle(self, intake: Intake, messages: Sequence[Msg]) -> None:
        """Everything is committed, then acknowledged. While the database is away nothing is, and nothing is fetched."""
        incoming = [
            Incoming(m.subject, wire.as_mapping(m.headers), m.data, m.metadata.sequence.stream) for m in messages
        ]
        async with _in_progress(messages):
            pause = 0.1
            while not self._stopping.is_set():
                try:
                    if await intake.take(incoming):
                        self._parked.set()
                except Exception as error:
                    if not is_away(error):
                        logger.exception("%s: nothing could be committed", intake.consumer.name)
                        raise
                    self.problem = f"the database is away: {type(error).__name__}"
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._stopping.wait()
                    pause = min(pause * 2, 3.0)
                else:
                    self.problem = None
                    self._done()
                    await _acknowledge(self.client, messages)
                    return

    async def _retry_forever(self) -> None:
        while True:
            try:
                tried, waiting = False, await self._waiting()
                for intake in self.intakes:
                    while intake.consumer.name in waiting and await intake.retry():
                        tried = True
                if tried:
                    self._done()
            except Exception as error:
                if not is_away(error):
                    logger.exception("retrying parked facts of %s", self._service)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.25):
                    await self._parked.wait()
            if self._parked.is_set():
                self._parked.clear()
                await asyncio.sleep(0.05)

    async def _waiting(self) -> set[str]:
        """The consumers that have something to try again: one statement without a transaction, as most find nothing."""
        async with self._idle.connect() as connection:
            return set((await connection.execute(PARKED)).scalars())


def _check(handlers: Iterable[Handler], consumers: Iterable[topology.Consumer]) -> None:
    """A handler that no consumer of the topology feeds would wait for ever."""
    fed = {(c.source, c.kind) for c in consumers}
    for handler in handlers:
        for fact in handler.classes:
            if fact.name and (fact.service(), handler.kind) not in fed:
                raise LookupError(
                    f"{handler.function.__qualname__}: no {handler.kind} of {fact.name} in topology.LISTENS"
                )
        if not any((FACTS[type_].service(), handler.kind) in fed for type_ in handler.types):
            raise LookupError(f"{handler.function.__qualname__}: topology.LISTENS gives it no {handler.kind}")


async def _raw(message: StreamMessage[Any]) -> Any:
    """No decoding by FastStream: what cannot be decoded must reach our wrapper too."""
    return message.raw_message


async def _acknowledge(client: Client | None, messages: Sequence[Msg]) -> None:
    """Not waited for: an acknowledgement that is lost means one more delivery, which changes nothing.

    One piece for all: `Msg.ack` checks, encodes and flushes each by itself, a sixth of what a fact costs.
    """
    if client is None or not client.is_connected:
        logger.info("%d acknowledgements were lost", len(messages))
        return
    await client._send_command(b"".join([b"PUB %s 4\r\n+ACK\r\n" % message.reply.encode() for message in messages]))
    await client._flush_pending()  # as `publish` does; nats-py has no other way to send prepared bytes


@asynccontextmanager
async def _in_progress(messages: Sequence[Msg]) -> Any:
    """Tells the server that these are being worked on, so that a long batch is not delivered again."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(topology.ACK_WAIT / 3)
            with suppress(nats.errors.Error):
                for message in messages:
                    await message.in_progress()

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()


def _instant(created: Any) -> datetime:
    found = created if isinstance(created, datetime) else datetime.fromisoformat(str(created))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_REMEMBER = text(
    "insert into consumers (consumer, since) values (:consumer, :since) on conflict do nothing"
).bindparams(bindparam("since", type_=DateTime(timezone=True)))
_SINCE = text("select since from consumers where consumer = :consumer")
