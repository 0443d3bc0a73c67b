"""Quizzes over HTTP: written by the secretariat, taken by those who learn, through the API and on a page."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.learning.enrolments.test_pages import Outline, page
from tests.learning.school import School

pytestmark = pytest.mark.timeout(180)
QUESTIONS: list[dict[str, Any]] = [
    {
        "kind": "single",
        "text": "Chi?",
        "options": [{"text": "Uno", "right": True}, {"text": "Due"}],
        "feedback": "Già.",
    },
    {
        "kind": "multiple",
        "text": "Quali?",
        "points": 2,
        "options": [{"text": "A", "right": True}, {"text": "B", "right": True}, {"text": "C"}],
    },
    {"kind": "numeric", "text": "Quanto?", "value": 12.5, "tolerance": 0.1},
]


async def a_quiz(school: School, **more: Any) -> Any:
    """A published one."""
    body = {"title": "Le Case", "questions": QUESTIONS, "attempts": 2, "feedback": "answers", **more}
    draft = await school.done("POST", f"/networks/{school.slug}/quizzes", 201, json=body)
    return await school.done("POST", f"/quizzes/{draft['id']}/publish", version=draft["version"])


async def taken(school: School, quiz: Any, **more: Any) -> tuple[Any, Any, str]:
    """(person, enrolment, address of the quiz's unit) of somebody whose path asks the quiz and a text."""
    units = [{"title": "Prova", "kind": "quiz", "quiz_id": quiz["id"]}, {"title": "Testo"}]
    path = await school.path(units=units, **more)
    person, _ = await school.appointed()
    (enrolment,) = await school.enrolled(path=path["id"])
    return person, enrolment, f"/enrolments/{enrolment['id']}/units/{path['units'][0]['id']}"


def answers(quiz: Any, *, right: int) -> dict[str, Any]:
    """To every question, the first `right` of them as they should be."""
    found = []
    for place, question in enumerate(quiz["questions"]):
        if question["kind"] == "numeric":
            found.append({"question_id": question["id"], "number": 12.55 if place < right else 11})
        else:
            good = [o["id"] for o in question["options"] if o["right"]]
            bad = [o["id"] for o in question["options"] if not o["right"]]
            found.append({"question_id": question["id"], "options": good if place < right else bad})
    return {"answers": found}


async def tries(school: School, unit: str, person: Any, quiz: Any, right: int) -> Any:
    begun = await school.done("POST", f"{unit}/attempts", as_=person)
    return await school.done(
        "POST", f"/attempts/{begun['attempts'][0]['id']}/submit", as_=person, json=answers(quiz, right=right)
    )


async def test_a_quiz_is_tried_as_often_as_it_allows_and_passing_it_does_the_unit(school: School) -> None:
    quiz = await a_quiz(school)
    person, enrolment, unit = await taken(school, quiz)
    assert (await school.done("POST", f"{unit}/done", 409, as_=person))["type"].endswith("unit-not-by-hand")
    begun = await school.done("POST", f"{unit}/attempts", as_=person)
    again = await school.done("POST", f"{unit}/attempts", as_=person)
    assert (begun["used"], begun["left"], again) == (1, 1, begun)
    asked = begun["attempts"][0]["questions"]
    assert {question["text"] for question in asked} == {"Chi?", "Quali?", "Quanto?"}
    assert not re.search(r'"right": ?true|tolerance|Già|12\.5', str(begun))
    assert all(question["answer"] is None and question["right"] is None for question in asked)

    address = f"/attempts/{begun['attempts'][0]['id']}"
    incomplete = {"answers": answers(quiz, right=0)["answers"][:1]}
    refused = await school.done("POST", f"{address}/submit", 422, as_=person, json=incomplete)
    assert sorted(error["code"] for error in refused["errors"]) == ["missing", "missing"]
    failed = await school.done("POST", f"{address}/submit", as_=person, json=answers(quiz, right=1))
    assert (failed["points"], failed["of"], failed["percent"], failed["passed"]) == (1, 4, 25.0, False)
    by_text = {question["text"]: question for question in failed["questions"]}
    assert (by_text["Chi?"]["right"], by_text["Chi?"]["feedback"], by_text["Quali?"]["right"]) == (True, "Già.", False)
    assert all(question["answer"] is None for question in failed["questions"])  # one more attempt is left
    twice = await school.done("POST", f"{address}/submit", 409, as_=person, json=answers(quiz, right=3))
    assert twice["type"].endswith("quiz-submitted")

    early = await school.done("POST", f"{unit}/attempts/grant", 409)
    assert early["type"].endswith("quiz-still-left")
    last = await tries(school, unit, person, quiz, 2)
    assert (last["percent"], last["passed"]) == (75.0, True)
    assert all(question["answer"] is not None for question in last["questions"])
    assert (await school.done("POST", f"{unit}/attempts", 409, as_=person))["type"].endswith("quiz-passed")
    shown = await school.done("GET", f"/enrolments/{enrolment['id']}", as_=person)
    assert (shown["progress"]["count"], shown["state"]) == (1, "active")
    assert [fact for fact, _ in await school.told(enrolment)] == ["opened", "advanced"]


async def test_when_none_is_left_the_secretariat_grants_one_more_and_sees_no_answers(school: School) -> None:
    quiz = await a_quiz(school, attempts=1)
    person, _, unit = await taken(school, quiz)
    other, _ = await school.appointed()
    one = await tries(school, unit, person, quiz, 0)
    assert (await school.done("POST", f"{unit}/attempts", 409, as_=person))["type"].endswith("quiz-none-left")
    for stranger, status in ((other, 403), (person, 403)):
        await school.done("POST", f"{unit}/attempts/grant", status, as_=stranger)
    assert (await school.ask("GET", f"/attempts/{one['id']}", other)).status_code in (403, 404)
    assert (await school.ask("GET", f"{unit}/attempts", other)).status_code == 403
    seen = await school.done("GET", f"{unit}/attempts")
    assert (seen["attempts"][0]["questions"], seen["allowed_actions"]) == (None, ["grant_attempt"])
    granted = await school.done("POST", f"{unit}/attempts/grant")
    assert (granted["allowed"], granted["left"]) == (2, 1)
    assert (await tries(school, unit, person, quiz, 3))["passed"] is True
    (row,) = await school.running.sql(
        "select granted_by is not null as by from quiz_grants where quiz_id = :id", id=quiz["id"]
    )
    assert row.by


async def test_the_right_answers_wait_until_the_last_attempt_is_handed_in(school: School) -> None:
    quiz = await a_quiz(school)
    person, enrolment, unit = await taken(school, quiz)
    one = await tries(school, unit, person, quiz, 0)
    link = school.link(enrolment).replace("/link?", "/link/quiz?") + f"&unit={unit.rsplit('/', 1)[1]}"
    for begun in (False, True):
        if begun:
            await school.done("POST", f"{unit}/attempts", as_=person)
        seen = await school.done("GET", f"/attempts/{one['id']}", as_=person)
        assert [question["answer"] for question in seen["questions"]] == [None] * 3
        assert "La risposta giusta" not in (await school.running.client.get(link)).text
    await tries(school, unit, person, quiz, 1)
    seen = await school.done("GET", f"/attempts/{one['id']}", as_=person)
    assert all(question["answer"] for question in seen["questions"])
    assert "La risposta giusta" in (await school.running.client.get(link)).text


async def test_a_quiz_that_was_passed_is_not_asked_again_by_another_unit(school: School) -> None:
    quiz = await a_quiz(school)
    person, enrolment, unit = await taken(school, quiz)
    failed, _ = await school.appointed()
    (other,) = await school.enrolled(person=str(failed))
    await tries(school, unit, person, quiz, 3)
    await tries(school, unit.replace(enrolment["id"], other["id"]), failed, quiz, 0)
    path = await school.done("GET", f"/paths/{enrolment['path']['id']}")
    path = await school.change(path, units=[{"title": "Altra prova", "kind": "quiz", "quiz_id": quiz["id"]}])
    assert [fact for fact, _ in await school.told(enrolment)] == ["opened", "advanced", "completed"]
    assert (await school.done("GET", f"/enrolments/{other['id']}"))["progress"]["count"] == 0
    moved = f"/enrolments/{other['id']}/units/{path['units'][0]['id']}"
    assert (await tries(school, moved, failed, quiz, 3))["passed"] is True


async def test_of_two_windows_one_begins_the_last_attempt(school: School) -> None:
    quiz = await a_quiz(school, attempts=1)
    person, _, unit = await taken(school, quiz)
    begun = await asyncio.gather(*(school.done("POST", f"{unit}/attempts", as_=person) for _ in range(3)))
    assert len({taking["attempts"][0]["id"] for taking in begun}) == 1
    one = begun[0]["attempts"][0]["id"]
    sent = [school.ask("POST", f"/attempts/{one}/submit", person, json=answers(quiz, right=n)) for n in (0, 3)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*sent)) == [200, 409]


