"""The page of a released report, as everybody has it: its figures are those of the JSON, its charts have their tables,
and it reads at a desk, on a phone and without scripts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pypdf
import pytest
from playwright.sync_api import Browser

from deploy.local.scenarios import members
from deploy.local.scenarios.members import held, meeting, minuted
from deploy.local.story import Platform, Story
from tests.pages.conftest import Visitor
from tests.system.stack import Stack, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

KINDS = {"Ponti": "association", "Radici": "association", "Fondo Sud": "community_foundation", "Casale": "cooperative"}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A platform of its own: here days pass."""
    with running(tmp_path_factory.mktemp("report") / "home") as started:
        yield started


@dataclass
class Published:
    url: str
    report: Any
    said: Any


@pytest.fixture(scope="module")
def published(platform: Stack) -> Published:
    """A programme of one meeting of four, its project with one outcome, and its report, released."""
    story = Story(Platform(platform.url, platform.home / "clock.json", platform.environment), tell=lambda _: None)
    network = members.founded(story, "rete-della-relazione", "Rete della relazione")
    secretariat = network.secretariat
    for place, (name, kind) in enumerate(KINDS.items(), 1):
        members.enrolled(network, name, members.tax_code(place), kind, "E507")
    committee = secretariat.created(
        network.path("bodies"),
        {"name": "Comunità di Lecco", "kind": "executive_committee", "composition": "one_per_member",
         "roles": ["referent"]},
    )["id"]  # fmt: skip
    for place, name in enumerate(KINDS):
        network.mandate(f"Persona {'ABCD'[place]}", "referent", name, body_id=committee)
    later = (story.now() + timedelta(days=300)).date().isoformat()
    project = secretariat.created(
        network.path("projects"),
        {"title": "Comunità in rete", "since": story.today(), "last_day": later,
         "lead_id": network.organisations["Ponti"]},
    )  # fmt: skip
    story.settled()
    frame = {"title": "Palestre di capacità", "since": story.today(), "last_day": later, "bodies": [committee]}
    drafted = secretariat.created(network.path("series", "events"), {**frame, "project_id": project["id"]})
    secretariat.acted(f"/events/v1/series/{drafted['id']}/adopt")
    starts = (story.now() + timedelta(days=12)).replace(hour=16, minute=0, second=0, microsecond=0)
    ends = (starts + timedelta(hours=2)).isoformat()
    called = meeting(network, "Primo incontro", committee, starts.isoformat(), ends, series_id=drafted["id"])
    story.until(starts + timedelta(minutes=5))
    held(network, called["id"], present=3)
    minuted(network, called["id"])
    outcome = {"kind": "intervention", "title": "Orto di comunità", "on": story.today(), "body_id": committee,
               "evidence": "Verbale di consegna"}  # fmt: skip
    version = secretariat.get(f"/registry/v1/projects/{project['id']}")["version"]
    made = secretariat.send(
        "POST", f"/registry/v1/projects/{project['id']}/outcomes", json=outcome, headers={"if-match": f'"{version}"'}
    )
    assert made.status_code == 201, made.text
    story.settled()
    report = secretariat.created(f"/events/v1/series/{drafted['id']}/reports", {})
    report = secretariat.acted(f"/events/v1/reports/{report['id']}/release")
    said = httpx.get(f"{platform.url}{report['public_href']}.json").raise_for_status().json()
    return Published(f"{platform.url}{report['public_href']}", report, said)


@pytest.mark.parametrize(("width", "scripts"), [(1200, True), (360, True), (360, False)])
def test_everybody_reads_the_report_without_signing_in(
    browser: Browser, published: Published, width: int, scripts: bool
) -> None:
    person = Visitor.of(browser, "it-IT", scripts=scripts, width=width)
    page = person.open(published.url)
    if scripts:  # which axe needs, and the page does not
        person.sound("it")
    assert page.locator("h1").inner_text() == "Relazione finale: Palestre di capacità"
    chapters = published.said["chapters"]
    assert page.locator("main h2").count() == len(chapters) + 2  # the files, and the contents
    table = page.get_by_role("table", name="Composizione per gruppi", exact=True)
    rows = [row.inner_text().split() for row in table.locator("tbody tr").all()]
    for row, group in zip(rows, chapters["composition"]["groups"], strict=True):
        figures = [int(word) for word in row if re.fullmatch(r"\d+", word)]
        assert figures == [group["share"]["count"], group["share"]["percent"]]
    assert chapters["composition"]["organisations"] == 4
    assert chapters["participation"]["presences"] == 3
    assert [one["community"]["name"] for one in chapters["interventions"]["items"]] == ["Comunità di Lecco"]
    body = page.locator("main").inner_text()
    for words in ("Riunioni tenute: 1.", "Presenze: 3", "Orto di comunità", "Nessun incrocio è stato chiuso."):
        assert words in body, words
    drawn = page.locator("main svg[role=img]")
    assert drawn.count() > 3
    for place in range(drawn.count()):
        name = drawn.nth(place).get_attribute("aria-label")
        assert name is not None
        assert page.get_by_role("table", name=name, exact=True).count() == 1, (
            f"no table says what the chart “{name}” does"
        )


def test_what_the_page_leads_to_is_the_same_document(browser: Browser, published: Published) -> None:
    page = Visitor.of(browser).open(published.url)
    links = {name: page.get_by_role("link", name=name).get_attribute("href") for name in ("PDF", "JSON")}
    origin = published.url.partition("/events/")[0]
    pdf = httpx.get(f"{origin}{links['PDF']}").raise_for_status().content
    assert httpx.get(f"{origin}{links['JSON']}").json() == published.said
    text = " ".join(one.extract_text() for one in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    assert published.report["document_sha256"] in re.sub(r"\s", "", text)
    assert published.report["document_sha256"] in page.locator("main").inner_text()
    assert published.report["sha256"] in page.locator("main").inner_text()


def test_an_address_without_a_report_says_so_in_the_readers_language(browser: Browser, published: Published) -> None:
    person = Visitor.of(browser, "en-GB", width=360)
    page = person.open(published.url[:-4] + "0000", 404)
    assert page.locator("h1").inner_text() == "Report not found"
    person.sound("en")
