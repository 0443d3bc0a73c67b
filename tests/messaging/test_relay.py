"""The log reaches the stream: all of it, nothing else, in the order of each aggregate."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.contracts.registry import OrganisationChanged
from shared.messaging import FactTooLarge, stage
from shared.messaging.leader import LOST, Role, leading
from shared.messaging.relay import FRESH, OPEN, SETTINGS, Batch, send_batch
from tests import harness
from tests.messaging import mini
from tests.messaging.conftest import Place, background


async def test_sixteen_writers_lose_nothing_keep_their_order_and_leave_no_phantom(place: Place) -> None:
    """A fifth of the transactions is rolled back, and each waits a random time before it ends."""
    chance = random.Random(7)
    aggregates = [uuid7() for _ in range(24)]
    committed: set[str] = set()
    rolled_back: set[str] = set()

    async def write() -> None:
        for _ in range(12):
            async with place.teller.sessions() as session:
                ids = await mini.change(session, chance.choice(aggregates))
                await asyncio.sleep(chance.random() * 0.02)
                if chance.random() < 0.2:
                    await session.rollback()
                    rolled_back.update(map(str, ids))
                else:
                    await session.commit()
                    committed.update(map(str, ids))

    async with background(place.relay(poll=0.002).run):
        await asyncio.gather(*(write() for _ in range(16)))
        await place.relayed(len(committed))
        facts = await place.stream()
    versions = defaultdict(list)
    for _, body in facts:
        told = json.loads(body)
        versions[told["id"]].append(told["version"])
    assert rolled_back
    assert sorted(h["ce-id"] for h, _ in facts) == sorted(committed)
    assert all(seen == list(range(1, len(seen) + 1)) for seen in versions.values())


async def test_a_transaction_that_stays_open_stalls_nobody_and_is_sent_when_it_ends(place: Place) -> None:
    async with background(place.relay().run), place.teller.sessions() as slow:
        early = await stage(slow, mini.organisation(title="early"))
        late = await place.tell(mini.organisation(title="late"))
        await place.relayed(1)
        assert [h["ce-id"] for h, _ in await place.stream()] == [str(late[0])]
        await slow.commit()
        await place.relayed(2)
    assert [h["ce-id"] for h, _ in await place.stream()] == [str(late[0]), str(early[0])]


@pytest.mark.parametrize("query", [FRESH.replace("$1", "501"), OPEN], ids=["fresh", "open"])
@pytest.mark.parametrize("analysed", [False, True])
async def test_a_round_reads_only_what_is_new_however_long_the_log_is(
    place: Place, query: str, *, analysed: bool
) -> None:
    """Any plan that walks the log from its beginning removes the old facts by its filter."""
    for _ in range(3):
        await place.tell(*(mini.organisation() for _ in range(1_000)))
    await place.told('update relay_cursor set previous = pg_current_snapshot(), "window" = null, last_seq = 0')
    if analysed:
        await place.told("analyze log")
    await place.tell(mini.organisation(), mini.organisation())
    async with leading(place.teller.engine, Role.RELAY) as db:
        await db.execute(SETTINGS)
        plan = json.loads(await db.fetchval(f"explain (analyze, format json) {query}"))
    assert sum(_removed(plan[0]["Plan"])) < 100


def _removed(node: dict[str, Any]) -> Iterator[float]:
    yield node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    for child in node.get("Plans", []):
        yield from _removed(child)


async def test_a_fact_carries_its_attributes_in_headers_and_its_state_in_the_body(place: Place) -> None:
    network = uuid7()
    fact = mini.organisation(network_id=network, title="Coro di Lecco")
    ids = await place.tell(fact)
    async with background(place.relay().run):
        await place.relayed(1)
    [(headers, body)] = await place.stream()
    assert headers["Nats-Msg-Id"] == headers["ce-id"] == str(ids[0])
    assert headers["ce-type"] == "trama.registry.organisation.registered.v1"
    assert headers["ce-source"] == "/registry"
    assert headers["ce-network"] == str(network)
    assert headers["ce-generation"] == "1"
    assert {"ce-specversion", "ce-time", "ce-subject", "ce-correlationid"} <= set(headers)
    assert type(fact).model_validate_json(body) == fact


async def test_an_import_of_thousands_is_one_window_sent_in_pages(place: Place) -> None:
    facts = [mini.organisation() for _ in range(2_600)]
    async with place.teller.sessions.begin() as session:
        for start in range(0, len(facts), 1_000):
            await stage(session, *facts[start : start + 1_000])
    async with background(place.relay().run):
        await place.relayed(len(facts))
    assert [json.loads(body)["id"] for _, body in await place.stream()] == [str(f.id) for f in facts]


async def test_a_batch_that_was_stored_before_the_crash_is_not_stored_twice(place: Place) -> None:
    """The relay died between the acknowledgement and its cursor: it sends again, the stream discards."""
    ids = await place.tell(*(mini.organisation() for _ in range(7)))
    async with background(place.relay().run):
        await place.relayed(7)
    await place.told("update relay_cursor set previous = '3:3:', \"window\" = null")
    await place.tell(mini.organisation())
    async with background(place.relay().run):
        await place.relayed(8)
    assert [h["ce-id"] for h, _ in await place.stream()][:7] == [str(i) for i in ids]


async def test_while_nats_is_away_writes_go_on_and_are_sent_afterwards(place: Place) -> None:
    relay = place.relay()
    async with background(relay.run):
        await place.tell(mini.organisation())
        await place.relayed(1)
        await place.admin.close()
        await asyncio.to_thread(place.nats.kill)
        await place.tell(*(mini.organisation() for _ in range(50)))

        async def noticed() -> bool:
            return relay.problem is not None

        await harness.until(noticed, what="the relay says that NATS is away")
        await asyncio.to_thread(place.nats.start)
        place.admin = await harness.connected(place.nats)
        await place.relayed(51)
    assert len(await place.stream()) == 51


async def test_when_postgresql_comes_back_the_relay_goes_on_by_itself(place: Place) -> None:
    relay = place.relay()
    async with background(relay.run):
        await place.tell(mini.organisation())
        await place.relayed(1)
        await asyncio.to_thread(place.postgres.kill)
        await asyncio.to_thread(place.postgres.start)
        await place.teller.engine.dispose()
        await place.tell(mini.organisation())
        await place.relayed(2)
    assert len(await place.stream()) == 2


async def test_one_relay_leads_and_another_takes_over_when_it_is_gone(place: Place) -> None:
    first, second = place.relay(), place.relay()
    async with background(first.run) as [leading_one]:
        await place.tell(mini.organisation())
        await place.relayed(1)
        async with background(second.run):
            assert second.problem is not None
            leading_one.cancel()
            await place.tell(mini.organisation())
            await place.relayed(2)
    assert len(await place.stream()) == 2


async def test_a_relay_that_lost_its_lock_can_no_longer_move_the_cursor(place: Place) -> None:
    await place.tell(mini.organisation())
    relay = place.relay()
    relay.client = await harness.connected(place.nats, "registry")
    async with leading(place.teller.engine, Role.RELAY) as stale:
        before = await place.told("select previous::text from relay_cursor")
        pid = stale.get_server_pid()
        await place.told("select pg_terminate_backend(:pid)", pid=pid)
        with pytest.raises(LOST):
            await relay.round(stale)
    assert await place.told("select previous::text from relay_cursor") == before
    await relay.client.close()


async def test_nothing_is_written_while_there_is_nothing_to_send(place: Place) -> None:
    """The poll of an idle service must not bloat its database."""
    async with background(place.relay(poll=0.001).run):
        await place.tell(mini.organisation())
        await place.relayed(1)

        async def at_rest() -> bool:
            return (await place.told('select "window" from relay_cursor'))[0][0] is None

        await harness.until(at_rest)
        written = await place.told("select xmin::text, ctid::text from relay_cursor")
        async with place.teller.engine.connect() as connection:
            for _ in range(50):
                await connection.execute(text("select 1"))
        assert await place.told("select xmin::text, ctid::text from relay_cursor") == written


async def test_a_fact_over_64_kilobytes_is_refused_before_anything_is_written(place: Place) -> None:
    with pytest.raises(FactTooLarge, match="limit is 65536"):
        await place.tell(mini.organisation(), mini.organisation(title="x" * 70_000))
    assert await place.told("select count(*) from log") == [(0,)]


async def test_no_service_can_speak_for_another_nor_undo_what_was_told(place: Place) -> None:
    await place.tell(mini.organisation())
    async with background(place.relay().run):
        await place.relayed(1)
    notify = await harness.connected(place.nats, "notify")
    fact = OrganisationChanged(id=uuid7(), version=2, title="x", kind="aps")
    body = fact.model_dump_json().encode()
    with pytest.raises(TimeoutError):
        await notify.request(fact.subject, body, timeout=0.3)
    for forbidden in ("STREAM.DELETE", "STREAM.PURGE", "STREAM.MSG.DELETE", "STREAM.UPDATE"):
        with pytest.raises(TimeoutError):
            await notify.request(f"$JS.API.{forbidden}.REGISTRY", b"{}", timeout=0.2)
    registry = await harness.connected(place.nats, "registry")
    with pytest.raises(TimeoutError):
        await registry.request("$JS.API.CONSUMER.MSG.NEXT.REGISTRY.notify-registry-projections", b"1", timeout=0.2)
    await send_batch(registry, Batch.of([(fact.subject, body, {"Nats-Msg-Id": number}) for number in "12"]))
    assert await place.stored() == 3
    await notify.close()
    await registry.close()
