"""NATS away for a while: people notice nothing, readiness says what waits, and afterwards all of it arrives."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from tests.faults.load import Caller, Load
from tests.faults.platform import Platform, watched

SECONDS = [
    pytest.param(12, id="12-seconds", marks=pytest.mark.timeout(120)),
    pytest.param(1800, id="30-minutes", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
]
LAG = 0.1
"""Seconds that an event loop may be busy with other things."""


class Pulse:
    """Asks again and again whether a service lives, on a connection of its own, past the gateway."""

    def __init__(self, platform: Platform, service: str) -> None:
        port = platform.stack.state["processes"][service]["port"]
        self._caller = Caller(f"http://127.0.0.1:{port}")
        self._path = f"/{service}/health/live"
        self.seconds: list[float] = []

    async def run(self) -> None:
        while True:
            answer = await self._caller.ask("GET", self._path)
            assert answer.status == 200
            self.seconds.append(answer.seconds)
            await asyncio.sleep(0.02)

    @property
    def late(self) -> float:
        """The share of the answers that took longer than LAG."""
        return sum(each > LAG for each in self.seconds) / len(self.seconds)


@pytest.mark.parametrize("seconds", SECONDS)
async def test_while_nats_is_down_writes_are_accepted_and_nothing_is_lost(platform: Platform, seconds: int) -> None:
    network = platform.network(f"senza-nats-{seconds}")
    await platform.settled()
    load = Load(platform.stack.url, platform.admin, network, writers=4, rate=60)
    stop = asyncio.Event()
    pulse = Pulse(platform, "registry")
    reader = Caller(platform.stack.url, platform.admin)
    reads: Counter[int] = Counter()
    with platform.down("nats"):
        end = time.monotonic() + seconds
        async with watched(lambda: load.run(stop)) as writing, watched(pulse.run):
            while time.monotonic() < end:
                for path in (f"/registry/v1/networks/{network}/people", f"/mapping/v1/networks/{network}/ranking"):
                    reads[(await reader.ask("GET", path)).status] += 1
                await asyncio.sleep(0.1)
            stop.set()
            await writing
        ready = (await reader.ask("GET", "/registry/health/ready")).json()
        heard = (await reader.ask("GET", "/notify/health/ready")).json()
    began = time.monotonic()
    await platform.settled()

    print(
        f"NATS down for {seconds} s: {len(load.accepted)} writes accepted ({load.per_second:.0f}/s), slowest"
        f" {load.slowest:.2f} s, {pulse.late:.2%} of {len(pulse.seconds)} pulses over {LAG * 1000:.0f} ms, slowest"
        f" {max(pulse.seconds) * 1000:.0f} ms; drained {time.monotonic() - began:.1f} s after the restart began"
    )
    assert set(load.said) == {"POST 201", "PATCH 200"}, "every single write was accepted at once"
    assert set(reads) == {200}, "reads were served"
    assert pulse.late < 0.05, "nobody waited for NATS in the event loop"
    assert max(pulse.seconds) < 2
    assert ready["ready"], "a broker that is away is no reason to send people away"
    assert not ready["settled"]
    assert ready["lags"]["relay"] == len(load.accepted), "what waits is counted"
    assert "Error" in ready["checks"]["relay"]
    assert heard["checks"]["nats"].startswith("away")
    assert not heard["settled"]

    stored = await platform.people(network)
    told = await platform.told(network)
    assert stored == load.newest
    assert set(told) == load.accepted
    assert len(told) == len(set(told)), "nothing was sent twice"
    assert await platform.contacts(network) == stored
