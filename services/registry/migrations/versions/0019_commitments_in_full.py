"""Commitments of pacts, plans, agreements and projects; evidence as a file"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.drop_index("commitments_of_decision", "commitments")
    op.create_index(
        "commitments_of_source",
        "commitments",
        ["source", "source_id"],
        unique=True,
        postgresql_where=sa.text("source not in ('hand', 'rule')"),
    )
    for name, kind in (("name", sa.Text), ("type", sa.Text), ("size", sa.Integer), ("sha256", sa.Text)):
        op.add_column("commitments", sa.Column(f"file_{name}", kind))
    op.drop_constraint("commitments_fulfilled", "commitments", type_="check")
    op.create_check_constraint(
        "commitments_fulfilled",
        "commitments",
        "(state = 'fulfilled') = (fulfilled_on is not null)"
        " and (state = 'fulfilled') = (evidence is not null or link is not null or file_name is not null)",
    )
    op.create_check_constraint(
        "commitments_file", "commitments", "num_nonnulls(file_name, file_type, file_size, file_sha256) in (0, 4)"
    )
    op.create_table(
        "commitment_files",
        sa.Column(
            "commitment_id",
            sa.Uuid,
            sa.ForeignKey("commitments.id", name="commitment_files_commitment_id_fkey"),
            primary_key=True,
        ),
        sa.Column("content", sa.LargeBinary, nullable=False),
        comment="What shows that a commitment was kept; its name, kind, size and checksum are the commitment's",
    )
