"""From a queued delivery to the relay and back to the record, whatever the relay does and whenever the sender dies."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import func, insert, select, text, update

from services.notify.contacts.tables import contacts
from services.notify.deliveries.commands import intend
from services.notify.deliveries.mail import Sender
from services.notify.deliveries.outcomes import Claimed
from services.notify.deliveries.queries import due
from services.notify.deliveries.rules import Delivery, Outcome, Problem, State
from services.notify.deliveries.sending import Pace, Sending
from services.notify.deliveries.smtp import Relay
from services.notify.deliveries.tables import attempts, deliveries
from services.notify.messages.compose import Writer
from services.notify.messages.queries import Known
from services.notify.messages.words import environment
from shared.access.tables import networks
from shared.messaging.tables import log
from shared.runtime import telemetry
from shared.runtime.database import Database
from tests.harness import only_new_objects_are_counted, until
from tests.notify.relay import FakeRelay

NETWORK = UUID(int=1)
SENDER = Sender("Alleanza", "no-reply@trama.example")
WRITER = Writer("http://trama.test", SENDER, lambda *_, **__: "token", environment())
OVER = (State.SENT, State.FAILED, State.SUPPRESSED)
QUICK = Pace(poll=0.05)
PARAMETERS = {"role": "referent", "organisation_id": None, "territory": "03", "since": "2026-01-01", "until": None}


class Killed(BaseException):
    """As a SIGKILL: nothing that comes after it is done."""


@dataclass
class Desk:
    """A sender with its database and its relay."""

    database: Database
    relay: FakeRelay

    def sending(self, pace: Pace = QUICK, patience: float = 5) -> Sending[Known]:
        place = Relay.parse(self.relay.url(), patience)
        return Sending(self.database.engine, self.database.sessions, place, SENDER, WRITER, pace)

    @asynccontextmanager
    async def running(self, pace: Pace = QUICK, patience: float = 5) -> AsyncIterator[Sending[Known]]:
        sending = self.sending(pace, patience)
        task = asyncio.create_task(sending.run())
        try:
            yield sending
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def intend(self, count: int = 1, prefix: str = "p", **changed: Any) -> list[Delivery]:
        """One delivery to each of `count` new people `<prefix><n>@example.org`."""
        people = [uuid4() for _ in range(count)]
        intents = [
            Delivery(
                topic="mandate-given",
                channel="email",
                key=f"{prefix}{person}",
                because_of=UUID(int=7),
                intended_at=datetime(2026, 11, 22, tzinfo=UTC),
                network_id=NETWORK,
                person_id=person,
                parameters=dict(PARAMETERS),
                correlation=UUID(int=8),
                **changed,
            )
            for person in people
        ]
        rows = [
            {
                "person_id": person,
                "given_name": "Maria",
                "family_name": f"Rossi {n}",
                "email": f"{prefix}{n}@example.org",
                "network_id": NETWORK,
                "generation": 1,
                "version": 1,
            }
            for n, person in enumerate(people)
        ]
        async with self.database.sessions.begin() as session:
            await session.execute(insert(contacts), rows)
            await intend(session, intents, datetime.now(UTC))
        return intents

    async def rows(self, *states: State) -> Sequence[Any]:
        query = select(deliveries).order_by(deliveries.c.id)
        async with self.database.sessions() as session:
            return (await session.execute(query.where(deliveries.c.state.in_(states)) if states else query)).all()

    async def settled(self, count: int = 1, seconds: float = 20) -> Sequence[Any]:
        """The deliveries, once so many are sent, failed or suppressed."""
        await until(lambda: self._are_over(count), seconds, f"{count} settled")
        return await self.rows(*OVER)

    async def _are_over(self, count: int) -> bool:
        async with self.database.sessions() as session:
            over = select(func.count()).where(deliveries.c.state.in_(OVER))
            return (await session.scalar(over) or 0) >= count

    async def became(self, condition: Callable[[Any], bool], what: str) -> Any:
        """The only delivery, once it is so."""
        seen: list[Any] = []

        async def reached() -> bool:
            seen[:] = await self.rows()
            return condition(seen[0])

        await until(reached, 20, what)
        return seen[0]

    async def tries(self) -> Sequence[Any]:
        async with self.database.sessions() as session:
            return (await session.execute(select(attempts).order_by(attempts.c.delivery_id, attempts.c.number))).all()

    async def facts(self) -> Counter[str]:
        async with self.database.sessions() as session:
            return Counter((await session.scalars(select(log.c.type))).all())

    async def hurry(self) -> None:
        """What waits for its next try, or in a dead sender's hands, is due now."""
        async with self.database.sessions.begin() as session:
            await session.execute(update(deliveries).values(next_try=text("now()"), lease_until=text("now()")))


