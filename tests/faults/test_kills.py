"""Registry, NATS and PostgreSQL killed at random under load: what was accepted is kept, told and projected, and
nothing else is."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from tests.faults.load import Lists, Load
from tests.faults.platform import Platform, watched

VICTIMS = ("registry", "nats", "postgres")

NOTICE = """
create table went_back (person_id uuid, before text, after text);
create function notice() returns trigger language plpgsql security definer as $$ begin
    if (new.generation, new.version) < (old.generation, old.version) then
        insert into public.went_back values (old.person_id, old.version::text, new.version::text);
    end if;
    return new;
end $$;
create trigger notice before update on contacts for each row execute function notice();
"""
FORGET = "drop trigger notice on contacts; drop function notice(); drop table went_back"


async def kill_at_random(platform: Platform, kills: int) -> Counter[str]:
    """Each victim equally often, in any order; the next is killed when the last one runs again, and a little later:
    also while it still recovers, or the others still look for it."""
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]
    random.shuffle(victims)
    for victim in victims:
        await platform.crash(victim)
        await asyncio.sleep(random.uniform(0.3, 2.0))
    return Counter(victims)


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(10, id="10-kills", marks=pytest.mark.timeout(240)),
        pytest.param(100, id="100-kills", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
async def test_under_kills_what_was_accepted_is_stored_told_and_projected_and_nothing_else(
    platform: Platform, kills: int
) -> None:
    network = platform.network(f"uccisi-{kills}")
    await platform.script("notify", NOTICE)
    load = Load(platform.stack.url, platform.admin, network)
    # The long form takes a quarter of an hour: fewer rows a second, so that they can all be compared at the end.
    lists = Lists(platform.stack.url, platform.admin, network, rows=500 if kills < 50 else 300)
    stop = asyncio.Event()
    async with watched(lambda: load.run(stop)) as writing, watched(lambda: lists.run(stop)) as importing:
        killed = await kill_at_random(platform, kills)
        stop.set()
        await asyncio.wait_for(asyncio.gather(writing, importing), 60)
    await platform.settled(60 + 12 * kills)

    print(
        f"{sum(killed.values())} kills {dict(killed)} in {load.seconds:.0f} s: {len(load.accepted)} requests"
        f" ({load.per_second:.0f}/s, {load.busiest} in the best second) and {len(lists.codes)} rows of"
        f" {len(lists.imports)} lists ({lists.per_second:.0f}/s) accepted; answers {dict(load.said)},"
        f" slowest {load.slowest:.1f} s"
    )
    stored = await platform.people(network)
    facts = await platform.stream("registry")
    told = await platform.told(network, facts)
    assert stored == load.newest, "every write that was answered is in the database, and no other"
    assert load.accepted <= await platform.logged(network)
    assert set(told) == await platform.logged(network), "the stream has what the log has"
    assert load.accepted <= set(told)
    assert {person for person, _ in told} == set(stored), "no phantom"
    assert in_order(told), "each person's versions in the stream never go back"
    assert await platform.contacts(network) == stored, "and so it is projected elsewhere"
    assert await platform.sql("notify", "select * from went_back") == [], "no projection ever went back"
    await platform.script("notify", FORGET)

    bodies = await platform.organisations("registry", lists.codes)
    assert len(bodies) == len(lists.codes), "every row of every list that was accepted is there, once"
    registered = [body["id"] for subject, body in facts if subject.endswith(".registered") and body["id"] in bodies]
    assert set(registered) == bodies
    assert await platform.organisations("notify", lists.codes) == bodies


def in_order(facts: list[tuple[str, int]]) -> bool:
    """The first time that each version appears, all earlier ones of its aggregate have appeared: the same batch sent
    again after a crash beyond the deduplication window may repeat facts, never reorder them."""
    newest: dict[str, int] = {}
    for id_, version in facts:
        known = newest.get(id_, 0)
        if version > known + 1:
            return False
        newest[id_] = max(known, version)
    return True
