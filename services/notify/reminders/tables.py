"""Where the rules and the reminders are kept. The due table holds the instant of each planned reminder."""

from sqlalchemy import (
    ARRAY,
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
