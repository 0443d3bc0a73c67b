"""Imports of more kinds, corrections, undo"""

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Filled by the slice."""
