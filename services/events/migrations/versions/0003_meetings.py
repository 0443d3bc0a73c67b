"""Bodies, people and mandates as the registry tells them; meetings and invitations."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass
