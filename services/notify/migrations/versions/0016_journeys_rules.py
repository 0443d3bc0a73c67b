"""All that was told, and the rules of networks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    told()
    rules()
    op.create_index("deliveries_correlation", "deliveries", ["correlation"])


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


def rules() -> None:
    op.create_table(
        "rules",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fact_type", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        comment="A line for each rule: its newest version says what it is",
    )
    op.create_index("rules_network", "rules", ["network_id", "id"])
    op.create_table(
        "rule_versions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("rule_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("since", INSTANT, nullable=False, comment="domain clock: it decides on facts from then on"),
        sa.Column("changed_by", sa.Uuid, comment="none: a partner's key"),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("definition", postgresql.JSONB, nullable=False),
    )
    op.create_index("rule_versions_rule", "rule_versions", ["rule_id", "version"], unique=True)
    op.create_table(
        "rule_plans",
        sa.Column("id", sa.Uuid, primary_key=True, comment="made of the rule and what it is about"),
        sa.Column("rule_id", sa.Uuid, nullable=False),
        sa.Column("version_id", sa.Uuid, nullable=False, comment="the version that put it off"),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("aggregate_id", sa.Uuid, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("before", INSTANT, comment="of no use any more from then on"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column(
            "told", sa.Integer, nullable=False, server_default=sa.text("0"), comment="people for whom it was intended"
        ),
        sa.Column("because_of", sa.Uuid, nullable=False, comment="the fact by which it was last planned"),
        sa.Column("correlation", sa.Uuid),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column(
            "aggregate_version", sa.Integer, nullable=False, comment="with the generation: the rank of that fact"
        ),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
    )
    op.create_index("rule_plans_rule", "rule_plans", ["rule_id", "id"])
    op.create_index("rule_plans_aggregate", "rule_plans", ["aggregate_id"])