async def test_a_quiz_that_changes_leaves_what_was_begun_as_it_was(school: School) -> None:
    quiz = await a_quiz(school)
    person, _, unit = await taken(school, quiz)
    begun = await school.done("POST", f"{unit}/attempts", as_=person)
    changed = [{**QUESTIONS[0], "options": [{"text": "Uno"}, {"text": "Tre", "right": True}]}]
    new = await school.done("PATCH", f"/quizzes/{quiz['id']}", version=quiz["version"], json={"questions": changed})
    assert new["edition"] == 2
    one = begun["attempts"][0]["id"]
    passed = await school.done("POST", f"/attempts/{one}/submit", as_=person, json=answers(quiz, right=3))
    assert (passed["passed"], len(passed["questions"])) == (True, 3)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"questions": [{"kind": "single", "text": "?", "options": [{"text": "A"}]}]}, "/questions/0/options"),
        ({"questions": [{"kind": "numeric", "text": "?", "value": "1e400"}]}, "/questions/0/value"),
        ({"questions": [{"kind": "numeric", "text": "a\x00", "value": 1}]}, "/questions/0/text"),
        ({"pass_percent": 0}, "/pass_percent"),
        ({"attempts": 0}, "/attempts"),
        ({"intro": "a\x00"}, "/intro"),
        ({"colour": 1}, "/colour"),
    ],
)
async def test_a_quiz_that_cannot_be_is_refused_with_its_field(school: School, body: Any, path: str) -> None:
    body = {"title": "Quiz", **body}
    refused = await school.done("POST", f"/networks/{school.slug}/quizzes", 422, json=body)
    assert refused["errors"][0]["path"].startswith(path)


