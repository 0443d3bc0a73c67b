"""Sending certified mails, hearing receipts, giving up waiting."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notify.certified import queries
from services.notify.certified.receipts import Read
from services.notify.certified.rules import (
    AWAITED,
    KEPT_YEARS,
    MOST_RECIPIENTS,
    CertifiedMail,
    File,
    Off,
    Problem,
    Receipt,
    RecipientsUnfit,
    State,
    Unknown,
)
from services.notify.certified.tables import certified_mails, letter_files, letters, mailboxes, receipts
from services.notify.contacts.rules import AddressUnusable, mailbox
from services.notify.deliveries import waking
from services.notify.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.contracts.notify import (
    CertifiedMailAccepted,
    CertifiedMailDelivered,
    CertifiedMailFailed,
    CertifiedMailSent,
    CertifiedMailState,
    CertifiedMailUnanswered,
)
from shared.messaging import Cause, caused_by, stage
from shared.messaging.context import current
from shared.runtime.clock import wall

FACTS: dict[State, type[CertifiedMailState]] = {
    State.SENT: CertifiedMailSent,
    State.ACCEPTED: CertifiedMailAccepted,
    State.DELIVERED: CertifiedMailDelivered,
    State.FAILED: CertifiedMailFailed,
    State.UNANSWERED: CertifiedMailUnanswered,
}
TOPIC = "certified-mail"


class Given(Protocol):
    organisation_ids: Sequence[UUID]
    meeting_id: UUID | None
    subject: str
    text: str


async def tell(session: AsyncSession, mails: Sequence[CertifiedMail], now: datetime) -> bool:
    """Stages what each has come to, in the chain of what caused it."""
    for mail in mails:
        before = current()
        cause = Cause(mail.correlation, mail.because_of or before.causation, before.traceparent, before.actor, now)
        with caused_by(cause):
            await stage(
                session,
                FACTS[mail.state](
                    id=mail.id,
                    version=mail.version,
                    network_id=mail.network_id,
                    organisation_id=mail.organisation_id,
                    topic=mail.topic,
                    state=mail.state,
                    because_of=mail.because_of,
                ),
            )
    return bool(mails)


async def post(
    session: AsyncSession, actor: Actor, network: str, given: Given, files: Sequence[File], *, on: bool, now: datetime
) -> list[UUID]:
    """To organisations, or to those that are invited to a meeting. Raises NetworkUnknown, Forbidden, Off,
    RecipientsUnfit."""
    room = await network_id(session, network)
    policy.require(actor, Right.SEND_CERTIFIED_MAILS, network=room, on=now)
    if not on:
        raise Off
    if bool(given.organisation_ids) == (given.meeting_id is not None):
        raise RecipientsUnfit("/organisation_ids", "either organisation_ids or meeting_id")
    ids = given.organisation_ids or await queries.invited(session, room, given.meeting_id or room)
    if not ids or len(ids) > MOST_RECIPIENTS:
        raise RecipientsUnfit(
            "/meeting_id" if given.meeting_id else "/organisation_ids", f"1 to {MOST_RECIPIENTS} organisations"
        )
    members = await queries.members(session, room, ids)
    for position, id_ in enumerate(given.organisation_ids):
        if id_ not in members:
            raise RecipientsUnfit(f"/organisation_ids/{position}", "a member of the network")
    return await send(
        session,
        network_id=room,
        organisation_ids=ids,
        subject=given.subject,
        text=given.text,
        files=files,
        meeting_id=given.meeting_id,
        correlation=current().correlation,
        now=now,
    )


async def send(
    session: AsyncSession,
    *,
    network_id: UUID,
    organisation_ids: Collection[UUID],
    subject: str,
    text: str,
    topic: str = TOPIC,
    files: Sequence[File] = (),
    meeting_id: UUID | None = None,
    because_of: UUID | None = None,
    correlation: UUID | None = None,
    key: str | None = None,
    now: datetime,
) -> list[UUID]:
    """Queues one mail for each organisation; returns their ids. With `key`, what was queued with it before for an
    organisation is not queued again. An organisation without a certified address has a mail that is born failed, so
    that it is seen. Where the platform has no certified mailbox, mails wait for one."""
    members = await queries.members(session, network_id, organisation_ids)
    keys = {id_: f"{key}:{id_}" if key else None for id_ in organisation_ids}
    known = set(await session.scalars(select(certified_mails.c.key).where(certified_mails.c.key.in_(keys.values()))))
    wanted = sorted(id_ for id_ in set(organisation_ids) if keys[id_] is None or keys[id_] not in known)
    if not wanted:
        return []
    letter_id, at = uuid7(), wall()
    letter = {"id": letter_id, "network_id": network_id, "meeting_id": meeting_id, "made_at": at}
    await _keep_letter(session, {**letter, "subject": subject, "text": text}, files)
    mails = [
        CertifiedMail(
            network_id=network_id,
            organisation_id=id_,
            letter_id=letter_id,
            topic=topic,
            made_at=at,
            address=_usable(members.get(id_)),
            next_try=at,
            because_of=because_of,
            correlation=correlation,
            key=keys[id_],
        )
        for id_ in wanted
    ]
    for mail in mails:
        if mail.address is None:
            mail.fail(Problem.NO_ADDRESS, None, at)
    session.add_all(mails)
    await session.flush()
    await tell(session, [mail for mail in mails if mail.state is State.FAILED], now)
    waking.after_commit(session)
    return [mail.id for mail in mails]


async def _keep_letter(session: AsyncSession, letter: dict[str, Any], files: Sequence[File]) -> None:
    await session.execute(insert(letters).values(**letter))
    for position, file in enumerate(files):
        kept = {"name": file.name, "media_type": file.media_type, "content": file.content}
        await session.execute(insert(letter_files).values(letter_id=letter["id"], position=position, **kept))


def _usable(pec: str | None) -> str | None:
    """Certified mail knows ASCII only."""
    try:
        address = mailbox(pec).lower() if pec else ""
    except AddressUnusable:
        return None
    return address if address and address.isascii() else None


# --- receipts ---------------------------------------------------------------------------------------------------------


async def hear(
    session: AsyncSession, raw: bytes, read: Read, sender: str, domain: str, received_at: datetime, now: datetime
) -> CertifiedMail:
    """Keeps the receipt and takes in what it says; one that is kept already changes nothing. Raises Unknown when it is
    about no mail of ours, or says another sender or recipient than that mail had."""
    local, _, at_domain = read.message_id.rpartition("@")
    try:
        id_ = UUID(local)
    except ValueError:
        raise Unknown from None
    mail = await session.get(CertifiedMail, id_, with_for_update=True)
    if mail is None or at_domain.lower() != domain or read.sender != sender.lower():
        raise Unknown
    if mail.address not in ((read.recipient,) if read.recipient else read.recipients):
        raise Unknown
    digest = sha256(raw).hexdigest()
    known = {"id": uuid7(), "mail_id": id_, "kind": read.kind, "at": read.at, "received_at": received_at}
    kept = await session.execute(
        upsert(receipts)
        .values(**known, sha256=digest, raw=raw, data=read.data())
        .on_conflict_do_nothing(index_elements=["sha256"])
        .returning(receipts.c.id)
    )
    if kept.first() is None:
        return mail
    error = " ".join(filter(None, (read.error, read.detail))) or None
    changed = mail.hear(Receipt(read.kind, read.at, error))
    await session.flush()
    if changed:
        await tell(session, [mail], now)
    return mail


async def give_up(session: AsyncSession, at: datetime, now: datetime) -> bool:
    """Those for which a day has brought nothing. True when a fact was staged."""
    late = await session.scalars(
        select(CertifiedMail)
        .where(certified_mails.c.state.in_([State.SENT, State.ACCEPTED]), certified_mails.c.sent_at <= at - AWAITED)
        .order_by(certified_mails.c.id)
        .limit(500)
        .with_for_update(skip_locked=True)
    )
    found = late.all()
    for mail in found:
        mail.give_up(at)
    await session.flush()
    return await tell(session, found, now)


async def read_so_far(session: AsyncSession, name: str) -> tuple[int, int]:
    """UIDVALIDITY and the last UID that was read of the mailbox; zeros before the first reading."""
    found = await session.execute(
        select(mailboxes.c.uid_validity, mailboxes.c.last_uid).where(mailboxes.c.name == name)
    )
    row = found.one_or_none()
    return (row.uid_validity, row.last_uid) if row else (0, 0)


async def read_up_to(session: AsyncSession, name: str, uid_validity: int, last_uid: int) -> None:
    made = upsert(mailboxes).values(name=name, uid_validity=uid_validity, last_uid=last_uid)
    await session.execute(
        made.on_conflict_do_update(index_elements=["name"], set_={"uid_validity": uid_validity, "last_uid": last_uid})
    )


async def purge(session: AsyncSession, at: datetime) -> None:
    """Letters with their mails, files and receipts, when their time is over."""
    await session.execute(delete(letters).where(letters.c.made_at < at - timedelta(days=365.25 * KEPT_YEARS)))
