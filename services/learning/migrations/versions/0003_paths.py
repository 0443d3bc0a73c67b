"""People and mandates as projected; paths, enrolments and the mandates that are their grounds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    projections()
    op.create_table(
        "paths",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("audience", sa.String(32), nullable=False),
        sa.Column("enrolment", sa.String(32), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("due_days", sa.SmallInteger),
        sa.Column("units", JSONB, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("published_on", sa.Date),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("paths_network", "paths", ["network_id", "id"])
    enrolments()


def projections() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, comment="the network that entered the person first"),
        sa.Column("given_name", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("family_name", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("erased_at", sa.DateTime(timezone=True)),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "mandates",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("ended_on", sa.Date),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("mandates_of_network", "mandates", ["network_id", "role"])
    op.create_index("mandates_of_person", "mandates", ["person_id"])


def enrolments() -> None:
    op.create_table(
        "enrolments",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("path_id", sa.Uuid, nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, comment="null: erased, the figures stay"),
        sa.Column("mandate_id", sa.Uuid, comment="the one that opened it"),
        sa.Column("how", sa.String(32), nullable=False),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("due", sa.Date),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("done", JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column("completed_units", sa.Integer),
        sa.Column("ended_on", sa.Date),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["path_id"], ["paths.id"], name="enrolments_path_id_fkey"),
        sa.CheckConstraint("(state = 'completed') = (completed_at is not null)", name="enrolments_completed"),
        sa.CheckConstraint("(completed_at is null) = (completed_units is null)", name="enrolments_completed_units"),
        sa.CheckConstraint("(state = 'ended') = (ended_on is not null)", name="enrolments_ended"),
    )
    op.create_index("enrolments_once", "enrolments", ["path_id", "person_id"], unique=True)
    op.create_index("enrolments_network", "enrolments", ["network_id", "id"])
    op.create_index("enrolments_person", "enrolments", ["person_id", "id"])
    op.create_table(
        "enrolment_grounds",
        sa.Column("mandate_id", sa.Uuid, primary_key=True),
        sa.Column("path_id", sa.Uuid, primary_key=True),
        sa.Column("enrolment_id", sa.Uuid, nullable=False),
        sa.Column("over", sa.Boolean, nullable=False, server_default=sa.false(), comment="the mandate has ended"),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolments.id"], name="enrolment_grounds_enrolment_id_fkey"),
    )
    op.create_index("enrolment_grounds_enrolment", "enrolment_grounds", ["enrolment_id"])
