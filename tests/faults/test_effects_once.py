"""The whole history told again, three times over, to the real services: nothing is mailed again, nothing changes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.faults.platform import Platform
from tests.registry.desk import bodies, table
from tests.system.stack import SERVICES, wait_for

PEOPLE = 12


def write_a_little_of_everything(platform: Platform, slug: str) -> None:
    """Bodies by an import, people, mandates that begin, that end, a sign-in: whatever makes notify write."""
    network = f"/registry/v1/networks/{slug}"
    with platform.stack.client(platform.admin) as client:
        people = [
            posted(client, f"{network}/people", {"given_name": "Ada", "family_name": f"{n}", "email": address(n)})
            for n in range(PEOPLE)
        ]
        mandates = [
            posted(client, f"{network}/mandates", {"person_id": p["id"], "role": "secretariat", "since": "2020-01-01"})
            for p in people
        ]
        platform.stack.settled()  # begun long ago, they enter office as soon as somebody looks
        for mandate in mandates[: PEOPLE // 2]:
            path = f"/registry/v1/mandates/{mandate['id']}"
            seen = client.get(path).headers["ETag"]
            client.post(f"{path}/end", json={"reason": "resigned"}, headers={"If-Match": seen}).raise_for_status()
        client.post("/registry/v1/sign-in", json={"email": address(PEOPLE - 1)}).raise_for_status()
        sent = client.post(
            f"{network}/imports", files={"file": ("enti.csv", table(bodies(200)).encode())}, data={"commit": "true"}
        )
        sent.raise_for_status()
        wait_for("the import ends", lambda: ended(client, sent.json()["id"]))


def address(number: int) -> str:
    return f"ada.{number}.una.volta@example.org"


def posted(client: httpx.Client, path: str, body: Any) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def ended(client: httpx.Client, import_id: str) -> bool:
    return bool(client.get(f"/registry/v1/imports/{import_id}").json()["status"] == "done")


@pytest.mark.timeout(240)
async def test_a_history_told_three_times_more_changes_no_table_and_sends_no_mail(platform: Platform) -> None:
    slug = platform.network("una-volta")
    mails_before = platform.mails()
    await asyncio.to_thread(write_a_little_of_everything, platform, slug)
    await platform.settled()
    mails = platform.mails()
    # Each who got a mandate, each whose mandate ended, who signs in, and the report to those in the secretariat.
    assert mails - mails_before >= PEOPLE + PEOPLE // 2 + 1 + 1
    states = {service: await platform.state(service) for service in SERVICES}

    told = 0
    for _ in range(3):
        told += await platform.replay()
        await platform.settled()

    print(f"{told} facts told again; {mails} mails before and {platform.mails()} after")
    stored = len(await platform.stream("registry"))
    assert told >= 3 * 5 * stored, "four services heard it all again, notify for both purposes"
    assert platform.mails() == mails
    assert {service: await platform.state(service) for service in SERVICES} == states
