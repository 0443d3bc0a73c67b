"""What learning shows to everybody, through the gateway: practices, news, campaigns, and the news beside the map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.pages.conftest import AS_MOST, Visitor, heading
from tests.system.stack import Stack, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NETWORK = "rete-delle-pratiche"
PRACTICE = {
    "title": "Portierato sociale di quartiere",
    "stage": "tried",
    "themes": ["housing", "community-networks"],
    "territory": "LC",
    "problem": "Nei palazzi gli anziani restano soli.",
    "done": "Un portiere di comunità ascolta, ripara, accompagna.",
    "results": "Dodici famiglie seguite.",
    "contact": "Segreteria del consorzio",
    "trials": [{"place": "E507", "result": "Dodici famiglie in sei mesi."}],
    "evidence": [{"title": "Valutazione", "url": "https://example.org/valutazione"}],
    "visibility": "public",
}
TEXT = "# Chi può\n\nEnti **del territorio**.\n\n- uno\n- due\n\nSi legge [qui](https://example.org/bando)."
PAGES = [
    {
        "slug": "inizio",
        "title": "La Casa della comunità è anche tua",
        "text": TEXT,
        "title_en": "The community house is yours, too",
        "text_en": "## Come in\n\nAsk.",
    },
    {"slug": "dove", "title": "Dove trovarla", "text": "Una in ogni distretto."},
]


@dataclass
class Commons:
    url: str
    practice: str
    item: str
    campaign: str


@pytest.fixture(scope="module")
def commons(platform: Stack) -> Commons:
    """A practice that was reviewed, news, and a campaign: all of it for everybody."""
    author = platform.client(platform.token("admin"))
    author.post("/registry/v1/networks", json={"slug": NETWORK, "name": "Rete delle pratiche"}).raise_for_status()
    secretariat = platform.client(platform.token("secretariat", NETWORK))
    where = f"/learning/v1/networks/{NETWORK}"

    def made(client: httpx.Client, what: str, body: dict[str, Any]) -> Any:
        def asked() -> Any:  # until learning has heard of the network and of whoever writes
            answer = client.post(f"{where}/{what}", json=body)
            return answer.json() if answer.status_code == 201 else None

        return wait_for(what, asked)

    def acted(client: httpx.Client, one: Any, what: str) -> Any:
        headers = {"if-match": f'"{one["version"]}"'}
        answer = client.post(f"{one['href']}/{what}", headers=headers)
        return answer.raise_for_status().json()

    practice = acted(secretariat, acted(author, made(author, "practices", PRACTICE), "submit"), "approve")
    news = {"title": "Aperto il bando", "text": TEXT, "visibility": "public", "territory": "03"}
    item = acted(secretariat, made(secretariat, "news", news), "publish")
    about = {"slug": "casa", "title": "Casa della comunità", "title_en": "Community house", "audience": "communities"}
    campaign = made(secretariat, "campaigns", {**about, "since": "2026-01-01", "pages": PAGES})
    campaign = acted(secretariat, campaign, "publish")
    platform.settled()
    secretariat.close()
    author.close()
    return Commons(platform.url, practice["page"], item["page"], campaign["address"])


@AS_MOST
def test_what_is_for_everybody_reads_on_a_phone_and_at_a_desk_in_both_languages(
    commons: Commons, visitor: Callable[..., Visitor], language: str, width: int
) -> None:
    reader = visitor(language, width=width)
    listed = reader.open(commons.url + "/learning/practices")
    reader.sound(language)
    listed.get_by_role("link", name=str(PRACTICE["title"])).click()
    assert heading(reader.page) == PRACTICE["title"]
    reader.sound(language)
    reader.open(f"{commons.url}/learning/news?network={NETWORK}")
    reader.sound(language)
    reader.open(commons.url + commons.item)
    assert heading(reader.page) == "Aperto il bando"
    reader.sound(language)
    home = reader.open(commons.url + commons.campaign)
    assert heading(home) == PAGES[0]["title" if language == "it" else "title_en"]
    reader.sound(language)
    home.locator("nav a").click()
    assert heading(reader.page) == "Dove trovarla"
    reader.sound("it")  # it was written in Italian alone
    reader.open(f"{commons.url}/campaigns/{NETWORK}")
    reader.sound(language)
    assert reader.context.cookies() == []


@AS_MOST
def test_the_news_are_beside_the_map_also_in_a_frame_and_without_scripts(
    commons: Commons, visitor: Callable[..., Visitor], language: str, width: int
) -> None:
    reader = visitor(language, width=width)
    for path in ("/atlas", "/atlas/embed", "/atlas/embed/03"):
        reader.open(commons.url + path)
        assert reader.page.locator("section[aria-labelledby=news] a").inner_text() == "Aperto il bando"
        reader.sound(language)
    plain = visitor(language, scripts=False).open(commons.url + "/atlas/embed/03")
    assert plain.locator("section[aria-labelledby=news] a").get_attribute("href") == commons.item
    elsewhere = visitor(language, scripts=False).open(commons.url + "/atlas/embed/01")
    assert elsewhere.locator("section[aria-labelledby=news]").count() == 0
