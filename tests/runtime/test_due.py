"""What falls due happens once, at its instant of the domain clock, whatever fails beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shared.runtime import clock, due
from shared.runtime.clock import Clock, wall
from shared.runtime.due import DueLoop
from tests.harness import Running

HOUR = timedelta(hours=1)


class Bell:
    """A handler that notes what it was called for."""

    def __init__(self, broken: UUID | None = None) -> None:
        self.rung: list[UUID] = []
        self.broken = broken

    async def __call__(self, _: AsyncSession, ids: Sequence[UUID], __: datetime) -> None:
        if self.broken in ids:
            raise ValueError("broken")
        self.rung += ids


@pytest.fixture
def time(tmp_path: Path) -> Path:
    return tmp_path / "due-clock.json"


def loop(running: Running, time: Path, bell: Bell) -> DueLoop:
    return DueLoop(running.context.database, Clock(time), {"chime": bell})


async def schedule(running: Running, *at: tuple[UUID, datetime]) -> None:
    async with running.context.database.sessions.begin() as session:
        await due.schedule_many(session, "chime", at)


async def test_nothing_happens_before_its_instant_and_all_of_it_after(running: Running, time: Path) -> None:
    early, late, bell = uuid4(), uuid4(), Bell()
    chime = loop(running, time, bell)
    await schedule(running, (late, wall() + 2 * HOUR), (early, wall() + HOUR))
    assert not await chime.turn()
    clock.set(time, wall() + 3 * HOUR)
    assert await chime.turn()
    assert not await chime.turn()
    assert bell.rung == [early, late]


async def test_several_processes_ring_each_bell_once(running: Running, time: Path) -> None:
    ids, bell = [uuid4() for _ in range(1200)], Bell()
    await schedule(running, *((i, wall() - HOUR) for i in ids))
    loops = [loop(running, time, bell) for _ in range(4)]
    while any(await asyncio.gather(*(each.turn() for each in loops))):
        pass
    assert sorted(bell.rung) == sorted(ids)


async def test_one_that_fails_holds_no_other_back_and_is_tried_again(running: Running, time: Path) -> None:
    broken, sound = uuid4(), uuid4()
    bell = Bell(broken)
    chime = loop(running, time, bell)
    await schedule(running, (broken, wall() - HOUR), (sound, wall() - HOUR))
    await chime.turn()
    assert bell.rung == [sound]
    [row] = await running.sql("select subject_id, attempts, error, retry_at > now() as later from due")
    assert (row.subject_id, row.attempts, row.error, row.later) == (broken, 1, "ValueError: broken", True)
    assert not await chime.turn()
    bell.broken = None
    await running.sql("update due set retry_at = now() - interval '1 second'")
    assert await chime.turn()
    assert bell.rung == [sound, broken]
    assert await running.sql("select 1 from due") == []


async def test_what_is_cancelled_or_moved_does_not_ring_at_the_old_instant(running: Running, time: Path) -> None:
    gone, moved, bell = uuid4(), uuid4(), Bell()
    await schedule(running, (gone, wall() - HOUR), (moved, wall() - HOUR))
    async with running.context.database.sessions.begin() as session:
        await due.cancel(session, "chime", gone)
        await due.schedule(session, "chime", moved, wall() + HOUR)
    await loop(running, time, bell).turn()
    assert bell.rung == []


async def test_a_handler_may_schedule_its_subject_again(running: Running, time: Path) -> None:
    subject = uuid4()
    rung: list[datetime] = []

    async def again(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
        rung.append(now)
        await due.schedule(session, "chime", ids[0], now + HOUR)

    chime = DueLoop(running.context.database, Clock(time), {"chime": again})
    await schedule(running, (subject, wall() - HOUR))
    await chime.turn()
    await chime.turn()
    assert len(rung) == 1
    assert len(await running.sql("select 1 from due where at > now()")) == 1


async def test_what_is_overdue_is_told(running: Running) -> None:
    await schedule(running, (uuid4(), wall() - HOUR), (uuid4(), wall() + HOUR))
    answer = await running.client.get("/toy/health/ready")
    assert answer.json()["lags"]["due"] == 1
    assert answer.json()["settled"] is False
