"""Six months of a goal, by a clock that is set: right to the day, whoever was asleep when the day came."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from shared.runtime import clock
from shared.runtime.clock import ROME, wall
from tests.harness import Running, until
from tests.registry.conftest import Caller, Room, new_room, running_registry
from tests.registry.constitutions.scene import Scene

FIRST, LAST = date(2024, 9, 12), date(2025, 3, 12)


@pytest.fixture
async def registry(postgres: Postgres, nats: Nats, tmp_path: Path) -> AsyncIterator[Running]:
    """A registry on the morning of the first day."""
    clock.begin(tmp_path / "clock.json", datetime(2024, 9, 12, 9, tzinfo=ROME))
    async with running_registry(postgres, tmp_path, nats) as running:
        yield running


async def new_scene(registry: Running, admin: Caller) -> Scene:
    return await Scene.of(await new_room(registry, admin))


async def set_goal(scene: Scene, minimum: int = 4, full: int = 6) -> Any:
    body = {"title": "Coordinamenti", "last_day": LAST.isoformat(), "minimum": minimum, "full": full}
    return await scene.room.made(f"/networks/{scene.room.slug}/goals", body)


async def read(scene: Scene, goal: Any) -> Any:
    return await scene.room.found(f"/goals/{goal['id']}")


async def test_three_coordinations_miss_the_goal_four_meet_it_and_six_fill_it(registry: Running, admin: Caller) -> None:
    scenes = {outcome: await new_scene(registry, admin) for outcome in ("missed", "met", "full")}
    goals = {outcome: await set_goal(scene) for outcome, scene in scenes.items()}
    any_scene = scenes["missed"]
    for month, day, region in ((10, 15, "12"), (12, 1, "09")):
        await any_scene.at(2024, month, day)
        for scene in scenes.values():
            await scene.constituted(region)
    await any_scene.at(2025, 1, 30)
    for scene in scenes.values():
        await scene.constituted("15")
        await scene.represented("03")
    for outcome, scene in scenes.items():
        await registry.settled()
        assert (await read(scene, goals[outcome]))["summary"] == (
            "3 di 4 regioni, mancano 41 giorni, la prossima: Lombardia"
        )
    await any_scene.at(2025, 2, 20)
    for region in ("01", "08"):
        await scenes["full"].constituted(region)

    await any_scene.at(2025, 3, 12, 23, 30)
    for outcome in ("met", "full"):
        await complete_lombardia(scenes[outcome])
    for outcome, reached in (("missed", 3), ("met", 4), ("full", 6)):
        now = await read(scenes[outcome], goals[outcome])
        assert (now["state"], now["days_left"], now["reached"]) == ("running", 0, reached)

    await any_scene.at(2025, 3, 13, 0, 0)
    for outcome, reached in (("missed", 3), ("met", 4), ("full", 6)):
        now = await read(scenes[outcome], goals[outcome])
        assert (now["state"], now["reached"], now["next_best"]) == (outcome, reached, None)
        assert len(now["bodies"]) == reached
        facts = await registry.published(f"registry.goal.{goals[outcome]['id']}.*")
        assert [type_.split(".")[3] for type_, _ in facts] == ["set", *["advanced"] * reached, "decided"]
        assert (facts[-1][1]["state"], facts[-1][1]["reached"]) == (outcome, reached)

    await complete_lombardia(scenes["missed"])
    late = await read(any_scene, goals["missed"])
    assert (late["state"], late["reached"], len(late["bodies"])) == ("missed", 3, 3)
    (body,) = (await any_scene.room.found(f"/networks/{any_scene.room.slug}/bodies", territory="03"))["items"]
    assert (body["state"], body["constituted_on"]) == ("constituted", "2025-03-13")


async def complete_lombardia(scene: Scene) -> None:
    """What is still missing where the members have referents already."""
    path = await scene.path("03")
    await scene.coordinated("03")
    await scene.recorded("03")
    await scene.minuted(path)


async def prepared(scene: Scene, region: str, since: date) -> Any:
    """A path that will be completed by nothing but time: its coordinator enters on that day."""
    path = await scene.path(region)
    await scene.represented(region)
    await scene.recorded(region)
    await scene.minuted(path)
    await scene.coordinated(region, since)
    return path


async def test_a_clock_that_jumps_over_months_constitutes_each_on_its_day_and_counts_the_same(
    registry: Running, admin: Caller
) -> None:
    scene = await new_scene(registry, admin)
    goal = await set_goal(scene, minimum=2, full=3)
    days = {"03": date(2025, 2, 1), "09": LAST, "12": date(2025, 3, 13)}
    paths = {region: await prepared(scene, region, since) for region, since in days.items()}
    await scene.at(2025, 6, 1)
    for region, since in days.items():
        assert (await scene.read(paths[region]))["completed_on"] == since.isoformat()
    now = await read(scene, goal)
    assert (now["state"], now["reached"]) == ("met", 2)
    assert await scene.told("goal", goal["id"]) == ["set", "advanced", "advanced", "decided"]
    twice = "select subject from log where subject like 'registry.goal.%' group by subject, tx having count(*) > 1"
    assert await registry.sql(twice) == []  # the steps were taken together, and each is a transaction of its own


async def test_a_goal_waits_for_what_is_still_on_its_way(registry: Running, admin: Caller) -> None:
    scene, other = await new_scene(registry, admin), await new_scene(registry, admin)
    goal, theirs = await set_goal(scene, minimum=1, full=1), await set_goal(other)
    await prepared(scene, "03", LAST)
    async with registry.context.database.sessions.begin() as session:
        held = "select subject_id from due where kind = 'mandate' and at <= '2025-03-12' for update"
        assert len((await session.execute(text(held))).all()) == 1  # another process has just taken it
        await pass_the_last_day(scene)

        async def decided() -> bool:
            return bool((await read(other, theirs))["state"] == "missed")

        await until(decided, what="the goal of the network that waits for nothing")
        assert (await read(scene, goal))["state"] == "running"
    await registry.settled()
    assert (await read(scene, goal))["state"] == "full"


async def test_a_goal_does_not_wait_for_what_has_failed(registry: Running, admin: Caller) -> None:
    scene = await new_scene(registry, admin)
    goal = await set_goal(scene, minimum=1, full=1)
    path = await prepared(scene, "03", LAST)
    broken = "update due set attempts = 1, error = 'x', retry_at = :later where kind = 'mandate' and at <= '2025-03-12'"
    await registry.sql(broken, later=wall().replace(year=2100))
    await pass_the_last_day(scene)

    async def decided() -> bool:
        return bool((await read(scene, goal))["state"] != "running")

    await until(decided)
    await registry.sql("update due set retry_at = null where attempts = 1")
    done = await scene.read(path)
    assert done["completed_on"] == "2025-03-13"  # what was decided stays true: nothing is dated back behind it
    now = await read(scene, goal)
    assert (now["state"], now["reached"], now["bodies"]) == ("missed", 0, [])


async def pass_the_last_day(scene: Scene) -> None:
    file = scene.running.context.settings.clock_file
    assert file is not None
    clock.set(file, datetime(2025, 3, 13, 8, tzinfo=ROME))


async def test_minutes_that_arrive_late_count_from_the_day_of_their_approval(registry: Running, admin: Caller) -> None:
    scene = await new_scene(registry, admin)
    goal = await set_goal(scene, minimum=1, full=2)
    paths = {}
    for region in ("03", "09"):
        paths[region] = await scene.path(region)
        await scene.represented(region)
        await scene.coordinated(region)
        await scene.recorded(region)
    await scene.at(2025, 3, 12, 23, 0)
    await scene.minuted(paths["03"], approved_on=date(2025, 3, 10))
    assert (await scene.read(paths["03"]))["completed_on"] == "2025-03-10"
    await scene.at(2025, 3, 13, 8)
    await scene.minuted(paths["09"], approved_on=LAST)  # after the decision
    assert (await scene.read(paths["09"]))["completed_on"] == "2025-03-13"
    now = await read(scene, goal)
    assert (now["state"], now["reached"]) == ("met", 1)


async def test_a_decided_goal_can_no_longer_be_changed(registry: Running, admin: Caller) -> None:
    scene = await new_scene(registry, admin)
    goal = await set_goal(scene)
    await scene.at(2025, 3, 13, 0, 0)
    now = await scene.room.get(f"/goals/{goal['id']}")
    assert (now.json()["state"], now.json()["allowed_actions"]) == ("missed", [])
    refused = await scene.room.patch(f"/goals/{goal['id']}", {"minimum": 1}, now.headers["etag"])
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:trama:problem:goal-decided")


async def test_a_goal_whose_last_day_was_put_off_is_decided_on_the_later_one(registry: Running, admin: Caller) -> None:
    scene = await new_scene(registry, admin)
    goal = await set_goal(scene)
    put_off = await scene.room.patch(f"/goals/{goal['id']}", {"last_day": "2025-03-30"}, '"1"')
    assert put_off.status_code == 200, put_off.text
    await scene.at(2025, 3, 13, 0, 0)
    assert (await read(scene, goal))["state"] == "running"
    await scene.at(2025, 3, 30, 23, 59)  # summer time began that night
    assert (await read(scene, goal))["days_left"] == 0
    assert (await read(scene, goal))["state"] == "running"
    await scene.at(2025, 3, 31, 0, 0)
    assert (await read(scene, goal))["state"] == "missed"
    assert await scene.told("goal", goal["id"]) == ["set", "set", "decided"]


async def test_a_link_shows_the_outcome_when_the_goal_is_over(registry: Running, room: Room) -> None:
    from tests.registry.goals.test_goals import page, token

    scene = await Scene.of(room, 0)
    goal = await set_goal(scene)
    await scene.at(2025, 3, 13, 0, 0)
    shown = await page(scene, token(scene, goal["id"]))
    assert "Obiettivo mancato: 0 di 4 regioni entro mercoledì 12 marzo 2025" in shown.text
    assert "Ancora nessuno." in shown.text
