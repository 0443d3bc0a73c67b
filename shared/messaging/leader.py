"""One process of a service at a time: a session advisory lock, held on a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

_CLASS = 7_266  # the first key of our advisory locks; the second says which
_SETTINGS = {
    # A leader whose machine is gone holds its lock no longer than about 25 s.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
STATEMENT = 30.0
"""Seconds until a leader gives up a statement, and with it the connection: one over which nothing comes any more looks
like a slow one. Its own take milliseconds, a window over a million facts a second."""
OPERATION = 300.0
"""The same for what an operator does by hand, which may touch the whole log."""


LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a connection raises when it is cut, in whatever state it was."""


class Role(IntEnum):
    RELAY = 1
    LISTEN = 2


class LeaderElsewhere(Exception):
    """Another process does this work and must be stopped first."""


@asynccontextmanager
async def leading(
    engine: AsyncEngine, role: Role, *, poll: float = 1.0, patience: float | None = None
) -> AsyncIterator[asyncpg.Connection]:
    """Wait until this process leads, then give the connection that holds the lock (autocommit, plain asyncpg).

    What is written through that connection is fenced: when the lock is lost, so is the connection. It must therefore
    not go through a proxy that pools transactions. Raises LeaderElsewhere after `patience` seconds (an operator's
    work; none: waits).
    """
    limit = STATEMENT if patience is None else OPERATION
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    settings = {"application_name": f"trama {role.name}", "statement_timeout": f"{limit * 1000:.0f}", **_SETTINGS}
    connection = await asyncpg.connect(url, timeout=10, command_timeout=limit, server_settings=settings)
    try:
        waited = 0.0
        while not await connection.fetchval("select pg_try_advisory_lock($1, $2)", _CLASS, int(role)):
            if patience is not None and waited >= patience:
                raise LeaderElsewhere(f"{role.name.lower()}: stop the service's process first")
            waited += poll
            await asyncio.sleep(poll)
        yield connection
    finally:
        connection.terminate()  # politeness would wait for a server that may be gone
