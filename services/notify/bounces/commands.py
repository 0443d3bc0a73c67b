"""Taking what comes back, and mailing an address again.

Whoever takes a report holds the row of its delivery: the same report twice is once, and what has become of the delivery
is told once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notify.bounces import queries, rules
from services.notify.bounces.queries import ADDRESS_KEY, MAILBOX
from services.notify.bounces.reports import Report
from services.notify.bounces.rules import Kind, Named, Reason, Release
from services.notify.bounces.tables import bounces, suppressions
from services.notify.contacts.rules import AddressUnusable, mailbox
from services.notify.contacts.tables import contacts
from services.notify.deliveries.outcomes import tell
from services.notify.deliveries.rules import State, without_addresses
from services.notify.deliveries.tables import deliveries
from services.notify.policy import Right, policy
from services.notify.replies.rules import Refusal, Refused
from shared.access.actor import Actor


@dataclass(frozen=True, slots=True)
class Taken:
    """What a report has come to; `told`: there is a new fact."""

    outcome: str
    told: bool = False


async def take(
    session: AsyncSession,
    named: Named | None,
    report: Report,
    *,
    key: bytes,
    domain: str,
    arrived: datetime,
    now: datetime,
) -> Taken:
    """Raises Refused while the delivery is still in a sender's hands: the mail server brings the report again."""
    if report.kind is Kind.DELAYED:
        return Taken("delayed")
    named = named or _by_path(report, key, domain)
    row = await _delivery(session, [named.delivery_id] if named else report.ids)
    if row is None:
        return Taken("of_nothing")
    if row.state is State.SENDING:
        raise Refused(Refusal.LATER)
    fresh = await _noted(session, row, named, report, key, arrived)
    told = await _returned(session, row, report, now)
    return Taken(str(report.kind) if fresh or told else "known_already", told)


def _by_path(report: Report, key: bytes, domain: str) -> Named | None:
    """Providers that report to a desk return the mail, and in it the address from which it was sent."""
    tokens = (rules.token_of(path, domain) for path in report.paths)
    return next((found for token in tokens if token and (found := rules.named(key, token))), None)


async def _delivery(session: AsyncSession, ids: Collection[UUID]) -> Row[Any] | None:
    if not ids:
        return None
    query = select(deliveries).where(deliveries.c.id.in_(ids)).order_by(deliveries.c.id).limit(1).with_for_update()
    return (await session.execute(query)).one_or_none()


async def _returned(session: AsyncSession, row: Row[Any], report: Report, now: datetime) -> bool:
    """What was sent has come back: told once. What is tried again already, or was given up, stays what it is."""
    problem = rules.RETURNED.get(report.kind)
    if problem is None or row.state is not State.SENT:
        return False
    words = without_addresses(f"{report.status} {report.words}".strip())
    came_back = (
        update(deliveries)
        .where(deliveries.c.id == row.id)
        .values(
            state=State.BOUNCED,
            problem=problem,
            reason=words,
            updated_at=func.now(),
            version=deliveries.c.version + 1,
        )
        .returning(deliveries)
    )
    return await tell(session, (await session.execute(came_back)).all(), now)


async def _noted(
    session: AsyncSession, row: Row[Any], named: Named | None, report: Report, key: bytes, arrived: datetime
) -> bool:
    """Keeps it against the address to which the mail went, if its person still has that one: nothing is known of
    another. True when it is news."""
    query = select(contacts.c.email, MAILBOX.label("mailbox"), ADDRESS_KEY.label("key")).where(
        contacts.c.person_id == row.person_id, contacts.c.erased_at.is_(None), contacts.c.email.is_not(None)
    )
    contact = (await session.execute(query)).one_or_none() if row.person_id else None
    if contact is None or not _same(contact.email, named, report, key):
        return False
    noted = insert(bounces).values(
        delivery_id=row.id,
        kind=report.kind,
        person_id=row.person_id,
        address_key=contact.key,
        status=report.status,
        at=arrived,
    )
    kept = await session.execute(noted.on_conflict_do_nothing().returning(bounces.c.delivery_id))
    if not kept.all():
        return False
    reason = rules.suppressed_by(report.kind, await _soft(session, contact.key, arrived))
    if reason is not None:
        await _suppress(session, contact, reason, report.status, row.id, arrived)
    return True


