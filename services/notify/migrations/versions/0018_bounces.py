"""What came back, and to whom nothing is mailed any more."""

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    pass
