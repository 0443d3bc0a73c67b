"""Commitments of pacts, plans, agreements and projects; evidence as a file"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.drop_index("commitments_of_decision", "commitments")
    op.create_index(
        "commitments_of_source",
        "commitments",
        ["source", "source_id"],
        unique=True,
        postgresql_where=sa.text("source not in ('hand', 'rule')"),
    )
