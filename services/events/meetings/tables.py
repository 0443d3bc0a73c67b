"""Where meetings are kept. `day` is written by the database: the day of the beginning, in Italy."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.events.meetings.rules import Meeting, Mode, State
from services.events.store import mapper, words

DAY = "(starts_at at time zone 'Europe/Rome')::date"

meetings = Table(
    "meetings",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("body_id", Uuid),
    Column("title", Text, nullable=False),
    Column("founding", Boolean, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("day", Date, Computed(DAY, persisted=True), nullable=False),
    Column("mode", words(Mode), nullable=False),
    Column("place", Text),
    Column("join_url", Text, comment="lets in whoever has it: in no fact, shown only to those who are invited"),
    Column("call", SmallInteger, nullable=False),
    Column("first_call_id", Uuid, ForeignKey("meetings.id")),
    Column("agenda", JSONB, nullable=False, comment="a list of {title, minutes}"),
    Column("state", words(State), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("quorate", Boolean, comment="with a quorum or without, once it has been held"),
    Column("convened_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("ends_at > starts_at", name="times"),
    CheckConstraint("(call = 2) = (first_call_id is not null)", name="call"),
    CheckConstraint("(state = 'held') = (quorate is not null)", name="quorate"),
    Index("meetings_network", "network_id", "starts_at", "id"),
    Index("meetings_body", "body_id", "starts_at"),
    # The rule names the second call that stands; this holds even where two requests race each other.
    Index("meetings_second_call", "first_call_id", unique=True, postgresql_where=text("state <> 'cancelled'")),
)

mapper.map_imperatively(Meeting, meetings, version_id_col=meetings.c.version, exclude_properties={"day", "updated_at"})
