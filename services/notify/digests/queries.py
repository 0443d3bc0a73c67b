"""What waits, and what goes in which digest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.outcomes import Claimed
from services.notify.digests import rules
from services.notify.messages.rules import DIGEST
from shared.runtime.due import schedule_many

DUE = "waiting-mails"
ENTRIES = text("""
    SELECT id, network_id, person_id, channel, topic, parameters, because_of, correlation, traceparent, attempts,
        intended_at AS first_try, digest_id
    FROM deliveries WHERE digest_id = ANY(:digests) AND state IN ('queued', 'failed', 'bounced') ORDER BY id
""").columns(parameters=JSONB)


async def schedule(session: AsyncSession, instants: Iterable[datetime | None]) -> None:
    """What waits for these instants goes on at them."""
    await schedule_many(session, DUE, [(rules.due_id(at), at) for at in sorted({at for at in instants if at})])


async def entries(session: AsyncSession, claimed: Sequence[Claimed]) -> dict[UUID, list[Claimed]]:
    """What each digest among these has to tell: what was not settled by itself meanwhile; of a digest that is tried
    again by hand, all that failed or came back with it. `first_try` is when it was intended."""
    digests = [delivery.id for delivery in claimed if delivery.topic == DIGEST.code]
    found: dict[UUID, list[Claimed]] = defaultdict(list)
    if digests:
        for row in await session.execute(ENTRIES, {"digests": digests}):
            said = dict(row._mapping)
            found[said.pop("digest_id")].append(Claimed(**said))
    return found
