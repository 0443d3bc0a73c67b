"""How a network presents itself: sender and logo."""

from alembic import op

from shared.access import schema as access

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    access.install_v2(op)  # type: ignore[arg-type]  # the module stands for the Operations
