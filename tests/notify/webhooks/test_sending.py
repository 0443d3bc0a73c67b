"""The sender over a real database and real sockets, by a clock of the test's own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text
from standardwebhooks import Webhook
from uuid_utils.compat import uuid7

from services.notify.journeys.tables import told
from services.notify.webhooks import commands
from services.notify.webhooks.posting import Patience, Poster
from services.notify.webhooks.rules import Answer, Lane, MessageState, Outcome, Reason, secret_text
from services.notify.webhooks.sealing import Safe
from services.notify.webhooks.sending import Job, Pace, Payloads, Sending, Tried, _job, claim, record
from shared.runtime.database import Database
from tests.harness import until
from tests.notify.webhooks.partner import Heard, Partner, answer

KEYS = Safe({"first": b"k" * 32}, "first")
QUICKLY, QUICK_POLL = Patience(connect=2, read=5, total=5), Pace(poll=0.02)


@dataclass
class Desk:
    """A database with endpoints, a partner's machine, and a clock that moves when told."""

    database: Database
    partner: Partner
    at: datetime = datetime(2026, 11, 22, 9, tzinfo=UTC)
    network: UUID = field(default_factory=uuid4)
    secrets: dict[UUID, bytes] = field(default_factory=dict)

    async def endpoint(self, path: str, **changed: Any) -> UUID:
        id_, secret = changed.get("id") or uuid7(), secrets.token_bytes(32)
        self.secrets[id_] = secret
        row = {
            "id": id_, "network_id": self.network, "title": path, "url": self.partner.url(path),
            "types": ["events.meeting.*"], "secret": KEYS.seal(id_, secret), "state": "active", "at": self.at,
        }  # fmt: skip
        await self.sql(
            "insert into endpoints (id, network_id, title, url, types, secret, state, made_at, version)"
            " values (:id, :network_id, :title, :url, :types, :secret, :state, :at, 1)",
            **{**row, **changed},
        )
        await self.sql("insert into endpoint_lanes (endpoint_id) values (:id)", id=id_)
        return id_

    async def fact(self, *endpoints: UUID, kept: bool = True) -> UUID:
        """A fact, queued for these endpoints."""
        id_, meeting = uuid7(), uuid4()
        row = {
            "id": id_, "service": "events", "type": "events.meeting.convened", "aggregate_id": meeting,
            "subject": f"events.meeting.{meeting}.convened", "generation": 1, "version": 1, "correlation": id_,
            "network_id": self.network, "occurred_at": self.at, "recorded_at": self.at,
            "body": {"id": str(meeting), "title": "Assemblea"},
        }  # fmt: skip
        async with self.database.sessions.begin() as session:
            if kept:
                await session.execute(insert(told).values(**row))
            wanted = [(endpoint, id_, "events.meeting.convened", meeting) for endpoint in endpoints]
            await commands.queue(session, wanted, self.at)
        return id_

    def sender(self, pace: Pace = QUICK_POLL, patience: Patience = QUICKLY) -> Sending:
        poster = Poster(private=True, patience=patience, now=lambda: self.at)
        return Sending(self.database.sessions, poster, KEYS, pace, wall=lambda: self.at, now=lambda: self.at)

    @asynccontextmanager
    async def sending(self, *given: Any, **more: Any) -> AsyncIterator[Sending]:
        sending = self.sender(*given, **more)
        task = asyncio.create_task(sending.run())
        try:
            yield sending
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.sessions.begin() as session:
            found: Any = await session.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []

    async def tries(self, endpoint: UUID) -> list[Any]:
        return await self.sql("select * from endpoint_attempts where endpoint_id = :id order by at, id", id=endpoint)

    async def message(self, fact: UUID) -> Any:
        return (await self.sql("select * from endpoint_messages where fact_id = :id", id=fact))[0]

    async def tried(self, endpoint: UUID, times: int) -> None:
        async def so_often() -> bool:
            return len(await self.tries(endpoint)) >= times

        await until(so_often, 10, f"{times} tries")

    async def claimable(self, at: datetime) -> list[UUID]:
        """What a sender would take up at that instant; nothing is taken."""
        async with self.database.sessions() as session:
            rows = [
                row
                for suspect in (False, True)
                for row in await claim(session, at, 60, uuid7(), suspect=suspect, room=1000)
            ]
        return [row.fact_id for row in rows]


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    partner = await Partner().start()
    yield Desk(database, partner)
    await partner.stop()


