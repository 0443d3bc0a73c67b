"""The access tables of a service's first migration."""

from alembic.operations import Operations

from shared.access.tables import metadata


def install_v1(op: Operations) -> None:
    metadata.create_all(op.get_bind(), checkfirst=False)
