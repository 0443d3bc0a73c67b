"""HTTP of calendar feeds: addresses for people, text for their calendar programs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from services.events.feeds import commands, pages, queries
from services.events.feeds.queries import Known, Opened
from services.events.feeds.rules import FeedEnded, Kind, OnlyPeople, TooMany, UnknownFeed
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["calendar feeds"])

Secret = Annotated[
    str, Query(pattern=r"^[A-Za-z0-9_-]{43}$", description="The secret part of the address, as it was shown")
]
ICS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/calendar": {"schema": {"type": "string"}}}, "description": "RFC 5545"},
    304: {"description": "Nothing has changed"},
}
HEADERS = {
    "cache-control": "private, no-cache",  # kept by who asks, and asked for again: what was revoked is not shown
    "content-disposition": 'inline; filename="trama.ics"',
    "x-robots-tag": "noindex",
}


class FeedOut(BaseModel):
    """`url` is shown once, when the feed is made or gets another address; whoever has it reads the calendar. `read_on`
    is the last day on which a calendar program did."""

    id: UUID
    kind: Kind
    network: Ref | None
    body: Ref | None
    person: Ref
    url: str | None
    created_at: datetime
    read_on: date | None
    revoked_at: datetime | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, known: Known, at: Edge) -> FeedOut:
        feed = known.feed
        own = at.actor.person_id == feed.person_id
        home = at.context.settings.public_url.rstrip("/")
        return cls(
            id=feed.id,
            kind=feed.kind,
            network=Ref(id=feed.network_id, name=known.network or "", href=f"/registry/v1/networks/{feed.network_id}")
            if feed.network_id
            else None,
            body=Ref.body(feed.body_id, known.body) if feed.body_id else None,
            person=Ref.person(feed.person_id, known.person),
            url=f"{home}/events/v1/calendars/feed.ics?token={known.secret}" if known.secret else None,
            created_at=feed.created_at,
            read_on=known.read_on,
            revoked_at=feed.revoked_at,
            href=f"/events/v1/calendar-feeds/{feed.id}",
            version=feed.version,
            allowed_actions=[action for action in feed.actions() if own or action == "revoke"],
        )


async def shown_once(at: Edge, fn: Any, *args: Any, **kw: Any) -> Response:
    """The answer holds a secret: it is kept nowhere, also not for a repeated request."""
    return await at.command(
        fn,
        *args,
        out=lambda known: FeedOut.of(known, at),
        headers={"cache-control": "no-store"},
        location=lambda known: f"/events/v1/calendar-feeds/{known.feed.id}",
        repeatable=False,
        **kw,
    )


@routes.post("/me/calendar-feeds", status_code=201, response_model=FeedOut)
async def feed_of_me(at: At) -> Response:
    """A calendar of the caller's own invitations, with what they answered and where to connect. `url` is for a calendar
    program and is shown now and never again; whoever has it reads the calendar."""
    return await shown_once(at, commands.of_me, language=at.language)


@routes.post("/bodies/{body_id}/calendar-feeds", status_code=201, response_model=FeedOut)
async def feed_of_body(body_id: UUID, at: At) -> Response:
    """A calendar of a body's meetings, without joining links. It ends when the caller may not read them any more."""
    return await shown_once(at, commands.of_body, body_id, language=at.language)


@routes.post("/networks/{network}/calendar-feeds", status_code=201, response_model=FeedOut)
async def feed_of_network(network: str, at: At) -> Response:
    """A calendar of all meetings of a network, without joining links. It ends when the caller may not read them any
    more."""
    return await shown_once(at, commands.of_network, network, language=at.language)


@routes.get("/me/calendar-feeds", response_model=PageOut[FeedOut])
async def my_feeds(at: At, after: After = None, limit: Limit = 50) -> Response:
    """The caller's calendars, also those that have ended, the latest first; without their addresses."""
    return await at.page(queries.mine, after=after, limit=limit, out=lambda known: FeedOut.of(known, at), model=FeedOut)


