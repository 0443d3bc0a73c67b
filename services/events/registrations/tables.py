"""Where registrations are kept. They name strangers by text, and by no id: nobody else in Trama knows them."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
    text,
)

from services.events.meetings.tables import meetings
from services.events.registrations.rules import Registration, State
from services.events.store import mapper, words

public_places = Table(
    "public_places",
    mapper.metadata,
    Column("meeting_id", Uuid, ForeignKey(meetings.c.id), primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("places", Integer, comment="null: as many as come"),
    Column("next_number", Integer, nullable=False, server_default=text("1")),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("places >= 0", name="places"),
    comment="Of meetings for which somebody registered or whose places were bounded; its row is the lock on them",
)

registrations = Table(
    "registrations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("meeting_id", Uuid, ForeignKey(public_places.c.meeting_id), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("organisation", Text),
    Column("secret_sha256", LargeBinary, comment="of the code in the address of their page; null: forgotten, too"),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("state", words(State), nullable=False),
    Column("entered_by", Uuid, comment="who wrote it down for the person"),
    Column("attended", Boolean, nullable=False, server_default=false()),
    Column("checked_in_at", DateTime(timezone=True)),
    Column("checked_in_by", Uuid),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("erased_at", DateTime(timezone=True), comment="since when nothing in the row names the person"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("attended = (checked_in_at is not null)", name="checked_in"),
    CheckConstraint("(state = 'cancelled') = (cancelled_at is not null)", name="cancelled"),
    CheckConstraint(
        "erased_at is null or (name = '' and email is null and organisation is null)",
        name="erased",
    ),
    UniqueConstraint("meeting_id", "number"),
    UniqueConstraint("secret_sha256"),
    Index("registrations_state", "meeting_id", "state", "number"),
)

mapper.map_imperatively(
    Registration, registrations, version_id_col=registrations.c.version, exclude_properties={"updated_at"}
)
