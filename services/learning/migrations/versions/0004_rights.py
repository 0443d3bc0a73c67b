"""What networks share with each other; what is held of people needs no table of its own"""

from alembic import op

from shared.access import schema as access

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    access.install_v3(op)  # type: ignore[arg-type]  # the module stands for the Operations
