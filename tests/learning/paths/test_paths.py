"""Paths as the secretariat writes them and as their audiences see them: over HTTP and facts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import Grant
from tests.learning.school import School, day

pytestmark = pytest.mark.timeout(120)


async def titles(school: School, headers: Any) -> set[str]:
    page = await school.done("GET", f"/networks/{school.slug}/paths", as_=headers)
    return {item["title"] for item in page["items"]}


async def test_three_audiences_see_three_paths_and_the_secretariat_all(school: School) -> None:
    await school.path(title="Rappresentare")
    await school.path(title="Comunità", audience="communities")
    await school.path(title="Amministrare", audience="administrators", enrolment="open")
    await school.draft(title="Bozza", audience="administrators", enrolment="open")
    for role in ("representative", "referent", "delegate"):
        assert await titles(school, await school.running.holder(role, school.id)) == {"Rappresentare"}
    coordinator = await school.running.holder("coordinator", school.id, territory="03")
    assert await titles(school, coordinator) == {"Rappresentare"}
    assert await titles(school, await school.running.holder("member", school.id)) == {"Comunità"}
    elsewhere = await school.running.holder("representative", uuid7())
    assert await titles(school, elsewhere) == await titles(school, uuid7()) == {"Amministrare"}
    everything = {"Rappresentare", "Comunità", "Amministrare", "Bozza"}
    assert await titles(school, None) == await titles(school, school.running.signed_in(admin=True)) == everything


async def test_who_holds_two_roles_sees_both_paths_and_who_no_longer_holds_one_sees_it_no_more(school: School) -> None:
    await school.path(title="Rappresentare")
    await school.path(title="Comunità", audience="communities")
    person = uuid7()
    both = [Grant(role=role, network_id=school.id, since=day("2000-01-01")) for role in ("member", "referent")]
    headers = await school.running.grant(person, *both)
    assert await titles(school, headers) == {"Rappresentare", "Comunità"}
    over = both[1].model_copy(update={"until": school.running.context.clock.today()})
    headers = await school.running.grant(person, both[0], over, version=2)
    assert await titles(school, headers) == {"Comunità"}


async def test_a_path_goes_with_the_mandate_that_led_to_it_unless_it_was_completed(school: School) -> None:
    path = await school.path(title="Rappresentare")
    person, mandate = await school.appointed()
    await school.done("GET", f"/paths/{path['id']}", as_=person)
    await school.tell(school.ended(mandate))
    assert await titles(school, person) == set()
    await school.done("GET", f"/paths/{path['id']}", 404, as_=person)
    other, second = await school.appointed()
    (enrolment,) = await school.enrolled(person=str(other))
    for unit in path["units"]:
        await school.mark(enrolment, unit, other)
    await school.tell(school.ended(second))
    assert await titles(school, other) == {"Rappresentare"}


async def test_a_path_of_another_audience_is_not_there_for_others(school: School) -> None:
    path = await school.path(title="Comunità", audience="communities")
    refusal = await school.done("GET", f"/paths/{path['id']}", 404, as_=uuid7())
    assert refusal["type"] == "urn:trama:problem:not-found"
    open_ = await school.path(audience="communities", enrolment="open")
    await school.done("GET", f"/paths/{open_['id']}", as_=uuid7())


async def test_a_path_is_told_once_published_and_when_it_changes_and_is_withdrawn(school: School) -> None:
    path = await school.draft(roles=["referent"])
    path = await school.change(path, title="Rappresentare, bene")
    assert await school.told(path) == []
    path = await school.act(path, "publish")
    assert (path["state"], path["published_on"]) == ("published", school.today())
    path = await school.change(path, description="Per chi comincia")
    same = await school.change(path, description="Per chi comincia")
    assert same["version"] == path["version"]
    path = await school.act(path, "withdraw")
    assert [fact for fact, _ in await school.told(path)] == ["published", "changed", "withdrawn"]
    facts = await school.running.published(f"learning.path.{path['id']}.published")
    assert facts[0][1] == {
        "id": path["id"],
        "version": 3,
        "network_id": str(school.id),
        "title": "Rappresentare, bene",
        "audience": "representatives",
        "enrolment": "rule",
        "roles": ["referent"],
        "territories": [],
        "bodies": [],
        "renewed_after_months": None,
        "units": 3,
        "state": "published",
    }


async def test_actions_follow_the_state_and_the_reader(school: School) -> None:
    path = await school.draft(audience="administrators", enrolment="open")
    assert path["allowed_actions"] == ["edit", "publish"]
    assert path["page"] is None
    path = await school.act(path, "publish")
    assert path["allowed_actions"] == ["edit", "withdraw", "enrol"]
    assert path["page"] == f"/learning/v1/paths/{path['id']}/page"
    seen = await school.done("GET", f"/paths/{path['id']}", as_=uuid7())
    assert seen["allowed_actions"] == ["enrol"]
    path = await school.act(path, "withdraw")
    assert path["allowed_actions"] == []


async def test_a_stale_version_and_a_missing_one_are_refused(school: School) -> None:
    path = await school.draft()
    await school.change(path, title="Prima")
    assert (await school.change(path, 412, title="Seconda"))["errors"][0]["code"] == "stale"
    answer = await school.ask("POST", f"/paths/{path['id']}/publish")
    assert answer.status_code == 428


async def test_of_two_who_publish_at_once_one_does(school: School) -> None:
    path = await school.draft()
    answers = await asyncio.gather(
        *(school.ask("POST", f"/paths/{path['id']}/publish", version=path["version"]) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert await school.told(path) == [("published", "published")]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"audience": "administrators"}, "/enrolment"),
        ({"roles": ["member"]}, "/roles"),
        ({"enrolment": "open", "roles": ["referent"]}, "/roles"),
        ({"units": [{"title": "Una", "url": "javascript:alert(1)"}]}, "/units/0/url"),
        ({"units": [{"title": "Una", "id": str(uuid7())}]}, "/units/0/id"),
        ({"units": [{"title": " "}]}, "/units/0/title"),
        ({"units": [{"title": "x"}] * 101}, "/units"),
        ({"due_days": 0}, "/due_days"),
        ({"title": "a\x00b"}, "/title"),
        ({"audience": "everybody"}, "/audience"),
        ({"colour": "blue"}, "/colour"),
    ],
)
async def test_a_path_that_does_not_hold_together_is_refused_with_its_field(
    school: School, body: dict[str, Any], path: str
) -> None:
    refusal = await school.draft(422, **body)
    assert refusal["errors"][0]["path"] == path
    assert refusal["errors"][0]["accepted"]


async def test_characters_that_cannot_be_kept_are_refused_and_no_error(school: School) -> None:
    refusal = await school.draft(422, units=[{"title": "Una", "text": "a\x00b"}])
    assert refusal["type"] == "urn:trama:problem:invalid"


async def test_a_published_path_keeps_its_audience_and_a_withdrawn_one_everything(school: School) -> None:
    path = await school.path()
    refusal = await school.change(path, 409, audience="communities")
    assert (refusal["type"], refusal["errors"][0]["path"]) == ("urn:trama:problem:path-fixed", "/audience")
    assert (await school.change(path, 422, units=[]))["errors"][0]["path"] == "/units"
    unknown = [{"id": str(uuid7()), "title": "Altra"}]
    assert (await school.change(path, 422, units=unknown))["errors"][0]["path"] == "/units/0/id"
    path = await school.act(path, "withdraw")
    assert (await school.change(path, 409, title="Tardi"))["type"] == "urn:trama:problem:path-not-possible-now"


async def test_a_path_without_units_is_not_published(school: School) -> None:
    refusal = await school.act(await school.draft(units=[]), "publish", 422)
    assert refusal["errors"][0]["path"] == "/units"


async def test_problems_are_told_in_both_languages(school: School) -> None:
    path = await school.path()
    told = {}
    for language in ("it", "en"):
        answer = await school.ask(
            "PATCH",
            f"/paths/{path['id']}",
            version=path["version"],
            json={"enrolment": "open"},
            headers={"accept-language": language},
        )
        told[language] = answer.json()["title"]
    assert told == {"it": "Il percorso è già pubblicato", "en": "The path is published already"}


async def test_the_list_filters_and_exports(school: School) -> None:
    await school.path(title="Rappresentare")
    await school.draft(title="Bozza", audience="communities")
    page = await school.done("GET", f"/networks/{school.slug}/paths", params={"audience": "communities"})
    assert [item["title"] for item in page["items"]] == ["Bozza"]
    page = await school.done("GET", f"/networks/{school.slug}/paths", params={"state": "published"})
    assert [item["title"] for item in page["items"]] == ["Rappresentare"]
    answer = await school.ask("GET", f"/networks/{school.slug}/paths", headers={"accept": "text/csv"})
    assert answer.text.count("\r\n") == 3


async def test_nobody_but_the_secretariat_writes_paths(school: School) -> None:
    path = await school.draft()
    body = {"title": "x", "audience": "communities", "enrolment": "rule"}
    for role in ("referent", "coordinator", "member"):
        headers = await school.running.holder(role, school.id)
        answer = await school.ask("POST", f"/networks/{school.slug}/paths", as_=headers, json=body)
        assert answer.status_code == 403
        for action in ("publish", "withdraw"):
            answer = await school.ask("POST", f"/paths/{path['id']}/{action}", as_=headers, version=1)
            assert answer.status_code == 403


async def test_words_of_the_vocabularies_are_those_of_the_api(school: School) -> None:
    found = await school.done("GET", "/vocabularies", as_={})
    words = {vocabulary["name"]: [term["code"] for term in vocabulary["terms"]] for vocabulary in found["items"]}
    assert (
        words.items()
        >= {
            "unit_kinds": ["text", "link", "video", "document", "quiz", "meeting"],
            "course_states": ["draft", "published", "withdrawn"],
            "audiences": ["representatives", "communities", "administrators"],
            "admissions": ["rule", "invitation", "open"],
            "path_states": ["draft", "published", "withdrawn"],
            "enrolment_states": ["active", "completed", "ended"],
        }.items()
    )
