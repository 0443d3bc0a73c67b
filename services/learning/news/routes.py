"""HTTP of news, and the feeds of what is public."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring

import orjson
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.learning.news import commands, queries, rules
from services.learning.news.commands import NewsBody, NewsChange
from services.learning.news.queries import Feed, Shown
from services.learning.news.rules import Item, NotPossibleNow, State, Unfit, UnknownItem, Visibility
from services.learning.paths.rules import Audience
from services.learning.practices.routes import Places, network_ref
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["news"])

ATOM = "http://www.w3.org/2005/Atom"
KEPT = {"cache-control": "public, max-age=60", "vary": "Accept-Encoding"}


class NewsOut(BaseModel):
    """`html` is the text, safe to show; `page` is for everybody, while a public item is out."""

    id: UUID
    network: Ref
    title: str
    summary: str
    text: str
    html: str
    link: str | None
    audience: Audience | None
    territory: str | None
    body: Ref | None
    visibility: Visibility
    state: State
    publish_at: datetime | None
    published_at: datetime | None
    expires_at: datetime | None
    page: str | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown) -> NewsOut:
        item = shown.item
        public = item.state is State.PUBLISHED and item.visibility is Visibility.PUBLIC
        return cls(
            id=item.id,
            network=network_ref(item.network_id, shown.network),
            title=item.title,
            summary=item.short,
            text=item.text,
            html=rules.html(item.text),
            link=item.link,
            audience=item.audience,
            territory=item.territory,
            body=Ref.body(item.body_id, shown.body) if item.body_id else None,
            visibility=item.visibility,
            state=item.state,
            publish_at=item.publish_at,
            published_at=item.published_at,
            expires_at=item.expires_at,
            page=page_of(item) if public else None,
            href=f"/learning/v1/news/{item.id}",
            version=item.version,
            allowed_actions=item.actions() if shown.writes else [],
        )


def page_of(item: Item) -> str:
    return f"/learning/news/{item.id}"


class MineOut(BaseModel):
    items: list[NewsOut]

    @classmethod
    def of(cls, found: Sequence[Shown]) -> MineOut:
        return cls(items=[NewsOut.of(one) for one in found])


async def _command(at: Edge, fn: Any, *args: Any, **more: Any) -> Response:
    async def act(session: Any, actor: Any, *given: Any, now: datetime, **kw: Any) -> Shown:
        return await queries.shown(session, actor, await fn(session, actor, *given, now=now, **kw), now)

    return await at.command(act, *args, out=NewsOut.of, **more)


@routes.post("/networks/{network}/news", status_code=201, response_model=NewsOut)
async def write(network: str, body: NewsBody, at: At) -> Response:
    """A draft: by the secretariat, or by a coordinator for their territory or body."""
    return await _command(at, commands.create, network, body, location=lambda one: f"/learning/v1/news/{one.item.id}")


@routes.get("/networks/{network}/news", response_model=PageOut[NewsOut])
async def news(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    audience: Annotated[list[Audience], Query()] = [],  # noqa: B006
    visibility: Annotated[list[Visibility], Query()] = [],  # noqa: B006
    territory: Places = [],  # noqa: B006
    body: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    q: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$", description="Part of title or text")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """A network's, the newest first: what is out, and to its writers what they write."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        audience=audience,
        visibility=visibility,
        territory=territory,
        body=body,
        q=q,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=NewsOut.of,
        model=NewsOut,
    )


@routes.get("/me/news", response_model=MineOut)
async def mine(
    at: At,
    network: Annotated[str | None, Query(max_length=63, description="Slug or id")] = None,
    limit: Limit = 50,
) -> Response:
    """What is out and for the caller: of their audience, their bodies, and where they are. The newest first."""
    return await at.read(queries.mine, network=network, limit=limit, out=MineOut.of)


@routes.get(
    "/networks/{network}/news/feed.atom",
    response_class=Response,
    responses={200: {"content": {"application/atom+xml": {}}}},
)
async def atom(network: str, at: Anyone) -> Response:
    """For everybody: the public news that are out, as an Atom feed. Revalidated by its ETag."""
    at.identity = None
    feed = await at.query(queries.feed, network)
    return _cached(at, _atom(feed, at.context.settings.public_url.rstrip("/")), "application/atom+xml; charset=utf-8")


@routes.get(
    "/networks/{network}/news/feed.json",
    response_class=Response,
    responses={200: {"content": {"application/feed+json": {}}}},
)
async def json_feed(network: str, at: Anyone) -> Response:
    """For everybody: the same as a JSON Feed 1.1."""
    at.identity = None
    feed = await at.query(queries.feed, network)
    return _cached(at, _json(feed, at.context.settings.public_url.rstrip("/")), "application/feed+json")


def _cached(at: Edge, body: bytes, media_type: str) -> Response:
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    if tag[1:-1] in at.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={**KEPT, "etag": tag})
    return Response(body, headers={**KEPT, "etag": tag}, media_type=media_type)


