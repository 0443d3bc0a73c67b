"""Kinds, sections and seats of organisations, and which networks they are in.

Until `rebuild` has read the facts again, organisations that were told before have no kind.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    words = postgresql.ARRAY(sa.Text)
    op.add_column("organisations", sa.Column("kind", sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column(
        "organisations",
        sa.Column(
            "sections",
            words,
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="of the RUNTS, in force when told",
        ),
    )
    op.add_column("organisations", sa.Column("municipality", sa.Text, comment="of its seat"))
    op.create_table(
        "memberships",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("organisation_id", sa.Uuid, comment="null: it was a duplicate"),
        sa.Column("state", sa.Text, nullable=False, comment="candidate, active, suspended, withdrawn or merged"),
        sa.Column("since", sa.Date),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("memberships_network", "memberships", ["network_id", "organisation_id"])
