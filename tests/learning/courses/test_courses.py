"""Courses, meetings that count, renewals and who is enrolled where: over HTTP and facts, with what others are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import BodyConstituted
from tests.learning.enrolments.test_pages import page
from tests.learning.school import School

pytestmark = pytest.mark.timeout(180)


async def a_course(school: School, *titles: str) -> Any:
    """A published one."""
    body = {"title": "Corso", "units": [{"title": title} for title in titles]}
    draft = await school.done("POST", f"/networks/{school.slug}/courses", 201, json=body)
    return await school.done("POST", f"/courses/{draft['id']}/publish", version=draft["version"])


async def edit(school: School, course: Any, units: list[Any]) -> Any:
    return await school.done("PATCH", f"/courses/{course['id']}", version=course["version"], json={"units": units})


def own(unit: Any) -> Any:
    return {"id": unit["id"], "title": unit["title"]}


async def test_a_course_that_changes_reaches_its_paths_and_completes_what_is_done(school: School) -> None:
    course = await a_course(school, "A", "B")
    one = await school.path(units=[{"title": "Prima"}, {"course_id": course["id"]}])
    other = await school.path(title="Altro", roles=["referent"], units=[{"course_id": course["id"]}])
    person, _ = await school.appointed("referent")
    by_path = {item["path"]["id"]: item for item in await school.enrolled()}
    mine = by_path[one["id"]]
    assert [unit["title"] for unit in one["units"]] == ["Prima", "A", "B"]
    for unit in one["units"][:2]:
        await school.mark(mine, unit, person)
    changed = await edit(school, course, [own(course["units"][0])])
    after = await school.done("GET", f"/enrolments/{mine['id']}")
    assert (after["state"], after["progress"]) == ("completed", {"count": 2, "of": 2, "share": 1.0})
    rest = await school.done("GET", f"/enrolments/{by_path[other['id']]['id']}")
    assert (rest["state"], rest["progress"]["of"]) == ("active", 1)
    assert [fact for fact, _ in await school.told(mine)] == ["opened", "advanced", "advanced", "completed"]
    told = await school.running.published(f"learning.path.{other['id']}.changed")
    assert [body["units"] for _, body in told] == [1]
    await edit(school, changed, [{"title": "Nuova"}, own(course["units"][0])])
    seen = await school.done("GET", f"/paths/{one['id']}")
    assert [unit["title"] for unit in seen["units"]] == ["Prima", "Nuova", "A"]
    back = await school.change(seen, units=[*seen["units"], {"title": "Fine"}])
    assert [(u["title"], u["course_id"] is not None) for u in back["units"]] == [
        ("Prima", False),
        ("Nuova", True),
        ("A", True),
        ("Fine", False),
    ]


async def test_a_path_takes_only_a_course_that_its_network_has_published(school: School) -> None:
    other = await School(school.running).founded()
    elsewhere = await a_course(other, "A")
    withdrawn = await a_course(school, "A")
    kept = await school.draft(units=[{"course_id": withdrawn["id"]}])
    await school.done("POST", f"/courses/{withdrawn['id']}/withdraw", version=withdrawn["version"])
    for course in (elsewhere, withdrawn):
        refused = await school.draft(422, units=[{"course_id": course["id"]}])
        assert refused["errors"][0]["path"] == "/units/0/course_id"
    assert len((await school.change(kept, units=[*kept["units"], {"title": "x"}]))["units"]) == 2
    assert (await school.ask("GET", f"/courses/{elsewhere['id']}")).status_code == 404
    person, _ = await school.appointed()
    assert (await school.ask("GET", f"/networks/{school.slug}/courses", person)).status_code == 403


async def test_what_was_completed_is_to_be_done_again_after_its_months_while_the_mandate_lasts(school: School) -> None:
    path = await school.path(units=[{"title": "A"}], renewed_after_months=12, due_days=30)
    staying, _ = await school.appointed()
    leaving, mandate = await school.appointed()
    for person in (staying, leaving):
        (mine,) = await school.enrolled(path=path["id"], person=str(person))
        await school.mark(mine, path["units"][0], person)
    await school.tell(school.ended(mandate))
    await school.let_pass(364)
    assert {item["attempt"] for item in await school.enrolled(path=path["id"])} == {1}
    await school.let_pass(2)
    (renewed,) = await school.enrolled(path=path["id"], person=str(staying))
    assert (renewed["attempt"], renewed["state"], renewed["progress"]["count"]) == (2, "active", 0)
    assert renewed["due"] == school.today(30)
    assert (await school.told(renewed))[-1] == ("renewed", "active")
    shown = await school.done("GET", f"/enrolments/{renewed['id']}")
    assert [(each["attempt"], each["completed_units"]) for each in shown["earlier"]] == [(1, 1)]
    answer, outline = await page(school, "GET", school.link(renewed))
    assert (answer.status_code, "È la volta numero 2" in outline.text) == (200, True)
    (kept,) = await school.enrolled(path=path["id"], person=str(leaving))
    assert (kept["attempt"], kept["state"]) == (1, "completed")
    again = school.mandate(leaving, "representative")
    await school.tell(again)  # appointed again, and late with it
    (back,) = await school.enrolled(path=path["id"], person=str(leaving))
    assert (back["attempt"], back["state"]) == (2, "active")


async def test_months_that_change_move_what_is_due(school: School) -> None:
    path = await school.path(units=[{"title": "A"}], renewed_after_months=1)
    person, _ = await school.appointed()
    (mine,) = await school.enrolled(path=path["id"])
    await school.mark(mine, path["units"][0], person)
    rows = "select at from due where kind = 'enrolment-renewal' and subject_id = :id"
    (first,) = await school.running.sql(rows, id=mine["id"])
    path = await school.change(path, renewed_after_months=2)
    (later,) = await school.running.sql(rows, id=mine["id"])
    assert timedelta(days=27) <= later.at - first.at <= timedelta(days=32)
    await school.change(path, renewed_after_months=None)
    assert await school.running.sql(rows, id=mine["id"]) == []


async def test_a_rule_enrols_where_the_mandate_is_held(school: School) -> None:
    body = uuid7()
    places = await school.path(title="Lombardia", territories=["03"])
    bodies = await school.path(title="Giunta", bodies=[str(body)])
    held: dict[str, UUID] = {}
    for name, more in (
        ("Lecco", {"territory": "E507"}),
        ("Roma", {"territory": "H501"}),
        ("Giunta", {"body_id": body}),
    ):
        person = school.person(name)
        held[name] = person.id
        mandate = school.mandate(person.id).model_copy(update=more)
        await school.tell(person, mandate)
    assert [item["person"]["name"] for item in await school.enrolled(path=places["id"])] == ["Lecco Serra"]
    assert [item["person"]["name"] for item in await school.enrolled(path=bodies["id"])] == ["Giunta Serra"]
    later = await school.path(title="Provincia", territories=["LC"], bodies=[])
    assert later["territories"] == ["097"]
    assert [item["person"]["name"] for item in await school.enrolled(path=later["id"])] == ["Lecco Serra"]
    for wrong, at in (
        ({"territories": ["XX"]}, "/territories/0"),
        ({"enrolment": "open", "audience": "administrators", "bodies": [str(body)]}, "/bodies"),
    ):
        assert (await school.draft(422, **wrong))["errors"][0]["path"] == at


async def test_a_body_of_another_network_is_nobodys_here(school: School) -> None:
    body = uuid7()
    told = {"kind": "community", "state": "constituted", "composition": "open", "title": "Altrove"}
    await school.tell(BodyConstituted(id=body, version=1, network_id=uuid7(), **told))
    units = [{"title": "A"}, {"title": "Incontro", "kind": "meeting", "body_id": str(body)}]
    assert (await school.draft(422, bodies=[str(body)]))["errors"][0]["path"] == "/bodies/0"
    assert (await school.draft(422, units=units))["errors"][0]["path"] == "/units/1/body_id"
    draft = await school.draft()
    assert (await school.change(draft, 422, bodies=[str(body)]))["errors"][0]["path"] == "/bodies/0"
    whom = {"title": "Quanto", "audience": [{"bodies": [str(body)]}]}
    refused = await school.done("POST", f"/networks/{school.slug}/assessments", 422, json=whom)
    assert refused["errors"][0]["path"] == "/audience/0/bodies"


async def test_many_are_invited_at_once_or_nobody_and_may_leave_again(school: School) -> None:
    path = await school.path(audience="administrators", enrolment="invitation", units=[{"title": "A"}])
    people = [school.person(str(number)) for number in range(30)]
    stranger = school.person("Altrove", network=uuid7())
    await school.tell(*people, stranger)
    ids = [str(person.id) for person in people]
    address = f"/paths/{path['id']}/enrolments/batch"
    refused = await school.done("POST", address, 422, json={"person_ids": [ids[0], str(stranger.id)]})
    assert [error["path"] for error in refused["errors"]] == ["/person_ids/1"]
    assert await school.enrolled(path=path["id"]) == []
    assert await school.done("POST", address, json={"person_ids": ids[:20]}) == {"enrolled": 20, "already": 0}
    assert await school.done("POST", address, json={"person_ids": ids}) == {"enrolled": 10, "already": 20}
    (mine,) = await school.enrolled(path=path["id"], person=ids[0])
    assert (mine["how"], await school.told(mine)) == ("invitation", [("opened", "active")])
    await school.done("POST", f"/enrolments/{mine['id']}/withdraw", 403, as_=people[1].id, version=mine["version"])
    left = await school.done("POST", f"/enrolments/{mine['id']}/withdraw", as_=people[0].id, version=mine["version"])
    assert (left["state"], left["left"], left["allowed_actions"]) == ("ended", True, [])
    again = await school.ask("POST", f"/enrolments/{mine['id']}/withdraw", people[0].id, version=left["version"])
    assert again.status_code == 409
    answer, outline = await page(school, "GET", school.link(mine))
    assert "Ti sei ritirato" in outline.text
    assert await school.done("POST", address, json={"person_ids": ids[:1]}) == {"enrolled": 1, "already": 0}
    link = school.link(mine).replace("/link?", "/link/leave?")
    answer, outline = await page(school, "POST", link)
    assert (answer.status_code, "Ti sei ritirato" in outline.text) == (200, True)


async def test_nobody_leaves_what_a_rule_asks_of_them(school: School) -> None:
    path = await school.path()
    person, _ = await school.appointed()
    (mine,) = await school.enrolled(path=path["id"])
    refused = await school.done("POST", f"/enrolments/{mine['id']}/withdraw", 409, as_=person, version=mine["version"])
    assert refused["type"].endswith("enrolment-not-to-leave")


async def test_progress_is_counted_by_body_and_by_region_and_narrowed_by_both(school: School) -> None:
    path = await school.path(units=[{"title": "A"}])
    body = uuid7()
    held: list[UUID] = []
    for more in ({"territory": "E507", "body_id": body}, {"territory": "03", "body_id": body}, {"territory": "H501"}):
        person = school.person()
        held.append(person.id)
        await school.tell(person, school.mandate(person.id).model_copy(update=more))
    (mine,) = await school.enrolled(person=str(held[0]))
    await school.mark(mine, path["units"][0], held[0])
    base = f"/networks/{school.slug}/progress"

    async def of(address: str, **filters: Any) -> list[tuple[Any, int, int]]:
        found = (await school.done("GET", address, params=filters))["items"]
        keys = [each.get("body", {}).get("id") or each.get("region", {}).get("name") for each in found]
        return [(key, each["enrolled"], each["completed"]["count"]) for key, each in zip(keys, found, strict=True)]

    assert await of(f"{base}/bodies") == [(str(body), 2, 1)]
    assert await of(f"{base}/regions") == [("Lombardia", 2, 1), ("Lazio", 1, 0)]
    assert await of(base, territory="03") == [(None, 2, 1)]
    assert await of(base, territory="097") == await of(base, territory="LC") == [(None, 1, 1)]
    assert await of(base, body=str(body), territory="12") == [(None, 0, 0)]
    assert len(await school.enrolled(territory="03", late="false")) == 2
    csv = await school.ask("GET", f"{base}/regions", headers={"accept": "text/csv"})
    assert csv.text.splitlines()[0].endswith("region.code,region.name")
    assert (await school.ask("GET", f"{base}/bodies", params={"colour": "x"})).status_code == 422
