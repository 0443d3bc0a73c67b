"""Municipalities that ISTAT changed"""

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Filled by the slice."""