async def test_a_unit_asks_only_a_quiz_that_its_network_has_published(school: School) -> None:
    draft = await school.done("POST", f"/networks/{school.slug}/quizzes", 201, json={"title": "Bozza"})
    elsewhere = await a_quiz(await School(school.running).founded())
    for quiz in (draft, elsewhere):
        refused = await school.draft(422, units=[{"title": "Prova", "kind": "quiz", "quiz_id": quiz["id"]}])
        assert refused["errors"][0]["path"] == "/units/0/quiz_id"
    empty = await school.done("POST", f"/quizzes/{draft['id']}/publish", 422, version=draft["version"])
    assert empty["errors"][0]["path"] == "/questions"


async def test_figures_are_of_five_people_or_more_and_stay_when_one_is_erased(school: School) -> None:
    quiz = await a_quiz(school, attempts=None)
    first, _, unit = await taken(school, quiz)
    address = f"/quizzes/{quiz['id']}/statistics"
    people = [(first, unit)]
    for _ in range(9):
        person, _ = await school.appointed()
        (mine,) = await school.enrolled(person=str(person))
        people.append((person, f"/enrolments/{mine['id']}/units/{unit.rsplit('/', 1)[1]}"))
    for place, (person, where) in enumerate(people[:4]):
        await tries(school, where, person, quiz, 3 if place else 1)
    hidden = await school.done("GET", address)
    assert [(q["n"], q["right"]) for q in hidden["questions"]] == [(None, None)] * 3
    assert hidden["passed"] is None
    await tries(school, people[4][1], people[4][0], quiz, 2)
    await tries(school, people[0][1], first, quiz, 3)  # a second attempt is no first one
    await school.tell(school.erased(first))
    shown = await school.done("GET", address)
    assert [(q["n"], q["right"]) for q in shown["questions"]] == [(5, 1.0), (5, 0.8), (5, 0.6)]
    assert shown["passed"] == {"count": 5, "of": 5, "share": 1.0}
    for person, where in people[5:9]:  # of the sixth alone the difference would tell the answers
        await tries(school, where, person, quiz, 0)
        assert (await school.done("GET", address))["questions"] == shown["questions"]
    await tries(school, people[9][1], people[9][0], quiz, 3)
    more = await school.done("GET", address)
    assert [(q["n"], q["right"]) for q in more["questions"]] == [(10, 0.6), (10, 0.5), (10, 0.4)]
    rows = await school.running.sql(
        "select count(*) as n from quiz_attempts where quiz_id = :id and (answers is null or person_id is null)",
        id=quiz["id"],
    )
    assert rows[0].n == 2  # both of the erased, and nobody else's
    assert (await school.ask("GET", address, first)).status_code == 404


