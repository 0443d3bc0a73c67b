"""Enrolments by rule, by invitation and openly: over HTTP and facts, with what the other services are told."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import ApiKeyIssued
from tests.harness import Running
from tests.learning.school import School

pytestmark = pytest.mark.timeout(120)


async def api_key(school: School, *scopes: str) -> dict[str, str]:
    """The header of a partner's key for this network."""
    secret, id_ = "s" * 43, uuid7()
    hashed = hashlib.sha256(secret.encode()).hexdigest()
    await school.tell(
        ApiKeyIssued(
            id=id_, version=1, network_id=school.id, title="k", secret_sha256=hashed, scopes=scopes, per_minute=1000
        )
    )
    return {"authorization": f"Bearer trama_{id_.hex}_{secret}"}


async def states(school: School, path: Any) -> dict[str, str]:
    """Person -> state, of everybody on a path."""
    found = await school.enrolled(path=path["id"])
    return {item["person"]["id"] if item["person"] else "erased": item["state"] for item in found}


async def test_a_mandate_that_starts_enrols_its_holder_in_the_published_path(school: School) -> None:
    path = await school.path(due_days=30)
    person, mandate = await school.appointed(given="Giulia", family="Serra")
    (enrolment,) = await school.enrolled(path=path["id"])
    assert enrolment["person"]["name"] == "Giulia Serra"
    assert enrolment["mandate_id"] == str(mandate.id)
    assert (enrolment["how"], enrolment["state"], enrolment["version"]) == ("rule", "active", 1)
    assert (enrolment["opened_on"], enrolment["due"]) == (school.today(), school.today(30))
    assert enrolment["progress"] == {"count": 0, "of": 3, "share": 0.0}
    assert await school.told(enrolment) == [("opened", "active")]
    (fact,) = await school.running.published(f"learning.enrolment.{enrolment['id']}.opened")
    assert fact[1]["person_id"] == str(person)
    assert (fact[1]["path_title"], fact[1]["units"], fact[1]["due"]) == ("Rappresentare", 3, school.today(30))


async def test_a_path_published_later_enrols_those_in_office_and_nobody_else(school: School) -> None:
    in_office = [(await school.appointed())[0] for _ in range(3)]
    holding_over, started = await school.appointed("referent")
    await school.tell(school.mandate(holding_over, state="holding_over", of=started))
    _, over = await school.appointed()
    await school.tell(school.ended(over))
    await school.appointed("member")  # of another audience
    to_come = school.person()
    await school.tell(to_come, school.mandate(to_come.id, state="designated"))
    path = await school.path()
    expected = {str(person): "active" for person in [*in_office, holding_over]}
    assert await states(school, path) == expected


async def test_a_path_enrols_only_the_roles_that_it_names(school: School) -> None:
    path = await school.path(roles=["referent"])
    referent, _ = await school.appointed("referent")
    await school.appointed("representative")
    assert await states(school, path) == {str(referent): "active"}


@pytest.mark.parametrize("first", ["mandate", "path"])
async def test_the_end_is_the_same_whichever_comes_first_the_mandate_or_the_path(school: School, first: str) -> None:
    if first == "mandate":
        person, mandate = await school.appointed()
        path = await school.path()
    else:
        path = await school.path()
        person, mandate = await school.appointed()
    assert await states(school, path) == {str(person): "active"}
    await school.tell(school.ended(mandate))
    (enrolment,) = await school.enrolled(path=path["id"])
    assert (enrolment["state"], enrolment["ended_on"]) == ("ended", school.today())
    assert await school.told(enrolment) == [("opened", "active"), ("ended", "ended")]


async def test_a_mandate_that_was_over_before_the_path_was_published_enrols_nobody_however_late_it_is_heard(
    school: School,
) -> None:
    person = school.person()
    started = school.mandate(person.id)
    ended = school.ended(started)
    path = await school.path()
    await school.tell(person, ended, started)
    assert await states(school, path) == {}


