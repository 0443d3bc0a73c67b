"""Polls, ballots, syntheses and approvals that people are told of."""

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    pass
