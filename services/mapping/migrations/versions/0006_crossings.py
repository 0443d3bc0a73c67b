"""Crossings"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    crossings()
    sheets()
    figures()


def crossings() -> None:
    op.create_table(
        "crossings",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("fields", JSONB, nullable=False),
        sa.Column("needs", JSONB, nullable=False),
        sa.Column("resources", JSONB, nullable=False),
        sa.Column("cohorts", JSONB, nullable=False),
        sa.Column("entitled", sa.Integer, nullable=False),
        sa.Column("lowest", sa.SmallInteger, nullable=False),
        sa.Column("highest", sa.SmallInteger, nullable=False),
        sa.Column("minimum", sa.Integer, nullable=False),
        sa.Column("ballot_id", sa.Uuid),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(state = 'closed') = (closed_at is not null)", name="crossings_closed"),
        sa.CheckConstraint("lowest >= 1 and highest <= 10 and lowest < highest", name="crossings_scale"),
    )
    op.create_index("crossings_network", "crossings", ["network_id", "opened_at", "id"])
    op.create_index(
        "crossings_ballot",
        "crossings",
        ["ballot_id"],
        unique=True,
        postgresql_where=sa.text("ballot_id is not null"),
    )


def sheets() -> None:
    op.create_table(
        "crossing_sheets",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("crossing_id", sa.Uuid, nullable=False),
        sa.Column("cohort", sa.Text, nullable=False),
        sa.Column("trace", sa.Uuid, comment="Made one way of the respondent's id; none for a sheet of paper"),
        sa.Column("scores", sa.Integer, nullable=False),
        sa.Column("no_opinions", sa.Integer, nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["crossing_id"], ["crossings.id"], name="crossing_sheets_crossing_id_fkey"),
    )
    op.create_index("crossing_sheets_of", "crossing_sheets", ["crossing_id", "id"])
    op.create_index(
        "crossing_sheets_trace",
        "crossing_sheets",
        ["crossing_id", "trace"],
        unique=True,
        postgresql_where=sa.text("trace is not null"),
    )
    op.create_table(
        "crossing_scores",
        sa.Column("sheet_id", sa.Uuid, primary_key=True),
        sa.Column("cell", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("score", sa.SmallInteger, comment="None: no opinion"),
        sa.CheckConstraint("score between 1 and 10", name="crossing_scores_scale"),
        sa.ForeignKeyConstraint(
            ["sheet_id"], ["crossing_sheets.id"], name="crossing_scores_sheet_id_fkey", ondelete="CASCADE"
        ),
    )


def figures() -> None:
    op.create_table(
        "crossing_figures",
        sa.Column("crossing_id", sa.Uuid, primary_key=True),
        sa.Column("cohort", sa.Text, primary_key=True, comment="`` for all of them"),
        sa.Column("cell", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("no_opinion", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, comment="None: nobody scored it, or too few to be shown"),
        sa.Column("median", sa.Double),
        sa.Column("deviation", sa.Double),
        sa.Column("lower", sa.Double),
        sa.Column("upper", sa.Double),
        sa.Column("rank", sa.Integer),
        sa.Column("tied", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["crossing_id"], ["crossings.id"], name="crossing_figures_crossing_id_fkey"),
        comment="Of closed crossings; only what may be shown",
    )