async def test_an_end_that_is_heard_before_the_beginning_ends_it_all_the_same(school: School) -> None:
    path = await school.path()
    person = school.person()
    started = school.mandate(person.id)
    today = school.today()
    await school.let_pass(2)
    await school.tell(person, school.ended(started))
    await school.tell(started)
    (enrolment,) = await school.enrolled(path=path["id"])
    assert (enrolment["state"], enrolment["ended_on"]) == ("ended", school.today())
    assert enrolment["opened_on"] >= today
    assert await school.told(enrolment) == [("opened", "active"), ("ended", "ended")]
    again = school.mandate(person.id)
    await school.tell(again)
    assert await states(school, path) == {str(person.id): "active"}


async def test_one_enrolment_with_two_mandates_and_it_ends_with_the_last_of_them(school: School) -> None:
    path = await school.path()
    person, first = await school.appointed("representative")
    second = school.mandate(person, "referent")
    await school.tell(second)
    (enrolment,) = await school.enrolled(path=path["id"])
    await school.tell(school.ended(first))
    assert (await school.enrolled(path=path["id"]))[0]["version"] == enrolment["version"]
    await school.tell(school.ended(second))
    assert await states(school, path) == {str(person): "ended"}
    assert await school.told(enrolment) == [("opened", "active"), ("ended", "ended")]


async def test_both_mandates_of_somebody_in_office_hold_when_the_path_is_published_later(school: School) -> None:
    person, first = await school.appointed("representative")
    second = school.mandate(person, "referent")
    await school.tell(second)
    path = await school.path()
    assert len(await school.enrolled(path=path["id"])) == 1
    await school.tell(school.ended(second))
    assert await states(school, path) == {str(person): "active"}
    await school.tell(school.ended(first))
    assert await states(school, path) == {str(person): "ended"}


async def test_a_mandate_with_another_role_keeps_nobody_on_the_path(school: School) -> None:
    path = await school.path(roles=["referent"])
    person, referent = await school.appointed("referent")
    await school.tell(school.mandate(person, "representative"))
    await school.tell(school.ended(referent))
    assert await states(school, path) == {str(person): "ended"}


async def test_two_mandates_ending_at_once_end_it_once(school: School) -> None:
    path = await school.path()
    person, first = await school.appointed("representative")
    second = school.mandate(person, "referent")
    await school.tell(second)
    await school.tell(school.ended(first), school.ended(second))
    (enrolment,) = await school.enrolled(path=path["id"])
    assert await school.told(enrolment) == [("opened", "active"), ("ended", "ended")]
    assert enrolment["person"]["id"] == str(person)


async def test_a_new_appointment_opens_the_same_enrolment_again_with_what_was_done_and_a_new_day(
    school: School,
) -> None:
    path = await school.path(due_days=10)
    person, mandate = await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    await school.mark(enrolment, path["units"][0], person)
    await school.tell(school.ended(mandate))
    await school.let_pass(20)
    again = school.mandate(person)
    await school.tell(again)
    (reopened,) = await school.enrolled(path=path["id"])
    assert reopened["id"] == enrolment["id"]
    assert (reopened["state"], reopened["mandate_id"], reopened["ended_on"]) == ("active", str(again.id), None)
    assert (reopened["opened_on"], reopened["due"]) == (school.today(), school.today(10))
    assert reopened["progress"]["count"] == 1
    assert [fact for fact, _ in await school.told(enrolment)] == ["opened", "advanced", "ended", "opened"]


@pytest.mark.parametrize("order", ["end first", "start first"])
async def test_a_mandate_renewed_on_the_day_of_its_end_changes_nothing(school: School, order: str) -> None:
    path = await school.path(due_days=10)
    person, mandate = await school.appointed()
    await school.let_pass(5)
    end, start = school.ended(mandate), school.mandate(person)
    for fact in (end, start) if order == "end first" else (start, end):
        await school.tell(fact)
    (enrolment,) = await school.enrolled(path=path["id"])
    assert (enrolment["state"], enrolment["ended_on"]) == ("active", None)
    assert (enrolment["opened_on"], enrolment["due"]) == (school.today(-5), school.today(5))
    await school.tell(school.ended(start))
    assert await states(school, path) == {str(person): "ended"}


