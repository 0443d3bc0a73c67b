"""One's messages at a browser: the list with what is not read yet, and each message by itself. They work without a
script: opening marks nothing, the buttons do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from services.notify.inbox import commands, queries
from services.notify.inbox.queries import Message, Wanted
from services.notify.inbox.routes import writer
from services.notify.messages.rules import TOPICS, in_language
from shared.runtime.browsers import answered
from shared.runtime.edge import Edge
from shared.runtime.pages import Entry, Pages, Seat, number
from shared.runtime.paging import After
from shared.runtime.problems import Problem
from shared.runtime.sessions import Seated, form_of

site = APIRouter(include_in_schema=False)
PAGES = Pages(__file__)
INBOX = "/notify/v1/inbox/page"
SHOWN = 20
ADDRESS = re.compile(r"(https?://[^\s<>\"]*[^\s<>\".,;:!?)\]])")
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "I tuoi messaggi",
        "desk": "Scrivania",
        "waiting": "Da leggere: {count}.",
        "none_waiting": "Hai letto tutto.",
        "which": "Quali messaggi",
        "all": "Tutti",
        "unread": "Solo da leggere",
        "none": "Non c'è nessun messaggio.",
        "none_unread": "Non c'è nessun messaggio da leggere.",
        "new": "Da leggere",
        "read_all": "Segna tutto come letto",
        "read": "Segna come letto",
        "unread_again": "Segna come da leggere",
        "was_read": "Letto {day} alle {hour}.",
        "further": "Messaggi precedenti",
        "back": "Torna ai messaggi",
        "moot": "Quello che diceva non serve più.",
    },
    "en": {
        "title": "Your messages",
        "desk": "Desk",
        "waiting": "To be read: {count}.",
        "none_waiting": "You have read everything.",
        "which": "Which messages",
        "all": "All",
        "unread": "To be read only",
        "none": "There is no message.",
        "none_unread": "There is no message to be read.",
        "new": "To be read",
        "read_all": "Mark all as read",
        "read": "Mark as read",
        "unread_again": "Mark as not read",
        "was_read": "Read on {day} at {hour}.",
        "further": "Earlier messages",
        "back": "Back to the messages",
        "moot": "What it said has no use any more.",
    },
}
Only = Annotated[Literal["", "true"], Query(description="`true`: what is not read yet")]


@site.get("/inbox/page")
async def inbox(at: Seated, unread: Only = "", after: After = None) -> Response:
    """The newest first; each leads to its own page."""

    async def shown() -> Response:
        wanted = Wanted(True if unread else None)
        found = await at.query(queries.listed, writer(at), wanted, after=after, limit=SHOWN)
        waiting = sum(row.unread for row in await at.query(queries.unread))
        texts = TEXTS[at.language]
        further = {"unread": "true"} if unread else {}
        return PAGES.page(
            at.language,
            texts["title"],
            "inbox.html",
            seat=_seat(at),
            texts=texts,
            inbox=INBOX,
            only=bool(unread),
            waiting=waiting,
            says=texts["waiting"].format(count=number(waiting, at.language)) if waiting else texts["none_waiting"],
            messages=[_entry(one, at.language) for one in found.items],
            further=f"{INBOX}?{urlencode({**further, 'after': found.next})}" if found.next else None,
        )

    return await answered(at, shown, partial(_failed, at), html=True)


@site.post("/inbox/page")
async def read_all(at: Seated) -> Response:
    """Marks all of one's messages as read."""
    await at.command(commands.read_all, out=lambda _: None)
    return _to(INBOX)


@site.get("/inbox/{message_id}/page")
async def message(message_id: UUID, at: Seated) -> Response:
    """One message, in the words of its mail."""

    async def shown() -> Response:
        found = await at.query(queries.get, writer(at), message_id)
        entry, row = _entry(found, at.language), found.row
        return PAGES.page(
            at.language,
            entry["subject"],
            "message.html",
            network={"name": row.network_name, "logo": row.network_logo} if row.network_id else None,
            seat=_seat(at),
            texts=TEXTS[at.language],
            inbox=INBOX,
            one=entry,
            text=linked(found.words.text) if found.words else None,
        )

    return await answered(at, shown, partial(_failed, at), html=True)


@site.post("/inbox/{message_id}/page")
async def mark(message_id: UUID, at: Seated, do: Annotated[Literal["read", "unread"], Form()]) -> Response:
    """Marks a message as read, or as not read; once read, the list is next."""

    async def marked() -> Response:
        act = commands.read if do == "read" else commands.unread_again
        await at.command(act, writer(at), message_id, out=lambda _: None)
        return _to(INBOX)

    return await answered(at, marked, partial(_failed, at), html=True)


def linked(text: str) -> Markup:
    """A mail's text with its addresses to be followed, shown without the half page that a signed link's token is; all
    else stays as it is written."""
    parts = ADDRESS.split(text.strip())
    return Markup("").join(
        Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(part, part.partition("?token=")[0])
        if place % 2
        else part
        for place, part in enumerate(parts)
    )


def _entry(found: Message, language: str) -> Mapping[str, Any]:
    row, topic = found.row, TOPICS.get(found.row.topic)
    label = in_language(topic.label, language) if topic else row.topic
    return {
        "subject": found.words.subject.strip() if found.words else label,
        "language": found.words.language if found.words else language,
        "topic": label,
        "network": row.network_name,
        "at": row.intended_at,
        "read_at": row.read_at,
        "moot": found.words is None,
        "href": f"/notify/v1/inbox/{row.id}/page",
    }


def _seat(at: Edge) -> Seat:
    texts = TEXTS[at.language]
    return Seat("", form_of(at), [Entry(texts["desk"], "/desk"), Entry(texts["title"], INBOX, current=True)])


def _to(page: str) -> RedirectResponse:
    return RedirectResponse(page, 303, {"cache-control": "no-store"})


def _failed(at: Edge, problem: Problem) -> Response:
    return PAGES.problem(at.language, problem, seat=_seat(at))
