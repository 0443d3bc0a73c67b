"""Bringing a service's database up to this release, by the migrations in its own folder."""

from __future__ import annotations

import asyncio
from importlib import resources
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK = 7_265_001
"""Two processes that start together migrate one after the other."""


def migrate(service: str, url: str, revision: str = "head") -> None:
    """`url`: postgresql://…, of the database's owner."""
    asyncio.run(migrate_async(service, url, revision))


async def migrate_async(service: str, url: str, revision: str = "head") -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.exec_driver_sql(f"select pg_advisory_lock({LOCK})")
            await connection.commit()
            await connection.run_sync(_upgrade, service, revision)
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, service: str, revision: str) -> None:
    config = Config()
    folder = Path(str(resources.files(f"services.{service}"))) / "migrations"
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def run() -> None:
    """What a service's `migrations/env.py` does: each migration in a transaction of its own."""
    context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
