"""Plans and agreements"""

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Filled by the slice."""