async def test_who_comes_back_with_nothing_left_to_do_has_completed_the_path(school: School) -> None:
    path = await school.path()
    person, mandate = await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    await school.mark(enrolment, path["units"][0], person)
    await school.tell(school.ended(mandate))
    path = await school.done("GET", f"/paths/{path['id']}")
    await school.change(path, units=[{"id": path["units"][0]["id"], "title": "Solo questa"}])
    await school.tell(school.mandate(person))
    (enrolment,) = await school.enrolled(path=path["id"])
    assert (enrolment["state"], enrolment["progress"]) == ("completed", {"count": 1, "of": 1, "share": 1.0})
    assert (await school.told(enrolment))[-1] == ("completed", "completed")


async def test_what_is_completed_stays_completed_when_the_mandate_ends_and_another_begins(school: School) -> None:
    path = await school.path()
    person, mandate = await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    for unit in path["units"]:
        enrolment = await school.mark(enrolment, unit, person)
    assert (enrolment["state"], enrolment["progress"]["share"]) == ("completed", 1.0)
    await school.tell(school.ended(mandate))
    await school.tell(school.mandate(person))
    (after,) = await school.enrolled(path=path["id"])
    assert (after["state"], after["version"]) == ("completed", enrolment["version"])
    assert [fact for fact, _ in await school.told(enrolment)] == ["opened", "advanced", "advanced", "completed"]


async def test_a_unit_done_twice_is_done_once(school: School) -> None:
    path = await school.path()
    person, _ = await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    first = await school.mark(enrolment, path["units"][1], person)
    second = await school.mark(enrolment, path["units"][1], person)
    assert second == first
    assert [bool(unit["done_at"]) for unit in second["units"]] == [False, True, False]


async def test_units_done_at_the_same_time_are_all_done_and_the_path_completed_once(school: School) -> None:
    path = await school.path()
    person, _ = await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    await asyncio.gather(*(school.mark(enrolment, unit, person) for unit in path["units"] * 3))
    (after,) = await school.enrolled(path=path["id"])
    assert (after["state"], after["version"]) == ("completed", 4)
    assert [fact for fact, _ in await school.told(enrolment)] == ["opened", "advanced", "advanced", "completed"]


async def test_nobody_learns_on_somebody_elses_behalf(school: School) -> None:
    path = await school.path()
    await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    where = f"/enrolments/{enrolment['id']}/units/{path['units'][0]['id']}/done"
    for other in (school.secretariat, school.running.signed_in(admin=True), school.running.signed_in(uuid7())):
        answer = await school.ask("POST", where, as_=other)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:trama:problem:enrolment-not-own")


async def test_a_unit_of_another_path_or_of_an_ended_enrolment_is_refused_with_the_reason(school: School) -> None:
    path, other = await school.path(), await school.path(title="Altro")
    person, mandate = await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    unknown = await school.mark(enrolment, other["units"][0], person, 404)
    assert unknown["type"] == "urn:trama:problem:unit-unknown"
    await school.tell(school.ended(mandate))
    over = await school.mark(enrolment, path["units"][0], person, 409)
    assert over["type"] == "urn:trama:problem:enrolment-ended"
    assert school.today() in over["detail"]


# --- by invitation, and openly --------------------------------------------------------------------------------------


async def test_the_secretariat_enrols_a_person_of_the_network_and_a_second_time_changes_nothing(school: School) -> None:
    path = await school.path(enrolment="invitation")
    person = school.person()
    await school.tell(person)
    first = await school.enrol(path, person.id)
    second = await school.enrol(path, person.id)
    assert second == first
    assert (first["how"], first["mandate_id"], first["person"]["name"]) == ("invitation", None, "Giulia Serra")
    assert await school.told(first) == [("opened", "active")]


async def test_a_mandate_keeps_who_was_invited_neither_on_nor_off_the_path(school: School) -> None:
    path = await school.path()
    person = school.person()
    await school.tell(person)
    invited = await school.enrol(path, person.id)
    mandate = school.mandate(person.id)
    await school.tell(mandate)
    await school.tell(school.ended(mandate))
    (enrolment,) = await school.enrolled(path=path["id"])
    assert (enrolment["id"], enrolment["state"], enrolment["version"]) == (invited["id"], "active", 1)


