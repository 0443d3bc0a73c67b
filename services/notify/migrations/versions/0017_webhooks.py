"""Partners' addresses and what was told to them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def word(*words: str) -> sa.Enum:
    return sa.Enum(*words, native_enum=False, length=32)


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "endpoints",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("types", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("key_id", sa.Uuid, comment="the partner's key that made it"),
        sa.Column("secret", sa.LargeBinary, nullable=False, comment="sealed"),
        sa.Column("previous", sa.LargeBinary, comment="sealed; signs too until previous_until"),
        sa.Column("previous_until", instant),
        sa.Column("state", word("active", "paused", "disabled"), nullable=False),
        sa.Column("reason", word("gone", "failing")),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("changed_at", instant),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("endpoints_network", "endpoints", ["network_id", "id"])

    op.create_table(
        "endpoint_lanes",
        sa.Column("endpoint_id", sa.Uuid, sa.ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("failing_since", instant),
        sa.Column("open_until", instant, comment="left alone until then"),
        sa.Column("suspect", sa.Boolean, nullable=False, server_default=sa.text("false"), comment="slow or failing"),
        sa.Column("served_at", instant),
        sa.Column("lease", sa.Uuid, comment="of which claim"),
        sa.Column("lease_until", instant),
        comment="How each endpoint answers, and which process sends to it",
    )

    op.create_table(
        "endpoint_messages",
        sa.Column("endpoint_id", sa.Uuid, sa.ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("fact_id", sa.Uuid, primary_key=True),
        sa.Column(
            "seq", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="the order in which facts came"
        ),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("aggregate_id", sa.Uuid, nullable=False),
        sa.Column("state", word("queued", "delivered", "failed"), nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("queued_at", instant, nullable=False),
        sa.Column("next_try", instant, comment="none once it is settled"),
        sa.Column("settled_at", instant),
        sa.Column("outcome", OUTCOME, comment="of the last try"),
        sa.Column("status", sa.Integer),
        comment="What each endpoint is told; the fact itself stands in told",
    )
    op.create_index(
        "endpoint_messages_due",
        "endpoint_messages",
        ["endpoint_id", "next_try", "seq"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("endpoint_messages_seq", "endpoint_messages", ["endpoint_id", "seq"])

    op.create_table(
        "endpoint_attempts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("endpoint_id", sa.Uuid, sa.ForeignKey("endpoints.id", ondelete="CASCADE"), nullable=False),
        sa.Column("fact_id", sa.Uuid, comment="none: a test"),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("number", sa.SmallInteger, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("outcome", OUTCOME, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("latency_ms", sa.Integer, nullable=False),
        sa.Column(
            "answer", sa.Text, nullable=False, server_default=sa.text("''"), comment="its first printable characters"
        ),
        comment="Each try, also of the test button",
    )
    op.create_index("endpoint_attempts_endpoint", "endpoint_attempts", ["endpoint_id", "at", "id"])


OUTCOME = word("delivered", "refused", "redirected", "gone", "timed_out", "unreachable", "not_allowed", "unreadable")
