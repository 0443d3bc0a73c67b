"""What climbs the tree of bodies; procedures and calls, whom they concern and who came forward"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """A commitment is reminded of before its day, and climbs after it: two subjects of one id."""
    op.drop_constraint("reminder_subjects_pkey", "reminder_subjects", type_="primary")
    op.create_primary_key("reminder_subjects_pkey", "reminder_subjects", ["id", "topic"])
    op.create_table(
        "agreements",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("authority_id", sa.Uuid),
        sa.Column("deadline", sa.Date),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "agreement_audiences",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("agreement_id", sa.Uuid, nullable=False),
        sa.Column("organisations", sa.ARRAY(sa.Uuid), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        comment="The members whom a call concerned when it opened, up to 1,000 in a row",
    )
    op.create_index("agreement_audiences_agreement", "agreement_audiences", ["agreement_id"])
    op.create_table(
        "agreement_interests",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("agreement_id", sa.Uuid, nullable=False),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("agreement_interests_agreement", "agreement_interests", ["agreement_id"])
