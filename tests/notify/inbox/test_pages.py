"""The inbox at a browser: what is unread, each message by itself, and buttons that only its own pages can send."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from services.notify.inbox.pages import linked
from shared.access import tokens
from shared.access.roles import Level
from shared.contracts.registry import PersonRegistered
from tests.notify.inbox.test_inbox import appointed, inbox
from tests.notify.network import Network

pytestmark = pytest.mark.timeout(120)
PAGE = "/notify/v1/inbox/page"


class Browser:
    """Somebody signed in at a browser, or a stranger."""

    def __init__(self, notify: Network, person: PersonRegistered | None, language: str = "it") -> None:
        self.client = notify.running.client
        self.headers = {"accept": "text/html", "accept-language": language}
        if person is not None:
            issuer = notify.running.context.settings.issuer
            held = tokens.sign(notify.running.key, issuer, person.id, level=Level.MAILBOX, audience=tokens.PAGES)
            self.headers["cookie"] = f"trama-session={held}"

    async def get(self, path: str = PAGE, status: int = 200) -> str:
        answer = await self.client.get(path, headers=self.headers)
        assert answer.status_code == status, answer.text
        return answer.text

    async def post(self, path: str, **data: Any) -> httpx.Response:
        (form, *_) = re.findall(r'name="form" value="([^"]+)"', await self.get())
        return await self.client.post(path, data={"form": form, **data}, headers=self.headers)


def unread(page: str) -> int:
    return page.split("<main")[1].count("Da leggere</span>")


async def test_messages_are_listed_opened_and_marked_by_forms(notify: Network) -> None:
    person = await appointed(notify, 3)
    at = Browser(notify, person)
    page = await at.get()
    assert unread(page) == 3
    assert "Da leggere: 3." in page
    assert "<script" not in page
    first, second, third = re.findall(r'href="(/notify/v1/inbox/[0-9a-f-]{36}/page)"', page)
    opened = await at.get(first)
    assert "Alleanza" in opened
    assert "Da leggere: 3." in await at.get(), "opening marks nothing"
    marked = await at.post(first, do="read")
    assert (marked.status_code, marked.headers["location"]) == (303, PAGE)
    only = await at.get(f"{PAGE}?unread=true")
    assert first not in only
    assert second in only
    assert third in only
    assert 'value="unread"' in await at.get(first)
    assert (await at.post(first, do="unread")).status_code == 303
    assert "Da leggere: 3." in await at.get()
    assert (await at.post(PAGE)).status_code == 303
    page = await at.get()
    assert unread(page) == 0
    assert "Hai letto tutto." in page
    assert "Segna tutto come letto" not in page
    assert "There is no message to be read." in await Browser(notify, person, "en").get(f"{PAGE}?unread=true")
    assert all(one["read_at"] for one in await inbox(notify, person))


async def test_nobody_opens_or_marks_anothers_nor_by_a_form_from_elsewhere(notify: Network) -> None:
    person, other = await appointed(notify), await appointed(notify)
    (message,) = await inbox(notify, person)
    page = f"/notify/v1/inbox/{message['id']}/page"
    stranger = Browser(notify, None)
    answer = await stranger.client.get(page, headers=stranger.headers)
    assert (answer.status_code, "/sign-in" in answer.headers["location"]) == (303, True)
    await Browser(notify, other).get(page, 404)
    assert (await Browser(notify, other).post(page, do="read")).status_code == 404
    mine = Browser(notify, person)
    for path, data in ((PAGE, {}), (page, {"do": "read"})):
        forged = await mine.client.post(path, data={"form": "x", **data}, headers=mine.headers)
        assert forged.status_code == 403
    assert (await mine.post(page, do="burn")).status_code == 422
    await mine.get(f"{PAGE}?unread=perhaps", 422)
    assert "read_at" in message
    assert (await inbox(notify, person))[0]["read_at"] is None


async def test_the_list_goes_on_on_further_pages(notify: Network) -> None:
    person = await appointed(notify, 23)
    at = Browser(notify, person)
    page = await at.get(f"{PAGE}?unread=true")
    assert unread(page) == 20
    ((further),) = re.findall(r'href="([^"]*after=[^"]+)"', page)
    rest = await at.get(further.replace("&amp;", "&"))
    assert unread(rest) == 3
    assert "after=" not in rest.split("<main")[1]


def test_addresses_in_a_text_are_followed_and_nothing_else_is() -> None:
    text = (
        'Vedi https://trama.example.org/x?token=a&b=1. O <b> (https://e.org/y), "http://e.org/z".\njavascript:alert(1)'
    )
    said = str(linked(text))
    assert re.findall(r'href="([^"]*)"', said) == [
        "https://trama.example.org/x?token=a&amp;b=1",
        "https://e.org/y",
        "http://e.org/z",
    ]
    assert ">https://trama.example.org/x</a>" in said, "without its token"
    assert "&lt;b&gt;" in said
    assert said.endswith("javascript:alert(1)")
