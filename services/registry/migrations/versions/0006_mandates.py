"""Mandates. The grants that follow from them live in the tables that every service has."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ENDS = "case when ended_on is not null then greatest(since, ended_on) when holds_over then null else until end"


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "mandates",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, sa.ForeignKey("networks.id", name="mandates_network_id_fkey"), nullable=False),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", name="mandates_person_id_fkey"), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.Uuid, sa.ForeignKey("organisations.id", name="mandates_organisation_id_fkey")),
        sa.Column("territory", sa.Text),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("holds_over", sa.Boolean, nullable=False),
        sa.Column("accepted_on", sa.Date),
        sa.Column("ended_on", sa.Date),
        sa.Column("end_reason", sa.String(32)),
        sa.Column("ends", sa.Date, sa.Computed(ENDS, persisted=True)),
        sa.Column("told", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("until > since", name="mandates_term"),
        sa.CheckConstraint("(ended_on is null) = (end_reason is null)", name="mandates_end"),
    )
    op.execute(
        "ALTER TABLE mandates ADD CONSTRAINT mandates_one_referent EXCLUDE USING gist"
        " (network_id WITH =, organisation_id WITH =, daterange(since, ends) WITH &&) WHERE (role = 'referent')"
    )
    op.execute(
        "ALTER TABLE mandates ADD CONSTRAINT mandates_one_coordinator EXCLUDE USING gist"
        " (network_id WITH =, territory WITH =, daterange(since, ends) WITH &&) WHERE (role = 'coordinator')"
    )
    op.create_index("mandates_network", "mandates", ["network_id", "id"])
    op.create_index("mandates_office", "mandates", ["network_id", "role", "organisation_id", "territory"])
    op.create_index("mandates_person", "mandates", ["person_id"])
    op.create_index("mandates_organisation", "mandates", ["organisation_id"])
