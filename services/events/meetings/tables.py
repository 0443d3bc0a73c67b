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
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.events.meetings.rules import Meeting, Mode, State
from services.events.series.rules import Level
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
    Column("series_id", Uuid, comment="the programme that it is a meeting of"),
    Column("level", words(Level)),
    Column("open_to_public", Boolean, nullable=False, server_default=false()),
    Column("description", Text),
    Column("capacity", Integer, comment="places; who says yes beyond them waits"),
    Column(
        "audience",
        JSONB(none_as_null=True),
        comment="{territories, kinds, bodies}; null: the body, or whoever holds a mandate in the network",
    ),
    Column("notice_days", SmallInteger, comment="asked by the meeting itself, beyond what the rules ask"),
    Column("urgency", Text, comment="why it was convened with less notice than the rules ask"),
    Column("waived_by", Uuid, comment="who convened it so"),
    Column("moved_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("ends_at > starts_at", name="times"),
    CheckConstraint("capacity > 0", name="capacity"),
    CheckConstraint("(call = 2) = (first_call_id is not null)", name="call"),
    CheckConstraint("(state = 'held') = (quorate is not null)", name="quorate"),
    Index("meetings_network", "network_id", "starts_at", "id"),
    Index("meetings_body", "body_id", "starts_at"),
    Index("meetings_series", "series_id", "starts_at", postgresql_where=text("series_id is not null")),
    Index("meetings_public", "starts_at", postgresql_where=text("open_to_public")),
    # The rule names the second call that stands; this holds even where two requests race each other.
    Index("meetings_second_call", "first_call_id", unique=True, postgresql_where=text("state <> 'cancelled'")),
)

guests = Table(
    "meeting_guests",
    mapper.metadata,
    Column("meeting_id", Uuid, ForeignKey(meetings.c.id), primary_key=True),
    Column("person_id", Uuid, primary_key=True),
    Index("meeting_guests_person", "person_id"),
    comment="Who is invited by name, mandate or not",
)

mapper.map_imperatively(Meeting, meetings, version_id_col=meetings.c.version, exclude_properties={"day", "updated_at"})
