"""What every service has: the log and the inbox, due rows and idempotency keys, networks, grants and keys."""

from alembic import op

from shared.messaging import schema as messaging
from shared.runtime import schema as runtime

revision = "0001"
down_revision = None


def upgrade() -> None:
    messaging.install_v1(op)  # type: ignore[arg-type]  # the module stands for the Operations
    runtime.install_v1(op)  # type: ignore[arg-type]  # the module stands for the Operations
