"""Erasures and access requests"""

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Filled by the slice."""
