"""Giving invitations their addresses, and taking what comes back to them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notify.contacts.rules import AddressUnusable, mailbox
from services.notify.replies import queries, rules
from services.notify.replies.rules import Heard, Refusal, Refused
from services.notify.replies.tables import calendar_replies
from shared import calendars
from shared.calendars import Reply
from shared.contracts.notify import CalendarReplied
from shared.messaging import Cause, caused_by, stage


async def tokens(session: AsyncSession, invitations: Iterable[UUID]) -> dict[UUID, str]:
    """The token of each of these invitations, made when it is mailed first and the same ever after. At most three
    statements, whichever of two senders comes first."""
    wanted = sorted(set(invitations))
    found = await _tokens(session, wanted)
    new = [{"invitation_id": id_, "token": rules.new_token()} for id_ in wanted if id_ not in found]
    if not new:
        return found
    await session.execute(insert(calendar_replies).on_conflict_do_nothing(), new)
    return await _tokens(session, wanted)


async def _tokens(session: AsyncSession, wanted: list[UUID]) -> dict[UUID, str]:
    if not wanted:
        return {}
    table = calendar_replies
    rows = await session.execute(select(table.c.invitation_id, table.c.token).where(table.c.invitation_id.in_(wanted)))
    return {row.invitation_id: row.token for row in rows}


async def take(
    session: AsyncSession, token: str, reply: Reply, *, public_url: str, wall: datetime, now: datetime
) -> CalendarReplied | None:
    """States what was answered; None when it is no news: the same mail once more, or an older one. `wall` is when it
    arrived, `now` the domain clock's instant. Raises Refused.

    Whether the invitation can still be answered is for events to say, which tells the person by mail: a program's mail
    is often from an address to which no refusal returns.
    """
    row = await queries.for_update(session, token)
    if row is None:
        raise Refused(Refusal.UNKNOWN)
    if reply.uid != calendars.uid("meeting", row.meeting_id, public_url):
        raise Refused(Refusal.OTHER_MEETING)
    if not rules.theirs(reply.attendee, _addresses(row)):
        raise Refused(Refusal.OTHER_PERSON)
    answer, stamped_at = rules.ANSWERS[reply.partstat], rules.stamped(reply.stamped_at, wall)
    sequence = rules.sequenced(reply.sequence, row.last_sequence)
    heard = Heard(row.answers, row.answer, row.sequence, row.stamped_at)
    if not heard.news(answer, sequence, stamped_at):
        return None
    if heard.answers >= rules.MOST_ANSWERS:
        raise Refused(Refusal.TOO_MANY)
    await session.execute(
        update(calendar_replies)
        .where(calendar_replies.c.token == token)
        .values(answers=heard.answers + 1, answer=answer, sequence=sequence, stamped_at=stamped_at)
    )
    fact = CalendarReplied(
        id=uuid7(),
        version=1,
        network_id=row.network_id,
        meeting_id=row.meeting_id,
        invitation_id=row.invitation_id,
        person_id=row.person_id,
        answer=answer,
        sequence=sequence,
        stamped_at=stamped_at,
    )
    with caused_by(Cause(at=now)):
        await stage(session, fact)
    return fact


def _addresses(row: Row[Any]) -> list[str]:
    """As it was told to us and as it goes on the wire."""
    if not row.email:
        return []
    try:
        return [row.email, mailbox(row.email)]
    except AddressUnusable:
        return [row.email]
