"""What is known of bodies, organisations and the map."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "bodies",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="forming, constituted or dissolved"),
        sa.Column("territory", sa.Text),
        sa.Column("parent_id", sa.Uuid),
        sa.Column("dissolved_on", sa.Date),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("bodies_network", "bodies", ["network_id"])
    organisations()
    op.create_table(
        "experiences",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("municipality", sa.Text),
        sa.Column("territories", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("themes", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("since", sa.Date),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("expires_on", sa.Date, comment="the first day on which it is no longer offered"),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("experiences_network", "experiences", ["network_id", "state"])


def organisations() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("municipality", sa.Text, comment="of its seat"),
        sa.Column("territories", sa.ARRAY(sa.Text), nullable=False, comment="where it works"),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
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
