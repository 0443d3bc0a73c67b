"""Bodies and their seats; mandates in a body and in a seat of it, which has one holder on a day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0009"
down_revision = "0008"

ONE = (
    "ALTER TABLE mandates ADD CONSTRAINT {name} EXCLUDE USING gist"
    " ({what}, daterange(since, ends) WITH &&) WHERE ({where})"
)


def upgrade() -> None:
    op.create_table(
        "bodies",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, sa.ForeignKey("networks.id", name="bodies_network_id_fkey"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("composition", sa.String(32), nullable=False),
        sa.Column("roles", ARRAY(sa.Text), nullable=False),
        sa.Column("territory", sa.Text),
        sa.Column("parent_id", sa.Uuid, sa.ForeignKey("bodies.id", name="bodies_parent_id_fkey")),
        sa.Column("first_call", JSONB, nullable=False),
        sa.Column("second_call", JSONB),
        sa.Column("proxies", sa.SmallInteger, nullable=False),
        sa.Column("constituted_on", sa.Date),
        sa.Column("dissolved_on", sa.Date),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("state <> 'constituted' or constituted_on is not null", name="bodies_constituted"),
        sa.CheckConstraint("(state = 'dissolved') = (dissolved_on is not null)", name="bodies_dissolved"),
    )
    op.create_index("bodies_network", "bodies", ["network_id", "id"])
    op.create_index("bodies_parent", "bodies", ["parent_id"], postgresql_where=sa.text("parent_id is not null"))
    op.create_index(
        "bodies_one_coordination",
        "bodies",
        ["network_id", "territory"],
        unique=True,
        postgresql_where=sa.text("kind = 'regional_coordination' and state <> 'dissolved'"),
    )
    op.create_table(
        "seats",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("body_id", sa.Uuid, sa.ForeignKey("bodies.id", name="seats_body_id_fkey"), nullable=False),
        sa.Column("network_id", sa.Uuid, sa.ForeignKey("networks.id", name="seats_network_id_fkey"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("until >= since", name="seats_days"),
    )
    op.create_index("seats_body", "seats", ["body_id", "title", "id"])
    op.create_index("seats_organisation", "seats", ["organisation_id"])
    mandates()


def mandates() -> None:
    op.add_column("mandates", sa.Column("body_id", sa.Uuid, sa.ForeignKey("bodies.id", name="mandates_body_id_fkey")))
    op.add_column("mandates", sa.Column("seat_id", sa.Uuid, sa.ForeignKey("seats.id", name="mandates_seat_id_fkey")))
    op.create_check_constraint("mandates_seat_of_body", "mandates", "seat_id is null or body_id is not null")
    for name, what, where in (
        ("mandates_one_referent", "network_id WITH =, organisation_id WITH =", "role = 'referent' and body_id is null"),
        ("mandates_one_coordinator", "network_id WITH =, territory WITH =", "role = 'coordinator' and body_id is null"),
        ("mandates_one_holder", "seat_id WITH =", "seat_id is not null"),
    ):
        op.execute(f"ALTER TABLE mandates DROP CONSTRAINT IF EXISTS {name}")
        op.execute(ONE.format(name=name, what=what, where=where))
    op.create_index("mandates_body", "mandates", ["body_id"], postgresql_where=sa.text("body_id is not null"))
    op.create_index("mandates_seat", "mandates", ["seat_id"], postgresql_where=sa.text("seat_id is not null"))
