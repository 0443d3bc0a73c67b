"""Assessments over HTTP: asked, answered in every way, closed by the calendar, measured, and forgotten."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import httpx
import pytest
from uuid_utils.compat import uuid7

from services.learning.assessments.commands import PartBody, audience_of
from shared.access import links
from shared.contracts.registry import BodyConstituted, MandateStarted, PersonMerged
from tests.harness import Running
from tests.learning.school import School

pytestmark = pytest.mark.timeout(120)
BROWSER = {"accept": "text/html"}
COMPETENCES = [
    {
        "code": "rete",
        "title": "Fare rete",
        "items": [
            {"text": "So chi fa che cosa.", "steps": 5, "lowest": "per niente", "highest": "molto"},
            {
                "text": "Chi convoca l'assemblea?",
                "kind": "choice",
                "options": [{"text": "Il presidente", "points": 2}, {"text": "Nessuno", "points": 0}],
            },
        ],
    },
    {"code": "fondi", "title": "Trovare fondi", "items": [{"text": "So leggere un bando.", "steps": 3}]},
]


class Survey(School):
    """A network that is assessed: communities of practice with people in them."""

    async def community(self, title: str, size: int, territory: str | None = None) -> tuple[UUID, list[UUID]]:
        body, people = uuid7(), [self.person(f"Nome{n}", title) for n in range(size)]
        constituted = BodyConstituted(
            id=body, version=1, network_id=self.id, title=title, kind="community", state="constituted",
            composition="open", territory=territory,
        )  # fmt: skip
        mandates = [self.member(person.id, body) for person in people]
        await self.tell(constituted, *people, *mandates)
        self.mandates = {**getattr(self, "mandates", {}), **{one.person_id: one for one in mandates}}
        return body, [person.id for person in people]

    def member(self, person: UUID, body: UUID) -> MandateStarted:
        id_ = uuid7()
        return MandateStarted(
            id=id_,
            version=self.next(id_),
            network_id=self.id,
            person_id=person,
            role="member",
            body_id=body,
            since=self.running.context.clock.today(),
            state="in_office",
        )

    async def assessment(self, *bodies: UUID, **more: Any) -> Any:
        body = {
            "title": "Che cosa sappiamo fare",
            "competences": COMPETENCES,
            "audience": [{"bodies": [str(one) for one in bodies]}],
            **more,
        }
        return await self.done("POST", f"/networks/{self.slug}/assessments", 201, json=body)

    async def do(self, one: Any, action: str, expect: int = 200, **body: Any) -> Any:
        now = await self.done("GET", f"/assessments/{one['id']}")
        more = {"json": body} if body else {}
        return await self.done("POST", f"/assessments/{one['id']}/{action}", expect, version=now["version"], **more)

    async def open(self, one: Any, days: int = 10) -> Any:
        return await self.do(one, "open", closes_on=self.today(days))

    async def asked(self, one: Any, **filters: Any) -> list[Any]:
        page = await self.done("GET", f"/assessments/{one['id']}/requests", params={"limit": 200, **filters})
        found: list[Any] = page["items"]
        return found

    async def answer(self, one: Any, phase: str, answers: dict[UUID, tuple[int, int, int]]) -> None:
        requests = {row["person"]["id"]: row["id"] for row in await self.asked(one, phase=phase)}
        for person, given in answers.items():
            await self.done(
                "POST",
                f"/assessment-requests/{requests[str(person)]}/answers",
                as_=person,
                json={"answers": self.given(one, given)},
            )

    def given(self, one: Any, values: tuple[int, ...]) -> dict[str, int]:
        return dict(zip(self.items(one), values, strict=True))

    def items(self, one: Any) -> list[str]:
        return [item["id"] for competence in one["competences"] for item in competence["items"]]

    async def results(self, one: Any, **filters: Any) -> list[Any]:
        page = await self.done("GET", f"/assessments/{one['id']}/results", params=filters)
        found: list[Any] = page["items"]
        return found

    def link_to(self, request: Any, purpose: str = "assessment") -> str:
        expires = datetime.now(UTC) + timedelta(days=30)
        token = links.mint(self.running.link_key, "learning", purpose, UUID(request["id"]), expires)
        return f"/learning/v1/assessments/link?token={token}"

    async def page(self, method: str, url: str, status: int = 200, **more: Any) -> httpx.Response:
        answer = await self.running.client.request(method, url, headers=BROWSER, **more)
        assert answer.status_code == status, answer.text
        return answer


@pytest.fixture
async def survey(learning: Running) -> Survey:
    made = Survey(learning)
    await made.founded()
    return made


async def test_the_gap_closed_is_measured_per_community_region_and_cohort_and_told_once(survey: Survey) -> None:
    lecco, of_lecco = await survey.community("Lecco", 6, "E507")
    torino, of_torino = await survey.community("Torino", 7, "L219")
    asti, of_asti = await survey.community("Asti", 3, "A479")
    one = await survey.assessment(
        lecco,
        torino,
        asti,
        audience=[
            {"cohort": "Lombardi", "bodies": [str(lecco)]},
            {"cohort": "Piemontesi", "bodies": [str(torino), str(asti)]},
        ],
    )
    one = await survey.open(one)
    everybody = [*of_lecco, *of_torino, *of_asti]
    assert (one["state"], one["before"]) == ("before", {"count": 0, "of": 16, "share": 0.0})
    await survey.answer(one, "before", dict.fromkeys(everybody, (2, 2, 1)))
    assert (await survey.done("GET", f"/assessments/{one['id']}"))["before"]["count"] == 16
    assert await survey.results(one) == []
    await survey.do(one, "close")
    await survey.open(one)
    last = of_lecco[-1]
    await survey.answer(one, "after", dict.fromkeys([who for who in everybody if who != last], (4, 1, 3)))
    await survey.do(one, "close")
    found = {(row["competence"], row["of"], row["name"]): row for row in await survey.results(one)}
    # before: a quarter of the scale and no point; after: three quarters and every point
    total = found["rete", "all", None]
    assert (total["n"], total["before"], total["after"], total["gain"]) == (15, 12.5, 87.5, 0.8571)
    assert (total["missing_before"], total["missing_after"]) == (87.5, 12.5)
    assert found["rete", "body", "Lecco"]["n"] == 5
    assert found["fondi", "all", None]["gain"] == 1.0
    # Asti's three would be what Piedmont has beside Turin, and what is left of everybody without Lecco and Turin
    assert found["rete", "body", "Asti"]["shown"] is False
    shown = {key for key, row in found.items() if row["shown"] and key[0] == "rete"}
    assert ("rete", "body", "Torino") not in shown
    assert ("rete", "region", "Piemonte") in shown
    assert all(row["n"] is None and row["before"] is None for row in found.values() if not row["shown"])
    told = [
        body for type_, body in await survey.running.published("learning.gap.>") if body["assessment_id"] == one["id"]
    ]
    assert len(told) == sum(row["shown"] for row in found.values())
    assert {body["version"] for body in told} == {1}
    (of_lecco_told,) = [body for body in told if body["body_id"] == str(lecco) and body["competence"] == "Fare rete"]
    assert (of_lecco_told["n"], of_lecco_told["gain"], of_lecco_told["cohort"]) == (5, 0.8571, None)
    by_csv = await survey.ask("GET", f"/assessments/{one['id']}/results", headers={"accept": "text/csv"})
    assert len(list(csv.DictReader(io.StringIO(by_csv.text)))) == len(found)
    chart = await survey.ask("GET", f"/assessments/{one['id']}/results/chart.svg")
    assert "Fare rete – Lecco" in chart.text
    again = await survey.ask("POST", f"/assessments/{one['id']}/close", version=99)
    assert again.status_code in (409, 412)


async def test_a_phase_closes_by_itself_after_its_last_day_and_takes_back_what_nobody_answered(survey: Survey) -> None:
    body, people = await survey.community("Como", 2)
    one = await survey.open(await survey.assessment(body), days=2)
    await survey.answer(one, "before", {people[0]: (1, 1, 1)})
    late = next(row for row in await survey.asked(one) if row["person"]["id"] == str(people[1]))
    moved = await survey.done(
        "PATCH", f"/assessments/{one['id']}", version=one["version"], json={"closes_on": survey.today(4)}
    )
    assert moved["closes_on"] == survey.today(4)
    await survey.let_pass(4)
    assert (await survey.done("GET", f"/assessments/{one['id']}"))["state"] == "before"
    await survey.let_pass(1)
    after = await survey.done("GET", f"/assessments/{one['id']}")
    assert (after["state"], after["closes_on"]) == ("between", None)
    facts = [(fact, state) for fact, state in await survey.told({"id": late["id"]})]
    assert facts == [("asked", "asked"), ("changed", "asked"), ("withdrawn", "withdrawn")]
    refused = await survey.ask(
        "POST",
        f"/assessment-requests/{late['id']}/answers",
        as_=people[1],
        json={"answers": survey.given(one, (1, 1, 1))},
    )
    assert refused.status_code == 409
    one = await survey.open(one)
    assert [row["person"]["id"] for row in await survey.asked(one, phase="after")] == [str(people[0])]


async def test_whoever_comes_is_asked_and_whoever_leaves_is_asked_no_more(survey: Survey) -> None:
    body, (first, *_) = await survey.community("Varese", 1)
    one = await survey.open(await survey.assessment(body))
    newcomer = survey.person("Nuova", "Arrivata")
    await survey.tell(newcomer, survey.member(newcomer.id, body))
    ended = survey.ended(survey.mandates[first])
    await survey.tell(ended)
    states = {row["person"]["id"]: row["state"] for row in await survey.asked(one)}
    assert states == {str(first): "withdrawn", str(newcomer.id): "asked"}
    await survey.tell(survey.member(first, body))
    states = {row["person"]["id"]: row["state"] for row in await survey.asked(one)}
    assert states[str(first)] == "asked"


async def test_people_of_a_path_are_asked_also_those_who_come_onto_it_later(survey: Survey) -> None:
    path = await survey.path(enrolment="open", audience="administrators")
    first, later = survey.person("Ada", "Prima"), survey.person("Eva", "Poi")
    await survey.tell(first, later)
    await survey.enrol(path, first.id)
    one = await survey.open(await survey.assessment(audience=[{"paths": [path["id"]]}]))
    assert [row["person"]["name"] for row in await survey.asked(one)] == ["Ada Prima"]
    await survey.enrol(path, later.id)
    assert {row["path_id"] for row in await survey.asked(one)} == {path["id"]}
    assert len(await survey.asked(one)) == 2


async def test_answers_are_the_persons_own_and_nobody_elses_to_read(survey: Survey) -> None:
    body, (ada, eva) = await survey.community("Pavia", 2)
    one = await survey.open(await survey.assessment(body))
    request = next(row for row in await survey.asked(one) if row["person"]["id"] == str(ada))
    address = f"/assessment-requests/{request['id']}"
    partial_ = {survey.items(one)[0]: 4}
    draft = await survey.done("PUT", f"{address}/draft", as_=ada, json={"answers": partial_})
    assert draft["competences"][0]["items"][0]["draft"] == 4
    missing = await survey.ask("POST", f"{address}/answers", as_=ada, json={"answers": partial_})
    assert missing.status_code == 422
    assert {error["code"] for error in missing.json()["errors"]} == {"missing"}
    await survey.answer(one, "before", {ada: (5, 1, 3)})
    await survey.answer(one, "before", {ada: (4, 1, 3)})  # changed one's mind: told once
    assert [fact for fact, _ in await survey.told(request)] == ["asked", "answered"]
    mine = await survey.done("GET", address, as_=ada)
    assert [item["answer"] for competence in mine["competences"] for item in competence["items"]] == [4, 1, 3]
    assert "points" not in str(mine)
    (listed,) = (await survey.done("GET", "/me/assessments", as_=ada))["items"]
    assert listed["id"] == request["id"]
    for who in (eva, None):
        answer = await survey.ask("GET", address, as_=who)
        assert answer.status_code == 404
    rows = await survey.asked(one)
    assert "answers" not in rows[0]
    on_paper = await survey.ask("POST", f"{address}/paper", json={"answers": survey.given(one, (1, 1, 1))})
    assert on_paper.status_code == 409


async def test_the_links_page_keeps_what_was_entered_says_what_is_missing_and_takes_the_answers(
    survey: Survey,
) -> None:
    body, _ = await survey.community("Lodi", 1)
    one = await survey.open(await survey.assessment(body, description="<b>Perché</b>"))
    (request,) = await survey.asked(one)
    first, second, third = survey.items(one)
    address = survey.link_to(request)
    opened = await survey.page("GET", address)
    assert "prima di due volte" in opened.text
    assert "&lt;b&gt;" in opened.text
    assert opened.text.count('type="radio"') == 5 + 2 + 3
    assert (await survey.asked(one))[0]["state"] == "asked"
    half = await survey.page("POST", address, 422, data={f"a-{first}": "4", f"a-{second}": "9", "do": "send"})
    assert half.text.count(" checked") == 1
    assert "Manca la risposta: So leggere un bando." in half.text
    saved = await survey.page("POST", address, data={f"a-{first}": "4", "do": "save"})
    assert "puoi chiudere la pagina" in saved.text
    assert (await survey.page("GET", address)).text.count(" checked") == 1
    whole = {f"a-{first}": "4", f"a-{second}": "1", f"a-{third}": "3"}
    sent = await survey.page("POST", address, data={**whole, "do": "send"})
    assert "Le tue risposte sono registrate" in sent.text
    assert sent.text.count(" checked") == 3
    assert [fact for fact, _ in await survey.told(request)] == ["asked", "answered"]
    await survey.page("GET", survey.link_to(request, "learn"), 400)
    await survey.do(one, "withdraw")
    assert "Non si risponde più" in (await survey.page("GET", address)).text
    await survey.page("POST", address, 409, data={**whole, "do": "send"})
    rows = await survey.running.sql(
        "select answers, draft from assessment_requests where assessment_id = :id", id=UUID(one["id"])
    )
    assert [tuple(row) for row in rows] == [(None, None)]


async def test_papers_are_entered_one_by_one_or_from_a_file_whole_or_not_at_all(survey: Survey) -> None:
    body, (ada, *_) = await survey.community("Monza", 3)
    one = await survey.open(await survey.assessment(body))
    template = await survey.ask("GET", f"/assessments/{one['id']}/template")
    rows = list(csv.DictReader(io.StringIO(template.content.decode("utf-8-sig"))))
    assert list(rows[0]) == ["request", "name", "rete 1", "rete 2", "fondi 1"]
    assert len(rows) == 3

    def filled(*values: tuple[str, str, str]) -> bytes:
        lines = [";".join(rows[0])]
        for row, given in zip(rows, values, strict=True):
            lines.append(";".join([row["request"], row["name"], *given]))
        return "\n".join(lines).encode()

    async def send(content: bytes, as_: UUID | None = None) -> httpx.Response:
        return await survey.ask(
            "POST", f"/assessments/{one['id']}/papers", as_=as_, files={"file": ("carta.csv", content)}
        )

    bad = await send(filled(("5", "1", "3"), ("5", "3", "x"), ("", "1", "")))
    assert bad.status_code == 422
    wrong = {(error["path"], error["code"]) for error in bad.json()["errors"]}
    assert wrong == {
        ("/rows/3/rete 2", "range"),
        ("/rows/3/fondi 1", "range"),
        ("/rows/4/rete 1", "missing"),
        ("/rows/4/fondi 1", "missing"),
    }
    assert {row["state"] for row in await survey.asked(one)} == {"asked"}
    assert (await send(b"a;b\n1;2\n")).json()["errors"][0]["code"] == "unreadable"
    assert (await send(filled(("1", "1", "1"), ("", "", ""), ("", "", "")), as_=ada)).status_code == 403
    good = await send(filled(("5", "1", "3"), ("2", "2", "1"), ("", "", "")))
    assert good.status_code == 200, good.text
    states = [(row["state"], row["entered"]) for row in good.json()["items"]]
    assert states == [("answered", True), ("answered", True)]
    await survey.done(
        "POST", f"/assessment-requests/{rows[2]['request']}/paper", json={"answers": survey.given(one, (1, 1, 1))}
    )
    assert {(row["state"], row["entered"]) for row in await survey.asked(one)} == {("answered", True)}
    assert [fact for fact, _ in await survey.told({"id": rows[0]["request"]})] == ["asked", "answered"]
    await survey.answer(one, "before", {UUID((await survey.asked(one))[0]["person"]["id"]): (3, 1, 2)})
    refused = await send(filled(("5", "1", "3"), ("2", "2", "1"), ("1", "1", "1")))
    assert [error["code"] for error in refused.json()["errors"]] == ["answered"]


async def test_of_somebody_erased_the_answers_go_and_the_figures_stay(survey: Survey) -> None:
    body, people = await survey.community("Brescia", 6)
    one = await survey.open(await survey.assessment(body, audience=[{"people": [str(who) for who in people]}]))
    await survey.answer(one, "before", dict.fromkeys(people, (1, 2, 1)))
    await survey.do(one, "close")
    await survey.open(one)
    await survey.answer(one, "after", dict.fromkeys(people[:5], (5, 1, 3)))
    (open_,) = [row for row in await survey.asked(one, phase="after") if row["state"] == "asked"]
    await survey.tell(survey.erased(people[5]))
    assert [fact for fact, _ in await survey.told(open_)] == ["asked", "withdrawn"]
    await survey.do(one, "close")
    before = await survey.results(one)
    assert {row["n"] for row in before} == {5}
    request = (await survey.asked(one, phase="before"))[0]
    await survey.tell(survey.erased(people[0]))
    assert await survey.results(one) == before
    rows = await survey.running.sql(
        "select person_id, answers from assessment_requests where assessment_id = :id and person_id is null",
        id=UUID(one["id"]),
    )
    assert len(rows) == 4
    assert {row.answers for row in rows} == {None}
    now = await survey.done("GET", f"/assessments/{one['id']}")
    assert now["audience"][0]["people"] == [str(who) for who in people[1:5]]
    await survey.page("GET", survey.link_to(request), 404)


async def test_somebody_who_was_entered_twice_is_asked_once_and_keeps_what_they_answered(survey: Survey) -> None:
    body, (ada, twin, other) = await survey.community("Bergamo", 3)
    one = await survey.open(await survey.assessment(body))
    await survey.answer(one, "before", {twin: (5, 1, 3)})
    requests = {row["person"]["id"]: row for row in await survey.asked(one)}
    merged = PersonMerged(id=twin, version=survey.next(twin), network_id=survey.id, into_id=ada)
    await survey.tell(merged)
    states = {row["person"]["id"] if row["person"] else None: row for row in await survey.asked(one)}
    assert states[str(ada)]["id"] == requests[str(twin)]["id"]
    assert states[str(ada)]["state"] == "answered"
    assert states[str(other)]["state"] == "asked"
    assert [fact for fact, _ in await survey.told(requests[str(ada)])] == ["asked", "withdrawn"]
    assert [fact for fact, _ in await survey.told(requests[str(twin)])] == ["asked", "answered", "changed"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"audience": [{"territories": ["ZZZ"]}]}, "/audience/0/territories"),
        ({"audience": [{"paths": [str(uuid5(UUID(int=0), "x"))]}]}, "/audience/0/paths"),
        ({"audience": [{"people": [str(uuid5(UUID(int=0), "x"))]}]}, "/audience/0/people"),
        ({"audience": [{}]}, "/audience/0"),
        ({"competences": [{"code": "Con Spazi", "title": "x", "items": [{"text": "?"}]}]}, "/competences/0/code"),
        ({"competences": [{"code": "x", "title": "x", "items": [{"text": "?", "steps": 1}]}]}, "/steps"),
        ({"title": "a\x00b"}, "/title"),
    ],
)
async def test_what_does_not_hold_is_refused_and_named(survey: Survey, change: dict[str, Any], path: str) -> None:
    body = {"title": "x", "competences": [], "audience": [], **change}
    answer = await survey.ask("POST", f"/networks/{survey.slug}/assessments", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"].endswith(path)


def test_a_province_is_meant_by_its_sigla_too() -> None:
    (part,) = audience_of([PartBody(territories=("LC", "03", "e507"))])
    assert part.territories == ("097", "03", "E507")


async def test_a_coordinator_reads_figures_and_nobody_elses_name(survey: Survey) -> None:
    body, people = await survey.community("Cremona", 5)
    one = await survey.open(await survey.assessment(body))
    coordinator = await survey.running.holder("coordinator", survey.id)
    listed = await survey.done("GET", f"/networks/{survey.slug}/assessments", as_=coordinator)
    assert listed["items"] == []
    for path in (f"/assessments/{one['id']}/requests", f"/assessments/{one['id']}"):
        assert (await survey.ask("GET", path, as_=coordinator)).status_code == 403
    await survey.answer(one, "before", dict.fromkeys(people, (1, 2, 1)))
    await survey.do(one, "close")
    await survey.open(one)
    await survey.answer(one, "after", dict.fromkeys(people, (1, 2, 1)))
    await survey.do(one, "close")
    page = await survey.done("GET", f"/assessments/{one['id']}/results", as_=coordinator)
    assert {row["gain"] for row in page["items"]} == {0.0}
    assert (await survey.ask("GET", f"/assessments/{one['id']}/results", as_=people[0])).status_code == 403
    request = (await survey.asked(one, phase="after"))[0]
    closed = await survey.page("GET", survey.link_to(request))
    assert "Che cosa è cambiato" in closed.text
    assert "Fare rete – Cremona" in closed.text