@pytest.fixture
async def desk(database: Database, relay: FakeRelay) -> Desk:
    async with database.sessions.begin() as session:
        await session.execute(
            insert(networks).values(
                id=NETWORK, slug="alleanza", name="Alleanza", kind="alliance", generation=1, version=1
            )
        )
    return Desk(database, relay)


async def test_a_delivery_is_sent_recorded_and_told(desk: Desk) -> None:
    async with desk.running():
        (intent,) = await desk.intend()
        (row,) = await desk.settled()
    (mail,) = desk.relay.taken
    assert (row.state, row.problem, row.attempts, row.next_try, row.lease_until) == (State.SENT, None, 1, None, None)
    assert row.sent_at is not None
    assert mail.to == "p0@example.org"
    assert mail.sender == "no-reply@trama.example"
    assert mail.message["Message-ID"] == f"<{intent.id}@trama.example>"
    assert mail.message["Trama-Correlation"] == str(UUID(int=8))
    assert "Lombardia" in mail.text
    (attempt,) = await desk.tries()
    assert (attempt.number, attempt.outcome, attempt.code) == (1, Outcome.ACCEPTED, 250)
    assert await desk.facts() == {"trama.notify.delivery.sent.v1": 1}
    async with desk.database.sessions() as session:
        fact = (await session.execute(select(log))).one()
        assert fact.headers["correlationid"] == str(UUID(int=8))
        assert fact.headers["causationid"] == str(UUID(int=7))
        assert await due(session) == 0


async def test_the_same_key_is_intended_once(desk: Desk) -> None:
    (intent,) = await desk.intend()
    async with desk.database.sessions.begin() as session:
        again = Delivery(
            topic=intent.topic, channel="email", key=intent.key, because_of=uuid4(), intended_at=intent.intended_at
        )
        assert await intend(session, [again], datetime.now(UTC)) == 0
    async with desk.running():
        await desk.settled()
    assert len(desk.relay.taken) == 1


async def test_what_is_deferred_is_tried_again_and_the_others_go_on(desk: Desk) -> None:
    desk.relay.replies["slow0@example.org"] = ["451 4.3.0 <slow0@example.org> try later"]
    await desk.intend(1, "slow")
    await desk.intend(20)
    async with desk.running():
        await desk.settled(20)
        (waiting,) = await desk.rows(State.QUEUED)
        assert (waiting.problem, waiting.attempts) == (Problem.RELAY_DEFERS, 1)
        assert waiting.reason == "4.3.0 <…> try later"
        assert waiting.next_try > datetime.now(UTC) + timedelta(seconds=30)
        await desk.hurry()
        await desk.settled(21)
    assert [a.outcome for a in await desk.tries() if a.delivery_id == waiting.id] == [
        Outcome.DEFERRED,
        Outcome.ACCEPTED,
    ]
    assert Counter(mail.to for mail in desk.relay.taken).most_common(1)[0][1] == 1


async def test_what_is_refused_has_failed_at_once_and_is_told(desk: Desk) -> None:
    desk.relay.replies["p0@example.org"] = ["550 5.1.1 <p0@example.org>: no such user"]
    await desk.intend()
    async with desk.running():
        (row,) = await desk.settled()
    assert (row.state, row.problem, row.attempts) == (State.FAILED, Problem.RELAY_REFUSES, 1)
    assert "example.org" not in row.reason
    assert await desk.facts() == {"trama.notify.delivery.failed.v1": 1}


async def test_a_day_of_deferrals_is_given_up(desk: Desk) -> None:
    desk.relay.replies["p0@example.org"] = ["451 later"]
    await desk.intend(first_try=datetime.now(UTC) - timedelta(hours=25), attempts=13)
    async with desk.running():
        (row,) = await desk.settled()
    assert (row.state, row.problem, row.attempts) == (State.FAILED, Problem.GIVEN_UP, 14)


async def test_a_relay_that_is_down_loses_nothing_and_costs_no_attempt(desk: Desk) -> None:
    await desk.relay.stop()
    await desk.intend(10)
    async with desk.running():
        await until(lambda: _all(desk, Problem.RELAY_UNREACHABLE), 20, "the outage is seen")
        async with desk.database.sessions() as session:
            assert await due(session) == 10, "the work is still there, and readiness says so"
        rows = await desk.rows()
        assert {(row.state, row.attempts, row.first_try) for row in rows} == {(State.QUEUED, 0, None)}
        await desk.relay.start()
        rows = await desk.settled(10)
    assert {row.state for row in rows} == {State.SENT}
    assert len(desk.relay.taken) == 10
    assert {row.attempts for row in rows} == {1}


