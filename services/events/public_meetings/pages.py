"""Pages of the meetings to which everybody may come: what is ahead, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.responses import Response

from services.events.documents.rules import Document
from services.events.invitations.pages import described
from services.events.meetings.rules import Mode, State, timetable
from services.events.public_meetings import queries
from services.events.public_meetings.queries import Open
from services.events.public_meetings.routes import register_at
from shared.access.actor import day
from shared.access.loading import network_row
from shared.runtime.browsers import answered
from shared.runtime.edge import Anyone, Edge
from shared.runtime.pages import Pages, hour, link
from shared.runtime.pages import day as written
from shared.runtime.paging import After
from shared.runtime.problems import Problem

site = APIRouter()
PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Incontri aperti",
        "lead": "Gli incontri a cui può partecipare chiunque.",
        "none": "Per ora non ce n'è nessuno in programma.",
        "further": "Altri",
        "all": "Tutti gli incontri aperti",
        "when": "Quando",
        "at": "{day}, dalle {starts} alle {ends}",
        "where": "Dove",
        "what": "Incontro",
        "who": "Chi lo tiene",
        "mode": "Modalità",
        "remote": "A distanza",
        "in_person": "In presenza",
        "hybrid": "In presenza e a distanza",
        "agenda": "Ordine del giorno",
        "minutes": "{count} min",
        "documents": "Documenti",
        "file": "{kind}, {size}",
        "register": "Iscriviti",
        "online": "Chi si iscrive riceve le indicazioni per collegarsi.",
        "cancelled": "Questo incontro è stato annullato.",
        "over": "Questo incontro si è già tenuto.",
        "closed": "Le iscrizioni sono chiuse.",
        "data": "Gli stessi dati per i programmi",
    },
    "en": {
        "title": "Open meetings",
        "lead": "The meetings to which everybody may come.",
        "none": "None is planned for now.",
        "further": "Further ones",
        "all": "All open meetings",
        "when": "When",
        "at": "{day}, from {starts} to {ends}",
        "where": "Where",
        "what": "Meeting",
        "who": "Held by",
        "mode": "Mode",
        "remote": "Remote",
        "in_person": "In person",
        "hybrid": "In person and remote",
        "agenda": "Agenda",
        "minutes": "{count} min",
        "documents": "Documents",
        "file": "{kind}, {size}",
        "register": "Register",
        "online": "Who registers is told how to join.",
        "cancelled": "This meeting has been cancelled.",
        "over": "This meeting has been held.",
        "closed": "Registration is closed.",
        "data": "The same data for programs",
    },
}
KEPT = {"cache-control": "public, max-age=60", "vary": "Accept-Language, Accept-Encoding"}


@site.get("/events/public")
async def meetings(
    at: Anyone, network: Annotated[str | None, Query(max_length=63)] = None, after: After = None
) -> Response:
    """What is ahead, from today on."""
    at.identity = None  # nobody sees more here than anybody

    async def shown() -> Response:
        found = await at.query(queries.listed, network=network or None, since=day(at.now), after=after, limit=50)
        room = await at.query(_room, network) if network else None
        return _kept(_list(at.language, found.items, found.next, network or None, room))

    return await answered(at, shown, lambda refusal: failed(at, refusal), html=True)


@site.get("/events/public/{meeting_id}")
async def meeting(meeting_id: UUID, at: Anyone) -> Response:
    at.identity = None

    async def shown() -> Response:
        return _kept(_one(at, await at.query(queries.get, meeting_id)))

    return await answered(at, shown, lambda refusal: failed(at, refusal), html=True)


async def _room(session: Any, actor: Any, network: str, *, now: Any) -> Any:  # noqa: ARG001 (anybody)
    return await network_row(session, network)


def _kept(page: Response) -> Response:
    page.headers.update(KEPT)
    return page


def failed(at: Edge, problem: Problem) -> Response:
    return PAGES.problem(at.language, problem)


def _list(language: str, shown: Sequence[Open], further: str | None, network: str | None, room: Any) -> Response:
    texts = TEXTS[language]
    asked = {"network": network} if network else {}
    return PAGES.page(
        language,
        texts["title"],
        "open.html",
        network=room,
        wide=True,
        texts=texts,
        headings=[texts[name] for name in ("what", "when", "where", "who")],
        rows=[_row(texts, language, one) for one in shown],
        further=f"/events/public?{urlencode({**asked, 'after': further})}" if further else None,
        data="/events/v1/public-meetings" + (f"?{urlencode(asked)}" if asked else ""),
    )


def _row(texts: dict[str, str], language: str, shown: Open) -> tuple[Any, ...]:
    meeting = shown.meeting
    where = meeting.place or texts[Mode.REMOTE]
    held_by = shown.body or shown.network.name
    title = link(f"/events/public/{meeting.id}", meeting.title)
    return (title, _when(texts, language, shown), where, held_by)


def _when(texts: dict[str, str], language: str, shown: Open) -> str:
    meeting = shown.meeting
    ends = hour(meeting.ends_at, language)
    if day(meeting.ends_at) != meeting.day:
        ends = f"{ends} ({written(meeting.ends_at, language)})"
    starts = hour(meeting.starts_at, language)
    return texts["at"].format(day=written(meeting.starts_at, language), starts=starts, ends=ends)


def _one(at: Edge, shown: Open) -> Response:
    texts, meeting = TEXTS[at.language], shown.meeting
    return PAGES.page(
        at.language,
        meeting.title,
        "meeting.html",
        network=shown.network,
        texts=texts,
        meeting=meeting,
        note=_note(texts, at, shown),
        register=register_at(meeting.id) if shown.takes_registrations(at.now) else None,
        when=_when(texts, at.language, shown),
        held_by=shown.body or shown.network.name,
        agenda=list(zip(meeting.agenda, timetable(meeting.agenda, meeting.starts_at), strict=True)),
        documents=[_document(texts, at.language, one) for one in shown.documents],
        paragraphs=[part for part in (meeting.description or "").splitlines() if part.strip()],
    )


def _note(texts: dict[str, str], at: Edge, shown: Open) -> str | None:
    meeting = shown.meeting
    if meeting.state is State.CANCELLED:
        return texts["cancelled"]
    if meeting.state is State.HELD or meeting.ends_at <= at.now:
        return texts["over"]
    return None if shown.takes_registrations(at.now) else texts["closed"]


def _document(texts: dict[str, str], language: str, document: Document) -> tuple[Markup, str]:
    if document.url:
        return link(document.url, document.title), ""
    href = f"/events/v1/public-meetings/{document.meeting_id}/documents/{document.id}"
    return link(href, document.title), described(texts["file"], language, document)
