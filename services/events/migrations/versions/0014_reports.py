"""What reports are made of, and reports."""

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    pass