async def test_a_message_is_tried_ten_times_at_the_instants_of_the_schedule_and_never_before(desk: Desk) -> None:
    desk.partner.behave = lambda _: answer(500, b"not today")
    endpoint = await desk.endpoint("/hook")
    fact = await desk.fact(endpoint)
    began, waits = desk.at, []
    async with desk.sending():
        for times in range(1, 11):
            await desk.tried(endpoint, times)
            message = await desk.message(fact)
            if times < 10:
                waits.append((message.next_try - desk.at).total_seconds())
                assert await desk.claimable(message.next_try - timedelta(milliseconds=1)) == []
                assert await desk.claimable(message.next_try) == [fact]
                desk.at = message.next_try
    assert (message.state, message.attempts, message.next_try) == ("failed", 10, None)
    schedule = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert all(plan <= wait < plan * 1.1 + 1 for plan, wait in zip(schedule, waits, strict=True)), waits
    assert [one.status for one in await desk.tries(endpoint)] == [500] * 10
    assert len({heard.id for heard in desk.partner.heard}) == 1
    assert len({heard.headers["webhook-timestamp"] for heard in desk.partner.heard}) == 10
    assert desk.at - began > timedelta(hours=75)


async def test_what_is_told_is_signed_and_kept_as_delivered_in_the_order_in_which_it_came(desk: Desk) -> None:
    endpoint = await desk.endpoint("/hook")
    desk.at = datetime.now(UTC)  # the library holds signatures to the clock on the wall
    facts = [await desk.fact(endpoint) for _ in range(5)]
    async with desk.sending():
        await desk.tried(endpoint, 5)
    verifier = Webhook(secret_text(desk.secrets[endpoint]))
    for heard, fact in zip(desk.partner.heard, facts, strict=True):
        assert heard.id == f"msg_{fact.hex}"
        assert verifier.verify(heard.body, heard.headers)["type"] == "events.meeting.convened"
    assert {(await desk.message(fact)).state for fact in facts} == {"delivered"}


async def test_hanging_endpoints_hold_only_their_own_slots(desk: Desk) -> None:
    """Four quick slots, forty endpoints that never answer: the healthy ones are all told while those still hang."""

    def behave(heard: Heard) -> bytes | None:
        return None if heard.path.startswith("/hang") else answer()

    desk.partner.behave = behave
    hanging = [await desk.endpoint(f"/hang{n}") for n in range(40)]
    healthy = [await desk.endpoint(f"/good{n}") for n in range(20)]
    fact = await desk.fact(*hanging, *healthy)
    async with desk.sending(Pace(quick=4, patient=100, patience=0.02, poll=0.02), patience=Patience(5, 30, 30)):
        for endpoint in healthy:
            await desk.tried(endpoint, 1)
        await until(lambda: _equals(desk.partner, 40), 10, "all hanging")
        delivered = await desk.sql("select endpoint_id from endpoint_messages where state = 'delivered'")
    assert {row.endpoint_id for row in delivered} == set(healthy)
    assert all([not await desk.tries(endpoint) for endpoint in hanging])
    assert {heard.id for heard in desk.partner.heard} == {f"msg_{fact.hex}"}


async def _equals(partner: Partner, hanging: int) -> bool:
    return partner.hanging == hanging


async def test_an_open_breaker_leaves_an_endpoint_alone_then_one_try_decides(desk: Desk) -> None:
    desk.partner.behave = lambda _: answer(500)
    endpoint = await desk.endpoint("/hook")
    for _ in range(9):
        await desk.fact(endpoint)
    async with desk.sending():
        await desk.tried(endpoint, 5)
        [lane] = await desk.sql("select * from endpoint_lanes")
        assert (lane.failures, lane.open_until) == (5, desk.at + timedelta(seconds=30))
        assert await desk.claimable(desk.at + timedelta(seconds=29)) == []
        desk.at += timedelta(seconds=30)
        await desk.tried(endpoint, 6)
        [lane] = await desk.sql("select * from endpoint_lanes")
        assert (lane.failures, lane.open_until) == (6, desk.at + timedelta(seconds=60))
        desk.partner.behave = lambda _: answer()
        desk.at += timedelta(hours=1)
        await until(lambda: _all_delivered(desk), 10, "all delivered")
    [lane] = await desk.sql("select * from endpoint_lanes")
    assert (lane.failures, lane.failing_since, lane.open_until, lane.suspect) == (0, None, None, False)
    assert len(desk.partner.heard) == 15


async def _all_delivered(desk: Desk) -> bool:
    return not await desk.sql("select 1 from endpoint_messages where state <> 'delivered'")


