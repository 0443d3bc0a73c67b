"""What somebody may be reminded of, whether or not a rule does so today."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "reminder_subjects",
        sa.Column("id", sa.Uuid, primary_key=True, comment="the meeting or commitment"),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("because_of", sa.Uuid, nullable=False, comment="the fact that said so"),
        sa.Column("correlation", sa.Uuid),
        comment="Of what somebody may be reminded, also where no rule does today: a rule that changes plans from here",
    )
    op.create_index(
        "reminder_subjects_live",
        "reminder_subjects",
        ["network_id", "topic", "at"],
        postgresql_where=sa.text("live"),
    )
    op.execute(
        "insert into reminder_subjects (id, topic, network_id, at, live, because_of, correlation)"
        " select distinct on (subject_id) subject_id, topic, network_id, subject_at, state <> 'cancelled', because_of,"
        " correlation from reminders order by subject_id, state = 'cancelled', updated_at desc"
    )
