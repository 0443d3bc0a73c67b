"""Polls, ballots, syntheses, approvals, programmes and reports that people are told of.

Until `rebuild` has read the facts again, ballots that were told before are as they were then: motions in a meeting.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    polls()
    voting()
    minutes()
    programmes()
    op.add_column(
        "invitations",
        sa.Column(
            "waiting",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="they said yes, and there is no place yet",
        ),
    )


def told() -> list[sa.Column[object]]:
    return [
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    ]


def polls() -> None:
    op.create_table(
        "polls",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("closes_at", INSTANT, nullable=False),
        sa.Column("options", postgresql.JSONB, nullable=False, comment="starts_at and ends_at of each, in their order"),
        sa.Column("chosen", sa.Integer, comment="the number of an option, from 1"),
        *told(),
    )
    op.create_table(
        "poll_requests",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("poll_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        *told(),
    )
    op.create_index("poll_requests_poll", "poll_requests", ["poll_id"])


def voting() -> None:
    op.create_table(
        "voters",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("ballot_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("state", sa.Text, nullable=False),
        *told(),
    )
    op.create_index("voters_ballot", "voters", ["ballot_id"])
    op.alter_column("ballots", "meeting_id", nullable=True)
    op.add_column("ballots", sa.Column("body_id", sa.Uuid))
    op.add_column("ballots", sa.Column("kind", sa.Text, nullable=False, server_default=sa.text("'motion'")))
    op.add_column("ballots", sa.Column("secret", sa.Boolean, nullable=False, server_default=sa.text("false")))
    op.add_column("ballots", sa.Column("closes_at", INSTANT))
    for name in ("entitled", "cast", "in_favour", "against", "abstained"):
        op.add_column("ballots", sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column(
        "ballots",
        sa.Column(
            "options",
            postgresql.JSONB,
            nullable=False,
            server_default=sa.text("'[]'"),
            comment="title and votes of each",
        ),
    )


def minutes() -> None:
    op.add_column("minutes", sa.Column("drafted_by", sa.Uuid, comment="who writes them"))
    op.create_table(
        "minutes_approvals",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("minutes_id", sa.Uuid, nullable=False),
        sa.Column("meeting_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        *told(),
    )


def programmes() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("planned", sa.Integer, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("extensions", sa.Integer, nullable=False),
        *told(),
    )
    op.create_table(
        "syntheses",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("contributions", sa.Integer, nullable=False),
        *told(),
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        *told(),
    )
