"""Meetings that are open to the public, as everybody may see them: never who is invited, nor how to join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.documents import queries as documents
from services.events.documents.rules import Document
from services.events.meetings.rules import Meeting, Mode, State, UnknownMeeting
from services.events.meetings.tables import meetings
from services.events.series.rules import Level
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.access.tables import networks
from shared.runtime.paging import DEFAULT, Page, page

SHOWN = (State.CONVENED, State.HELD)


@dataclass(frozen=True)
class Open:
    """A meeting with the names of who holds it; `documents` are the public ones, of one that is looked at alone."""

    meeting: Meeting
    network: Any
    body: str | None
    documents: Sequence[Document] = ()

    def takes_registrations(self, now: datetime) -> bool:
        return self.meeting.open_to_answers(now)


OPEN = (
    select(Meeting, networks, bodies.c.title.label("body"))
    .join(networks, networks.c.id == meetings.c.network_id)
    .outerjoin(bodies, bodies.c.id == meetings.c.body_id)
    .where(meetings.c.open_to_public)
)


async def listed(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (anybody)
    *,
    network: str | None = None,
    level: Sequence[Level] = (),
    mode: Sequence[Mode] = (),
    since: date | None = None,
    until: date | None = None,
    q: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,  # noqa: ARG001
) -> Page[Open]:
    """Convened or held, in the order of their beginning. Raises NetworkUnknown."""
    query = OPEN.where(meetings.c.state.in_(SHOWN))
    if network is not None:
        query = query.where(meetings.c.network_id == await network_id(session, network))
    for bound in (
        meetings.c.level.in_(level) if level else None,
        meetings.c.mode.in_(mode) if mode else None,
        meetings.c.day >= since if since else None,
        meetings.c.day < until if until else None,
        meetings.c.title.icontains(q, autoescape=True) if q else None,
    ):
        if bound is not None:
            query = query.where(bound)
    found = await page(session, query, key=[meetings.c.starts_at, meetings.c.id], after=after, limit=limit)
    return Page([Open(row[0], row, row.body) for row in found.items], found.next)


async def get(session: AsyncSession, actor: Actor, meeting_id: UUID, *, now: datetime) -> Open:  # noqa: ARG001
    """Also one that was cancelled after its convocation: who wanted to come learns it here. Raises UnknownMeeting."""
    told = meetings.c.convened_at.is_not(None)
    row = (await session.execute(OPEN.where(meetings.c.id == meeting_id, told))).one_or_none()
    if row is None:
        raise UnknownMeeting(meeting_id)
    papers = [one for one in await documents.of_meeting(session, meeting_id) if one.public]
    return Open(row[0], row, row.body, papers)
