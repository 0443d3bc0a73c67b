"""The pages as people have them: with a mouse, with a keyboard, on a phone, without scripts, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.pages.conftest import Visitor
from tests.system.stack import Stack, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NETWORK = "pagine"
GIVEN = {"it": "Giulia", "en": "Grace"}
_numbers = count(1)
WORDS = {
    "it": {"enter": "Entra", "title": "Entra in Trama", "done": "Che cosa aspetta oggi", "used": "è già stato usato"},
    "en": {"enter": "Sign in", "title": "Sign in to Trama", "done": "What waits today", "used": "used already"},
}
LOCALES = {"it": "it-IT", "en": "en-GB"}
WIDTHS = pytest.mark.parametrize("width", [1200, 360], ids=["desk", "phone"])
LANGUAGES = pytest.mark.parametrize("language", ["it", "en"])


@pytest.fixture(scope="module")
def admin(platform: Stack) -> Iterator[httpx.Client]:
    with platform.client(platform.token("admin")) as client:
        client.post("/registry/v1/networks", json={"slug": NETWORK, "name": "Pagine"}).raise_for_status()
        yield client


def secretary(admin: httpx.Client, language: str) -> str:
    """The address of a new secretary: an address gets only so many links in an hour."""
    email = f"{GIVEN[language].lower()}{next(_numbers)}@example.org"
    body = {"given_name": GIVEN[language], "family_name": "Serra", "email": email, "language": language}
    person = admin.post(f"/registry/v1/networks/{NETWORK}/people", json=body).raise_for_status().json()
    mandate = {"person_id": person["id"], "role": "secretariat", "since": "2026-01-01"}
    admin.post(f"/registry/v1/networks/{NETWORK}/mandates", json=mandate).raise_for_status()
    return email


def mailed(platform: Stack, email: str, what: str = "/sign-in/link?") -> str:
    """The address, in the mail sink, of the mail to `email` with `what` in it."""

    def come() -> str | None:
        found = [mail["id"] for mail in platform.mails(email) if what in mail["text"]]
        return f"{platform.url}/mail/messages/{found[0]}" if found else None

    return str(wait_for("the mail", come, 30))


def asked(platform: Stack, admin: httpx.Client, language: str) -> str:
    """A new secretary asks for a link; gives the address of the mail that brought it."""
    email = secretary(admin, language)
    with platform.client() as client:
        assert client.post("/registry/v1/sign-in", json={"email": email}).status_code == 202
    return mailed(platform, email)


def link_in(page: Page) -> str:
    """The link as the text of the mail shows it, clickable in the mail sink."""
    link = page.locator("main .text a[href*='/sign-in/link']").first.get_attribute("href")
    assert link is not None
    return link


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    return tmp_path


@WIDTHS
@LANGUAGES
def test_a_person_signs_in_with_the_mailed_link(
    platform: Stack, admin: httpx.Client, browser: Browser, shots: Path, language: str, width: int
) -> None:
    person, words = Visitor.of(browser, LOCALES[language], width=width), WORDS[language]
    page = person.open(asked(platform, admin, language))
    person.sound(language)
    link = link_in(page)
    person.open(link)
    person.sound(language)
    page.screenshot(path=shots / "link.png")
    assert page.locator("h1").inner_text() == words["title"]
    assert GIVEN[language] in page.locator("main").inner_text()
    page.get_by_role("button", name=words["enter"]).click()
    assert page.locator("h1").inner_text() == words["done"]
    person.sound(language)
    page.screenshot(path=shots / "done.png")
    person.open(link, status=410)
    assert words["used"] in page.locator("h1").inner_text()
    assert re.search("chied|ask", page.locator("main").inner_text().lower()), "says what to do next"
    person.sound(language)


def test_it_works_with_the_keyboard_alone(platform: Stack, admin: httpx.Client, browser: Browser) -> None:
    person = Visitor.of(browser)
    page = person.open(asked(platform, admin, "it"))
    person.open(link_in(page))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip", "first of all the way past the header"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", "the focus is visible"
    page.keyboard.press("Enter")
    page.wait_for_function(f"document.querySelector('h1').innerText === '{WORDS['it']['done']}'")


def test_it_works_without_scripts(platform: Stack, admin: httpx.Client, browser: Browser) -> None:
    person = Visitor.of(browser, scripts=False)
    page = person.open(asked(platform, admin, "it"))
    person.open(link_in(page))
    page.get_by_role("button", name="Entra").click()
    assert page.locator("h1").inner_text() == WORDS["it"]["done"]


@LANGUAGES
def test_a_link_that_is_none_says_what_to_do_next(platform: Stack, browser: Browser, language: str) -> None:
    person = Visitor.of(browser, LOCALES[language])
    page = person.open(f"{platform.url}/registry/v1/sign-in/link?token=nonsense", status=400)
    assert page.get_by_role("button").count() == 0
    assert re.search("chied|ask", page.locator("main").inner_text().lower())
    person.sound(language)


@WIDTHS
@LANGUAGES
def test_the_mails_are_listed_and_found_by_their_recipient(
    platform: Stack, admin: httpx.Client, browser: Browser, shots: Path, language: str, width: int
) -> None:
    email, other = secretary(admin, language), secretary(admin, language)
    mailed(platform, email, "")
    mailed(platform, other, "")
    person = Visitor.of(browser, LOCALES[language], width=width)
    page = person.open(f"{platform.url}/mail/")
    person.sound(language)
    page.get_by_label("Destinatario" if language == "it" else "Recipient").fill(email)
    page.get_by_role("button").click()
    shown = page.locator("tbody").inner_text()
    assert email in shown
    assert other not in shown
    page.screenshot(path=shots / "mails.png")
    person.sound(language)
    person.open(f"{platform.url}/mail/messages/{'0' * 32}", status=404)
    person.sound(language)


@WIDTHS
def test_the_first_page_leads_to_every_service_and_to_the_mails(
    platform: Stack, browser: Browser, shots: Path, width: int
) -> None:
    person = Visitor.of(browser, width=width)
    page = person.open(f"{platform.url}/")
    page.screenshot(path=shots / "first.png")
    person.sound("it")
    links = [link.get_attribute("href") for link in page.locator("a").all()]
    for service in ("registry", "mapping", "events", "learning", "notify"):
        assert f"/{service}/openapi.json" in links
        assert f"/{service}/health/ready" in links
    assert "/mail/" in links
    assert page.locator("[lang=en]").count() >= 1
