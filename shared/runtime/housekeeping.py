"""What is thrown away when its time is over: answers kept for Idempotency-Keys."""

from __future__ import annotations

import asyncio

from shared.runtime import idempotency
from shared.runtime.clock import wall
from shared.runtime.context import Context

EVERY = 3600.0


async def housekeeping(context: Context) -> None:
    """Once an hour, until cancelled."""
    while True:
        await asyncio.sleep(EVERY)
        async with context.database.sessions.begin() as session:
            await idempotency.purge(session, wall())
