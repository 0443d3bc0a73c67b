"""Where the rules and the reminders are kept. The due table holds the instant of each planned reminder."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from services.notify.store import mapper

reminder_rules = Table(
    "reminder_rules",
    mapper.metadata,
    Column("network_id", Uuid, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("days", ARRAY(Integer), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("version", Integer, nullable=False, server_default=text("1")),
    comment="What a network decided; without a row the platform's days hold",
)

reminder_subjects = Table(
    "reminder_subjects",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="the meeting or commitment"),
    Column("topic", Text, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("live", Boolean, nullable=False),
    Column("because_of", Uuid, nullable=False, comment="the fact that said so"),
    Column("correlation", Uuid),
    comment="Of what somebody may be reminded, also where no rule does today: a rule that changes plans from here",
)
Index(
    "reminder_subjects_live",
    reminder_subjects.c.network_id,
    reminder_subjects.c.topic,
    reminder_subjects.c.at,
    postgresql_where=reminder_subjects.c.live,
)

reminders = Table(
    "reminders",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="made of topic, subject and days"),
    Column("topic", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("days", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("subject_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("told", Integer, nullable=False, server_default=text("0"), comment="people for whom it was intended"),
    Column("because_of", Uuid, nullable=False, comment="the fact by which it was last planned"),
    Column("correlation", Uuid),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("days > 0", name="days"),
    Index("reminders_subject", "subject_id"),
    Index("reminders_network", "network_id", "id"),
)
