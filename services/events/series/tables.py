"""Where programmes, their extensions, rooms and people's absences are kept.

A programme's bodies and their shares are two lists of the same length on its row: they are always read and written with
the whole frame, and one row is what commands lock.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
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
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.events.series.rules import Absence, Booking, Extension, Level, Room, RoomState, Series, State
from services.events.store import mapper, words

series = Table(
    "series",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("level", words(Level)),
    Column("state", words(State), nullable=False),
    Column("since", Date, nullable=False),
    Column("last_day", Date, nullable=False, comment="belongs to the programme"),
    Column("bodies", ARRAY(Uuid), nullable=False, comment="none: any body, and the network as a whole"),
    Column("shares", ARRAY(Integer), comment="how many meetings each of the bodies may hold; null: the quotas bind"),
    Column("quotas", JSONB, nullable=False, comment="a list of {count, each, mode, exact}"),
    Column("modes", ARRAY(Text), nullable=False),
    Column("min_days", SmallInteger, comment="between two meetings of one body"),
    Column("per_month", SmallInteger, comment="meetings of one body in a calendar month"),
    Column("project_id", Uuid, comment="of the registry"),
    Column("action_id", Uuid, comment="of the registry's project"),
    Column("extensions", SmallInteger, nullable=False),
    Column("adopted_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("closing_reason", Text, comment="why fewer meetings were held than it asked for exactly"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("last_day >= since", name="span"),
    CheckConstraint("shares is null or cardinality(shares) = cardinality(bodies)", name="shares"),
    Index("series_network", "network_id", "id"),
    Index("series_project", "project_id"),
)

series_extensions = Table(
    "series_extensions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("series_id", Uuid, ForeignKey("series.id"), nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("act", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("before", JSONB, nullable=False, comment="the fields that it widened, as they were"),
    Column("after", JSONB, nullable=False),
    Column("recorded_by", Uuid),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Index("series_extensions_number", "series_id", "number", unique=True),
)

rooms = Table(
    "rooms",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("territory", Text, comment="a region, province or municipality; null: wherever"),
    Column("state", words(RoomState), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("capacity > 0", name="capacity"),
    Index("rooms_network", "network_id", "id"),
)

room_bookings = Table(
    "room_bookings",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("room_id", Uuid, ForeignKey("rooms.id"), nullable=False),
    Column("meeting_id", Uuid, ForeignKey("meetings.id"), comment="its times, as long as it is to be held there"),
    Column("place", Text, comment="what the meeting said of its place then"),
    Column("starts_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True)),
    CheckConstraint("(meeting_id is null) = (starts_at is not null)", name="times"),
    CheckConstraint("(starts_at is null) = (ends_at is null) and ends_at > starts_at", name="order"),
    Index("room_bookings_room", "room_id", "id"),
    Index("room_bookings_meeting", "meeting_id", unique=True),
)

absences = Table(
    "absences",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, comment="null: declared by the person, for all networks"),
    Column("person_id", Uuid, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False, comment="the first day that they are back"),
    Column("recorded_by", Uuid),
    CheckConstraint("until > since", name="span"),
    Index("absences_person", "person_id", "until"),
    Index("absences_network", "network_id", "id"),
)

mapper.map_imperatively(Series, series, version_id_col=series.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Extension, series_extensions)
mapper.map_imperatively(Room, rooms, version_id_col=rooms.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Booking, room_bookings)
mapper.map_imperatively(Absence, absences)