def _same(email: str, named: Named | None, report: Report, key: bytes) -> bool:
    """The envelope's sender knows to which address the mail went; of a mail without one, its report may say it."""
    try:
        now = mailbox(email)
    except AddressUnusable:
        return False
    if named is not None:
        return rules.print_of(key, now) == named.print
    return not report.recipients or now.lower() in report.recipients


async def _soft(session: AsyncSession, address_key: str, at: datetime) -> int:
    """Mails to the address that came back for a while, since it was last released."""
    released = select(func.max(suppressions.c.released_at)).where(suppressions.c.address_key == address_key)
    since = func.greatest(at - rules.SOFT_PERIOD, func.coalesce(released.scalar_subquery(), at - rules.SOFT_PERIOD))
    query = select(func.count(bounces.c.delivery_id.distinct())).where(
        bounces.c.address_key == address_key, bounces.c.kind == Kind.SOFT, bounces.c.at > since
    )
    return await session.scalar(query) or 0


async def _suppress(
    session: AsyncSession, contact: Any, reason: Reason, status: str, delivery_id: UUID, at: datetime
) -> None:
    """Everybody behind that mailbox. Who is on the list stays there for the reason that stops more."""
    people = await session.scalars(select(contacts.c.person_id).where(contact.mailbox == MAILBOX))
    rows = [
        {
            "id": uuid7(),
            "person_id": person,
            "address_key": contact.key,
            "reason": reason,
            "status": status,
            "delivery_id": delivery_id,
            "since": at,
        }
        for person in sorted(people)
    ]
    fresh = insert(suppressions).values(rows)
    new = {name: fresh.excluded[name] for name in ("reason", "status", "delivery_id", "since")}
    stronger = (suppressions.c.reason == Reason.COMPLAINT) & (fresh.excluded.reason != Reason.COMPLAINT)
    await session.execute(
        fresh.on_conflict_do_update(
            constraint="suppressions_once",
            set_={**new, "released_at": None, "released_by": None, "release": None},
            where=suppressions.c.released_at.is_not(None) | stronger,
        )
    )


async def release(session: AsyncSession, actor: Actor, id_: UUID, why: Release, *, now: datetime) -> queries.Shown:
    """The address is mailed again, for all who share it. Twice is once. Raises NotFound, Forbidden."""
    shown = await queries.get(session, actor, id_, now=now)
    rooms = await queries.rooms_of(session, shown.row.person_id)
    if not any(policy.has(actor, Right.RELEASE_SUPPRESSIONS, network=room, on=now) for room in rooms):
        policy.require(actor, Right.RELEASE_SUPPRESSIONS, network=rooms[0], on=now)
    await session.execute(
        update(suppressions)
        .where(suppressions.c.address_key == shown.row.address_key, suppressions.c.released_at.is_(None))
        .values(released_at=func.now(), released_by=actor.person_id, release=why)
    )
    return await queries.get(session, actor, id_, now=now)


HANDED_ON = (
    text("update bounces set person_id = :staying where person_id = :going"),
    text(
        "delete from suppressions s where person_id = :going and exists (select from suppressions o"
        " where o.person_id = :staying and o.address_key = s.address_key)"
    ),
    text("update suppressions set person_id = :staying where person_id = :going"),
)


async def hand_on(session: AsyncSession, going: UUID, staying: UUID) -> None:
    """What is known of a duplicate's mailbox is known of the other's, if it is the same."""
    for statement in HANDED_ON:
        await session.execute(statement, {"going": going, "staying": staying})
