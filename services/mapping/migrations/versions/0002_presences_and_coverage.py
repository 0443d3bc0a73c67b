"""Organisations, memberships and mandates as projected; presences and the counters derived from them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0002"
down_revision = "0001"


def received() -> list[sa.Column[object]]:
    return [
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    ]


def upgrade() -> None:
    op.execute("create extension if not exists pg_trgm")
    projections()
    op.create_table(
        "presences",
        sa.Column("organisation_id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, primary_key=True),
        sa.Column("territory", sa.Text, primary_key=True),
        sa.Column("municipality", sa.Text),
        sa.Column("province", sa.Text),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("sources", ARRAY(sa.Text), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("search", sa.Text, nullable=False, comment="The title as people type it: lower case, no accents"),
        sa.Column("tax_code", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("sections", JSONB, nullable=False),
        sa.Column("section_names", ARRAY(sa.Text), nullable=False, comment="Those of `sections`, whatever their dates"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    in_order = ["search", "organisation_id", "territory"]
    op.create_index("presences_by_name", "presences", ["network_id", *in_order])
    for column in ("region", "province", "municipality", "kind"):
        op.create_index(f"presences_by_{column}", "presences", ["network_id", column, *in_order])
    op.create_index("presences_by_change", "presences", ["network_id", "changed_at"])
    op.create_index("presences_facets", "presences", ["sources", "section_names"], postgresql_using="gin")
    op.create_index(
        "presences_search", "presences", ["search"], postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}
    )
    op.create_table(
        "coverage",
        sa.Column("network_id", sa.Uuid, primary_key=True),
        sa.Column("level", sa.Text, primary_key=True),
        sa.Column("area", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("organisations", sa.Integer, nullable=False),
        sa.Column("organised", sa.Integer, nullable=False),
        sa.CheckConstraint("organised between 0 and organisations", name="coverage_organised_among_organisations"),
    )


def projections() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("tax_code", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("sections", JSONB, nullable=False),
        sa.Column("municipality", sa.Text),
        sa.Column("territories", JSONB, nullable=False),
        sa.Column("parent_id", sa.Uuid),
        *received(),
    )
    op.create_table(
        "memberships",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        *received(),
    )
    op.create_index("memberships_organisation", "memberships", ["organisation_id"])
    op.create_table(
        "mandates",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("territory", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date),
        *received(),
        comment="Without the person: the map needs to know that somebody acts there, not who",
    )
    op.create_index("mandates_organisation", "mandates", ["organisation_id"])
