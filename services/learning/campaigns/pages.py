"""The pages of campaigns, for everybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.responses import Response

from services.learning.campaigns import queries, reach
from services.learning.campaigns.routes import address
from services.learning.campaigns.rules import Campaign
from services.learning.campaigns.rules import Page as Written
from services.learning.news.rules import html
from services.learning.practices.pages import place_name
from shared.runtime.browsers import answered
from shared.runtime.edge import Anyone, Edge
from shared.runtime.pages import Pages, day, link

site = APIRouter()
PAGES = Pages(__file__)
# Nobody between keeps a page: whom it reached would not be counted.
KEPT = {"cache-control": "private, no-cache", "vary": "Accept-Language, Accept-Encoding"}
Lang = Annotated[Literal["it", "en"] | None, Query()]
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Campagne",
        "none": "Ora non ce n'è nessuna in corso.",
        "pages": "In questa campagna",
        "other": "Read this page in English",
        "until": "La campagna è in corso fino al {day}.",
        "all": "Tutte le campagne",
        "counted": "Contiamo quanti aprono questa pagina senza cookie e senza conservare l'indirizzo di nessuno.",
    },
    "en": {
        "title": "Campaigns",
        "none": "None is running now.",
        "pages": "In this campaign",
        "other": "Leggi questa pagina in italiano",
        "until": "The campaign runs until {day}.",
        "all": "All campaigns",
        "counted": "We count how many people open this page without cookies and without keeping anybody's address.",
    },
}


@site.get("/campaigns/{network}")
async def campaigns(network: str, at: Anyone, lang: Lang = None) -> Response:
    """Those of a network that are running."""

    async def shown(language: str) -> Response:
        found, room = await at.query(queries.open_ones, network)
        texts = TEXTS[language]
        items = [
            (link(_href(address(room.slug, one), lang), _title(one, language)), place_name(one.territory, language))
            for one in found
        ]
        return PAGES.page(language, texts["title"], "campaigns.html", network=room, texts=texts, items=items)

    return await _answered(at, lang, shown)


@site.get("/campaigns/{network}/{campaign}")
async def home(network: str, campaign: str, at: Anyone, lang: Lang = None) -> Response:
    """The first page of a campaign."""
    return await _page(at, network, campaign, None, lang)


@site.get("/campaigns/{network}/{campaign}/{page}")
async def further(network: str, campaign: str, page: str, at: Anyone, lang: Lang = None) -> Response:
    """Another one."""
    return await _page(at, network, campaign, page, lang)


async def _page(at: Edge, network: str, campaign: str, page: str | None, lang: str | None) -> Response:
    async def shown(language: str) -> Response:
        found, one, room = await at.query(queries.public, network, campaign, page)
        made = _made(found, one, room, language, lang)
        await reach.count(at, found.id, one.id)
        return made

    return await _answered(at, lang, shown)


async def _answered(at: Edge, lang: str | None, shown: Callable[[str], Awaitable[Response]]) -> Response:
    at.identity = None  # nobody sees more here than anybody
    language = lang or at.language

    async def kept() -> Response:
        page = await shown(language)
        page.headers.update(KEPT)
        return page

    return await answered(at, kept, lambda refusal: PAGES.problem(language, refusal), html=True)


def _made(campaign: Campaign, one: Written, room: Any, asked: str, lang: str | None) -> Response:
    """In the language that was asked for, where it was written; all of the page is in the one that it says it is."""
    language, title, text = one.in_(asked)
    texts = TEXTS[language]
    here = address(room.slug, campaign, one)
    last = campaign.until
    return PAGES.page(
        language,
        title,
        "campaign.html",
        network=room,
        texts=texts,
        campaign=_title(campaign, language),
        html=Markup(html(text)),  # noqa: S704 (made of Markdown, and cleaned)
        entries=[
            (_href(address(room.slug, campaign, page), lang), page.in_(language)[1], page == one)
            for page in campaign.pages
        ]
        if len(campaign.pages) > 1
        else [],
        other=_href(here, "it" if language == "en" else "en") if one.title_en else None,
        other_language="it" if language == "en" else "en",
        until=texts["until"].format(day=day(_before(last), language)) if last is not None else None,
    )


def _before(until: Any) -> Any:
    return type(until).fromordinal(until.toordinal() - 1)


def _title(campaign: Campaign, language: str) -> str:
    return campaign.title_en if language == "en" and campaign.title_en else campaign.title


def _href(path: str, lang: str | None) -> str:
    return f"{path}?lang={lang}" if lang else path
