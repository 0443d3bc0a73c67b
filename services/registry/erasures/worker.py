"""Deletes from the stream what is due, in a process that was given the erasure user's URL; without it, nothing."""

from __future__ import annotations

import asyncio

from services.registry.erasures import stream
from shared.messaging import topology
from shared.messaging.broker import connect
from shared.runtime.context import Context

EVERY = 2.0


async def run(context: Context) -> None:
    """Until cancelled. It connects only while somebody is due: nobody holds the right to delete facts for longer."""
    url = context.settings.erasure_nats_url
    if url is None:
        return
    sessions = context.database.sessions
    while True:
        if await stream.due(sessions):
            client = await connect(url, topology.ERASURE)
            try:
                await stream.delete_due(sessions, client)
            finally:
                await client.close()
        await asyncio.sleep(EVERY)
