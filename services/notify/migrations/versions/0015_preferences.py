"""What people want to be told, how and when."""

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    pass
