"""The registry's own columns of the networks, which the other services only project."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "networks", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    )
    op.create_check_constraint("networks_slug", "networks", "slug ~ '^[a-z][a-z0-9-]{1,62}$'")
