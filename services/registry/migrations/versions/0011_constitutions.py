"""Constitution paths, goals, interlocutors."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    _interlocutors()
    _constitutions()
    _goals()


def _network(table: str) -> sa.Column[UUID]:
    key = sa.ForeignKey("networks.id", name=f"{table}_network_id_fkey")
    return sa.Column("network_id", sa.Uuid, key, nullable=False)


def _changes() -> list[sa.Column[Any]]:
    return [
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
    ]


def _interlocutors() -> None:
    op.create_table(
        "interlocutors",
        sa.Column("id", sa.Uuid, primary_key=True),
        _network("interlocutors"),
        sa.Column("institution", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("office", sa.String(32), nullable=False),
        sa.Column("recorded_on", sa.Date, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("contacts", sa.Integer, nullable=False),
        sa.Column("last_contact_on", sa.Date),
        *_changes(),
        sa.UniqueConstraint("network_id", "institution", "office", name="interlocutors_office"),
    )
    op.create_table(
        "interlocutor_contacts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "interlocutor_id",
            sa.Uuid,
            sa.ForeignKey("interlocutors.id", name="interlocutor_contacts_interlocutor_id_fkey"),
            nullable=False,
        ),
        sa.Column("happened_on", sa.Date, nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column(
            "corrects_id",
            sa.Uuid,
            sa.ForeignKey("interlocutor_contacts.id", name="interlocutor_contacts_corrects_id_fkey"),
        ),
        sa.Column("recorded_on", sa.Date, nullable=False),
        sa.Column("recorded_by", sa.Uuid),
        sa.UniqueConstraint("corrects_id", name="interlocutor_contacts_corrects_id_key"),
        sa.CheckConstraint("happened_on <= recorded_on", name="interlocutor_contacts_happened"),
        comment="Appended to and never changed: a wrong entry is corrected by a later one",
    )
    op.create_index("interlocutor_contacts_by_day", "interlocutor_contacts", ["interlocutor_id", "happened_on", "id"])


def _constitutions() -> None:
    op.create_table(
        "constitutions",
        sa.Column("id", sa.Uuid, primary_key=True),
        _network("constitutions"),
        sa.Column("body_id", sa.Uuid, sa.ForeignKey("bodies.id", name="constitutions_body_id_fkey"), nullable=False),
        sa.Column("territory", sa.Text, nullable=False),
        sa.Column("requirements", postgresql.JSONB, nullable=False),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("assessed_on", sa.Date, nullable=False),
        sa.Column("completed_on", sa.Date),
        *_changes(),
        sa.UniqueConstraint("body_id", name="constitutions_body_id_key"),
        sa.CheckConstraint("completed_on >= opened_on", name="constitutions_days"),
    )
    op.create_index("constitutions_network", "constitutions", ["network_id", "id"])
    op.create_index(
        "constitutions_open",
        "constitutions",
        ["network_id", "territory"],
        postgresql_where=sa.text("completed_on is null"),
    )
    op.create_table(
        "founding_minutes",
        sa.Column("body_id", sa.Uuid, primary_key=True),
        sa.Column("minutes_id", sa.Uuid, nullable=False),
        sa.Column("approved_on", sa.Date, nullable=False),
        comment="The first approved and quorate minutes that found a body: told once, by a reaction, and never rebuilt",
    )
    op.create_table(
        "constitution_looks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "constitution_id",
            sa.Uuid,
            sa.ForeignKey("constitutions.id", name="constitution_looks_constitution_id_fkey"),
            nullable=False,
        ),
        sa.Column("on_day", sa.Date, nullable=False),
        comment="What the due table waits for: a path may have come further on that day. A row for each cause, so that "
        "two commands never wait for each other here",
    )
    op.create_index("constitution_looks_constitution", "constitution_looks", ["constitution_id"])


def _goals() -> None:
    op.create_table(
        "goals",
        sa.Column("id", sa.Uuid, primary_key=True),
        _network("goals"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body_kind", sa.String(32), nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("minimum", sa.Integer, nullable=False),
        sa.Column("full", sa.Integer, nullable=False),
        sa.Column("reached", sa.Integer, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("counted", postgresql.ARRAY(sa.Uuid)),
        *_changes(),
        sa.CheckConstraint("since <= last_day", name="goals_days"),
        sa.CheckConstraint('minimum between 1 and "full"', name="goals_figures"),
        sa.CheckConstraint("(state = 'running') = (counted is null)", name="goals_decided"),
    )
    op.create_index("goals_network", "goals", ["network_id", "id"])
