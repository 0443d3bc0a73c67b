"""What people want to be told, how and when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from shared.messaging.tables import Xid8
from shared.runtime import progress

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    decisions()
    waiting()
    reading()


def decisions() -> None:
    op.create_table(
        "preferences",
        sa.Column("person_id", sa.Uuid, primary_key=True),
        sa.Column("language", sa.Text, comment="null: the registry's"),
        sa.Column("quiet_since", sa.Time, comment="Italy's clocks, as the others"),
        sa.Column("quiet_until", sa.Time),
        sa.Column("quiet_days", ARRAY(sa.SmallInteger), comment="on which it begins, 1: Monday"),
        sa.Column("digest_hour", sa.SmallInteger, nullable=False, server_default=sa.text("7")),
        sa.Column("digest_weekday", sa.SmallInteger, nullable=False, server_default=sa.text("1")),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.CheckConstraint("digest_hour between 0 and 23 and digest_weekday between 1 and 7", name="digests"),
        comment="One row for each person who has decided anything",
    )
    op.create_table(
        "preference_choices",
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("network_id", sa.Uuid, comment="null: in all networks"),
        sa.Column("about", sa.Text, nullable=False, comment="a topic, or a group of topics"),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("choice", sa.Text, nullable=False),
        sa.UniqueConstraint(
            "person_id",
            "network_id",
            "about",
            "channel",
            name="preference_choices_once",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.add_column(
        "contacts",
        sa.Column(
            "merged_into", sa.Uuid, comment="of a duplicate: who stands for both, whom its old mails' links are about"
        ),
    )


def waiting() -> None:
    """Until when a mail waits, in which digest it went, what it is about, and when it came to be."""
    op.add_column("deliveries", sa.Column("waits_until", sa.DateTime(timezone=True), comment="domain clock"))
    op.add_column("deliveries", sa.Column("in_inbox", sa.Boolean, nullable=False, server_default=sa.text("true")))
    op.add_column("deliveries", sa.Column("digest_id", sa.Uuid, comment="the delivery in whose mail it went"))
    op.add_column("deliveries", sa.Column("subject_id", sa.Uuid, comment="the meeting, ballot, ... that it is about"))
    op.create_index("deliveries_waiting", "deliveries", ["waits_until"], postgresql_where="waits_until is not null")
    op.create_index("deliveries_digest", "deliveries", ["digest_id"], postgresql_where="digest_id is not null")
    op.create_index("deliveries_because_of", "deliveries", ["because_of"])
    op.create_index("deliveries_subject", "deliveries", ["subject_id"], postgresql_where="subject_id is not null")


def reading() -> None:
    """Which transaction wrote it: live inboxes are told what a later snapshot sees and an earlier one did not; tickets
    open their streams."""
    progress.install_v1(op)  # type: ignore[arg-type]  # the module stands for the Operations
    for table in ("deliveries", "read_marks"):
        op.add_column(table, sa.Column("tx", Xid8, nullable=False, server_default=sa.text("pg_current_xact_id()")))
        op.create_index(f"{table}_tx", table, ["tx"])
    op.alter_column("read_marks", "read_at", nullable=True, comment="null: unread again")
