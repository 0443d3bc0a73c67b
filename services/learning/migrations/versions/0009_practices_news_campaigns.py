"""Practices and who took them up; news; campaigns."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    pass
