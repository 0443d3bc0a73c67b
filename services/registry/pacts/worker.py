"""After the master key was replaced: wraps the keys of all pacts anew, so that the older one is needed no more."""

from __future__ import annotations

from uuid import UUID

import structlog

from services.registry.pacts import commands
from services.registry.pacts.sealing import Vault
from shared.runtime.context import Context

log = structlog.get_logger("pacts")


async def rewrap_keys(context: Context) -> None:
    """Goes through all keys once, at the start: a master key is replaced by a restart. Says in the log when the older
    ones are needed no more."""
    vault: Vault = context.settings.pact_vault  # type: ignore[attr-defined]
    done = 0
    after: UUID | None = UUID(int=0)
    while after is not None:
        async with context.database.sessions.begin() as session:
            some, after = await commands.rewrap(session, vault, after)
        done += some
    if done:
        log.info("pact_keys_rewrapped", count=done, key_id=vault.current)
