"""Polls for dates, and those who register for a public meeting."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    pass
