"""A worker that is killed, doubled or left behind: the job goes on from the last batch, and each row is taken once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from uuid_utils.compat import uuid7

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.registry.imports import jobs, worker
from services.registry.imports.rules import Entry
from shared.runtime.jobs import Lost
from tests import harness
from tests.harness import Running, only_new_objects_are_counted
from tests.registry.conftest import running_registry
from tests.registry.desk import Desk, Row, bodies, figures, table


@pytest.fixture(scope="module")
async def registry(postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """The registry without its worker: these tests run it themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.registry.app.import_worker.run", _nothing)
        async with running_registry(postgres, tmp_path_factory.mktemp("registry"), nats) as running:
            yield running


async def _nothing(_: object) -> None:
    await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "BATCH", 50)


@asynccontextmanager
async def working(desk: Desk, number: int = 1) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(RUN(desk.running.context)) for _ in range(number)]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


RUN = worker.run


async def done(desk: Desk, import_id: str) -> int:
    return int((await desk.get(f"/imports/{import_id}"))["done"])


async def all_is_as_if_nothing_had_happened(desk: Desk, import_id: str, rows: list[Row]) -> None:
    codes = sorted(row[0] for row in rows)
    state = await desk.ended(import_id)
    assert (state["status"], state["rows"], state["total"]) == ("done", len(rows), len(rows))
    assert figures(state) == (len(rows), 0, 0, 0)
    report = await desk.report(import_id)
    assert [row["line"] for row in report] == [str(line) for line in range(2, len(rows) + 2)]
    assert {row["outcome"] for row in report} == {"created"}
    assert sorted(member["tax_code"] for member in await desk.members()) == codes
    told = [body for _, body in await desk.told("organisation") if body["tax_code"] in set(codes)]
    assert sorted(body["tax_code"] for body in told) == codes
    assert {body["version"] for body in told} == {1}
    assert len(await desk.told("membership")) == len(rows)
    assert len(await desk.told("import")) == 1


async def test_a_worker_stopped_in_the_middle_is_followed_by_another_from_the_next_row(desk: Desk) -> None:
    rows = bodies(400)
    import_id = await desk.send(table(rows))
    async with working(desk) as (task,):
        await harness.until(lambda: reached(desk, import_id, 100))
        task.cancel()
        await asyncio.wait([task])
        stopped_at = await done(desk, import_id)
    assert 100 <= stopped_at < 400
    assert stopped_at % 50 == 0
    async with working(desk):
        await all_is_as_if_nothing_had_happened(desk, import_id, rows)


async def reached(desk: Desk, import_id: str, number: int) -> bool:
    return await done(desk, import_id) >= number


async def test_a_commit_of_a_preview_goes_on_in_the_same_way(desk: Desk) -> None:
    rows = bodies(400)
    async with working(desk):
        preview = await desk.upload(table(rows), commit=False)
    await desk.ask("POST", f"/imports/{preview['id']}/commit")
    async with working(desk) as (task,):
        await harness.until(lambda: reached(desk, preview["id"], 100))
        task.cancel()
        await asyncio.wait([task])
        assert await done(desk, preview["id"]) < 400
    async with working(desk):
        await all_is_as_if_nothing_had_happened(desk, preview["id"], rows)


async def test_two_workers_at_once_take_each_row_once(desk: Desk) -> None:
    rows, others = bodies(300), bodies(200)
    other = await Desk.founded(desk.running)
    import_id, other_id = await desk.send(table(rows)), await other.send(table(others))
    async with working(desk, number=3):
        await all_is_as_if_nothing_had_happened(desk, import_id, rows)
        await all_is_as_if_nothing_had_happened(other, other_id, others)


async def test_what_a_killed_worker_held_is_taken_over_when_its_lease_is_over(desk: Desk) -> None:
    rows = bodies(100)
    import_id = await desk.send(table(rows))
    async with desk.running.context.database.sessions.begin() as session:
        job = await jobs.claim(session, dead := uuid7())
    assert job is not None
    async with desk.running.context.database.sessions.begin() as session:
        assert await jobs.claim(session, uuid7()) is None  # the lease holds
    await expire(desk, import_id)
    async with working(desk):
        await all_is_as_if_nothing_had_happened(desk, import_id, rows)
    with pytest.raises(Lost):  # should it still have been alive
        async with desk.running.context.database.sessions.begin() as session:
            await jobs.advance(session, job, dead, [], desk.running.context.clock.now())


async def expire(desk: Desk, import_id: str) -> None:
    await desk.running.sql("update imports set lease_until = now() - interval '1 second' where id = :id", id=import_id)


async def test_a_job_that_kills_every_worker_is_given_up_and_told(desk: Desk) -> None:
    import_id = await desk.send(table(bodies(1)))
    for _ in range(jobs.MOST_ATTEMPTS):
        async with desk.running.context.database.sessions.begin() as session:
            assert await jobs.claim(session, uuid7()) is not None
        await expire(desk, import_id)
    async with working(desk):
        state = await desk.ended(import_id)
    assert state["status"] == "failed"
    assert "Errore interno" in state["problem"]["title"]
    assert [type_ for type_, _ in await desk.told("import")] == ["trama.registry.import.failed.v1"]


async def test_two_imports_of_the_same_bodies_at_once_make_each_body_once(desk: Desk) -> None:
    rows = bodies(200)
    other = await Desk.founded(desk.running)
    ids = [await desk.send(table(rows)), await other.send(table(rows[::-1]))]
    async with working(desk, number=2):
        here, there = await desk.ended(ids[0]), await other.ended(ids[1])
    assert here["status"] == there["status"] == "done"
    assert here["created"] == there["created"] == 200, "new to each network"
    assert {m["id"] for m in await desk.members()} == {m["id"] for m in await other.members()}
    codes = {row[0] for row in rows}
    told = [b["tax_code"] for _, b in await desk.told("organisation") if b["tax_code"] in codes]
    assert len(told) == len(set(told)) == 200


async def test_memory_does_not_grow_with_the_rows(desk: Desk) -> None:
    """The worker never holds more than the file, the batch that is written and the next one."""
    held: list[int] = []
    real = jobs.advance

    async def watched(*args: object, **more: object) -> None:
        gc.collect()
        held.append(sum(isinstance(found, Entry) for found in gc.get_objects()))
        await real(*args, **more)  # type: ignore[arg-type]

    import_id = await desk.send(table(bodies(1_000)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "advance", watched)
        with only_new_objects_are_counted():
            async with working(desk):
                await desk.ended(import_id)
    assert len(held) == 20
    assert max(held) <= 3 * 50
