"""What has happened to municipalities since the built data."""

from alembic import op

from shared.territories import schema as territories

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    territories.install_v1(op)  # type: ignore[arg-type]  # the module stands for the Operations
