"""Generative pacts, groups covered by community makers"""

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Filled by the slice."""
