"""Alembic's entry, over the connection that `shared.runtime.migrating` hands in."""

from alembic import context
from sqlalchemy import inspect

from services.registry.organisations.listens import keep_places
from shared.runtime.migrating import run

run()
connection = context.config.attributes["connection"]
if inspect(connection).has_table("lies_in"):  # a release may bring newer data of territories, without a migration
    keep_places(connection)
