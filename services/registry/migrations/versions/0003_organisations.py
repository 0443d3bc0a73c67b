"""Organisations, memberships, and the folding of names that search and order by name use."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

KINDS = (
    "association", "foundation", "community_foundation", "csv", "cooperative", "consortium", "mutual", "asd", "onlus",
    "religious", "committee", "municipality", "province", "region", "union", "health_authority", "school", "university",
    "chamber", "trade_association", "trade_union", "firm", "informal_group", "other",
)  # fmt: skip


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    # An index needs an immutable function; unaccent is only stable because its dictionary could be replaced.
    op.execute(
        "CREATE FUNCTION fold(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE"
        " AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, name)) $$"
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("tax_code", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("ownership", sa.Text),
        sa.Column("sections", postgresql.JSONB, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("municipality", sa.Text),
        sa.Column("territories", postgresql.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("parent_id", sa.Uuid, sa.ForeignKey("organisations.id", name="organisations_parent_id_fkey")),
        sa.Column("website", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(f"kind in ({', '.join(map(repr, KINDS))})", name="organisations_kind"),
        sa.CheckConstraint("ownership in ('private', 'public', 'mixed')", name="organisations_ownership"),
        sa.CheckConstraint(
            "tax_code is not null or kind = 'informal_group'", name="organisations_tax_code_unless_informal"
        ),
    )
    op.create_index("organisations_tax_code", "organisations", ["tax_code"], unique=True)
    op.create_index("organisations_municipality", "organisations", ["municipality"])
    op.create_index(
        "organisations_parent", "organisations", ["parent_id"], postgresql_where=sa.text("parent_id is not null")
    )
    op.create_index("organisations_by_name", "organisations", [sa.text("fold(title)"), "id"])
    op.execute("CREATE INDEX organisations_search ON organisations USING gin (fold(title) gin_trgm_ops)")
    op.create_table(
        "memberships",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "network_id", sa.Uuid, sa.ForeignKey("networks.id", name="memberships_network_id_fkey"), nullable=False
        ),
        sa.Column(
            "organisation_id",
            sa.Uuid,
            sa.ForeignKey("organisations.id", name="memberships_organisation_id_fkey"),
            nullable=False,
        ),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("history", postgresql.JSONB, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("email", sa.Text),
        sa.Column("pec", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("notes", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("state in ('candidate', 'active', 'suspended', 'withdrawn')", name="memberships_state"),
    )
    op.create_index("memberships_network_organisation", "memberships", ["network_id", "organisation_id"], unique=True)
    op.create_index("memberships_organisation", "memberships", ["organisation_id"])
