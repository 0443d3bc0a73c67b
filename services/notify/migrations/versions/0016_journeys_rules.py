"""All that was told, and the rules of networks."""

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    pass
