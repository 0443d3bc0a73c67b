"""What the servers in force promise: a commit and an acknowledgement are on disk before anybody hears of them."""

from __future__ import annotations

import re

import httpx

from tests.faults.platform import Platform
from tests.system.stack import SERVICES


async def test_an_acknowledgement_of_nats_means_on_disk(platform: Platform) -> None:
    configuration = (platform.stack.home / "nats" / "nats-server.conf").read_text()
    address = re.search(r'^http: "(\S+)"', configuration, re.MULTILINE)
    assert address is not None
    async with httpx.AsyncClient() as client:
        running = (await client.get(f"http://{address[1]}/jsz", params={"config": "true"})).json()
    assert running["config"]["sync_always"] is True


async def test_a_commit_of_postgresql_means_on_disk(platform: Platform) -> None:
    for service in SERVICES:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            ((value,),) = await platform.sql(service, "select current_setting($1)", setting)
            assert value == "on", (service, setting)