async def test_the_quiz_is_taken_on_the_page_of_the_link_without_a_script(school: School) -> None:
    quiz = await a_quiz(school)
    _, enrolment, unit = await taken(school, quiz)
    unit_id = unit.rsplit("/", 1)[1]
    learn = school.link(enrolment)
    _, outline = await page(school, "GET", learn)
    token = learn.split("token=")[1]
    assert f"link/quiz?token={token}&unit={unit_id}" in outline.all("a", "href")
    assert len(outline.all("button", "aria-describedby")) == 1  # the text's, and none of the quiz
    link = f"/learning/v1/enrolments/link/quiz?{urlencode({'token': token, 'unit': unit_id})}"
    answer, outline = await page(school, "GET", link)
    assert (answer.status_code, outline.all("fieldset", "id")) == (200, [])
    assert "Tentativi rimasti: 2 di 2." in outline.text
    answer, outline = await page(school, "POST", link)
    assert len(outline.all("fieldset", "id")) == len(outline.all("legend", "class")) == 3
    (attempt,) = [
        v for n, v in zip(outline.all("input", "name"), outline.all("input", "value"), strict=True) if n == "attempt"
    ]
    single, several, number = quiz["questions"]
    right = {
        "attempt": attempt,
        f"choice-{single['id']}": single["options"][0]["id"],
        f"choice-{several['id']}": [several["options"][0]["id"], several["options"][1]["id"]],
        f"number-{number['id']}": "12,45",
    }
    wrong = {**right, f"number-{number['id']}": "dodici <b>"}
    del wrong[f"choice-{single['id']}"]
    answer, outline = await page(school, "POST", link, data=wrong)
    assert answer.status_code == 422
    assert "Mancano delle risposte" in outline.text
    assert {f"#choice-{single['id']}", f"#number-{number['id']}"} <= set(outline.all("a", "href"))
    assert "dodici <b>" in outline.all("input", "value")
    assert len(re.findall(r"checked", answer.text)) == 2
    answer, outline = await page(school, "POST", link, data=right)
    assert "Superato: 100 % (4 punti su 4)." in outline.text
    assert "✓ Giusta" in outline.text
    answer, outline = await page(school, "GET", link, headers={"accept-language": "en"})
    assert "Passed: 100 % (4 of 4 points)." in outline.text
    (after,) = await school.enrolled(path=enrolment["path"]["id"])
    assert after["progress"]["count"] == 1


@pytest.mark.parametrize("form", [{"attempt": "x"}, {"attempt": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5"}])
async def test_a_form_that_the_page_does_not_have_is_refused(school: School, form: dict[str, str]) -> None:
    quiz = await a_quiz(school)
    _, enrolment, unit = await taken(school, quiz)
    token = school.link(enrolment).split("token=")[1]
    link = f"/learning/v1/enrolments/link/quiz?{urlencode({'token': token, 'unit': unit.rsplit('/', 1)[1]})}"
    answer, outline = await page(school, "POST", link, data=form)
    assert answer.status_code in (404, 422)
    assert isinstance(outline, Outline)