async def test_a_relay_that_dies_in_the_middle_of_many_mails_gets_the_rest_when_it_is_back(desk: Desk) -> None:
    await desk.intend(60)
    async with desk.running():
        await desk.relay.wait_for(20)
        await desk.relay.stop()
        await desk.relay.start()
        await desk.settled(50)  # up to one in each of eight lanes was cut off, and waits its minute
        await desk.hurry()
        rows = await desk.settled(60)
    assert {row.state for row in rows} == {State.SENT}
    assert len({mail.to for mail in desk.relay.taken}) == 60
    assert len(desk.relay.taken) <= 68


async def test_a_cut_connection_leaves_the_mail_for_later_with_the_same_message_id(desk: Desk) -> None:
    desk.relay.replies["p0@example.org"] = ["cut"]
    await desk.intend()
    async with desk.running():
        row = await desk.became(lambda row: row.problem is Problem.CONNECTION_BROKE, "the cut is seen")
        assert row.state is State.QUEUED
        await desk.hurry()
        await desk.settled()
    first, second = desk.relay.taken
    assert first.message["Message-ID"] == second.message["Message-ID"]


async def test_a_relay_that_hangs_on_one_mail_does_not_hold_the_others(desk: Desk) -> None:
    desk.relay.replies["hung0@example.org"] = ["hang"]
    await desk.intend(1, "hung")
    await desk.intend(30)
    async with desk.running(patience=1):
        await desk.settled(30)
        row = (await desk.rows(State.QUEUED, State.SENDING))[0]
        await until(lambda: _is(desk, row.id, Problem.CONNECTION_BROKE), 20, "the hung mail is put off")


async def test_a_kill_between_the_relays_answer_and_the_record_repeats_at_most_that_mail(desk: Desk) -> None:
    """The line where a kill duplicates: `lane.send` has returned, `journal.note` has not."""
    (intent,) = await desk.intend()
    dying = desk.sending()
    dying.journal.write = _killed  # type: ignore[assignment,method-assign]
    with pytest.raises(BaseExceptionGroup):
        await dying.run()
    assert len(desk.relay.taken) == 1
    assert await desk.tries() == []
    (row,) = await desk.rows()
    assert row.state is State.SENDING, "its lease still runs: nobody else sends it meanwhile"
    await desk.hurry()
    async with desk.running():
        await desk.settled()
    assert [mail.message["Message-ID"] for mail in desk.relay.taken] == [f"<{intent.id}@trama.example>"] * 2


async def test_a_kill_after_the_journal_repeats_nothing(desk: Desk) -> None:
    await desk.intend(8)
    dying = desk.sending()
    dying._record = _killed  # type: ignore[assignment,method-assign]
    with pytest.raises(BaseException) as killed:
        await dying.run()
    assert killed is not None
    assert len(await desk.tries()) == 8
    assert {row.state for row in await desk.rows()} == {State.SENDING}
    await desk.hurry()
    async with desk.running():
        rows = await desk.settled(8)
    assert {row.state for row in rows} == {State.SENT}
    assert len(desk.relay.taken) == 8
    assert await desk.facts() == {"trama.notify.delivery.sent.v1": 8}


async def test_a_kill_before_sending_leaves_it_due_when_the_lease_runs_out(desk: Desk) -> None:
    await desk.intend(3)
    dying = desk.sending()
    claimed = await dying._claim()
    assert claimed is not None
    async with desk.database.sessions() as session:
        assert await due(session) == 3
    await desk.hurry()
    async with desk.running():
        await desk.settled(3)
    assert len(desk.relay.taken) == 3


async def test_two_senders_share_the_work_and_send_nothing_twice(desk: Desk) -> None:
    await desk.intend(120)
    small = Pace(batch=10, poll=0.05)
    async with desk.running(small), desk.running(small):
        await desk.settled(120)
    assert max(Counter(mail.to for mail in desk.relay.taken).values()) == 1
    assert (await desk.facts())["trama.notify.delivery.sent.v1"] == 120


async def test_the_relays_rate_is_kept_by_all_senders_together(desk: Desk) -> None:
    await desk.intend(20)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with desk.running(Pace(per_second=20, poll=0.05)), desk.running(Pace(per_second=20, poll=0.05)):
        await desk.settled(20)
    assert loop.time() - began >= 19 / 20 - 0.1


async def test_a_providers_rate_is_kept_and_holds_nobody_elses_mail(desk: Desk) -> None:
    """At twenty a second for one domain, of which forty are taken up at a time: the rest is given back."""
    slow = await desk.intend(60, "slow")
    async with desk.database.sessions.begin() as session:
        theirs = contacts.c.person_id.in_([intent.person_id for intent in slow])
        await session.execute(update(contacts).where(theirs).values(email=contacts.c.email + ".slow.example"))
    await desk.intend(40, "fast")
    pace = Pace(per_domain={"example.org.slow.example": 20.0}, poll=0.05)
    loop = asyncio.get_running_loop()
    began, fast = loop.time(), list[float]()
    desk.relay.before_answer = lambda mail: fast.append(loop.time() - began) if "slow" not in mail.to else None
    async with desk.running(pace), desk.running(pace):
        rows = await desk.settled(100)
    assert loop.time() - began >= 59 / 20 - 0.1
    assert max(fast) < 1.5
    assert {(row.state, row.attempts) for row in rows} == {(State.SENT, 1)}


