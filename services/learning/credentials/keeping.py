"""The public key with which this process signs, kept before anybody could need it without the private one."""

from __future__ import annotations

from typing import cast

from services.learning.credentials import badges, commands
from services.learning.settings import Settings
from shared.runtime.clock import wall
from shared.runtime.context import Context


async def keep_the_key(context: Context) -> None:
    settings = cast(Settings, context.settings)
    root = f"{settings.public_url.rstrip('/')}/learning/v1"
    jwk = badges.public_key(root, settings.badge_key)
    async with context.database.sessions.begin() as session:
        await commands.keep_key(session, jwk["kid"], jwk, wall())
