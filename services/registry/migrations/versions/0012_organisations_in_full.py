"""Merges, sharing, search"""

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Filled by the slice."""