async def test_a_relay_that_allows_one_connection_gets_everything_over_it(desk: Desk) -> None:
    desk.relay.most_allowed = 1
    await desk.intend(30)
    async with desk.running():
        rows = await desk.settled(30)
    assert {row.state for row in rows} == {State.SENT}
    assert {row.attempts for row in rows} == {1}


async def test_who_has_no_usable_address_fails_visibly_and_costs_no_connection(desk: Desk) -> None:
    intents = await desk.intend(2)
    async with desk.database.sessions.begin() as session:
        ids = [intent.person_id for intent in intents]
        await session.execute(update(contacts).where(contacts.c.person_id == ids[0]).values(email=None))
        await session.execute(update(contacts).where(contacts.c.person_id == ids[1]).values(email="not an address"))
    async with desk.running():
        rows = await desk.settled(2)
    assert {(row.state, row.problem, row.attempts) for row in rows} == {
        (State.FAILED, Problem.NO_ADDRESS, 0),
        (State.FAILED, Problem.ADDRESS_UNUSABLE, 0),
    }
    assert desk.relay.connections == 0
    assert await desk.facts() == {"trama.notify.delivery.failed.v1": 2}


async def test_a_mail_that_cannot_be_written_fails_alone(desk: Desk) -> None:
    await desk.intend(1, "odd")
    async with desk.database.sessions.begin() as session:
        await session.execute(update(deliveries).values(parameters={"role": "referent"}))
    await desk.intend(5)
    async with desk.running():
        rows = await desk.settled(6)
    assert Counter(row.problem for row in rows) == {None: 5, Problem.NOT_WRITABLE: 1}


async def test_the_trace_of_the_cause_goes_on_to_the_relay(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(telemetry, "_collecting", True)
    monkeypatch.setattr("opentelemetry.trace.get_tracer", lambda *_: provider.get_tracer("test"))
    trace_id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    (intent,) = await desk.intend(traceparent=f"00-{trace_id}-{parent}-01")
    async with desk.running():
        await desk.settled()
    (span,) = [s for s in spans.get_finished_spans() if s.name == "smtp send"]
    assert span.context is not None
    assert span.parent is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (trace_id, parent)
    assert span.attributes is not None
    assert span.attributes["trama.delivery"] == str(intent.id)
    async with desk.database.sessions() as session:
        headers = (await session.scalars(select(log.c.headers))).one()
    assert headers["traceparent"].split("-")[1] == trace_id, "and into the fact that tells the outcome"


async def test_the_database_being_away_does_not_end_the_sender(desk: Desk) -> None:
    async with desk.running():
        await desk.intend(1)
        await desk.settled(1)
        async with desk.database.sessions() as session:
            await session.execute(
                text("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                     " and pid <> pg_backend_pid()")
            )  # fmt: skip
        await until(lambda: _intended(desk), 20, "the database is back")
        await desk.settled(2)


async def test_a_thousand_deliveries_leave_in_bounded_memory(desk: Desk) -> None:
    """Of all that is queued, never more than a batch is in the process."""
    held: list[int] = []

    def weigh(_: object) -> None:
        if desk.relay.count % 100 == 0:
            held.append(sum(isinstance(thing, Claimed) for thing in gc.get_objects()))

    desk.relay.forget, desk.relay.before_answer = True, weigh
    await desk.intend(1000)
    pace = Pace(batch=100, poll=0.05)
    with only_new_objects_are_counted():
        async with desk.running(pace):
            await desk.settled(1000, 60)
    assert desk.relay.count == 1000
    assert len(held) == 10
    batches = "the batch that is recorded, the one that is sent, the next one, and what each lane has in its hands"
    assert 0 < max(held) <= 3 * pace.batch + pace.lanes, batches
    assert desk.relay.most_connections <= 8


async def _killed(*_: Any) -> None:
    raise Killed


async def _all(desk: Desk, problem: Problem) -> bool:
    return all(row.problem is problem for row in await desk.rows())


async def _is(desk: Desk, id_: UUID, problem: Problem) -> bool:
    return any(row.id == id_ and row.problem is problem for row in await desk.rows())


async def _intended(desk: Desk) -> bool:
    try:
        await desk.intend(1, "again")
    except Exception as error:  # noqa: BLE001 (whatever a cut connection raises)
        print("not yet", error)
        return False
    return True
