"""Where minutes are kept, and the numbers that they were given. Approved ones the database lets nobody change."""

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
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.events.minutes.rules import Minutes, State
from services.events.store import mapper, words

minutes = Table(
    "minutes",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("meeting_id", Uuid, ForeignKey("meetings.id"), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("body_id", Uuid),
    Column("founding", Boolean, nullable=False),
    Column("held_on", Date, nullable=False),
    Column("quorate", Boolean, nullable=False),
    Column("present", Integer, nullable=False, comment="in person, remote or by proxy"),
    Column("entitled", Integer, nullable=False),
    Column("text", Text, nullable=False, comment="what the writer adds to what was composed"),
    Column("remarks", Text, comment="why they were returned"),
    Column("document", JSONB, nullable=False, comment="what was composed, as it is read"),
    Column("state", words(State), nullable=False),
    Column("series_id", Uuid, Computed("coalesce(body_id, network_id)", persisted=True)),
    Column("year", Integer, Computed("extract(year from held_on)::integer", persisted=True)),
    Column("number", Integer),
    Column("drafted_by", Uuid),
    Column("submitted_by", Uuid),
    Column("approved_by", Uuid),
    Column("approved_at", DateTime(timezone=True)),
    Column("approved_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state = 'approved') = (number is not null)", name="numbered"),
    CheckConstraint("(state = 'approved') = (approved_on is not null)", name="approved"),
    Index("minutes_meeting", "meeting_id", unique=True),
    Index("minutes_network", "network_id", "id"),
    Index("minutes_number", "series_id", "year", "number", unique=True),
)

numbers = Table(
    "minutes_numbers",
    mapper.metadata,
    Column("series_id", Uuid, primary_key=True, comment="the body; the network for meetings of no body"),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)

mapper.map_imperatively(
    Minutes, minutes, version_id_col=minutes.c.version, exclude_properties={"series_id", "year", "updated_at"}
)
