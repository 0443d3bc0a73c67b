"""Goals as the secretariat sets them and everybody follows them: over HTTP, by facts, and on their page."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image
from uuid_utils.compat import uuid7

from shared.access import links
from shared.runtime.clock import wall
from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem
from tests.registry.constitutions.scene import Scene

HOUR = timedelta(hours=1)


@pytest.fixture
async def scene(room: Room) -> Scene:
    return await Scene.of(room)


async def set_goal(scene: Scene, **more: Any) -> Any:
    body = {
        "title": "Quattro coordinamenti in sei mesi",
        "last_day": (scene.today() + timedelta(days=181)).isoformat(),
        "minimum": 4,
        "full": 6,
        **more,
    }
    return await scene.room.made(f"/networks/{scene.room.slug}/goals", body)


async def read(scene: Scene, goal: Any) -> Any:
    await scene.running.settled()
    return await scene.room.found(f"/goals/{goal['id']}")


async def test_a_goal_is_set_and_told(scene: Scene) -> None:
    goal = await set_goal(scene)
    assert (goal["state"], goal["reached"], goal["days_left"], goal["body_kind"]) == (
        "running",
        0,
        181,
        "regional_coordination",
    )
    assert goal["since"] == scene.today().isoformat()
    assert (goal["next_best"], goal["bodies"]) == (None, [])
    assert goal["summary"] == "0 di 4 regioni, mancano 181 giorni"
    ((type_, fact),) = await scene.running.published(f"registry.goal.{goal['id']}.*")
    assert (type_, fact["state"], fact["reached"]) == ("trama.registry.goal.set.v1", "running", 0)


async def test_each_constitution_is_told_as_a_step_of_the_goal(scene: Scene) -> None:
    goal = await set_goal(scene)
    lombardia, lazio = await scene.constituted("03"), await scene.constituted("12")
    now = await read(scene, goal)
    assert now["reached"] == 2
    assert [(body["id"], body["territory"]) for body in now["bodies"]] == [
        (lombardia["body"]["id"], "03"),
        (lazio["body"]["id"], "12"),
    ]
    assert now["bodies"][0]["constituted_on"] == scene.today().isoformat()
    facts = await scene.running.published(f"registry.goal.{goal['id']}.advanced")
    assert [(fact["reached"], fact["territory"], fact["body_id"]) for _, fact in facts] == [
        (1, "03", lombardia["body"]["id"]),
        (2, "12", lazio["body"]["id"]),
    ]
    assert await scene.told("goal", goal["id"]) == ["set", "advanced", "advanced"]


async def test_two_paths_completed_at_once_are_two_steps(scene: Scene) -> None:
    goal = await set_goal(scene)
    paths = [await scene.path(region) for region in ("03", "12")]
    for region in ("03", "12"):
        await scene.represented(region)
        await scene.coordinated(region)
        await scene.recorded(region)
    await scene.running.tell(*(scene.minutes(path["body"]["id"]) for path in paths))
    assert (await read(scene, goal))["reached"] == 2
    facts = await scene.running.published(f"registry.goal.{goal['id']}.advanced")
    assert [fact["reached"] for _, fact in facts] == [1, 2]


async def test_what_was_constituted_since_its_first_day_counts_from_the_start(scene: Scene) -> None:
    await scene.constituted("03")
    yesterday = (scene.today() - timedelta(days=1)).isoformat()
    assert (await set_goal(scene, since=yesterday))["reached"] == 1
    tomorrow = (scene.today() + timedelta(days=1)).isoformat()
    assert (await set_goal(scene, since=tomorrow))["reached"] == 0


async def test_a_dissolved_coordination_counts_no_longer(scene: Scene) -> None:
    goal = await set_goal(scene)
    path = await scene.constituted("03")
    held = await scene.room.get(f"/bodies/{path['body']['id']}")
    gone = await scene.room.post(f"/bodies/{path['body']['id']}/dissolve", None, held.headers["etag"])
    assert gone.status_code == 200, gone.text
    assert (await read(scene, goal))["reached"] == 0


async def test_the_next_best_is_explained_and_follows_what_happens(scene: Scene) -> None:
    goal = await set_goal(scene)
    await scene.represented("12", members=2)
    await scene.represented("03", members=3)
    best = (await read(scene, goal))["next_best"]
    assert best["territory"] == {"code": "03", "name": "Lombardia"}
    assert (best["members"], best["reason"], best["runner_up"]["name"]) == (3, "members", "Lazio")
    assert best["missing"] == ["founding_minutes", "coordinator", "interlocutors"]
    assert best["why"].startswith(
        "Ha più enti con referenti regionali di ogni altra regione da costituire: 3, contro 2"
    )
    path = await scene.path("03")
    await scene.coordinated("03")
    await scene.recorded("03")
    await scene.minuted(path)
    now = await read(scene, goal)
    assert (now["reached"], now["next_best"]["territory"]["code"], now["next_best"]["reason"]) == (1, "12", "only")
    facts = await scene.running.published(f"registry.goal.{goal['id']}.*")
    assert [fact["next_best"] for _, fact in facts] == [None, "12"]


async def test_of_regions_with_as_many_members_the_one_that_lacks_less_is_next(scene: Scene) -> None:
    goal = await set_goal(scene)
    for region in ("01", "09"):
        await scene.represented(region)
    assert (await read(scene, goal))["next_best"]["territory"]["code"] == "01"
    await scene.coordinated("09")
    best = (await read(scene, goal))["next_best"]
    assert (best["territory"]["code"], best["reason"]) == ("09", "missing")


async def test_a_region_that_comes_further_is_read_though_the_goal_has_no_new_version(scene: Scene) -> None:
    goal = await set_goal(scene)
    before = (await scene.room.get(f"/goals/{goal['id']}")).headers["etag"]
    await scene.represented("03")
    await scene.running.settled()

    async def read_again(tag: str) -> httpx.Response:
        headers = {**scene.room.headers, "if-none-match": tag}
        return await scene.running.client.get(f"/registry/v1/goals/{goal['id']}", headers=headers)

    answer = await read_again(before)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert answer.json()["next_best"]["territory"]["code"] == "03"
    assert (await read_again(answer.headers["etag"])).status_code == 304


async def test_a_running_goal_is_changed_with_the_version_that_was_seen(scene: Scene) -> None:
    goal = await set_goal(scene)
    path = f"/goals/{goal['id']}"
    assert problem(await scene.room.patch(path, {"minimum": 3})) == (428, "if-match-missing")
    last = (scene.today() + timedelta(days=10)).isoformat()
    changed = await scene.room.patch(path, {"minimum": 3, "last_day": last}, '"1"')
    assert changed.status_code == 200, changed.text
    assert (changed.json()["minimum"], changed.json()["days_left"], changed.json()["full"]) == (3, 10, 6)
    assert problem(await scene.room.patch(path, {"minimum": 2}, '"1"')) == (412, "version-mismatch")
    same = await scene.room.patch(path, {"minimum": 3}, '"2"')
    assert (same.status_code, same.json()["version"]) == (200, 2)
    assert await scene.told("goal", goal["id"]) == ["set", "set"]


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"minimum": 7}, "/full"),
        ({"minimum": 0}, "/minimum"),
        ({"full": 1001}, "/full"),
        ({"last_day": "2020-01-01"}, "/last_day"),
        ({"since": "9000-01-01"}, "/last_day"),
        ({"last_day": "9999-12-31"}, "/last_day"),
        ({"title": "  "}, "/title"),
        ({"body_kind": "choir"}, "/body_kind"),
    ],
)
async def test_what_cannot_be_a_goal_is_refused_by_name(scene: Scene, more: dict[str, Any], path: str) -> None:
    body = {"title": "Obiettivo", "last_day": (scene.today() + timedelta(days=9)).isoformat(), "minimum": 4, "full": 6}
    answer = await scene.room.post(f"/networks/{scene.room.slug}/goals", {**body, **more})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"] == path
    assert answer.json()["errors"][0]["accepted"] is not None


async def test_a_change_that_contradicts_the_rest_is_refused_by_name(scene: Scene) -> None:
    goal = await set_goal(scene)
    yesterday = (scene.today() - timedelta(days=1)).isoformat()
    for body, path in (({"full": 3}, "/full"), ({"last_day": yesterday}, "/last_day")):
        answer = await scene.room.patch(f"/goals/{goal['id']}", body, '"1"')
        assert problem(answer) == (422, "invalid-goal")
        assert answer.json()["errors"][0]["path"] == path
    assert (await read(scene, goal))["version"] == 1


async def test_of_two_changes_at_once_one_is_taken(scene: Scene) -> None:
    goal = await set_goal(scene)
    answers = await asyncio.gather(
        *(scene.room.patch(f"/goals/{goal['id']}", {"minimum": n}, '"1"') for n in (1, 2, 3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


async def test_every_member_follows_a_goal_and_the_secretariat_sets_it(
    scene: Scene, registry: Running, other_room: Room
) -> None:
    goal = await set_goal(scene)
    member = Caller(registry, await registry.holder("member", scene.room.id))
    assert (await member.found(f"/goals/{goal['id']}"))["allowed_actions"] == []
    assert (await read(scene, goal))["allowed_actions"] == ["change"]
    assert problem(await member.patch(f"/goals/{goal['id']}", {"minimum": 1}, '"1"')) == (403, "forbidden")
    body = {"title": "Altro", "last_day": scene.today().isoformat(), "minimum": 1, "full": 1}
    assert problem(await member.post(f"/networks/{scene.room.slug}/goals", body)) == (403, "forbidden")
    assert problem(await other_room.get(f"/goals/{goal['id']}")) == (404, "not-found")
    assert problem(await other_room.patch(f"/goals/{goal['id']}", {"minimum": 1}, '"1"')) == (404, "not-found")
    assert problem(await other_room.get(f"/networks/{scene.room.slug}/goals")) == (403, "forbidden")


async def test_goals_are_listed_by_state_and_kind(scene: Scene) -> None:
    first, second = await set_goal(scene), await set_goal(scene, body_kind="working_group", minimum=1, full=1)
    place = f"/networks/{scene.room.slug}/goals"
    assert [item["id"] for item in (await scene.room.found(place))["items"]] == [first["id"], second["id"]]
    groups = await scene.room.found(place, body_kind="working_group")
    assert [item["summary"] for item in groups["items"]] == ["0 di 1 organo, mancano 181 giorni"]
    assert (await scene.room.found(place, state="missed"))["items"] == []


# --- the page ---------------------------------------------------------------------------------------------------------


def token(scene: Scene, subject: str, **more: Any) -> str:
    fields: dict[str, Any] = {"audience": "registry", "purpose": "goal", "expires": wall() + HOUR, **more}
    return links.mint(scene.running.link_key, fields["audience"], fields["purpose"], UUID(subject), fields["expires"])


async def page(scene: Scene, given: str, language: str = "it") -> Any:
    headers = {"accept": "text/html", "accept-language": language}
    return await scene.running.client.get("/registry/v1/goals/link", params={"token": given}, headers=headers)


async def test_the_page_shows_how_far_the_goal_is_in_words_and_in_tables(scene: Scene) -> None:
    goal = await set_goal(scene)
    await scene.constituted("12")
    await scene.represented("03", members=2)
    await scene.path("09")
    await scene.running.settled()
    shown = await page(scene, token(scene, goal["id"]))
    assert shown.status_code == 200, shown.text
    assert "1 di 4 regioni, mancano 181 giorni, la prossima: Lombardia" in shown.text
    assert 'lang="it"' in shown.text
    assert '<caption class="hidden">Regione per regione</caption>' in shown.text
    assert shown.text.count('scope="row"') == 4  # the constituted one, and the regions where something has begun
    assert '<progress max="6" value="1"' in shown.text
    assert "Coordinamento regionale Lazio" in shown.text
    assert "in formazione" in shown.text
    assert "non avviato" in shown.text
    assert "Non ancora avviate, e senza enti con referenti: Piemonte, " in shown.text
    english = await page(scene, token(scene, goal["id"]), "en")
    assert "1 of 4 regions, 181 days left, next best: Lombardia" in english.text
    assert english.headers["content-language"] == "en"
    assert "no-store" in english.headers["cache-control"]


async def test_the_page_carries_the_networks_name_and_logo(scene: Scene) -> None:
    goal = await set_goal(scene)
    image = BytesIO()
    Image.new("RGB", (8, 8)).save(image, "PNG")
    network = await scene.room.get(f"/networks/{scene.room.slug}")
    headers = {**scene.room.headers, "if-match": network.headers["etag"]}
    put = await scene.running.client.put(
        f"/registry/v1/networks/{scene.room.slug}/logo", files={"file": ("logo.png", image.getvalue())}, headers=headers
    )
    assert put.status_code == 200, put.text
    shown = await page(scene, token(scene, goal["id"]))
    assert f'<img src="{put.json()["logo"]}"' in shown.text
    assert f"<p>{put.json()['name']}</p>" in shown.text


async def test_a_title_is_text_and_no_markup(scene: Scene) -> None:
    goal = await set_goal(scene, title="<script>alert(1)</script>")
    shown = await page(scene, token(scene, goal["id"]))
    assert "<script>" not in shown.text
    assert "&lt;script&gt;" in shown.text


async def test_a_link_that_is_over_or_for_something_else_says_so_on_a_page(scene: Scene) -> None:
    goal = await set_goal(scene)
    for given, words in (
        (token(scene, goal["id"], expires=wall() - HOUR), "scadut"),
        (token(scene, goal["id"], audience="events"), "valid"),
        (token(scene, goal["id"], purpose="rsvp"), "valid"),
        (token(scene, str(uuid7())), "Non trovato"),
        ("x", "valid"),
    ):
        shown = await page(scene, given)
        assert 400 <= shown.status_code < 500, shown.text
        assert shown.headers["content-type"].startswith("text/html")
        assert words in shown.text
        assert "chiedilo alla segreteria" in shown.text


async def test_a_program_is_told_of_a_bad_link_as_a_problem(scene: Scene) -> None:
    answer = await scene.running.client.get(
        "/registry/v1/goals/link", params={"token": "x"}, headers={"accept": "application/json"}
    )
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_link_lets_nobody_do_anything(scene: Scene) -> None:
    goal = await set_goal(scene)
    url = f"/registry/v1/goals/link?token={token(scene, goal['id'])}"
    assert (await scene.running.client.post(url)).status_code == 405
    assert await scene.told("goal", goal["id"]) == ["set"]


@pytest.mark.parametrize("list_", ["goals", "constitutions", "interlocutors", "institutions"])
async def test_lists_can_be_had_as_tables(scene: Scene, list_: str) -> None:
    await set_goal(scene)
    await scene.path("03")
    await scene.recorded("03")
    headers = {**scene.room.headers, "accept": "text/csv"}
    answer = await scene.running.client.get(f"/registry/v1/networks/{scene.room.slug}/{list_}", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    rows = {"goals": 1, "constitutions": 1, "interlocutors": 2, "institutions": 21}
    assert len(answer.text.splitlines()) == 1 + rows[list_]


async def test_a_body_that_needs_no_path_is_a_step_too(scene: Scene) -> None:
    """Made as standing, or constituted by hand: whichever way it came to be, those who follow the goal are told."""
    goal = await set_goal(scene, body_kind="working_group", minimum=2, full=2)
    room = scene.room
    await room.made(f"/networks/{room.slug}/bodies", {"name": "Formazione", "kind": "working_group"})
    forming = {"name": "Mappa", "kind": "working_group", "forming": True}
    body = await room.made(f"/networks/{room.slug}/bodies", forming)
    constituted = await room.post(f"/bodies/{body['id']}/constitute", {}, '"1"')
    assert constituted.status_code == 200, constituted.text
    told = await scene.running.published(f"registry.goal.{goal['id']}.advanced")
    assert [fact["reached"] for _, fact in told] == [1, 2]
    assert (await read(scene, goal))["reached"] == 2
