"""The part of notify's process that sends webhooks, where it listens."""

from __future__ import annotations

import asyncio

import structlog

from services.notify.settings import Settings
from services.notify.webhooks import commands
from services.notify.webhooks.posting import Poster
from services.notify.webhooks.sending import Sending
from shared.runtime.clock import wall
from shared.runtime.context import Context

EVERY = 3600.0
log = structlog.get_logger("webhooks")


async def tell_partners(context: Context) -> None:
    """For ever, where there is a key to keep secrets with: without one there are no endpoints."""
    settings = context.settings
    assert isinstance(settings, Settings)
    safe = settings.webhook_safe
    if safe is None:
        return
    async with context.database.sessions.begin() as session:
        if anew := await commands.reseal(session, safe):
            log.info("webhook_secrets_resealed", count=anew)
    sending = Sending(
        context.database.sessions,
        Poster(private=settings.webhooks_insecure),
        safe,
        now=context.clock.now,
        after_commit=context.wake,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_tidy(context))
        await sending.run()


async def _tidy(context: Context) -> None:
    while True:
        await asyncio.sleep(EVERY)
        async with context.database.sessions.begin() as session:
            await commands.purge(session, wall())
