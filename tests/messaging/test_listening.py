"""What others tell arrives: once, whole, in order, and no bad fact stops the good ones."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from types import ModuleType
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from shared.contracts.registry import OrganisationState, PersonErased, PersonRegistered, PersonState
from shared.messaging import Cause, NotYet, Received, caused_by, reacts, stage, topology
from shared.messaging.listening import Listening
from tests import harness
from tests.messaging import mini
from tests.messaging.conftest import Place, background

SEEN = "select id, title, generation, version from seen order by id"


def module(*handlers: object) -> ModuleType:
    made = ModuleType("handlers")
    for number, handler in enumerate(handlers):
        setattr(made, f"handler_{number}", handler)
    return made


async def publish(place: Place, subject: str, body: bytes, headers: dict[str, str]) -> None:
    await place.admin.jetstream().publish(subject, body, headers=headers)


async def test_facts_are_projected_and_reacted_to(place: Place) -> None:
    facts = [mini.organisation(title=f"Circolo {n}") for n in range(700)]
    await place.tell(*facts)
    async with background(place.relay().run, place.listening().run):
        await place.settled()
    seen = await place.heard(SEEN)
    assert [(r.id, r.title, r.generation, r.version) for r in seen] == [(f.id, f.title, 1, 1) for f in facts]
    assert [r.id for r in await place.heard("select id from welcomed order by position")] == [f.id for f in facts]


async def test_a_stream_replayed_three_times_changes_nothing(place: Place) -> None:
    async with place.teller.sessions.begin() as session:
        one, two = uuid7(), uuid7()
        for id_ in (one, two, one, one, two):
            await mini.change(session, id_)
    async with background(place.relay().run, place.listening().run):
        await place.settled()
        before = await place.heard(SEEN), await place.heard("select id, version from welcomed order by position")
        facts = await place.stream()
        for _ in range(3):
            for headers, body in facts:
                again = {k: v for k, v in headers.items() if not k.startswith("Nats-")}
                await publish(
                    place, f"registry.organisation.{headers['ce-subject'].split('/')[1]}.changed", body, again
                )
        await place.settled()
    assert await place.stored() == 4 * len(facts)
    after = await place.heard(SEEN), await place.heard("select id, version from welcomed order by position")
    assert after[0] == before[0]
    assert after[1] == before[1]


async def test_the_newest_version_wins_whatever_the_order_of_arrival(place: Place) -> None:
    id_ = uuid7()
    await place.tell(*(mini.organisation(id_, v, title=f"v{v}") for v in (3, 1, 2)))
    async with background(place.relay().run, place.listening().run):
        await place.settled()
        await place.tell(mini.organisation(id_, 2, title="late"))
        await place.settled()
        assert [r.title for r in await place.heard(SEEN)] == ["v3"]
        await place.told("alter table log alter generation set default 2")
        await place.tell(mini.organisation(id_, 2, title="after the restore"))
        await place.settled()
    assert [(r.title, r.generation, r.version) for r in await place.heard(SEEN)] == [("after the restore", 2, 2)]


async def test_a_failing_fact_is_parked_retried_and_at_last_dead_while_the_others_pass(place: Place) -> None:
    good = [mini.organisation() for _ in range(40)]
    bad = mini.organisation(title="poison")
    await place.tell(*good[:20], bad, *good[20:])
    async with background(place.relay().run, place.listening().run):
        await place.settled()

        async def dead() -> bool:
            return bool(await place.heard("select 1 from parked where dead_at is not null"))

        assert len(await place.heard("select 1 from welcomed")) == 40
        await harness.until(dead)
    [row] = await place.heard("select consumer, subject, attempts, reason, aggregate_id from parked")
    assert (row.consumer, row.aggregate_id, row.attempts) == ("notify-registry-reactions", bad.id, 5)
    assert row.reason == "ValueError: nobody is called poison"
    assert len(await place.heard(SEEN)) == 41


async def test_later_facts_of_a_parked_aggregate_wait_behind_it(place: Place) -> None:
    id_ = uuid7()
    handled: list[int] = []
    needed = asyncio.Event()

    @reacts(OrganisationState)
    async def remember(session: AsyncSession, facts: Sequence[Received[OrganisationState]], now: datetime) -> None:
        if not needed.is_set() and any(r.fact.version == 1 for r in facts):
            raise NotYet("the network")
        handled.extend(r.fact.version for r in facts)

    await place.tell(*(mini.organisation(id_, v) for v in (1, 2)))
    async with background(place.relay().run, place.listening(modules=[module(remember)]).run):
        await place.settled()
        await place.tell(mini.organisation(id_, 3))
        await place.settled()
        assert handled == []
        assert [r.reason for r in await place.heard("select reason from parked order by stream_seq")] == [
            "NotYet: the network",
            "waits for an earlier fact of its aggregate",
            "waits for an earlier fact of its aggregate",
        ]
        needed.set()

        async def empty() -> bool:
            return not await place.heard("select 1 from parked")

        await harness.until(empty)
    assert handled == [1, 2, 3]


async def test_what_cannot_be_read_is_dead_at_once_and_an_unknown_type_is_let_pass(place: Place) -> None:
    good = mini.organisation()
    subject = f"registry.organisation.{uuid7()}.changed"
    about = {"ce-type": "trama.registry.organisation.changed.v1", "ce-time": "2026-01-01T00:00:00+00:00"}
    for headers, body in (
        ({}, b"\xff\xfe"),
        ({**about, "ce-id": str(uuid7())}, b"{"),
        ({**about, "ce-id": str(uuid7())}, b'{"id": 3}'),
        ({**about, "ce-id": "no uuid"}, b"{}"),
        ({**about, "ce-id": str(uuid7())}, mini.organisation(version=2).model_dump_json().encode()),
        ({**about, "ce-type": "trama.registry.of_tomorrow.v1", "ce-id": str(uuid7())}, b"{}"),
    ):
        await publish(place, subject, body, headers)
    await place.tell(good)
    async with background(place.relay().run, place.listening().run):
        await place.settled()
    assert [r.id for r in await place.heard(SEEN)] == [good.id]
    reasons = [
        r.reason
        for r in await place.heard(
            "select reason from parked where dead_at is not null and consumer like '%projections' order by stream_seq"
        )
    ]
    assert [reason.split(":")[0] for reason in reasons] == [
        "the headers are not those of a fact",
        "the body is not a trama.registry.organisation.changed.v1",
        "the body is not a trama.registry.organisation.changed.v1",
        "the headers are not those of a fact",
        f"the body speaks of registry.organisation.{reasons[4].split('.')[2]}.changed, the subject of another",
    ]


async def test_a_poisoned_hundredth_is_delivered_once_and_blocks_nobody(place: Place) -> None:
    facts = [mini.organisation(title="poison" if n % 100 == 7 else "fine") for n in range(1_500)]
    await place.tell(*facts[:1000])
    await place.tell(*facts[1000:])
    async with background(place.relay().run, place.listening(backoff=(60.0,)).run):
        await place.settled()
    info = await place.admin.jetstream().consumer_info("REGISTRY", "notify-registry-reactions")
    assert (info.num_redelivered, info.delivered.consumer_seq) == (0, len(facts))
    assert len(await place.heard("select 1 from parked")) == 15
    assert len(await place.heard("select 1 from welcomed")) == len(facts) - 15


async def test_nothing_is_delivered_twice_without_need(place: Place) -> None:
    async with background(place.relay().run, place.listening().run):
        for _ in range(30):
            await place.tell(*(mini.organisation() for _ in range(20)))
        await place.settled()
    for kind in topology.BOTH:
        info = await place.admin.jetstream().consumer_info("REGISTRY", f"notify-registry-{kind}")
        assert (info.num_redelivered, info.delivered.consumer_seq) == (0, 600)


async def test_while_the_database_is_away_nothing_is_parked_and_afterwards_all_arrives(place: Place) -> None:
    listening = place.listening()
    async with background(listening.run):
        await place.heard("select 1")
        facts = [mini.organisation() for _ in range(10)]
        async with background(place.relay().run):
            await place.tell(*facts[:5])
            await place.settled()
        await place.told("select 1")
        await place.hearer.engine.dispose()
        await asyncio.to_thread(place.postgres.kill)
        for fact in facts[5:]:
            headers = {
                "ce-id": str(uuid7()),
                "ce-type": fact.type,
                "ce-time": "2026-01-01T00:00:00+00:00",
                "Nats-Msg-Id": str(uuid7()),
            }
            await publish(place, fact.subject, fact.model_dump_json().encode(), headers)

        async def noticed() -> bool:
            return listening.problem is not None

        await harness.until(noticed)
        await asyncio.to_thread(place.postgres.start)
        await place.hearer.engine.dispose()
        await place.teller.engine.dispose()

        async def arrived() -> bool:
            return len(await place.heard(SEEN)) == 10 and len(await place.heard("select 1 from welcomed")) == 10

        await harness.until(arrived, 40)
    assert await place.heard("select 1 from parked") == []


async def test_when_nats_comes_back_listening_goes_on_by_itself(place: Place) -> None:
    async with background(place.relay().run, place.listening().run):
        await place.tell(mini.organisation())
        await place.settled()
        await place.admin.close()
        await asyncio.to_thread(place.nats.kill)
        await place.tell(mini.organisation())
        await asyncio.to_thread(place.nats.start)
        place.admin = await harness.connected(place.nats)
        await place.settled(40)
    assert len(await place.heard(SEEN)) == 2
    assert len(await place.heard("select 1 from welcomed")) == 2


async def test_after_a_crash_in_the_middle_reactions_keep_the_order(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliveries that the dead process had are read again before anything newer is handled."""
    monkeypatch.setattr(topology, "ACK_WAIT", 1.0)
    await harness.clear_streams(place.nats)
    js = place.admin.jetstream()
    id_ = uuid7()
    await place.tell(*(mini.organisation(id_, v) for v in (1, 2)))
    async with background(place.relay().run):
        await place.relayed(2)
        dying = await js.pull_subscribe_bind(durable="notify-registry-reactions", stream="REGISTRY")
        assert len(await dying.fetch(2)) == 2
        await dying.unsubscribe()
        await place.tell(*(mini.organisation(id_, v) for v in (3, 4)))
        await place.relayed(4)
        async with background(place.listening().run):
            await place.settled()
    assert [r.version for r in await place.heard("select version from welcomed order by position")] == [1, 2, 3, 4]