async def test_who_is_not_of_the_network_is_not_enrolled_in_it(school: School, learning: Running) -> None:
    path = await school.path(enrolment="invitation")
    elsewhere = school.person(network=uuid7())
    mandated = school.person(network=uuid7())
    await school.tell(elsewhere, mandated, school.mandate(mandated.id, "member"))
    refusal = await school.enrol(path, elsewhere.id, 422)
    assert refusal["errors"][0]["path"] == "/person_id"
    await school.enrol(path, mandated.id)
    unheard = await school.enrol(path, uuid7(), 409)
    assert unheard["type"] == "urn:trama:problem:not-yet-known"


async def test_one_does_not_enrol_oneself_where_it_is_not_open(school: School) -> None:
    person, _ = await school.appointed()
    for way in ("invitation", "rule"):
        path = await school.path(enrolment=way, roles=["referent"] if way == "rule" else [])
        refusal = await school.enrol(path, None, 403, as_=await school.running.holder("representative", school.id))
        assert refusal["type"] == "urn:trama:problem:path-not-open"
    assert await school.enrolled(person=str(person)) == []


async def test_whoever_is_signed_in_enrols_in_an_open_path_without_any_mandate_and_once(school: School) -> None:
    path = await school.path(audience="administrators", enrolment="open", due_days=7)
    administrator = uuid7()
    first, second = await asyncio.gather(school.enrol(path, as_=administrator), school.enrol(path, as_=administrator))
    assert first["id"] == second["id"]
    assert (first["how"], first["due"], first["allowed_actions"]) == ("open", school.today(7), ["done", "withdraw"])
    own = await school.done("GET", "/me/enrolments", as_=administrator)
    assert [item["id"] for item in own["items"]] == [first["id"]]
    assert len(await school.enrolled(path=path["id"])) == 1
    assert await school.told(first) == [("opened", "active")]


async def test_nobody_enrols_somebody_else_in_an_open_path_but_the_secretariat(school: School) -> None:
    path = await school.path(audience="administrators", enrolment="open")
    person = school.person()
    await school.tell(person)
    refusal = await school.enrol(path, person.id, 403, as_=uuid7())
    assert refusal["type"] == "urn:trama:problem:forbidden"
    assert (await school.enrol(path, person.id))["how"] == "invitation"


async def test_a_draft_and_a_withdrawn_path_take_nobody(school: School) -> None:
    path = await school.draft(audience="administrators", enrolment="open")
    person = school.person()
    await school.tell(person)
    assert (await school.enrol(path, as_=uuid7(), expect=404))["type"] == "urn:trama:problem:not-found"
    assert (await school.enrol(path, person.id, 409))["type"] == "urn:trama:problem:path-not-possible-now"
    path = await school.act(await school.act(path, "publish"), "withdraw")
    assert (await school.enrol(path, person.id, 409))["type"] == "urn:trama:problem:path-not-possible-now"


async def test_a_withdrawn_path_enrols_no_new_holder_and_who_is_on_it_may_finish(school: School) -> None:
    path = await school.path()
    person, _ = await school.appointed()
    path = await school.act(path, "withdraw")
    await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    for unit in path["units"]:
        enrolment = await school.mark(enrolment, unit, person)
    assert enrolment["state"] == "completed"
    seen = await school.done("GET", f"/paths/{path['id']}", as_=person)
    assert seen["state"] == "withdrawn"


# --- units that change ----------------------------------------------------------------------------------------------


async def test_units_taken_out_do_not_count_and_new_ones_do(school: School) -> None:
    path = await school.path()
    person, _ = await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    first, second, third = path["units"]
    await school.mark(enrolment, first, person)
    kept = [{"id": first["id"], "title": "Nuovo titolo"}, {"id": third["id"], "title": third["title"]}]
    path = await school.done("GET", f"/paths/{path['id']}")
    path = await school.change(path, units=[*kept, {"title": "Aggiunta"}, {"title": "E un'altra"}])
    (enrolment,) = await school.enrolled(path=path["id"])
    assert enrolment["progress"] == {"count": 1, "of": 4, "share": 0.25}
    await school.mark(enrolment, second, person, 404)
    path = await school.change(path, units=[{"id": first["id"], "title": "Sola"}])
    (enrolment,) = await school.enrolled(path=path["id"])
    assert (enrolment["state"], enrolment["progress"]) == ("completed", {"count": 1, "of": 1, "share": 1.0})
    assert [fact for fact, _ in await school.told(enrolment)] == ["opened", "advanced", "completed"]


