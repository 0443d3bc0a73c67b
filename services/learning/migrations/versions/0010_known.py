"""What is known of bodies, organisations and the map."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    pass
