"""Whose invitation an address is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.contacts.tables import contacts
from services.notify.meetings.tables import invitations, meetings
from services.notify.replies.tables import calendar_replies

ASKED = (
    select(
        calendar_replies,
        invitations.c.network_id,
        invitations.c.meeting_id,
        invitations.c.person_id,
        contacts.c.email,
        meetings.c.sequence.label("last_sequence"),
    )
    .join(invitations, invitations.c.id == calendar_replies.c.invitation_id)
    .outerjoin(meetings, meetings.c.id == invitations.c.meeting_id)
    .outerjoin(contacts, contacts.c.person_id == invitations.c.person_id)
)


async def known(session: AsyncSession, token: str) -> bool:
    found = select(calendar_replies.c.token).where(calendar_replies.c.token == token)
    return await session.scalar(found) is not None


async def for_update(session: AsyncSession, token: str) -> Row[Any] | None:
    """The invitation with its person's address, what was heard of it locked."""
    query = ASKED.where(calendar_replies.c.token == token).with_for_update(of=calendar_replies)
    return (await session.execute(query)).one_or_none()
