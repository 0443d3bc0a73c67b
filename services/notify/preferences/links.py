"""The links that every mail carries: to what its person wants to be told, and out of what it is about.

They are signed while the mail is written, like all links, and open this service's own pages.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from services.notify.messages.asked import MintLink

PREFERENCES, UNSUBSCRIBE = "preferences", "unsubscribe"
LASTS = timedelta(days=365)
"""By wall time. Who looks for the way out looks in the mail that they have."""


def preferences_url(mint: MintLink, home: str, person_id: UUID, wall: datetime) -> str:
    """All that its person is told, and how."""
    return f"{home}/notify/v1/preferences/link?token={mint('notify', PREFERENCES, person_id, wall + LASTS)}"


def unsubscribe_url(
    mint: MintLink, home: str, person_id: UUID, topic: str, network_id: UUID | None, wall: datetime
) -> str:
    """One topic in one network (in all of them, of what is no network's): a POST acts at once (RFC 8058), opening it
    does nothing."""
    of = {"topic": topic} | ({"network": str(network_id)} if network_id else {})
    token = mint("notify", UNSUBSCRIBE, person_id, wall + LASTS, **of)
    return f"{home}/notify/v1/preferences/unsubscribe?token={token}"
