"""The pages of the door, of codes and of approvals as people have them: on a phone, in a real browser, with what the
service answers; every one of them sound for screen readers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, ViewportSize, async_playwright

from shared.access import tokens
from shared.access.roles import Level
from shared.contracts.registry import Grant
from tests.events.hall import Hall
from tests.events.room import LONG_AGO, Room

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
HOME = "http://trama.test"
PHONE: ViewportSize = {"width": 360, "height": 760}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        await started.close()


@dataclass
class Visitor:
    """Somebody with a phone; what the browser asks for is answered by the service in this process."""

    room: Room
    page: Page
    complaints: list[str] = field(default_factory=list)

    @classmethod
    async def of(cls, browser: Browser, room: Room, *, role: str | None = None, language: str = "it-IT") -> Visitor:
        context = await browser.new_context(locale=language, viewport=PHONE, java_script_enabled=True)
        if role is not None:
            person = room.person("Olga", "Rota")
            await room.tell(person)
            await room.running.grant(person.id, Grant(role=role, network_id=room.id, since=LONG_AGO))
            held = room.running.token(person.id, audience=tokens.PAGES, level=Level.MAILBOX)
            await context.add_cookies([{"name": "trama-session", "value": held, "url": HOME}])
        visitor = cls(room, await context.new_page())
        visitor.page.on("console", lambda m: visitor.complaints.append(m.text) if m.type == "error" else None)
        await visitor.page.route("**/*", visitor.answer)
        return visitor

    async def answer(self, route: Route) -> None:
        asked = route.request
        sent = {k: v for k, v in (await asked.all_headers()).items() if not k.startswith(":") and k != "host"}
        got = await self.room.running.client.request(
            asked.method, asked.url.removeprefix(HOME), headers=sent, content=asked.post_data_buffer
        )
        headers = {k: v for k, v in got.headers.items() if k not in ("content-encoding", "content-length")}
        await route.fulfill(status=got.status_code, headers=headers, body=got.content)

    async def open(self, path: str) -> Page:
        answer = await self.page.goto(HOME + path)
        assert answer is not None
        assert answer.status == 200, await self.page.content()
        return self.page

    async def sound(self, name: str) -> None:
        """It fits a phone, has one heading, its text is large enough, and axe finds nothing."""
        page = self.page
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} px wider than its window"
        assert await page.locator("h1").count() == 1
        assert await page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16
        if os.environ.get("PICTURES"):
            await page.screenshot(path=f"{os.environ['PICTURES']}/{name}.png", full_page=True)
        found = await Axe().run(page, options={"iframes": False})
        assert found.violations_count == 0, found.generate_report()
        assert self.complaints == [], name


@pytest.mark.parametrize("language", ["it-IT", "en-GB"])
async def test_a_code_is_shown_on_a_phone_and_read_on_another(room: Room, browser: Browser, language: str) -> None:
    hall = await Hall.opened(room)
    path = f"/events/v1/check-in/link?token={room.link('check-in', hall.invitation(0))}"
    guest = await Visitor.of(browser, room, language=language)
    page = await guest.open(path)
    drawn = await page.get_by_role("img").bounding_box()
    assert drawn is not None
    assert 250 < drawn["width"] <= 328
    await guest.sound(f"code-{language}")
    staff = await Visitor.of(browser, room, role="secretariat", language=language)
    page = await staff.open(path)
    await staff.sound(f"read-{language}")
    await page.locator("main button").click()
    await page.wait_for_load_state()
    assert "Persona Numero 1" in await page.get_by_role("status").inner_text()
    await staff.sound(f"recorded-{language}")


async def test_the_door_works_by_its_buttons(room: Room, browser: Browser) -> None:
    hall = await Hall.opened(room, holders=4)
    await hall.attend("present", "remote", "excused")
    staff = await Visitor.of(browser, room, role="secretariat")
    page = await staff.open(f"/events/v1{hall.path}/door")
    await staff.sound("door")
    await page.get_by_role("button", name="Presente – Persona Numero 4").click()
    await page.wait_for_load_state()
    assert "Persona Numero 4, presente" in await page.get_by_role("status").inner_text()
    await staff.sound("door-recorded")


async def test_the_minutes_are_read_and_approved_on_a_phone(room: Room, browser: Browser) -> None:
    hall = await Hall.opened(room)
    rule = f"/events/v1/bodies/{hall.committee.id}/minutes-rule"
    sent = {**room.headers, "if-match": '"0"'}
    share = {"numerator": 1, "denominator": 1}
    set_ = await room.running.client.put(rule, json={"approval": "attendees", "share": share}, headers=sent)
    assert set_.status_code == 200
    await hall.attend("present", "excused")
    await hall.decide()
    await hall.close()
    minutes = await hall.act(await hall.drafted("Interviene il Presidente."), "submit")
    (asked,) = await room.items(f"/minutes/{minutes['id']}/approvals")
    visitor = await Visitor.of(browser, room)
    page = await visitor.open(f"/events/v1/minutes/approval/link?token={room.link('approval', asked['id'])}")
    await visitor.sound("approval")
    await page.get_by_label("Va bene così").check()
    await page.locator("main button").click()
    await page.wait_for_load_state()
    assert "La risposta è registrata" in await page.get_by_role("status").inner_text()
    await visitor.sound("approved")
    assert (await room.found(f"/minutes/{minutes['id']}"))["state"] == "approved"
    reader = await Visitor.of(browser, room)
    await reader.page.set_extra_http_headers({**room.headers, "accept": "text/html"})
    await reader.page.goto(f"{HOME}/events/v1/minutes/{minutes['id']}")
    await reader.sound("minutes")
    assert minutes["id"] in str(await reader.page.get_by_role("link", name="Scarica il PDF").get_attribute("href"))
