"""Reading the documents of a meeting: for whoever may read it or is invited, and public ones for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.documents.rules import Document, UnknownDocument
from services.events.documents.tables import documents
from services.events.invitations.rules import State as InvitationState
from services.events.invitations.tables import invitations
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import State
from services.events.meetings.tables import meetings
from shared.access.actor import Actor
from shared.access.links import Link
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Shown:
    """A document, and whether the caller may take it away."""

    document: Document
    convener: bool


@dataclass(frozen=True)
class File:
    name: str
    media_type: str
    sha256: str
    content: bytes


async def listed(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """In the order in which they were added. Raises UnknownMeeting, Forbidden."""
    known = await meeting_queries.get(session, actor, meeting_id, now=now)
    convener = meeting_queries.may_convene(actor, known.meeting.network_id, known.body, now)
    query = select(Document).where(documents.c.meeting_id == meeting_id)
    found = await page(session, query, key=[documents.c.id], after=after, limit=limit)
    return Page([Shown(document, convener) for document in found.items], found.next)


async def of_meeting(session: AsyncSession, meeting_id: UUID) -> Sequence[Document]:
    """All of them, by the agenda; for pages. A meeting has some tens at most."""
    order = (documents.c.item.asc().nulls_first(), documents.c.id)
    return (await session.scalars(select(Document).where(documents.c.meeting_id == meeting_id).order_by(*order))).all()


async def file(session: AsyncSession, actor: Actor, meeting_id: UUID, document_id: UUID, *, now: datetime) -> File:
    """Raises UnknownMeeting, UnknownDocument, Forbidden."""
    await meeting_queries.get(session, actor, meeting_id, now=now)
    return await _file(session, document_id, documents.c.meeting_id == meeting_id)


async def file_by_link(session: AsyncSession, actor: Actor, link: Link, document_id: UUID, *, now: datetime) -> File:  # noqa: ARG001 (whoever has the link)
    """For who is invited and has no account. Raises UnknownDocument."""
    theirs = select(invitations.c.meeting_id).where(
        invitations.c.id == link.subject, invitations.c.state == InvitationState.ISSUED
    )
    return await _file(session, document_id, documents.c.meeting_id.in_(theirs))


async def public_file(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (anybody)
    meeting_id: UUID,
    document_id: UUID,
    *,
    now: datetime,  # noqa: ARG001
) -> File:
    """For everybody. Raises UnknownDocument."""
    shown = select(meetings.c.id).where(
        meetings.c.id == meeting_id, meetings.c.open_to_public, meetings.c.state.in_([State.CONVENED, State.HELD])
    )
    return await _file(session, document_id, documents.c.public, documents.c.meeting_id.in_(shown))


async def _file(session: AsyncSession, document_id: UUID, *where: ColumnElement[bool]) -> File:
    c = documents.c
    query = select(c.file_name, c.media_type, c.sha256, c.content)
    row: Any = (await session.execute(query.where(c.id == document_id, c.content.is_not(None), *where))).one_or_none()
    if row is None:
        raise UnknownDocument(document_id)
    return File(*row)
