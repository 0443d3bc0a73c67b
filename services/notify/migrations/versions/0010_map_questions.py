"""What the map asks"""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Filled by the slice."""
