"""Whom a meeting concerns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Row, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

INVITED = text("""
    SELECT i.id, i.meeting_id, i.person_id, i.state, c.person_id IS NOT NULL AS known
    FROM unnest(:meetings, :since) AS m(id, since)
    JOIN invitations i ON i.meeting_id = m.id AND (i.state = 'issued' OR i.told_at >= m.since)
    LEFT JOIN contacts c ON c.person_id = i.person_id
    ORDER BY i.meeting_id, i.id
""").bindparams(bindparam("meetings", type_=ARRAY(Uuid)), bindparam("since", type_=ARRAY(DateTime(timezone=True))))


async def invited(session: AsyncSession, meetings: Collection[UUID]) -> Sequence[Row[Any]]:
    """The issued invitations of these meetings: (id, meeting_id, person_id, state), `known` when it is known how the
    person is reached. One statement."""
    return await _invited(session, dict.fromkeys(meetings))


async def invited_until(session: AsyncSession, cancelled: dict[UUID, datetime]) -> Sequence[Row[Any]]:
    """As `invited`, with those whose invitation was withdrawn by the cancellation itself, at that instant or later."""
    return await _invited(session, cancelled)


async def _invited(session: AsyncSession, meetings: dict[UUID, Any]) -> Sequence[Row[Any]]:
    if not meetings:
        return []
    asked = {"meetings": list(meetings), "since": list(meetings.values())}
    return (await session.execute(INVITED, asked)).all()