@routes.get("/networks/{network}/calendar-feeds", response_model=PageOut[FeedOut])
async def feeds_of_network(network: str, at: At, after: After = None, limit: Limit = 50) -> Response:
    """Who has a calendar of the network's meetings, or of a body's; for the secretariat, which may end them."""
    return await at.page(
        queries.of_network, network, after=after, limit=limit, out=lambda known: FeedOut.of(known, at), model=FeedOut
    )


@routes.get("/calendar-feeds/{feed_id}", response_model=FeedOut)
async def feed(feed_id: UUID, at: At) -> Response:
    """A calendar, without its address."""
    return await at.read(queries.get, feed_id, out=lambda known: FeedOut.of(known, at))


@routes.post("/calendar-feeds/{feed_id}/rotate", response_model=FeedOut, openapi_extra=GUARDED)
async def rotate(feed_id: UUID, at: At) -> Response:
    """Another address, shown once; the one before shows nothing any more. Needs If-Match."""
    return await shown_once(at, commands.rotate, feed_id, expected=at.if_match())


@routes.post("/calendar-feeds/{feed_id}/revoke", response_model=FeedOut, openapi_extra=GUARDED)
async def revoke(feed_id: UUID, at: At) -> Response:
    """Ends a calendar at once and for good. Needs If-Match."""
    return await at.command(commands.revoke, feed_id, expected=at.if_match(), out=lambda known: FeedOut.of(known, at))


@routes.head("/calendars/feed.ics", include_in_schema=False)
@routes.get("/calendars/feed.ics", response_class=Response, responses=ICS)
async def read(token: Secret, at: Anyone) -> Response:
    """The calendar, for a program: meetings of the past year and the two to come, cancelled ones for another week.
    It answers 304 to If-None-Match while nothing in it has changed."""
    at.identity = None  # the secret says whose it is
    opened = await at.query(queries.opened, token)
    if not opened.noted:
        await at.command(commands.note_reading, opened.known.feed, out=lambda _: None)
    headers = {**HEADERS, "etag": f'W/"{opened.mark}"'}
    if opened.mark in at.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    media_type = "text/calendar; charset=utf-8"
    if at.request.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    return StreamingResponse(written(at, opened), headers=headers, media_type=media_type)


async def written(at: Edge, opened: Opened) -> AsyncIterator[bytes]:
    """Piece by piece, each read by a transaction of its own: a slow reader holds none open. What changes meanwhile has
    another ETag at the next reading."""
    known, after = opened.known, None
    yield pages.head(known)
    while True:
        rows = await at.query(queries.meetings_of, known.feed, after=after)
        yield pages.meetings(known, rows, at.context.settings.public_url)
        if len(rows) < queries.CHUNK:
            break
        after = (rows[-1].starts_at, rows[-1].id)
    yield pages.tail()


problems = {
    UnknownFeed: not_found,
    FeedEnded: problem(
        "calendar-feed-ended",
        410,
        it="Questo calendario non è più disponibile\nÈ stato revocato, oppure chi lo ha creato non può più vedere "
        "queste riunioni. Se ti serve ancora, creane un altro.",
        en="This calendar is no longer there\nIt was revoked, or who made it may not see these meetings any more. If "
        "you still need one, make another.",
    ),
    TooMany: problem(
        "too-many-calendar-feeds",
        409,
        it="Troppi calendari\nRevoca quelli che non usi più: `errors` dice quanti se ne possono avere.",
        en="Too many calendars\nRevoke those that you no longer use: `errors` says how many one may have.",
        path="",
    ),
    OnlyPeople: problem(
        "only-people",
        403,
        it="Solo per le persone\nUn calendario è di una persona: una chiave legge le riunioni dall'interfaccia.",
        en="For people only\nA calendar is a person's: a key reads meetings by the interface.",
    ),
}

vocabularies = (
    vocabulary(
        "calendar_feeds",
        "Calendari",
        "Calendar feeds",
        [
            (Kind.PERSON, "I miei inviti", "My invitations"),
            (Kind.BODY, "Riunioni di un organo", "Meetings of a body"),
            (Kind.NETWORK, "Riunioni di una rete", "Meetings of a network"),
        ],
    ),
)
