"""Presences by places; imports of places that are corrected and taken back"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"

STATUSES = "'running', 'mapping', 'previewed', 'done', 'failed', 'undoing', 'undone'"


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
    imports()


def imports() -> None:
    for column in (
        sa.Column("chosen", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("constants", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("header_line", sa.Integer),
        sa.Column("undone", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("kept", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("undo_until", sa.DateTime(timezone=True)),
    ):
        op.add_column("place_imports", column)
    op.drop_constraint("place_imports_status", "place_imports")
    op.create_check_constraint("status", "place_imports", f"status in ({STATUSES})")
    op.drop_index("place_imports_running", "place_imports")
    op.create_index(
        "place_imports_running",
        "place_imports",
        ["requested_at"],
        postgresql_where=sa.text("status in ('running', 'undoing')"),
    )
    for column in (
        sa.Column("changes", JSONB),
        sa.Column("made", JSONB),
        sa.Column("undone", sa.Boolean),
        sa.Column("kept", sa.Text),
    ):
        op.add_column("place_import_rows", column)
    op.create_index("place_import_rows_place", "place_import_rows", ["import_id", "place_id"])
