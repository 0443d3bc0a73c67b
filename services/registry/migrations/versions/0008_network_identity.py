"""How a network presents itself: sender and logo."""

import sqlalchemy as sa
from alembic import op

from shared.access import schema as access

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    access.install_v2(op)  # type: ignore[arg-type]  # the module stands for the Operations
    op.create_table(
        "logos",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        comment="Images by their content: a mail of last year still shows the logo of last year",
    )
