"""The secretariat's first Monday in a real browser: it signs in, imports its members, follows what waits. And the
public atlas, alone and in the frame of a partner's site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from deploy.local.scenarios.members import tax_code
from tests.pages.conftest import AS_MOST, Visitor
from tests.pages.test_pages import LOCALES, mailed
from tests.system.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
_numbers = count(1)
WORDS = {
    "it": {"ask": "Mandami il collegamento", "enter": "Entra", "today": "Che cosa aspetta oggi", "out": "Esci"},
    "en": {"ask": "Send me the link", "enter": "Sign in", "today": "What waits today", "out": "Sign out"},
}


@dataclass
class Office:
    """A network with something of everything that waits, and the address of its secretary."""

    platform: Stack
    slug: str
    email: str
    client: httpx.Client

    @property
    def url(self) -> str:
        return f"{self.platform.url}/desk/{self.slug}"

    def post(self, path: str, body: Any) -> Any:
        made = self.client.post(f"/registry/v1/networks/{self.slug}/{path}", json=body)
        assert made.status_code == 201, made.text
        return made.json()


@pytest.fixture(scope="module")
def office(platform: Stack) -> Iterator[Office]:
    slug = f"scrivania-{next(_numbers)}"
    with platform.client(platform.token("admin")) as admin:
        admin.post("/registry/v1/networks", json={"slug": slug, "name": "Alleanza di prova"}).raise_for_status()
    with platform.client(platform.token("secretariat", slug)) as client:
        made = Office(platform, slug, f"segreteria.{slug}@trama.example", client)
        member = made.post("organisations", {"name": "ACLI", "tax_code": tax_code(7_001), "state": "active"})
        body = {"name": "Comitato", "kind": "executive_committee", "composition": "one_per_member"}
        made.post("bodies", body)
        owed = {"title": "Elenco dei rappresentanti", "kind": "document", "due": "2099-12-31"}
        made.post("commitments", {**owed, "organisation_id": member["id"]})
        made.post("goals", {"title": "Quattro coordinamenti", "last_day": "2099-12-31", "minimum": 4, "full": 6})
        made.post("people", {"given_name": "Olga", "family_name": "Rota", "phone": "0341 123456"})
        platform.settled()
        yield made


def signed_in(browser: Browser, office: Office, language: str = "it", **more: Any) -> Visitor:
    """At the desk, by the form and the mailed link; every page on the way is sound."""
    person, words = Visitor.of(browser, LOCALES[language], **more), WORDS[language]
    page = person.open(office.url)
    assert "/sign-in?next=" in page.url
    if more.get("scripts", True):
        person.sound(language)
    page.get_by_role("textbox").fill(office.email)
    page.get_by_role("button", name=words["ask"]).click()
    office.platform.settled()  # the mail of this time, not of the last
    page.goto(mailed(office.platform, office.email, "/sign-in/link?"))
    link = page.locator("main .text a[href*='/sign-in/link']").first.get_attribute("href")
    assert link is not None
    person.open(link)
    page.get_by_role("button", name=words["enter"]).click()
    assert page.url == office.url, "back where they wanted to go"
    assert page.locator("h1").inner_text() == words["today"]
    return person


@pytest.fixture(scope="module")
def secretary(browser: Browser, office: Office) -> Visitor:
    return signed_in(browser, office)


@pytest.fixture(params=[1200, 360], ids=["desk", "phone"])
def at_desk(request: pytest.FixtureRequest, secretary: Visitor) -> Visitor:
    secretary.page.set_viewport_size({"width": request.param, "height": 760})
    secretary.complaints.clear()
    return secretary


def test_every_page_of_the_desk_is_sound(at_desk: Visitor, office: Office, tmp_path: Path) -> None:
    for path in ("", "/imports", "/commitments", "/commitments?state=all", "/seats", "/goals", "/notices"):
        at_desk.open(office.url + path)
        at_desk.sound("it")
        at_desk.page.screenshot(path=tmp_path / f"{path.strip('/').replace('?', '-') or 'desk'}.png", full_page=True)
        assert at_desk.page.locator("nav a[aria-current=page]").count() == 1
    for path in ("/commitments", "/seats", "/goals"):
        at_desk.open(office.url + path)
        at_desk.page.locator("tbody a").first.click()
        at_desk.sound("it")


def test_the_desk_speaks_english(browser: Browser, office: Office) -> None:
    person = signed_in(browser, office, "en")
    for path in ("", "/imports", "/commitments", "/seats", "/goals", "/notices"):
        person.open(office.url + path)
        person.sound("en")
        shown = person.page.locator("main").inner_text()
        assert not re.search(r"\b(della|degli|impegni|seggi|nessun[ao]?)\b", shown.lower()), path
    person.page.get_by_role("button", name="Sign out").click()
    assert person.page.url.endswith("/sign-in")
    person.open(office.url)
    assert "/sign-in?next=" in person.page.url, "the session is over"


def test_members_are_imported_without_scripts_and_the_import_is_undone(browser: Browser, office: Office) -> None:
    person = signed_in(browser, office, scripts=False)
    page = person.open(f"{office.url}/imports")
    rows = [f"{tax_code(7_100 + number)};Ente {number};Lecco;LC" for number in range(12)]
    rows.append("123;Codice sbagliato;Lecco;LC")
    content = "\n".join(["Elenco dei soci 2026", "", "codice fiscale;denominazione;comune;pr", *rows]).encode("cp1252")
    page.locator("#file").set_input_files({"name": "soci.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Carica e guarda").click()
    waited(page, "aspetta la conferma")
    shown = page.locator("main").inner_text()
    assert "123" in shown, "which row is to be looked at"
    assert [figure.inner_text() for figure in page.locator(".cards .figure").all()] == ["12", "0", "0", "1"]
    page.get_by_role("button", name="Conferma e importa").click()
    waited(page, "fatta")
    assert office.client.get(f"/registry/v1/networks/{office.slug}/organisations?q=Ente").json()["items"]
    page.get_by_role("button", name="Annulla l'importazione").click()
    waited(page, "annullata")
    assert "Annullate 12 righe" in page.locator("main").inner_text()


def waited(page: Page, state: str) -> None:
    """The page opens itself again until it says so."""
    page.locator("main .tag", has_text=state).first.wait_for(timeout=60_000)


def test_columns_are_put_right_by_keyboard(at_desk: Visitor, office: Office, tmp_path: Path) -> None:
    page = at_desk.open(f"{office.url}/imports")
    content = f"Uno;Due;Tre;Quattro\n{tax_code(7_300 + next(_numbers))};Casa Comune;Lecco;LC\n".encode()
    page.locator("#file").set_input_files({"name": "strano.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Carica e guarda").click()
    page.get_by_role("button", name="Ricontrolla con queste colonne").wait_for(timeout=60_000)
    at_desk.sound("it")
    page.screenshot(path=tmp_path / "columns.png", full_page=True)
    for number, field in ((1, "tax_code"), (2, "title"), (3, "municipality"), (4, "province")):
        page.locator(f"#column-{number}").select_option(field)
    page.get_by_role("button", name="Ricontrolla con queste colonne").focus()
    page.keyboard.press("Enter")
    waited(page, "aspetta la conferma")
    at_desk.sound("it")
    assert "Casa Comune" in page.locator("main").inner_text()


def test_a_refused_form_says_why_where_it_is_heard_and_keeps_what_was_typed(secretary: Visitor, office: Office) -> None:
    page = secretary.open(f"{office.url}/seats")
    page.locator("tbody a").first.click()
    page.get_by_label("Nome", exact=True).fill("Anna")
    page.get_by_role("button", name="Designa").click()
    alert = page.get_by_role("alert")
    assert "/family_name" in alert.inner_text()
    assert page.get_by_label("Nome", exact=True).input_value() == "Anna"
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    secretary.complaints.clear()  # the browser itself says that the page was answered with an error
    page.get_by_label("Cognome").fill("Neri")
    page.get_by_label("Posta elettronica").fill("anna.neri@example.org")
    page.get_by_role("button", name="Designa").click()
    assert "Anna Neri" in page.locator("main").inner_text()


@pytest.fixture(scope="module")
def mapped(platform: Stack, office: Office) -> Office:
    for title, municipality in (("Casa di Lecco", "E507"), ("Casa di Crema", "D142"), ("Casa di Bari", "A662")):
        body = {"title": title, "kind": "community_house_hub", "municipality": municipality, "visibility": "public"}
        made = office.client.post(f"/mapping/v1/networks/{office.slug}/places", json=body)
        assert made.status_code == 201, made.text
        url = f"/mapping/v1/places/{made.json()['id']}/validate"
        assert office.client.post(url, headers={"If-Match": made.headers["etag"]}).status_code == 200
    return office


@AS_MOST
def test_the_atlas_is_sound_and_its_map_is_reached_by_keyboard(
    browser: Browser, mapped: Office, tmp_path: Path, language: str, width: int
) -> None:
    person = Visitor.of(browser, LOCALES[language], width=width)
    page = person.open(f"{mapped.platform.url}/atlas?network={mapped.slug}")
    person.sound(language)
    page.screenshot(path=tmp_path / "atlas.png", full_page=True)
    region = page.locator("svg a[aria-label^='Lombardia']")
    assert region.get_attribute("aria-label") == "Lombardia: 2"
    region.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/atlas/03?*")
    person.sound(language)
    assert "Casa di Crema" in page.locator("main").inner_text()
    assert "Casa di Bari" not in page.locator("main").inner_text()


@pytest.fixture
def partner(mapped: Office, browser: Browser) -> Iterator[str]:
    """A site of another origin whose page holds the lines that the atlas gives to paste."""
    atlas = Visitor.of(browser)
    pasted = atlas.open(f"{mapped.platform.url}/atlas?network={mapped.slug}").locator("#pasted").input_value()
    page = f"<!doctype html><html lang=it><title>Partner</title><h1>Il nostro sito</h1>{pasted}".encode()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


def framed(browser: Browser, site: str) -> str | None:
    """What the map in the partner's page says of Lombardia, to a browser that has kept nothing."""
    visitor = Visitor.of(browser)
    visitor.page.goto(site)
    region = visitor.page.frame_locator("iframe").locator("svg a[aria-label^='Lombardia']")
    return region.get_attribute("aria-label")


def test_a_partners_site_shows_the_map_in_a_frame_and_a_change_shows_there(
    browser: Browser, mapped: Office, partner: str
) -> None:
    assert framed(browser, partner) == "Lombardia: 2"
    body = {"title": "Casa di Merate", "kind": "community_house_spoke", "municipality": "F133", "visibility": "public"}
    made = mapped.client.post(f"/mapping/v1/networks/{mapped.slug}/places", json=body)
    url = f"/mapping/v1/places/{made.json()['id']}/validate"
    assert mapped.client.post(url, headers={"If-Match": made.headers["etag"]}).status_code == 200
    assert framed(browser, partner) == "Lombardia: 3"
