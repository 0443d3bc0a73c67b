"""Erasures and access requests: what mapping holds of people is found where it is, and needs no table of its own"""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Nothing is kept."""
