"""Areas, history of municipalities, population, yardsticks"""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Filled by the slice."""