async def test_correlation_and_cause_pass_from_fact_to_fact(place: Place) -> None:
    """What a reaction stages names the fact as its cause, and the request that all began with."""
    correlation, actor, staged = uuid7(), uuid7(), []

    @reacts(OrganisationState)
    async def tell_on(session: AsyncSession, facts: Sequence[Received[OrganisationState]], now: datetime) -> None:
        for received in facts:
            with caused_by(received.cause):
                staged.extend(await stage(session, mini.organisation()))

    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with caused_by(Cause(correlation=correlation, traceparent=parent, actor=actor)):
        [first] = await place.tell(mini.organisation())
    async with background(place.relay().run, place.listening(modules=[module(tell_on)]).run):
        await place.settled()
    [(headers, _)] = await place.stream()
    assert (headers["ce-correlationid"], headers["traceparent"]) == (str(correlation), parent)
    assert str(actor) not in str(headers)
    [row] = await place.heard("select id, headers from log")
    assert row.id == staged[0]
    assert row.headers["correlationid"] == str(correlation)
    assert row.headers["causationid"] == str(first)
    assert row.headers["traceparent"].split("-")[1] == parent.split("-")[1]


async def test_a_rebuilt_stream_brings_no_reaction_to_what_was_told_before_the_reaction_existed(place: Place) -> None:
    await place.heard("insert into consumers values ('notify-registry-reactions', now() + interval '1 hour')")
    await place.tell(mini.organisation())
    async with background(place.relay().run, place.listening().run):
        await place.settled()
    assert len(await place.heard(SEEN)) == 1
    assert await place.heard("select 1 from welcomed") == []


