"""What pacts and groups remind of"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    uncovered = sa.Column("uncovered_since", sa.Date, comment="nobody is in office in the role that a group needs")
    op.add_column("bodies", uncovered)
    op.create_table(
        "pacts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("body_id", sa.Uuid),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("maker_id", sa.Uuid),
        sa.Column("territory", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("pacts_of_body", "pacts", ["body_id"])
    op.create_index("pacts_of_organisation", "pacts", ["organisation_id"])
    op.create_table(
        "pact_steps",
        sa.Column("id", sa.Uuid, primary_key=True, comment="made of the pact and the number"),
        sa.Column("pact_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("due", sa.Date, comment="none of a step that has its outcome"),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
