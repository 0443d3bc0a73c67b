"""Messaging's part of a service's migrations: one function for each release of the tables."""

from __future__ import annotations

from alembic.operations import Operations

from shared.messaging.tables import metadata

PLACE = (
    "(select system_identifier from pg_control_system()) || '/' || "
    "(select oid from pg_database where datname = current_database())"
)
"""SQL: the cluster and database that we are in. A dump restored elsewhere, or into a new database, finds another."""


def install_v1(op: Operations) -> None:
    metadata.create_all(op.get_bind(), checkfirst=False)
    op.execute(f"insert into relay_cursor (previous, place) select pg_current_snapshot(), {PLACE}")