async def test_a_unit_added_to_a_completed_path_is_asked_of_nobody_who_completed_it(school: School) -> None:
    path = await school.path(units=[{"title": "Una"}])
    person, _ = await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    await school.mark(enrolment, path["units"][0], person)
    path = await school.done("GET", f"/paths/{path['id']}")
    path = await school.change(path, units=[{"id": path["units"][0]["id"], "title": "Una"}, {"title": "Due"}])
    (enrolment,) = await school.enrolled(path=path["id"])
    assert (enrolment["state"], enrolment["progress"]) == ("completed", {"count": 1, "of": 1, "share": 1.0})
    refusal = await school.mark(enrolment, path["units"][1], person, 409)
    assert refusal["type"] == "urn:trama:problem:enrolment-completed"


# --- reading --------------------------------------------------------------------------------------------------------


async def test_figures_of_each_path_say_undefined_and_not_zero_of_nobody(school: School) -> None:
    empty = await school.path(audience="communities", title="Comunità")
    path = await school.path(due_days=3, units=[{"title": "Una"}])
    people = [await school.appointed() for _ in range(4)]
    by_person = {item["person"]["id"]: item for item in await school.enrolled(path=path["id"])}
    await school.mark(by_person[str(people[0][0])], path["units"][0], people[0][0])
    await school.tell(school.ended(people[1][1]))
    await school.let_pass(3)
    assert (await school.progress(path))["late"] == 0  # the day by which it is due is in time
    await school.let_pass(1)
    figures = await school.progress(path)
    assert {name: figures[name] for name in ("enrolled", "active", "late", "ended")} == {
        "enrolled": 4,
        "active": 2,
        "late": 2,
        "ended": 1,
    }
    assert figures["completed"] == {"count": 1, "of": 4, "share": 0.25}
    assert (await school.progress(empty))["completed"] == {"count": 0, "of": 0, "share": None}
    late = await school.enrolled(path=path["id"], late=True)
    assert {item["person"]["id"] for item in late} == {str(person) for person, _ in people[2:]}
    assert all(item["late"] for item in late)
    in_time = await school.enrolled(path=path["id"], late=False)
    assert len(in_time) == 2


async def test_a_person_reads_their_own_enrolments_and_only_those(school: School) -> None:
    path = await school.path()
    giulia, _ = await school.appointed(given="Giulia")
    marco, _ = await school.appointed(given="Marco")
    own = (await school.done("GET", "/me/enrolments", as_=giulia))["items"]
    assert [item["person"]["id"] for item in own] == [str(giulia)]
    await school.done("GET", f"/enrolments/{own[0]['id']}", as_=giulia)
    await school.done("GET", f"/enrolments/{own[0]['id']}", 403, as_=marco)
    await school.done("GET", f"/networks/{school.slug}/enrolments", 403, as_=giulia)
    coordinator = await school.running.holder("coordinator", school.id, territory="03")
    await school.done("GET", f"/networks/{school.slug}/progress", as_=coordinator)
    await school.done("GET", f"/networks/{school.slug}/enrolments", 403, as_=coordinator)
    assert path["state"] == "published"


