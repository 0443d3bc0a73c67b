"""Presences by places"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """The presences of places that are validated already come with the next fact about who runs them, or a rebuild."""
    op.create_table(
        "place_presences",
        sa.Column("place_id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("municipality", sa.Text, comment="None: the place makes nobody present any more"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        comment="Where places make those present who run them, and since when: this service's own, no projection",
    )
    op.create_index("place_presences_organisation", "place_presences", ["organisation_id"])
    op.execute(
        "insert into place_presences (place_id, organisation_id, network_id, municipality, changed_at)"
        " select id, organisation_id, network_id, municipality, updated_at from places"
        " where organisation_id is not null and state = 'validated' and visibility <> 'body'"
    )
