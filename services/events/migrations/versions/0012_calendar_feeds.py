"""Secret addresses of calendars."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "calendar_feeds",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("network_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("read_on", sa.Date, comment="the last day on which it was read"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("secret_sha256", name="calendar_feeds_secret_sha256_key"),
        sa.CheckConstraint("(kind = 'person') = (network_id is null)", name="calendar_feeds_network"),
        sa.CheckConstraint("(kind = 'body') = (body_id is not null)", name="calendar_feeds_body"),
    )
    op.create_index("calendar_feeds_person", "calendar_feeds", ["person_id"])
