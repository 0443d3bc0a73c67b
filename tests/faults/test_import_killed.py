"""The registry killed in the middle of a long import: another process of it goes on, and nobody sees a difference."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import httpx
import pytest

from tests.faults.platform import Platform
from tests.registry.desk import Row, bodies, table
from tests.system.stack import wait_for

ROWS = 4000


def list_of_bodies() -> list[Row]:
    """With what real lists have: rows that come twice, codes that are wrong, places that nobody knows."""
    rows = bodies(ROWS)
    for number in range(50, ROWS, 97):
        rows[number] = rows[number - 40]
    for number in range(60, ROWS, 301):
        rows[number] = ("12345678901", *rows[number][1:])
    for number in range(70, ROWS, 401):
        rows[number] = (*rows[number][:2], "Vattelapesca", "ZZ")
    return rows


def send(client: httpx.Client, slug: str, rows: list[Row]) -> str:
    answer = client.post(
        f"/registry/v1/networks/{slug}/imports",
        files={"file": ("enti.csv", table(rows).encode())},
        data={"commit": "true"},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def look(client: httpx.Client, import_id: str) -> dict[str, Any]:
    try:
        answer = client.get(f"/registry/v1/imports/{import_id}")
    except httpx.TransportError:
        return {}
    found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
    return found


def report(client: httpx.Client, import_id: str) -> list[dict[str, str]]:
    text = client.get(f"/registry/v1/imports/{import_id}/rows.csv").text
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def outcome(client: httpx.Client, import_id: str, rows: list[Row]) -> Any:
    """All that the import says of itself, without ids, and with the tax codes as their places in the list."""
    places = {row[0]: str(number) for number, row in enumerate(rows)}
    state = look(client, import_id)
    said = [
        {k: places.get(v, v) if k == "tax_code" else v for k, v in row.items() if k != "organisation_id"}
        for row in report(client, import_id)
    ]
    return {k: state[k] for k in ("status", "rows", "created", "updated", "unchanged", "rejected")}, said


@pytest.mark.timeout(240)
async def test_an_import_whose_process_is_killed_ends_as_if_nothing_had_happened(platform: Platform) -> None:
    calm, killed = platform.network("importazione-calma"), platform.network("importazione-uccisa")
    calm_rows, killed_rows = list_of_bodies(), list_of_bodies()
    with platform.stack.client(platform.admin) as client:

        def finish(import_id: str) -> None:
            wait_for("the import ends", lambda: look(client, import_id).get("status") in {"done", "failed"}, 90)

        undisturbed = send(client, calm, calm_rows)
        await asyncio.to_thread(finish, undisturbed)
        await platform.settled()

        disturbed = send(client, killed, killed_rows)
        at = await asyncio.to_thread(
            wait_for, "the import is under way", lambda: look(client, disturbed).get("done", 0)
        )
        await platform.crash("registry")
        await asyncio.to_thread(finish, disturbed)
        await platform.settled()

        print(f"killed after {at} of {ROWS} rows: {outcome(client, disturbed, killed_rows)[0]}")
        assert 0 < at < ROWS, "it was killed in the middle"
        assert outcome(client, disturbed, killed_rows) == outcome(client, undisturbed, calm_rows)

        created = [row["organisation_id"] for row in report(client, disturbed) if row["outcome"] == "created"]
        facts = [subject for subject, _ in await platform.stream("registry")]
        registered = [subject.split(".")[2] for subject in facts if subject.endswith(".registered")]
        assert sorted(set(created) & set(registered)) == sorted(created)
        assert len([id_ for id_ in registered if id_ in set(created)]) == len(created), "each told once"

        def coverage(network: str) -> list[Any]:
            answer = client.get(f"/mapping/v1/networks/{network}/coverage", params={"level": "region"}).json()
            return [(item["territory"]["code"], item["organisations"]["count"]) for item in answer["items"]]

        assert coverage(killed) == coverage(calm)
        assert sum(count for _, count in coverage(killed)) == len(created)
