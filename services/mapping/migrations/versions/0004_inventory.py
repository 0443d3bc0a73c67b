"""Places, resources, experiences, needs, freshness"""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Filled by the slice."""
