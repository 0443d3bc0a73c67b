"""What a network's endpoints are told: every fact of the network that they ask for and that is nobody's secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.journeys.commands import keep
from services.notify.webhooks import commands, queries
from services.notify.webhooks.rules import matching
from shared.contracts.envelope import Fact
from shared.messaging import Received, reacts
from shared.runtime.clock import wall


@reacts(Fact)
async def queue_for_endpoints(session: AsyncSession, facts: Sequence[Received[Fact]], now: datetime) -> None:  # noqa: ARG001
    """Two statements for a batch that no endpoint wants, most of them. Each fact is kept first, if its projection has
    not come yet: the message is made from there."""
    asking = await queries.asking(session, {r.fact.network_id for r in facts if r.fact.network_id})
    if not asking:
        return
    wanted = [
        (endpoint.id, received)
        for received in facts
        for endpoint in asking.get(received.fact.network_id, ())
        if received.fact.name in matching(tuple(endpoint.types))
    ]
    if wanted:
        await keep(session, list({received.fact_id: received for _, received in wanted}.values()))
        await commands.queue(session, [(endpoint, r.fact_id, r.fact.name, r.fact.id) for endpoint, r in wanted], wall())
