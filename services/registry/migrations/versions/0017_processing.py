"""Processing records, notices, merges of people"""

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Filled by the slice."""
