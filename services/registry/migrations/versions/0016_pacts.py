"""Generative pacts, groups covered by community makers"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    _cover()


def _cover() -> None:
    op.add_column("bodies", sa.Column("needed_role", sa.String(32)))
    op.add_column("bodies", sa.Column("needed_since", sa.Date))
    op.add_column("bodies", sa.Column("uncovered_since", sa.Date))
    op.create_check_constraint("bodies_needed", "bodies", "(needed_role is null) = (needed_since is null)")
    op.create_check_constraint(
        "bodies_uncovered",
        "bodies",
        "uncovered_since is null or (needed_role is not null and state <> 'dissolved')",
    )
    op.create_index(
        "bodies_uncovered", "bodies", ["network_id", "id"], postgresql_where=sa.text("uncovered_since is not null")
    )
    op.create_table(
        "cover_looks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("body_id", sa.Uuid, nullable=False),
        comment="What the due table waits for: whether somebody covers a body may have changed. A row for each cause, "
        "so that two commands never wait for each other here",
    )