async def test_what_an_endpoint_asks_for_is_waited_for_by_all_that_is_for_it(desk: Desk) -> None:
    desk.partner.behave = lambda _: answer(429, b"", "retry-after: 600")
    endpoint = await desk.endpoint("/hook")
    first, second = await desk.fact(endpoint), await desk.fact(endpoint)
    async with desk.sending():
        await desk.tried(endpoint, 1)
    assert (await desk.message(first)).next_try == desk.at + timedelta(minutes=10)
    assert await desk.claimable(desk.at + timedelta(seconds=599)) == []
    assert len(await desk.claimable(desk.at + timedelta(seconds=600))) == 1
    assert (await desk.message(second)).attempts == 0


async def test_gone_disables_at_once_and_five_days_of_failure_do(desk: Desk) -> None:
    desk.partner.behave = lambda heard: answer(410 if heard.path == "/gone" else 503)
    gone, failing = await desk.endpoint("/gone"), await desk.endpoint("/failing")
    facts = [await desk.fact(gone), await desk.fact(failing)]
    async with desk.sending():
        await desk.tried(gone, 1)
        await desk.tried(failing, 1)
        states = {row.id: (row.state, row.reason) for row in await desk.sql("select * from endpoints")}
        assert states == {gone: ("disabled", Reason.GONE), failing: ("active", None)}
        desk.at += timedelta(days=5)
        facts.append(await desk.fact(failing))
        await desk.tried(failing, 2)
        await until(lambda: _disabled(desk, failing), 10, "disabled")
    told_of = await desk.sql("select type, body from log where type like '%endpoint%' order by seq")
    assert [row.type for row in told_of] == ["trama.notify.endpoint.disabled.v1"] * 2
    assert '"reason":"failing"' in told_of[1].body
    assert "/failing" in told_of[1].body  # its title
    assert desk.partner.url("") not in told_of[1].body
    assert {(await desk.message(fact)).state for fact in facts} == {MessageState.FAILED}
    [nobody] = await desk.sql("select distinct topic, problem from deliveries")
    assert (nobody.topic, nobody.problem) == ("endpoint-disabled", "nobody-to-tell")


async def _disabled(desk: Desk, endpoint: UUID) -> bool:
    return bool(await desk.sql("select 1 from endpoints where id = :id and state = 'disabled'", id=endpoint))


async def test_a_kill_repeats_at_most_the_message_in_flight_with_the_same_id(desk: Desk) -> None:
    desk.partner.behave = lambda _: None
    endpoint = await desk.endpoint("/hook")
    first, second = await desk.fact(endpoint), await desk.fact(endpoint)
    async with desk.sending():
        await until(lambda: _equals(desk.partner, 1), 10, "in flight")
    # Killed. Until the lease runs out nobody else sends to it; then the same message comes first.
    lease = timedelta(seconds=QUICKLY.total * 4)
    assert await desk.claimable(desk.at + lease - timedelta(milliseconds=1)) == []
    desk.partner.behave = lambda _: answer()
    desk.at += lease
    async with desk.sending():
        await desk.tried(endpoint, 2)
    assert [heard.id for heard in desk.partner.heard] == [f"msg_{f.hex}" for f in (first, first, second)]


async def test_two_senders_share_the_endpoints_and_none_is_told_twice(desk: Desk) -> None:
    endpoints = [await desk.endpoint(f"/{n}") for n in range(30)]
    for _ in range(3):
        await desk.fact(*endpoints)
    async with desk.sending(), desk.sending():
        await until(lambda: _all_delivered(desk), 10, "all delivered")
    assert len(desk.partner.heard) == 90
    assert len({(heard.path, heard.id) for heard in desk.partner.heard}) == 90


async def test_a_fact_that_is_not_kept_yet_waits_and_costs_no_try(desk: Desk) -> None:
    endpoint = await desk.endpoint("/hook")
    fact = await desk.fact(endpoint, kept=False)
    async with desk.sending():
        await until(lambda: _put_off(desk, fact), 10, "put off")
    message = await desk.message(fact)
    assert (message.state, message.attempts, message.next_try) == ("queued", 0, desk.at + timedelta(minutes=1))
    assert desk.partner.heard == []


async def _put_off(desk: Desk, fact: UUID) -> bool:
    return bool((await desk.message(fact)).next_try > desk.at)


