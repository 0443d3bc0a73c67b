"""The page behind an enrolment's link, as a browser without JavaScript and as a program has it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from tests.learning.school import School

pytestmark = pytest.mark.timeout(120)
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Outline(HTMLParser):
    """What a test asks of a page: its texts, the values of hidden fields, its links, its images."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += " " + data

    def all(self, tag: str, name: str) -> list[str | None]:
        return [attributes.get(name) for found, attributes in self.tags if found == tag]


async def page(school: School, method: str, url: str, **more: Any) -> tuple[httpx.Response, Outline]:
    headers = {**BROWSER, **more.pop("headers", {})}
    answer = await school.running.client.request(method, url, headers=headers, **more)
    return answer, Outline(answer.text)


async def on_a_path(school: School, **body: Any) -> tuple[Any, Any, Any]:
    path = await school.path(**body)
    _, mandate = await school.appointed(given="Giulia", family="Serra")
    (enrolment,) = await school.enrolled(path=path["id"])
    return path, enrolment, mandate


async def test_opening_the_link_shows_the_units_and_does_nothing(school: School) -> None:
    path, enrolment, _ = await on_a_path(school, due_days=30)
    answer, outline = await page(school, "GET", school.link(enrolment))
    assert answer.status_code == 200
    assert outline.all("html", "lang") == ["it"]
    assert "Questo percorso è per Giulia Serra." in outline.text
    assert "Tappe fatte: 0 di 3." in outline.text
    assert "Da finire entro" in outline.text
    assert [value for value in outline.all("input", "value") if value] == [unit["id"] for unit in path["units"]]
    assert outline.all("a", "href") == ["#content", "https://example.org/dm-77-2022"]
    assert len(outline.all("button", "aria-describedby")) == 3
    (after,) = await school.enrolled(path=path["id"])
    assert after == enrolment


async def test_each_button_does_its_unit_and_the_last_one_completes_the_path(school: School) -> None:
    path, enrolment, _ = await on_a_path(school)
    link = school.link(enrolment)
    for done, unit in enumerate(path["units"], 1):
        answer, outline = await page(school, "POST", link, data={"unit": unit["id"]})
        assert answer.status_code == 200
        assert f"Tappe fatte: {done} di 3." in outline.text
        assert len(outline.all("button", "class")) == 3 - done
    assert "Hai completato il percorso" in outline.text
    (after,) = await school.enrolled(path=path["id"])
    assert after["state"] == "completed"


async def test_a_button_pressed_twice_does_it_once(school: School) -> None:
    path, enrolment, _ = await on_a_path(school)
    for _ in range(2):
        answer, outline = await page(school, "POST", school.link(enrolment), data={"unit": path["units"][0]["id"]})
        assert (answer.status_code, "Tappe fatte: 1 di 3." in outline.text) == (200, True)
    assert [fact for fact, _ in await school.told(enrolment)] == ["opened", "advanced"]


async def test_the_page_is_complete_in_english_and_carries_the_networks_name_and_logo(school: School) -> None:
    other = await School(school.running).founded(logo="/registry/v1/logos/abc")
    _, enrolment, _ = await on_a_path(other)
    answer, outline = await page(other, "GET", other.link(enrolment), headers={"accept-language": "en"})
    assert answer.headers["content-language"] == "en"
    assert "This path is for Giulia Serra." in outline.text
    assert "Steps done: 0 of 3." in outline.text
    assert outline.all("img", "src") == ["/registry/v1/logos/abc"]
    assert " Rete" in outline.text


async def test_what_people_write_is_text_on_the_page_and_nothing_else(school: School) -> None:
    units = [{"title": "<b>Uno</b>", "text": "<script>alert(1)</script>", "url": 'https://example.org/"onclick="x'}]
    _, enrolment, _ = await on_a_path(school, units=units, description="<img src=x>")
    _, outline = await page(school, "GET", school.link(enrolment))
    assert outline.all("script", "src") == []
    assert outline.all("img", "src") == []
    assert outline.all("a", "onclick") == [None, None]
    assert "<b>Uno</b>" in outline.text


async def test_a_program_is_answered_in_json(school: School) -> None:
    path, enrolment, _ = await on_a_path(school)
    unit = path["units"][0]["id"]
    answer = await school.running.client.post(school.link(enrolment), data={"unit": unit})
    assert answer.status_code == 200
    assert answer.json()["progress"]["count"] == 1
    bad = await school.running.client.post(school.link(enrolment), data={"unit": "x"})
    assert (bad.status_code, bad.json()["errors"][0]["path"]) == (422, "/unit")


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"purpose": "vote"}, 400, "Il collegamento non è valido"),
        ({"days": -1}, 410, "Il collegamento è scaduto"),
    ],
)
async def test_another_purposes_link_and_an_expired_one_are_refused_on_a_page(
    school: School, given: dict[str, Any], status: int, said: str
) -> None:
    path, enrolment, _ = await on_a_path(school)
    for method in ("GET", "POST"):
        answer, outline = await page(
            school, method, school.link(enrolment, **given), data={"unit": path["units"][0]["id"]}
        )
        assert answer.status_code == status
        assert said in outline.text
    assert [fact for fact, _ in await school.told(enrolment)] == ["opened"]


async def test_nonsense_in_place_of_a_token_is_a_page_too(school: School) -> None:
    answer, outline = await page(school, "GET", "/learning/v1/enrolments/link?token=nonsense")
    assert (answer.status_code, "Il collegamento non è valido" in outline.text) == (400, True)


async def test_when_the_mandate_is_over_the_units_are_read_and_no_longer_done(school: School) -> None:
    path, enrolment, mandate = await on_a_path(school)
    await school.tell(school.ended(mandate))
    answer, outline = await page(school, "GET", school.link(enrolment))
    assert answer.status_code == 200
    assert "è finito con il tuo incarico" in outline.text
    assert outline.all("button", "class") == []
    answer, outline = await page(school, "POST", school.link(enrolment), data={"unit": path["units"][0]["id"]})
    assert (answer.status_code, "L'iscrizione è finita" in outline.text) == (409, True)


async def test_the_link_of_somebody_who_was_erased_leads_nowhere(school: School) -> None:
    path, enrolment, _ = await on_a_path(school)
    (person,) = await school.running.sql("select person_id from enrolments where id = :id", id=enrolment["id"])
    await school.tell(school.erased(person.person_id))
    for method in ("GET", "POST"):
        answer, _ = await page(school, method, school.link(enrolment), data={"unit": path["units"][0]["id"]})
        assert answer.status_code == 404
