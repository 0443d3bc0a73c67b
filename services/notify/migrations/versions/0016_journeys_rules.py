"""All that was told, and the rules of networks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    told()


def told() -> None:
    op.create_table(
        "told",
        sa.Column("id", sa.Uuid, primary_key=True, comment="the fact's"),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False, comment="service.aggregate.fact"),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("aggregate_id", sa.Uuid, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("network_id", sa.Uuid),
        sa.Column("correlation", sa.Uuid, nullable=False, comment="the same for all that follows from one act"),
        sa.Column("causation", sa.Uuid, comment="the fact that led to this one"),
        sa.Column("occurred_at", INSTANT, nullable=False, comment="domain clock"),
        sa.Column("recorded_at", INSTANT, nullable=False, comment="wall time"),
        sa.Column(
            "bodies",
            postgresql.ARRAY(sa.Uuid),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="whose matter it is",
        ),
        sa.Column(
            "territories",
            postgresql.ARRAY(sa.Text),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="where it is",
        ),
        sa.Column("body", postgresql.JSONB, comment="none of what is confidential"),
    )
    op.create_index("told_correlation", "told", ["correlation", "id"])
    op.create_index("told_aggregate", "told", ["aggregate_id", "generation", "version"])
    op.create_index("told_network", "told", ["network_id", "type", "occurred_at"])
    op.create_table(
        "acts",
        sa.Column("correlation", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, primary_key=True),
        sa.Column("first_id", sa.Uuid, nullable=False, comment="the first fact of this network"),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("facts", sa.Integer, nullable=False),
        comment="One line for each act and network in which it showed",
    )
    op.create_index("acts_network", "acts", ["network_id", "first_id"], unique=True)
