"""The table of changed municipalities in a service's migrations."""

from alembic.operations import Operations

from shared.territories.tables import metadata


def install_v1(op: Operations) -> None:
    metadata.create_all(op.get_bind(), checkfirst=False)
