"""Adding documents to a meeting, and taking them away. Nothing of them is told: the agenda is."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.documents.queries import Shown
from services.events.documents.rules import (
    MOST_DOCUMENTS,
    Cancelled,
    Document,
    TooManyDocuments,
    UnknownDocument,
    require_item,
)
from services.events.documents.tables import documents
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import Meeting, State, UnknownMeeting
from shared.access.actor import Actor


async def add(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    title: str,
    item: int | None,
    public: bool,
    url: str | None = None,
    file: tuple[str, bytes] | None = None,
    now: datetime,
) -> Shown:
    """A link, or a file with its name. Raises UnknownMeeting, Forbidden, Cancelled, NoSuchItem, UnfitFile,
    FileTooLarge, TooManyDocuments."""
    meeting = await _locked(session, actor, meeting_id, now)
    if meeting.state is State.CANCELLED:
        raise Cancelled
    require_item(item, len(meeting.agenda))
    document = Document(meeting_id, title, now, item, url, public=public, added_by=actor.person_id)
    if file is not None:
        document.hold(*file)
    there = await session.scalar(
        select(func.count()).select_from(documents).where(documents.c.meeting_id == meeting_id)
    )
    if (there or 0) >= MOST_DOCUMENTS:
        raise TooManyDocuments
    if file is None:
        session.add(document)
    else:
        kept = {column.name: getattr(document, column.name) for column in documents.c if column.name != "content"}
        await session.execute(documents.insert().values(**kept, content=file[1]))
    await session.flush()
    return Shown(document, convener=True)


async def remove(session: AsyncSession, actor: Actor, meeting_id: UUID, document_id: UUID, *, now: datetime) -> None:
    """Raises UnknownMeeting, UnknownDocument, Forbidden."""
    await _locked(session, actor, meeting_id, now)
    gone = await session.execute(
        documents.delete()
        .where(documents.c.id == document_id, documents.c.meeting_id == meeting_id)
        .returning(documents.c.id)
    )
    if gone.first() is None:
        raise UnknownDocument(document_id)


async def renumber(session: AsyncSession, meeting_id: UUID, places: dict[int, int | None]) -> None:
    """The agenda has changed: each document goes with its item, and one whose item is gone stays with the meeting."""
    moved = {before: after for before, after in places.items() if before != after}
    if moved:
        values = {"meeting": meeting_id, "old": list(moved), "new": list(moved.values())}
        await session.execute(RENUMBER, values)


RENUMBER = text(
    "update meeting_documents d set item = moved.new"
    " from unnest(cast(:old as smallint[]), cast(:new as smallint[])) as moved(old, new)"
    " where d.meeting_id = :meeting and d.item = moved.old"
)


async def _locked(session: AsyncSession, actor: Actor, meeting_id: UUID, now: datetime) -> Meeting:
    meeting = await session.get(Meeting, meeting_id, with_for_update=True, populate_existing=True)
    if meeting is None:
        raise UnknownMeeting(meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    meeting_queries.require_convener(actor, meeting.network_id, body, now)
    return meeting
