"""Imports of more kinds, corrections of what a file means, undo; tickets for streams of progress."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared.runtime import progress

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    progress.install_v1(op)  # type: ignore[arg-type]  # the module stands for the Operations
    for column in (
        sa.Column("of", sa.Text, nullable=False, server_default=sa.text("'organisations'")),
        sa.Column("parent_id", sa.Uuid, sa.ForeignKey("organisations.id", name="imports_parent_id_fkey")),
        sa.Column("chosen", JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("constants", JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("header_line", sa.Integer),
        sa.Column("undone", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("kept", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("undo_until", sa.DateTime(timezone=True)),
    ):
        op.add_column("imports", column)
    op.drop_constraint("imports_status", "imports")
    op.create_check_constraint(
        "imports_status",
        "imports",
        "status in ('running', 'mapping', 'previewed', 'done', 'failed', 'undoing', 'undone')",
    )
    op.create_check_constraint("imports_of", "imports", "of in ('organisations', 'affiliates', 'representatives')")
    op.create_check_constraint("imports_parent", "imports", "(of = 'affiliates') = (parent_id is not null)")
    op.drop_index("imports_running", "imports")
    running = sa.text("status in ('running', 'undoing')")
    op.create_index("imports_running", "imports", ["requested_at"], postgresql_where=running)
    for column in (
        sa.Column("person_id", sa.Uuid),
        sa.Column("mandate_id", sa.Uuid),
        sa.Column("entered", sa.Boolean),
        sa.Column("changes", JSONB),
        sa.Column("undone", sa.Boolean),
        sa.Column("kept", sa.Text),
    ):
        op.add_column("import_rows", column)
    op.create_index("import_rows_undone", "import_rows", ["organisation_id"], postgresql_where=sa.text("undone"))
    op.create_index(
        "import_rows_person", "import_rows", ["person_id"], postgresql_where=sa.text("person_id is not null")
    )
