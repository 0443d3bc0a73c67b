"""Everything killed at once, in the middle of its work: started again it has its data and goes on with what waited."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.load import Load
from tests.faults.platform import Platform, watched
from tests.system.stack import SERVICES, wait_for


@pytest.mark.timeout(240)
async def test_a_platform_killed_whole_comes_up_again_with_all_that_it_had_accepted(platform: Platform) -> None:
    network = platform.network("di-nuovo")
    load = Load(platform.stack.url, platform.admin, network)
    stop = asyncio.Event()
    async with watched(lambda: load.run(stop)) as writing:
        await asyncio.to_thread(wait_for, "200 writes", lambda: len(load.accepted) >= 200)
        platform.kill_everything()
        before = len(load.accepted)
        said = await asyncio.to_thread(platform.start_again)
        await asyncio.to_thread(wait_for, "50 writes more", lambda: len(load.accepted) >= before + 50)
        stop.set()
        await asyncio.wait_for(writing, 60)
    await platform.settled()

    print(said)
    print(f"{before} writes accepted before the kill, {len(load.accepted) - before} after; {dict(load.said)}")
    stored = await platform.people(network)
    told = await platform.told(network)
    assert stored == load.newest
    assert load.accepted <= set(told)
    assert {person for person, _ in told} == set(stored)
    assert await platform.contacts(network) == stored
    assert set(platform.stack.state["processes"]) >= set(SERVICES)
