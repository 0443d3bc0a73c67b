"""Ballots of every kind, with papers."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    pass
