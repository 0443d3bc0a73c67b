"""Imports of organisations: jobs, uploaded files, the report of rows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, sa.ForeignKey("networks.id", name="imports_network_id_fkey"), nullable=False),
        sa.Column("requested_by", sa.Uuid),
        sa.Column("correlation", sa.Uuid),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("applying", sa.Boolean, nullable=False),
        sa.Column("staged", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("done", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("total", sa.Integer),
        *(
            sa.Column(outcome, sa.Integer, nullable=False, server_default=sa.text("0"))
            for outcome in ("created", "updated", "unchanged", "rejected")
        ),
        sa.Column("line", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("found", postgresql.JSONB),
        sa.Column("reason", sa.Text),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("worker", sa.Uuid),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.CheckConstraint("status in ('running', 'previewed', 'done', 'failed')", name="imports_status"),
    )
    op.create_index("imports_network", "imports", ["network_id", "id"])
    op.create_index("imports_running", "imports", ["requested_at"], postgresql_where=sa.text("status = 'running'"))
    op.create_table(
        "import_files",
        sa.Column(
            "import_id",
            sa.Uuid,
            sa.ForeignKey("imports.id", name="import_files_import_id_fkey", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    # Uploads are read back whole, and workbooks do not compress: no time is lost on trying.
    op.execute("ALTER TABLE import_files ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "import_rows",
        sa.Column(
            "import_id",
            sa.Uuid,
            sa.ForeignKey("imports.id", name="import_rows_import_id_fkey", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("line", sa.Integer, primary_key=True),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("tax_code", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("municipality", sa.Text),
        sa.Column("problem", sa.Text),
        sa.Column("code", sa.Text),
        sa.Column("content", postgresql.JSONB),
        sa.CheckConstraint("outcome in ('created', 'updated', 'unchanged', 'rejected')", name="import_rows_outcome"),
    )
    op.create_index("import_rows_identity", "import_rows", ["import_id", "identity"])
