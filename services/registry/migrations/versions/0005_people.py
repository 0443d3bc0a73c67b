"""People, and the networks that know them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

SEARCH = "fold(family_name || ' ' || given_name || ' ' || family_name || ' ' || coalesce(email, ''))"


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, sa.ForeignKey("networks.id", name="people_network_id_fkey"), nullable=False),
        sa.Column("given_name", sa.Text, nullable=False),
        sa.Column("family_name", sa.Text, nullable=False),
        sa.Column("language", sa.String(32), nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("email_verified_at", sa.DateTime(timezone=True)),
        sa.Column("phone", sa.Text),
        sa.Column("erased_at", sa.DateTime(timezone=True)),
        sa.Column(
            "search",
            sa.Text,
            sa.Computed(SEARCH, persisted=True),
            nullable=False,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "erased_at is null or (email is null and phone is null and family_name = '')", name="people_erased"
        ),
    )
    op.create_index("people_email", "people", ["email"], postgresql_where=sa.text("email is not null"))
    op.execute("CREATE INDEX people_search ON people USING gin (search gin_trgm_ops)")
    op.create_table(
        "known_people",
        sa.Column("network_id", sa.Uuid, sa.ForeignKey("networks.id", name="known_people_network_id_fkey")),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", name="known_people_person_id_fkey")),
        sa.PrimaryKeyConstraint("network_id", "person_id", name="known_people_pkey"),
        comment="The networks that know a person: the one that entered them, and those in which they hold a mandate",
    )
    op.create_index("known_people_person", "known_people", ["person_id"])
