"""Whom to tell (projected), what was intended, and what came of each attempt."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    projections()
    deliveries()
    attempts_and_pace()


def projections() -> None:
    op.create_table(
        "contacts",
        sa.Column("person_id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, comment="the network that entered the person first"),
        sa.Column("given_name", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("family_name", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("email", sa.Text),
        sa.Column("email_verified", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("phone", sa.Text),
        sa.Column("language", sa.Text, nullable=False, server_default=sa.text("'it'")),
        sa.Column("erased_at", sa.DateTime(timezone=True)),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("contacts_of_network", "contacts", ["network_id", "person_id"])
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )


def deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("person_id", sa.Uuid),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, unique=True, comment="(rule, subject, instant, person): told once"),
        sa.Column("parameters", JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("because_of", sa.Uuid, nullable=False, comment="the fact"),
        sa.Column("correlation", sa.Uuid),
        sa.Column("traceparent", sa.Text),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("problem", sa.String(32)),
        sa.Column("reason", sa.Text, comment="the relay's words of the last attempt, without addresses"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column(
            "intended_at", sa.DateTime(timezone=True), nullable=False, comment="domain clock; the others are wall time"
        ),
        sa.Column("first_try", sa.DateTime(timezone=True)),
        sa.Column("next_try", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
    )
    op.create_index("deliveries_due", "deliveries", ["next_try"], postgresql_where="state = 'queued'")
    op.create_index("deliveries_leased", "deliveries", ["lease_until"], postgresql_where="state = 'sending'")
    op.create_index("deliveries_of_network", "deliveries", ["network_id", "id"])
    op.create_index("deliveries_of_person", "deliveries", ["person_id"])


def attempts_and_pace() -> None:
    op.create_table(
        "attempts",
        sa.Column("delivery_id", sa.Uuid, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("code", sa.Integer, comment="the relay's reply code, none when it gave none"),
        sa.Column("reason", sa.Text, nullable=False, server_default=sa.text("''")),
        comment="Written as soon as the relay has answered, before all else: what was accepted is never sent again",
    )
    op.create_table(
        "pace",
        sa.Column("relay", sa.Text, primary_key=True),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        comment="Until when each relay's rate is used up, for all senders together",
    )
