"""Pages of the news that are for everybody: a network's, and one."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.responses import Response

from services.learning.news import queries, rules
from services.learning.news.routes import page_of
from services.learning.practices.pages import place_name
from shared.runtime.browsers import answered
from shared.runtime.edge import Anyone
from shared.runtime.pages import Pages, day, link

site = APIRouter()
PAGES = Pages(__file__)
KEPT = {"cache-control": "public, max-age=60", "vary": "Accept-Language, Accept-Encoding"}
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Notizie",
        "none": "Per ora nessuna notizia.",
        "on": "Pubblicata {day}",
        "until": "vale fino a {day}",
        "where": "Dove",
        "more": "Per saperne di più",
        "all": "Tutte le notizie",
        "feed": "Le notizie in un lettore (Atom)",
    },
    "en": {
        "title": "News",
        "none": "No news for now.",
        "on": "Published on {day}",
        "until": "holds until {day}",
        "where": "Where",
        "more": "Find out more",
        "all": "All news",
        "feed": "The news in a reader (Atom)",
    },
}


@site.get("/learning/news")
async def news(at: Anyone, network: Annotated[str, Query(max_length=63)]) -> Response:
    """A network's, the newest first."""
    at.identity = None  # nobody sees more here than anybody

    async def shown() -> Response:
        feed = await at.query(queries.feed, network)
        texts = TEXTS[at.language]
        items = [
            (link(page_of(item), item.title), day(item.published_at, at.language), item.short)
            for item in feed.items
            if item.published_at is not None
        ]
        source = f"/learning/v1/networks/{feed.network.slug}/news/feed.atom"
        page = PAGES.page(
            at.language,
            texts["title"],
            "news.html",
            network=feed.network,
            texts=texts,
            items=items,
            feed=source,
        )
        page.headers.update(KEPT)
        return page

    return await answered(at, shown, lambda refusal: PAGES.problem(at.language, refusal), html=True)


@site.get("/learning/news/{item_id}")
async def item(item_id: UUID, at: Anyone) -> Response:
    at.identity = None

    async def shown() -> Response:
        found, network = await at.query(queries.public, item_id)
        texts, language = TEXTS[at.language], at.language
        assert found.published_at is not None
        lines = [texts["on"].format(day=day(found.published_at, language))]
        if found.expires_at is not None:
            lines.append(texts["until"].format(day=day(found.expires_at, language)))
        if found.territory is not None:
            lines.append(place_name(found.territory, language))
        page = PAGES.page(
            language,
            found.title,
            "item.html",
            network=network,
            texts=texts,
            about=" · ".join(lines),
            summary=found.summary,
            html=Markup(rules.html(found.text)),  # noqa: S704 (made of Markdown, and cleaned)
            link=found.link,
            all=f"/learning/news?network={network.slug}",
        )
        page.headers.update(KEPT)
        return page

    return await answered(at, shown, lambda refusal: PAGES.problem(at.language, refusal), html=True)
