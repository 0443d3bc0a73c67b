"""What the map asks, and who is to answer needs."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "map_questions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("item_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("asked_on", sa.Date, nullable=False),
        sa.Column("answer_by", sa.Date, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("map_questions_organisation", "map_questions", ["organisation_id"])
    op.create_table(
        "map_needs",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("municipality", sa.Text),
        sa.Column("theme", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("person_id", sa.Uuid),
        sa.Column("collected_on", sa.Date, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
