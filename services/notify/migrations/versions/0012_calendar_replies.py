"""Answers from people's calendars."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "calendar_replies",
        sa.Column("invitation_id", sa.Uuid, primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("minted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("answers", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("answer", sa.Text),
        sa.Column("sequence", sa.Integer),
        sa.Column("stamped_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("token", name="calendar_replies_token_key"),
        comment="rsvp+<token>@<reply domain> is an invitation's organizer; not a projection",
    )