def _of(feed: Feed, base: str, name: str) -> str:
    return f"{base}/learning/v1/networks/{feed.network.slug}/news/feed.{name}"


def _atom(feed: Feed, base: str) -> bytes:
    """RFC 4287; ids are URNs of what they name, and stay whatever address the platform has."""
    root = Element("feed", {"xmlns": ATOM, "xml:lang": feed.network.language or "it"})
    SubElement(root, "id").text = f"urn:uuid:{feed.network.id}"
    SubElement(root, "title").text = _xml(feed.network.name)
    SubElement(root, "updated").text = feed.updated.isoformat()
    SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": _of(feed, base, "atom")})
    SubElement(root, "link", {"rel": "alternate", "href": f"{base}/learning/news?network={feed.network.slug}"})
    author = SubElement(root, "author")
    SubElement(author, "name").text = _xml(feed.network.name)
    for item in feed.items:
        entry = SubElement(root, "entry")
        SubElement(entry, "id").text = f"urn:uuid:{item.id}"
        SubElement(entry, "title").text = _xml(item.title)
        assert item.published_at is not None and item.changed_at is not None  # noqa: PT018 (they are out)
        SubElement(entry, "published").text = item.published_at.isoformat()
        SubElement(entry, "updated").text = max(item.changed_at, item.published_at).isoformat()
        SubElement(entry, "link", {"rel": "alternate", "href": base + page_of(item)})
        if item.link:
            SubElement(entry, "link", {"rel": "related", "href": _xml(item.link)})
        SubElement(entry, "summary").text = _xml(item.short)
        if item.text:
            SubElement(entry, "content", {"type": "html"}).text = _xml(rules.html(item.text))
    written: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + written


def _xml(text: str) -> str:
    """Without the characters that XML has no way to write."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def _json(feed: Feed, base: str) -> bytes:
    return orjson.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed.network.name,
            "home_page_url": f"{base}/learning/news?network={feed.network.slug}",
            "feed_url": _of(feed, base, "json"),
            "language": feed.network.language or "it",
            "items": [
                {
                    "id": f"urn:uuid:{item.id}",
                    "url": base + page_of(item),
                    **({"external_url": item.link} if item.link else {}),
                    "title": item.title,
                    "summary": item.short,
                    "content_html": rules.html(item.text),
                    "date_published": item.published_at,
                    "date_modified": item.changed_at,
                }
                for item in feed.items
            ],
        }
    )


@routes.get("/news/{item_id}", response_model=NewsOut)
async def item(item_id: UUID, at: At) -> Response:
    """An item."""
    return await at.read(queries.get, item_id, out=NewsOut.of)


@routes.patch("/news/{item_id}", response_model=NewsOut)
async def change(item_id: UUID, body: NewsChange, at: At) -> Response:
    """Changes what is given; what is out, at once. Needs If-Match."""
    return await _command(at, commands.change, item_id, body, expected=at.if_match())


@routes.delete("/news/{item_id}", status_code=204)
async def delete(item_id: UUID, at: At) -> Response:
    """Throws a draft away. Needs If-Match."""
    return await at.command(commands.delete, item_id, expected=at.if_match(), out=lambda _: None)


@routes.post("/news/{item_id}/publish", response_model=NewsOut, openapi_extra=GUARDED)
async def publish(item_id: UUID, at: At) -> Response:
    """Out now, or at `publish_at`. Needs If-Match."""
    return await _command(at, commands.publish, item_id, expected=at.if_match())


@routes.post("/news/{item_id}/withdraw", response_model=NewsOut, openapi_extra=GUARDED)
async def withdraw(item_id: UUID, at: At) -> Response:
    """Shown no more; what only waited to come out is a draft again. Needs If-Match."""
    return await _command(at, commands.withdraw, item_id, expected=at.if_match())


problems = {
    UnknownItem: not_found,
    Unfit: problem(
        "news-unfit",
        422,
        it="Notizia incoerente\nUn valore non va d'accordo con gli altri: `errors` dice quale e che cosa si accetta.",
        en="News that do not hold together\nA value does not go with the others: `errors` says which, and what is "
        "accepted.",
    ),
    NotPossibleNow: problem(
        "news-not-possible-now",
        409,
        it="Ora non è possibile\nCon una notizia nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith news that are {state}, {action} cannot be done.",
    ),
}
vocabularies = (
    vocabulary(
        "news_states",
        "Stati di una notizia",
        "States of news",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.SCHEDULED, "Programmata", "Scheduled"),
            (State.PUBLISHED, "Pubblicata", "Published"),
            (State.WITHDRAWN, "Ritirata", "Withdrawn"),
            (State.EXPIRED, "Scaduta", "Expired"),
        ],
    ),
    vocabulary(
        "news_visibilities",
        "Chi vede una notizia",
        "Who sees news",
        [(Visibility.NETWORK, "La rete", "The network"), (Visibility.PUBLIC, "Tutti", "Everybody")],
    ),
)