async def test_enrolments_are_exported_as_csv(school: School) -> None:
    await school.path(title="=Formula")
    person, _ = await school.appointed(given="Zoe", family="Neri")
    answer = await school.ask("GET", f"/networks/{school.slug}/enrolments", headers={"accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["person.id"], row["person.name"], row["state"]) == (str(person), "Zoe Neri", "active")
    assert (row["path.name"], row["progress.count"], row["progress.of"]) == ("'=Formula", "0", "3")


async def test_pages_of_enrolments_hold_everybody_once(school: School) -> None:
    people = {(await school.appointed())[0] for _ in range(5)}
    path = await school.path()
    seen: list[UUID] = []
    after = None
    while True:
        params = {"limit": 2, "path": path["id"], **({"after": after} if after else {})}
        page = await school.done("GET", f"/networks/{school.slug}/enrolments", params=params)
        seen += [UUID(item["person"]["id"]) for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == sorted(people)


async def test_a_key_enrols_people_with_its_scope_and_is_nobody_itself(school: School) -> None:
    path = await school.path(audience="administrators", enrolment="open")
    person = school.person()
    await school.tell(person)
    key = await api_key(school, "learning:enrol", "learning:read_paths")
    assert (await school.enrol(path, person.id, as_=key))["how"] == "invitation"
    refusal = await school.enrol(path, None, 422, as_=key)
    assert refusal["errors"][0]["path"] == "/person_id"
    weak = await api_key(school, "learning:read_progress")
    await school.enrol(path, person.id, 404, as_=weak)
    await school.done("GET", f"/networks/{school.slug}/paths", 403, as_=weak)
    assert (await school.done("GET", "/me/enrolments", as_=key))["items"] == []


async def test_what_the_erased_left_behind_is_nobodys_and_no_keys(school: School) -> None:
    path = await school.path(audience="administrators", enrolment="open")
    person = school.person()
    await school.tell(person)
    await school.enrol(path, person.id)
    await school.tell(school.erased(person.id))
    assert await states(school, path) == {"erased": "ended"}
    key = await api_key(school, "learning:read_paths")
    assert (await school.done("GET", "/me/enrolments", as_=key))["items"] == []


async def test_a_path_published_while_mandates_begin_misses_nobody(school: School) -> None:
    """Either side may come first, fact by fact: the path's row decides who waits for whom."""
    people = [school.person() for _ in range(30)]
    await school.tell(*people)
    draft = await school.draft()
    mandates = [school.mandate(person.id) for person in people]
    await asyncio.gather(school.running.tell(*mandates[:15]), school.act(draft, "publish"))
    await school.tell(*mandates[15:])
    assert await states(school, draft) == {str(person.id): "active" for person in people}


async def test_what_a_mandate_brings_about_names_the_fact_that_told_it(school: School) -> None:
    await school.path()
    person = school.person()
    await school.tell(person)
    started = [school.mandate(person.id), school.mandate(school.person().id)]
    ids = await school.running.tell(*started)
    await school.running.settled()
    rows = await school.running.sql(
        "select headers from log where type = 'trama.learning.enrolment.opened.v1' and network_id = :id", id=school.id
    )
    assert {row.headers["correlationid"] for row in rows} == {str(id_) for id_ in ids}
    assert {row.headers["causationid"] for row in rows} == {str(id_) for id_ in ids}


# --- erasure --------------------------------------------------------------------------------------------------------


async def test_an_erased_person_leaves_figures_and_no_trace(school: School) -> None:
    path = await school.path(units=[{"title": "Una"}])
    done, mandate = await school.appointed(given="Ines", family="Marchetti")
    open_, _ = await school.appointed(given="Ines", family="Marchetti")
    by_person = {item["person"]["id"]: item for item in await school.enrolled(path=path["id"])}
    await school.mark(by_person[str(done)], path["units"][0], done)
    before = (await school.progress(path))["completed"]
    await school.tell(school.erased(done), school.erased(open_))
    assert (await school.progress(path))["completed"] == before == {"count": 1, "of": 2, "share": 0.5}
    found = await school.enrolled(path=path["id"])
    assert [(item["person"], item["mandate_id"]) for item in found] == [(None, None)] * 2
    assert sorted(item["state"] for item in found) == ["completed", "ended"]
    assert await school.told(by_person[str(open_)]) == [("opened", "active"), ("ended", "ended")]
    for table in ("people", "enrolments", "enrolment_grounds"):
        rows = await school.running.sql(f"select t::text as row from {table} t")
        kept = " ".join(row.row for row in rows)
        assert "Marchetti" not in kept
        assert table == "people" or not any(str(id_) in kept for id_ in (done, open_, mandate.id))
    await school.tell(school.mandate(done), school.ended(mandate))
    assert len(await school.enrolled(path=path["id"])) == 2
    await school.done("GET", f"/enrolments/{by_person[str(done)]['id']}", 403, as_=done)
