"""What came back, and to whom nothing is mailed any more."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "bounces",
        sa.Column("delivery_id", sa.Uuid, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True, comment="hard, soft, policy or complaint; the same twice is one"),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("address_key", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, comment="RFC 3463, empty when none was given"),
        sa.Column("at", INSTANT, nullable=False, comment="wall time"),
        comment="Mails that came back or were complained of, to addresses that their people still have",
    )
    op.create_index("bounces_address", "bounces", ["address_key", "at"])
    op.create_index("bounces_person", "bounces", ["person_id"])
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("address_key", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False, comment="hard, soft or complaint"),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("delivery_id", sa.Uuid, nullable=False, comment="the last mail that came back or was complained of"),
        sa.Column("since", INSTANT, nullable=False, comment="wall time"),
        sa.Column("released_at", INSTANT),
        sa.Column("released_by", sa.Uuid),
        sa.Column("release", sa.Text, comment="works, asked or mistake"),
        sa.UniqueConstraint("person_id", "address_key", name="suppressions_once"),
    )
    op.create_index(
        "suppressions_address", "suppressions", ["address_key"], postgresql_where=sa.text("released_at IS NULL")
    )
    op.create_index(
        "contacts_mailbox",
        "contacts",
        [sa.text("lower(btrim(email))")],
        postgresql_where=sa.text("email IS NOT NULL"),
    )
