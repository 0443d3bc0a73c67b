"""The service's own database: engine, sessions, and what counts as its being away."""

from __future__ import annotations

from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

AWAY = ("08", "53", "57P", "58", "25P03")
"""SQLSTATE classes of a server that is away, full, stopping or broken (not 57014, a statement given up: see BUSY)."""
BUSY = ("55P03", "57014", "40001", "40P01")
"""A lock not had in time, a statement given up, a serialisation failure, a deadlock: the same request may succeed."""


class Database:
    """`url`: postgresql://user:password@host:port/database. Sessions never expire what they loaded at commit."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        pool_timeout: float = 5,
        statement_timeout: float = 30,
        lock_timeout: float = 10,
        name: str = "trama",
    ) -> None:
        self.url = url.replace("postgresql://", "postgresql+asyncpg://", 1)
        timeouts = {
            "application_name": name,
            "statement_timeout": f"{int(statement_timeout * 1000)}",
            "lock_timeout": f"{int(lock_timeout * 1000)}",
            "idle_in_transaction_session_timeout": f"{int(statement_timeout * 2000)}",
        }
        connect: dict[str, Any] = {
            "timeout": pool_timeout,
            # the client gives up a little after the server would: this is for a server that does not answer at all
            "command_timeout": statement_timeout + 1,
            "server_settings": timeouts,
        }
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            hide_parameters=True,  # they would be in the logs with every failed statement
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            connect_args=connect,
        )
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(self.engine, expire_on_commit=False)

    async def dispose(self) -> None:
        await self.engine.dispose()


def sqlstate(error: BaseException) -> str:
    found = getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", None)
    return found or ""


def disconnected(error: BaseException) -> bool:
    """The connection is gone, so nothing of its transaction was committed unless the commit itself was under way."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or sqlstate(error).startswith(AWAY)
    return isinstance(error, OSError | asyncpg.InterfaceError) or sqlstate(error).startswith(AWAY)


def away(error: BaseException) -> bool:
    """The database cannot be used right now, and the caller should come back."""
    if isinstance(error, PoolTimeout | TimeoutError) or disconnected(error):
        return True
    code = sqlstate(error)
    if code:
        return code.startswith(BUSY)
    return isinstance(error, OperationalError | InterfaceError)


def constraint(error: BaseException) -> str | None:
    """The name of the constraint that refused a row."""
    cause: BaseException | None = getattr(error, "orig", error)
    while cause is not None:
        name = getattr(cause, "constraint_name", None)
        if name:
            return str(name)
        cause = cause.__cause__
    return None
