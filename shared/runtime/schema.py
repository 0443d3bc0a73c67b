"""The runtime's and the access tables of a service's first migration (messaging installs its own)."""

from alembic.operations import Operations

from shared.access import schema as access
from shared.runtime import due, idempotency
from shared.runtime.tables import metadata


def install_v1(op: Operations) -> None:
    """The tables due, idempotency, networks, grants, grant_lists, api_keys, used_links."""
    metadata.create_all(op.get_bind(), tables=[due.due, idempotency.answers], checkfirst=False)
    access.install_v1(op)
