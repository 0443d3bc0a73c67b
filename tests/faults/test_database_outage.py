"""PostgreSQL away: callers are told so at once and clearly, and nothing is needed to come back."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.faults.load import Answer, Caller, Load
from tests.faults.platform import Platform, watched
from tests.system.stack import SERVICES, wait_for

CEILING = 10.0
"""Seconds within which every answer comes, whatever the database does (the pool waits 5)."""


async def ask_everything(platform: Platform, network: str) -> list[Answer]:
    """One write and some reads of every service, at once."""
    registry = f"/registry/v1/networks/{network}"
    asked = [
        ("POST", f"{registry}/people", {"given_name": "Ada", "family_name": "Prova"}),
        ("GET", f"{registry}/people", None),
        ("GET", f"/mapping/v1/networks/{network}/coverage?level=region", None),
        *(("GET", f"/{service}/v1/me", None) for service in SERVICES),
    ]
    callers = [Caller(platform.stack.url, platform.admin) for _ in asked]
    answers = await asyncio.gather(
        *(caller.ask(method, path, body) for caller, (method, path, body) in zip(callers, asked, strict=True))
    )
    for caller in callers:
        caller.close()
    return list(answers)


async def test_while_postgresql_is_down_everybody_is_told_to_come_back_and_nothing_is_lost(platform: Platform) -> None:
    network = platform.network("senza-postgres")
    await platform.settled()
    load = Load(platform.stack.url, platform.admin, network, writers=4, rate=60)
    stop = asyncio.Event()
    answers: list[Answer] = []
    async with watched(lambda: load.run(stop)) as writing:
        await asyncio.to_thread(lambda: wait_for_writes(load, 50))
        with platform.down("postgres"):
            for _ in range(5):
                answers += await ask_everything(platform, network)
                await asyncio.sleep(0.5)
            caller = Caller(platform.stack.url)
            ready = [await caller.ask("GET", f"/{service}/health/ready") for service in SERVICES]
            live = [await caller.ask("GET", f"/{service}/health/live") for service in SERVICES]
            written = len(load.accepted)
        # By itself: nobody but the supervisor does anything, and it starts PostgreSQL only.
        await asyncio.to_thread(lambda: wait_for_writes(load, written + 50))
        stop.set()
        await writing
    await platform.settled()

    slowest = max(answer.seconds for answer in answers)
    refused = [answer for answer in answers if answer.status == 503]
    print(
        f"PostgreSQL down: {Counter(answer.status for answer in answers)}, slowest {slowest:.2f} s;"
        f" {len(load.accepted)} writes accepted before and after, {dict(load.said)}"
    )
    assert {answer.status for answer in answers} == {503}
    for answer in refused:
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == 503
        assert problem["type"].startswith("urn:trama:problem:")
        assert problem["title"]
        assert int(answer.headers["retry-after"]) >= 1
    assert slowest < CEILING
    assert load.slowest < CEILING
    assert not load.said["no answer"]
    assert {answer.status for answer in live} == {200}, "alive: to restart it would help nobody"
    assert {answer.status for answer in ready} == {503}
    for answer in ready:
        assert answer.json()["checks"]["database"] == "away"
        assert "database" in answer.json()["reasons"]

    stored = await platform.people(network)
    assert stored == load.newest
    assert set(await platform.told(network)) >= load.accepted
    assert {person for person, _ in await platform.told(network)} == set(stored)
    assert await platform.contacts(network) == stored


def wait_for_writes(load: Load, number: int) -> None:
    wait_for(f"{number} writes", lambda: len(load.accepted) >= number)
