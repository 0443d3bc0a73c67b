"""Evidence of commitments"""

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Filled by the slice."""
