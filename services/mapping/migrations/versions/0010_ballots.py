"""Crossings that a ballot fills."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "crossing_ballots",
        sa.Column("ballot_id", sa.Uuid, primary_key=True),
        sa.Column(
            "crossing_id",
            sa.Uuid,
            sa.ForeignKey("crossings.id", name="crossing_ballots_crossing_id_fkey"),
            nullable=False,
        ),
        sa.Column("grid", JSONB, nullable=False, comment="the words of its fields, needs and resources"),
        sa.Column("cohorts", JSONB, nullable=False, comment="their titles by code"),
        sa.Column("own", sa.Boolean, nullable=False, comment="the crossing was opened because of the ballot"),
        sa.Column("closed", sa.Boolean, nullable=False),
        comment="Ballots of events whose papers are taken in",
    )
    op.create_table(
        "crossing_parts",
        sa.Column(
            "ballot_id",
            sa.Uuid,
            sa.ForeignKey("crossing_ballots.ballot_id", name="crossing_parts_ballot_id_fkey"),
            primary_key=True,
        ),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("papers", sa.Integer, nullable=False),
        comment="Parts of a ballot's papers that are in: one that comes again is known",
    )
