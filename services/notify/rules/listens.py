"""Every fact that a rule may be about is matched with the rules of its network. Where there is none, one statement for
the whole batch says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.rules.commands import tell
from services.notify.rules.fields import rulable
from shared.contracts.envelope import Fact
from shared.messaging import Received, reacts


@reacts(*rulable().values())
async def tell_by_rules(session: AsyncSession, facts: Sequence[Received[Fact]], now: datetime) -> None:
    about = {r.fact_id: (r.fact.network_id, r.fact.name) for r in facts if r.fact.network_id is not None}
    if about:
        await tell(session, about, now)
