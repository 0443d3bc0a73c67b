"""Connecting to NATS as one of the topology's users."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import nats
from nats.aio.client import Client

from shared.messaging import topology

logger = logging.getLogger(__name__)


class BrokerClosed(Exception):
    """NATS refused us for good (credentials, permissions to connect): the process should end and be seen."""


def options(url: str, user: str) -> dict[str, Any]:
    """What every connection of ours has: it never gives up, and notices a dead peer within 30 s."""

    async def on_error(error: Exception) -> None:
        logger.warning("nats: %s", error, extra={"nats_user": user})

    return {
        "servers": url.split(","),
        "name": user,
        "inbox_prefix": topology.inbox(user),
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.5,
        "connect_timeout": 5,
        "ping_interval": 10,
        "max_outstanding_pings": 2,
        "pending_size": 0,  # while disconnected nothing is buffered: a publish fails and is repeated from the log
        "error_cb": on_error,
    }


async def connect(url: str, user: str, closed_cb: Callable[[], Awaitable[None]] | None = None) -> Client:
    """Returns when connected; waits for as long as NATS is away. Raises BrokerClosed when it refuses the user."""
    try:
        return await nats.connect(**options(url, user), closed_cb=closed_cb)
    except nats.errors.Error as error:
        raise BrokerClosed(f"{user}: {error}") from error
