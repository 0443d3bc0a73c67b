"""Coordinations on their path: over HTTP and by facts, as the secretariat and the other services see it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem
from tests.registry.constitutions.scene import Scene, figures, missing


@pytest.fixture
async def scene(room: Room) -> Scene:
    return await Scene.of(room)


async def test_a_path_is_opened_with_its_forming_body_in_one_act(scene: Scene) -> None:
    path = await scene.path("03")
    assert (path["state"], path["territory"], path["region"]["name"]) == ("open", "03", "Lombardia")
    assert path["body"]["name"] == "Coordinamento regionale Lombardia"
    assert (path["opened_on"], path["completed_on"]) == (scene.today().isoformat(), None)
    assert figures(path) == {
        "members_with_referents": (0, 3),
        "founding_minutes": (0, 1),
        "coordinator": (0, 1),
        "interlocutors": (0, 2),
    }
    assert [each["label"] for each in path["requirements"]][2] == "Coordinatore in carica"
    body = await scene.room.found(f"/bodies/{path['body']['id']}")
    assert (body["state"], body["kind"], body["territory"]) == ("forming", "regional_coordination", "03")
    assert await scene.told("constitution", path["id"]) == ["opened"]
    assert await scene.told("body", path["body"]["id"]) == ["established"]


async def test_a_name_and_a_minimum_may_be_chosen(scene: Scene) -> None:
    path = await scene.path("09", name="Coordinamento toscano", minimum_members=5)
    assert path["body"]["name"] == "Coordinamento toscano"
    assert figures(path)["members_with_referents"] == (0, 5)


async def test_what_is_there_already_counts_from_the_start(scene: Scene) -> None:
    await scene.represented("03", members=2)
    await scene.coordinated("03")
    await scene.recorded("03", ("giunta",))
    path = await scene.path("03")
    assert figures(path) == {
        "members_with_referents": (2, 3),
        "founding_minutes": (0, 1),
        "coordinator": (1, 1),
        "interlocutors": (1, 2),
    }


async def test_a_path_advances_step_by_step_and_constitutes_the_body_on_the_last(scene: Scene) -> None:
    path = await scene.path("03")
    steps = []
    for step in (
        scene.represented("03"),
        scene.minuted(path),
        scene.recorded("03", ("president",)),
        scene.recorded("03", ("giunta",)),
        scene.coordinated("03"),
    ):
        await step
        steps.append(len(missing(await scene.read(path))))
    assert steps == [3, 2, 2, 1, 0]
    done = await scene.read(path)
    assert (done["state"], done["completed_on"]) == ("completed", scene.today().isoformat())
    body = await scene.room.found(f"/bodies/{path['body']['id']}")
    assert (body["state"], body["constituted_on"]) == ("constituted", scene.today().isoformat())
    told = await scene.told("constitution", path["id"])
    assert (told[0], told[-1], set(told[1:-1])) == ("opened", "completed", {"advanced"})
    assert await scene.told("body", path["body"]["id"]) == ["established", "constituted"]
    facts = await scene.running.published(f"registry.constitution.{path['id']}.completed")
    assert facts[0][1]["requirements"][0] == {"code": "members_with_referents", "met": True, "have": 3, "need": 3}


async def test_trentino_alto_adige_needs_the_interlocutors_of_both_provinces(scene: Scene) -> None:
    path = await scene.path("04")
    for step in (scene.represented("04"), scene.minuted(path), scene.coordinated("04")):
        await step
    body = {"institution": "022", "office": "president"}
    await scene.room.made(f"/networks/{scene.room.slug}/interlocutors", body)
    await scene.room.made(f"/networks/{scene.room.slug}/interlocutors", {**body, "office": "giunta"})
    half = await scene.read(path)
    assert (half["state"], figures(half)["interlocutors"]) == ("open", (2, 4))
    for office in ("president", "giunta"):
        await scene.room.made(f"/networks/{scene.room.slug}/interlocutors", {"institution": "021", "office": office})
    assert (await scene.read(path))["state"] == "completed"


async def test_a_member_counts_once_and_only_in_its_region(scene: Scene) -> None:
    path = await scene.path("03")
    organisation, person = scene.members[0]
    today = scene.today().isoformat()
    for territory in ("03", "097", "E507"):
        await scene.room.mandate(
            person, "representative", today, organisation_id=organisation["id"], territory=territory
        )
    await scene.represented("09")
    assert figures(await scene.read(path))["members_with_referents"] == (1, 3)


async def test_a_coordinator_of_a_part_of_the_region_is_not_the_regions(scene: Scene) -> None:
    path = await scene.path("03")
    await scene.room.mandate(scene.members[0][1], "coordinator", scene.today().isoformat(), territory="097")
    assert "coordinator" in missing(await scene.read(path))


async def test_who_leaves_counts_no_longer_and_this_is_told(scene: Scene) -> None:
    path = await scene.path("03")
    (mandate,) = await scene.represented("03", members=1)
    assert figures(await scene.read(path))["members_with_referents"] == (1, 3)
    held = await scene.room.get(f"/mandates/{mandate['id']}")
    ended = await scene.room.post(f"/mandates/{mandate['id']}/end", {"reason": "resigned"}, held.headers["etag"])
    assert ended.status_code == 200, ended.text
    assert figures(await scene.read(path))["members_with_referents"] == (0, 3)
    assert await scene.told("constitution", path["id"]) == ["opened", "advanced", "advanced"]


async def test_a_change_elsewhere_tells_nothing(scene: Scene) -> None:
    path = await scene.path("03")
    await scene.represented("09")
    await scene.recorded("09")
    await scene.represented("03", since=scene.today() + timedelta(days=3))  # not yet in office
    await scene.read(path)
    assert await scene.told("constitution", path["id"]) == ["opened"]


async def test_who_leaves_after_the_constitution_does_not_undo_it(scene: Scene) -> None:
    path = await scene.path("03")
    mandates = await scene.represented("03")
    await scene.coordinated("03")
    await scene.recorded("03")
    await scene.minuted(path)
    held = await scene.room.get(f"/mandates/{mandates[0]['id']}")
    await scene.room.post(f"/mandates/{mandates[0]['id']}/end", {"reason": "resigned"}, held.headers["etag"])
    after = await scene.read(path)
    assert (after["state"], missing(after)) == ("completed", [])
    assert (await scene.told("constitution", path["id"]))[-1] == "completed"


async def test_minutes_found_only_when_quorate_founding_and_of_this_body(scene: Scene) -> None:
    path = await scene.path("03")
    await scene.minuted(path, quorate=False)
    await scene.minuted(path, founding=False)
    await scene.minuted({"body": {"id": str(uuid7())}})
    assert "founding_minutes" in missing(await scene.read(path))
    assert await scene.told("constitution", path["id"]) == ["opened"]
    await scene.minuted(path)
    assert "founding_minutes" not in missing(await scene.read(path))


async def test_minutes_that_arrive_twice_or_again_change_nothing(scene: Scene) -> None:
    path = await scene.path("03")
    fact = scene.minutes(path["body"]["id"])
    await scene.running.tell(fact, fact)
    await scene.running.settled()
    await scene.minuted(path)  # the minutes of another founding meeting: the first ones count
    await scene.read(path)
    assert await scene.told("constitution", path["id"]) == ["opened", "advanced"]
    (row,) = await scene.running.sql(
        "select minutes_id from founding_minutes where body_id = :body", body=UUID(path["body"]["id"])
    )
    assert row.minutes_id == fact.id


async def test_two_last_requirements_at_once_complete_the_path_exactly_once(scene: Scene) -> None:
    path = await scene.path("03")
    await scene.represented("03", members=2)
    await scene.minuted(path)
    await scene.recorded("03", ("president",))
    organisation, person = scene.members[2]
    today = scene.today().isoformat()
    await asyncio.gather(
        scene.room.mandate(person, "representative", today, organisation_id=organisation["id"], territory="03"),
        scene.recorded("03", ("giunta",)),
        scene.coordinated("03"),
    )
    assert (await scene.read(path))["state"] == "completed"
    assert (await scene.told("constitution", path["id"])).count("completed") == 1
    assert (await scene.told("body", path["body"]["id"])).count("constituted") == 1


async def test_a_region_has_one_coordination(scene: Scene) -> None:
    path = await scene.path("03")
    again = await scene.room.post(f"/networks/{scene.room.slug}/constitutions", {"territory": "03"})
    assert problem(again) == (409, "region-coordinated")
    assert path["body"]["id"] in again.json()["detail"]


async def test_of_two_who_open_the_same_path_at_once_one_does(scene: Scene) -> None:
    place, body = f"/networks/{scene.room.slug}/constitutions", {"territory": "03"}
    answers = await asyncio.gather(*(scene.room.post(place, body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert len((await scene.room.found(place))["items"]) == 1


async def test_a_forming_body_without_a_path_gets_one(scene: Scene) -> None:
    body = {"name": "Coordinamento lombardo", "kind": "regional_coordination", "territory": "03"}
    made = await scene.room.made(f"/networks/{scene.room.slug}/bodies", body)
    await scene.minuted({"body": made})  # approved before anybody opened the path
    path = await scene.path("03")
    assert path["body"]["id"] == made["id"]
    assert figures(path)["founding_minutes"] == (1, 1)


async def test_a_dissolved_body_leaves_its_path_abandoned_and_the_region_free(scene: Scene) -> None:
    path = await scene.path("03")
    held = await scene.room.get(f"/bodies/{path['body']['id']}")
    gone = await scene.room.post(f"/bodies/{path['body']['id']}/dissolve", None, held.headers["etag"])
    assert gone.status_code == 200, gone.text
    await scene.represented("03")
    await scene.coordinated("03")
    await scene.recorded("03")
    await scene.minuted(path)
    assert (await scene.read(path))["state"] == "abandoned"
    assert await scene.told("constitution", path["id"]) == ["opened"]
    again = await scene.path("03")
    assert again["body"]["id"] != path["body"]["id"]
    listed = await scene.room.found(f"/networks/{scene.room.slug}/constitutions", state="abandoned")
    assert [item["id"] for item in listed["items"]] == [path["id"]]


@pytest.mark.parametrize("territory", ["097", "E507", "021", "99", ""])
async def test_only_a_region_has_a_coordination(scene: Scene, territory: str) -> None:
    answer = await scene.room.post(f"/networks/{scene.room.slug}/constitutions", {"territory": territory})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"] in ("/territory", "/body/territory")


async def test_a_minimum_of_none_is_refused(scene: Scene) -> None:
    body = {"territory": "03", "minimum_members": 0}
    answer = await scene.room.post(f"/networks/{scene.room.slug}/constitutions", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "/minimum_members"


async def test_lists_are_filtered_by_state_territory_and_body(scene: Scene) -> None:
    done, open_ = await scene.constituted("03"), await scene.path("09")
    place = f"/networks/{scene.room.slug}/constitutions"

    async def found(**filters: str) -> list[str]:
        return [item["id"] for item in (await scene.room.found(place, **filters))["items"]]

    assert await found() == [done["id"], open_["id"]]
    assert await found(state="completed") == [done["id"]]
    assert await found(state="open") == [open_["id"]]
    assert await found(territory="09") == [open_["id"]]
    assert await found(body=done["body"]["id"]) == [done["id"]]


async def test_every_member_reads_and_the_secretariat_opens(scene: Scene, registry: Running, other_room: Room) -> None:
    path = await scene.path("03")
    place = f"/networks/{scene.room.slug}/constitutions"
    coordinator = Caller(registry, await registry.holder("coordinator", scene.room.id, territory="09"))
    assert (await coordinator.get(f"/constitutions/{path['id']}")).status_code == 200
    assert problem(await coordinator.post(place, {"territory": "09"})) == (403, "forbidden")
    assert problem(await other_room.get(f"/constitutions/{path['id']}")) == (404, "not-found")
    assert problem(await other_room.get(place)) == (403, "forbidden")
    assert problem(await other_room.post(place, {"territory": "09"})) == (403, "forbidden")


async def test_what_one_network_does_does_not_count_for_another(scene: Scene, other_room: Room) -> None:
    other = await Scene.of(other_room, 0)
    theirs = await other.path("03")
    await scene.constituted("03")
    assert missing(await other.read(theirs)) == [
        "members_with_referents",
        "founding_minutes",
        "coordinator",
        "interlocutors",
    ]


async def test_an_organisation_that_leaves_the_network_takes_its_representatives_along(scene: Scene) -> None:
    path = await scene.path("03")
    await scene.represented("03")
    assert figures(await scene.read(path))["members_with_referents"] == (3, 3)
    organisation = scene.members[0][0]
    page = await scene.room.found(f"/networks/{scene.room.slug}/memberships", organisation=organisation["id"])
    membership = page["items"][0]
    left = await scene.room.post(
        f"/memberships/{membership['id']}/withdraw", {}, (await scene.room.get(membership["href"][12:])).headers["etag"]
    )
    assert left.status_code == 200, left.text
    assert figures(await scene.read(path))["members_with_referents"] == (2, 3)