async def test_what_a_secret_cannot_be_read_for_is_a_failed_try_that_says_so(desk: Desk) -> None:
    endpoint = await desk.endpoint("/hook", secret=Safe({"lost": b"x" * 32}, "lost").seal(uuid7(), b"s" * 32))
    await desk.fact(endpoint)
    async with desk.sending():
        await desk.tried(endpoint, 1)
    [one] = await desk.tries(endpoint)
    assert (one.outcome, one.status) == ("unreadable", None)


async def test_secrets_are_sealed_anew_with_the_newest_key_at_the_start(desk: Desk) -> None:
    endpoint, stranger = await desk.endpoint("/a"), uuid7()
    lost = Safe({"lost": b"x" * 32}, "lost").seal(stranger, b"s" * 32)
    await desk.endpoint("/b", id=stranger, secret=lost)
    newer = Safe({"second": b"n" * 32, "first": b"k" * 32}, "second")
    async with desk.database.sessions.begin() as session:
        assert await commands.reseal(session, newer) == 1
    [row] = await desk.sql("select secret from endpoints where id = :id", id=endpoint)
    assert Safe({"second": b"n" * 32}, "second").open(endpoint, row.secret) == desk.secrets[endpoint]


async def test_what_is_old_is_thrown_away(desk: Desk) -> None:
    endpoint = await desk.endpoint("/hook")
    await desk.fact(endpoint)
    async with desk.sending():
        await desk.tried(endpoint, 1)
    for days, left in ((30, 1), (31, 0)):
        async with desk.database.sessions.begin() as session:
            await commands.purge(session, desk.at + timedelta(days=days))
        assert len(await desk.tries(endpoint)) == left
        assert len(await desk.sql("select 1 from endpoint_messages")) == left


async def test_payloads_are_remembered_up_to_a_size(desk: Desk) -> None:
    facts = [await desk.fact() for _ in range(6)]
    payloads = Payloads(1000)
    async with desk.database.sessions() as session:
        for fact in facts:
            await payloads.fill(session, [fact])
            assert payloads.get(fact) is not None
    assert payloads.size == sum(map(len, payloads.kept.values())) <= 1000
    assert payloads.get(facts[0]) is None


async def test_what_is_queued_anew_while_it_is_told_is_told_again(desk: Desk) -> None:
    endpoint = await desk.endpoint("/hook")
    fact = await desk.fact(endpoint)
    lease = uuid7()
    async with desk.database.sessions.begin() as session:
        [row] = await claim(session, desk.at, 60, lease, suspect=False, room=1)
    job = Job(endpoint, fact, row.type, row.url, row.secret, None, row.attempts, row.queued_at, Lane(), lease, 0.0)
    await desk.sql("update endpoint_messages set queued_at = :at", at=desk.at + timedelta(seconds=1))
    good = Tried(job, Answer(Outcome.DELIVERED, desk.at, 5, 200))
    async with desk.database.sessions.begin() as session:
        await record(session, [good], QUICK_POLL, desk.at, desk.at)
    assert (await desk.message(fact)).state == "queued"
    assert await desk.claimable(desk.at) == [fact]
    assert len(await desk.tries(endpoint)) == 1


async def test_an_endpoint_that_is_removed_while_it_is_told_stops_nobody(desk: Desk) -> None:
    """Neither its try nor what was about to be queued for it; the others' are kept."""
    going, staying = await desk.endpoint("/a"), await desk.endpoint("/b")
    fact = await desk.fact(going, staying)
    async with desk.database.sessions.begin() as session:
        rows = await claim(session, desk.at, 60, uuid7(), suspect=False, room=9)
    good = [Tried(_job(row, desk.at, uuid7(), 0), Answer(Outcome.DELIVERED, desk.at, 1, 200)) for row in rows]
    assert {tried.job.endpoint_id for tried in good} == {going, staying}

    async def recorded() -> None:
        async with desk.database.sessions.begin() as session:
            await record(session, good, QUICK_POLL, desk.at, desk.at)

    async def waiting() -> bool:
        return len(await desk.sql("select pid from pg_stat_activity where wait_event_type = 'Lock'")) >= 2

    async with desk.database.sessions() as session:
        await session.execute(text("delete from endpoints where id = :id"), {"id": going})
        both = [asyncio.create_task(recorded()), asyncio.create_task(desk.fact(going, staying))]
        await until(waiting, 10, "both wait for who removes it")
        await session.commit()
    _, later = await asyncio.gather(*both)
    assert [one.fact_id for one in await desk.tries(staying)] == [fact]
    assert await desk.tries(going) == []
    assert [
        row.endpoint_id for row in await desk.sql("select * from endpoint_messages where fact_id = :f", f=later)
    ] == [staying]