async def test_a_tombstone_removes_what_was_parked_of_the_erased(place: Place) -> None:
    id_ = uuid7()

    @reacts(PersonState)
    async def refuse(session: AsyncSession, facts: Sequence[Received[PersonState]], now: datetime) -> None:
        raise ValueError("no")

    await place.tell(PersonRegistered(id=id_, version=1, given_name="Zaira", family_name="Marcatore"))
    async with background(place.relay().run, place.listening(modules=[module(refuse)]).run):
        await place.settled()
        assert len(await place.heard("select 1 from parked")) == 1
        await place.tell(PersonErased(id=id_, version=2))
        await place.settled()
    assert await place.heard("select 1 from parked") == []


async def test_what_was_committed_lately_is_known_as_seen(place: Place) -> None:
    [known] = await place.tell(mini.organisation())
    listening = place.listening()
    async with background(place.relay().run, listening.run):
        await place.settled()
    assert listening.has_seen(known)
    assert not listening.has_seen(UUID(int=7))


def test_the_mini_services_handlers_are_found_in_their_module() -> None:
    from shared.messaging import handlers_of

    assert [h.kind for h in handlers_of([sys.modules[mini.__name__]])] == ["projections", "reactions"]


def test_a_handler_that_the_topology_feeds_nothing_stops_the_start(place: Place) -> None:
    with pytest.raises(LookupError, match="LISTENS"):
        Listening(place.hearer.engine, "nats://127.0.0.1:1", "registry", [module(mini.welcome)])
