"""What messages speak of: bodies, commitments, meetings and all that belongs to them, enrolments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    registry()
    meetings()
    of_meetings()
    enrolments()


def registry() -> None:
    op.create_table(
        "bodies",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("territory", sa.Text),
        sa.Column("parent_id", sa.Uuid),
        *rank(),
    )
    op.create_table(
        "commitments",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("debtor_organisation_id", sa.Uuid),
        sa.Column("debtor_person_id", sa.Uuid),
        sa.Column("debtor_body_id", sa.Uuid),
        sa.Column("creditor_body_id", sa.Uuid),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("source_id", sa.Uuid),
        sa.Column("fulfilled_on", sa.Date),
        *rank(),
    )
    op.create_index("commitments_of_network", "commitments", ["network_id", "due"])
    op.create_index("commitments_of_organisation", "commitments", ["debtor_organisation_id"])


def meetings() -> None:
    op.create_table(
        "meetings",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("founding", sa.Boolean, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("place", sa.Text),
        sa.Column("call", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("agenda", JSONB, nullable=False, comment="titles in their order"),
        sa.Column("state", sa.Text, nullable=False),
        *rank(),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("meeting_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("mandate_id", sa.Uuid),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("delegate_id", sa.Uuid),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False, comment="domain clock: when this became so"),
        *rank(),
    )
    op.create_index("invitations_of_meeting", "invitations", ["meeting_id"])


def of_meetings() -> None:
    op.create_table(
        "ballots",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("meeting_id", sa.Uuid, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, comment="none while it is open"),
        *rank(),
    )
    op.create_table(
        "minutes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("meeting_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("quorate", sa.Boolean, nullable=False),
        sa.Column("present", sa.Integer, nullable=False),
        sa.Column("entitled", sa.Integer, nullable=False),
        sa.Column("held_on", sa.Date, nullable=False),
        *rank(),
    )


def enrolments() -> None:
    op.create_table(
        "enrolments",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("path_id", sa.Uuid, nullable=False),
        sa.Column("path_title", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("units", sa.Integer, nullable=False),
        sa.Column("units_done", sa.Integer, nullable=False),
        sa.Column("due", sa.Date),
        *rank(),
    )


def rank() -> tuple[sa.Column[int], sa.Column[int]]:
    """What orders the facts of one aggregate."""
    return sa.Column("generation", sa.Integer, nullable=False), sa.Column("version", sa.Integer, nullable=False)
