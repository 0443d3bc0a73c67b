"""A person at a browser: Debian's chromium, the whole platform behind its gateway. Without chromium the tests fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from deploy.local.story import Story
from tests.system.stack import Stack, running

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
LOCALES = {"it": "it-IT", "en": "en-GB"}
AS_MOST = pytest.mark.parametrize(("language", "width"), [("it", 360), ("en", 1200)], ids=["it-phone", "en-desk"])


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("pages") / "home") as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert Path(CHROMIUM).exists(), f"{CHROMIUM} is missing: apt-get install chromium, or set CHROMIUM"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass
class Visitor:
    """Somebody with a browser of their own; `complaints` is what the browser's console said."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, browser: Browser, language: str = "it-IT", *, scripts: bool = True, width: int = 1200) -> Visitor:
        context = browser.new_context(
            locale=language, java_script_enabled=scripts, viewport={"width": width, "height": 760}
        )
        page = context.new_page()
        visitor = cls(context, page)
        page.on("console", lambda m: visitor.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        return visitor

    def open(self, url: str, status: int = 200) -> Page:
        answer = self.page.goto(url)
        assert answer is not None
        assert answer.status == status, f"{url}: {answer.status}"
        assert "default-src" in answer.headers["content-security-policy"], url
        if status >= 400:  # the browser itself says in its console that a page was answered with an error
            self.complaints = [said for said in self.complaints if str(status) not in said]
        return self.page

    def sound(self, language: str) -> None:
        """What every page of ours keeps to: its language, one heading, fits its window, axe finds nothing."""
        page = self.page
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("h1").count() == 1
        assert page.title().strip()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{page.url} is {wide} px wider than its window"
        small = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        assert small >= 16, f"text of {small} px"
        found = Axe().run(page, options={"iframes": False})
        assert found.violations_count == 0, found.generate_report()
        assert self.complaints == [], page.url


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Opens windows, and closes them."""
    opened: list[Visitor] = []

    def of(language: str = "it", **how: Any) -> Visitor:
        opened.append(Visitor.of(browser, LOCALES[language], **how))
        return opened[-1]

    yield of
    for one in opened:
        one.context.close()


def hours(story: Story, days: int, hour: int) -> str:
    return (story.now() + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0).isoformat()


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def focused(page: Page, selector: str) -> bool:
    """The focus is there, and is seen."""
    there = page.evaluate("selector => document.activeElement.matches(selector)", selector)
    seen = (
        "[...document.querySelectorAll(':focus-visible, label.choice:focus-within')]"
        ".some(one => getComputedStyle(one).outlineStyle !== 'none')"
    )
    return bool(there and page.evaluate(seen))
