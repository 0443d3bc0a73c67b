"""Rules, reminders, the inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "reminder_rules",
        sa.Column("network_id", sa.Uuid, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("days", sa.ARRAY(sa.Integer), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        comment="What a network decided; without a row the platform's days hold",
    )
    op.create_table(
        "reminders",
        sa.Column("id", sa.Uuid, primary_key=True, comment="made of topic, subject and days"),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column(
            "told",
            sa.Integer,
            nullable=False,
            server_default=sa.text("0"),
            comment="people for whom it was intended",
        ),
        sa.Column("because_of", sa.Uuid, nullable=False, comment="the fact by which it was last planned"),
        sa.Column("correlation", sa.Uuid),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("days > 0", name="reminders_days"),
    )
    op.create_index("reminders_subject", "reminders", ["subject_id"])
    op.create_index("reminders_network", "reminders", ["network_id", "id"])
    op.create_table(
        "read_marks",
        sa.Column("delivery_id", sa.Uuid, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        comment="What its person has read in the inbox",
    )
