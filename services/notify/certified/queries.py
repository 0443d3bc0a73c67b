"""Reading certified mails and their receipts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.certified.rules import CertifiedMail, RecipientsUnfit, State, Unknown
from services.notify.certified.tables import certified_addresses, certified_mails, letter_files, letters, receipts
from services.notify.meetings.tables import invitations, meetings
from services.notify.organisations.tables import organisations
from services.notify.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.runtime.clock import wall
from shared.runtime.paging import Page, page

LEFT = ("withdrawn", "merged")

SHOWN = (
    select(CertifiedMail, letters.c.subject, letters.c.meeting_id, organisations.c.title.label("organisation_name"))
    .join(letters, letters.c.id == certified_mails.c.letter_id)
    .outerjoin(organisations, organisations.c.id == certified_mails.c.organisation_id)
)


@dataclass(frozen=True)
class Whole:
    """A certified mail with its text, its files' names and its receipts, oldest first."""

    mail: CertifiedMail
    subject: str
    meeting_id: UUID | None
    organisation_name: str | None
    text: str
    files: Sequence[Any]
    receipts: Sequence[Any]

    @property
    def version(self) -> int:
        return self.mail.version


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    state: Sequence[State] = (),
    organisation: Sequence[UUID] = (),
    meeting: Sequence[UUID] = (),
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Row[Any]]:
    """The network's certified mails, the latest first. Raises NetworkUnknown, Forbidden."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_CERTIFIED_MAILS, network=room, on=now)
    query = SHOWN.where(certified_mails.c.network_id == room)
    wanted = ((certified_mails.c.state, state), (certified_mails.c.organisation_id, organisation))
    for column, values in (*wanted, (letters.c.meeting_id, meeting)):
        if values:
            query = query.where(column.in_(values))
    return await page(session, query, key=[certified_mails.c.id], after=after, limit=limit, descending=True)


async def get(session: AsyncSession, actor: Actor, mail_id: UUID, *, now: datetime) -> Whole:
    """Raises Unknown, also to those who may not know of it."""
    query = SHOWN.add_columns(letters.c.text).where(certified_mails.c.id == mail_id)
    row = (await session.execute(query)).one_or_none()
    if row is None or not policy.has(actor, Right.READ_CERTIFIED_MAILS, network=row[0].network_id, on=now):
        raise Unknown
    kept = [letter_files.c.position, letter_files.c.name, letter_files.c.media_type]
    files = await session.execute(
        select(*kept, func.length(letter_files.c.content).label("size"))
        .where(letter_files.c.letter_id == row[0].letter_id)
        .order_by(letter_files.c.position)
    )
    told = [column for column in receipts.c if column.name != "raw"]
    found = await session.execute(
        select(*told).where(receipts.c.mail_id == mail_id).order_by(receipts.c.at, receipts.c.id)
    )
    return Whole(row[0], row.subject, row.meeting_id, row.organisation_name, row.text, files.all(), found.all())


async def receipt(
    session: AsyncSession, actor: Actor, mail_id: UUID, receipt_id: UUID, *, now: datetime
) -> tuple[bytes, str]:
    """Its bytes as they came, and their SHA-256. Raises Unknown."""
    await get(session, actor, mail_id, now=now)
    found = await session.execute(
        select(receipts.c.raw, receipts.c.sha256).where(receipts.c.mail_id == mail_id, receipts.c.id == receipt_id)
    )
    row = found.one_or_none()
    if row is None:
        raise Unknown
    return row.raw, row.sha256


async def members(session: AsyncSession, room: UUID, ids: Collection[UUID]) -> dict[UUID, str | None]:
    """The certified addresses of those of these organisations that are members of the network."""
    rows = await session.execute(
        select(certified_addresses.c.organisation_id, certified_addresses.c.pec).where(
            certified_addresses.c.network_id == room,
            certified_addresses.c.organisation_id.in_(sorted(ids)),
            certified_addresses.c.state.not_in(LEFT),
        )
    )
    return {row.organisation_id: row.pec for row in rows}


async def invited(session: AsyncSession, room: UUID, meeting_id: UUID) -> list[UUID]:
    """The organisations whose people are invited to the meeting. Raises RecipientsUnfit."""
    known = await session.scalar(
        select(meetings.c.id).where(meetings.c.id == meeting_id, meetings.c.network_id == room)
    )
    if known is None:
        raise RecipientsUnfit("/meeting_id", "a meeting of the network")
    rows = await session.scalars(
        select(invitations.c.organisation_id)
        .distinct()
        .where(
            invitations.c.meeting_id == meeting_id,
            invitations.c.state == "issued",
            invitations.c.organisation_id.is_not(None),
        )
    )
    return sorted(rows)


async def due(session: AsyncSession) -> int:
    """Certified mails that should be on their way."""
    waiting = select(func.count()).where(certified_mails.c.state == State.QUEUED, certified_mails.c.next_try <= wall())
    return await session.scalar(waiting) or 0
