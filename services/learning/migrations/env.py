"""Alembic's entry, over the connection that `shared.runtime.migrating` hands in."""

from shared.runtime.migrating import run

run()
