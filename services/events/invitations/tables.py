"""Where invitations are kept: one of each mandate to each meeting, one of each person who is invited by name."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Uuid,
    func,
    text,
)

from services.events.invitations.rules import Channel, Invitation, Reply, State
from services.events.meetings.tables import meetings
from services.events.store import mapper, words

invitations = Table(
    "invitations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("meeting_id", Uuid, ForeignKey(meetings.c.id), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("mandate_id", Uuid),
    Column("seat_id", Uuid, comment="a seat of the meeting's body; null where people belong to it themselves"),
    Column("organisation_id", Uuid),
    Column("state", words(State), nullable=False),
    Column("answer", words(Reply)),
    Column("answered_at", DateTime(timezone=True)),
    Column("answered_by", Uuid, comment="who entered the answer, when it was not the person"),
    Column("delegate_id", Uuid, comment="the person who will stand for this one"),
    Column("turn", Integer, comment="whose turn it is when a place falls free; null: no wait"),
    Column("waiting", Boolean, Computed("turn is not null", persisted=True), nullable=False),
    Column("answered_via", words(Channel), comment="how the answer came"),
    Column("link_asked_at", DateTime(timezone=True), comment="when a fresh link was asked for last"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(answer is null) = (answered_at is null)", name="answered"),
    CheckConstraint("(answer is not distinct from 'delegated') = (delegate_id is not null)", name="delegate"),
    CheckConstraint("turn is null or (answer = 'yes' and state = 'issued')", name="waiting"),
    Index("invitations_once", "meeting_id", text("coalesce(mandate_id, person_id)"), unique=True),
    Index("invitations_turns", "meeting_id", "turn", postgresql_where=text("turn is not null")),
    Index("invitations_person", "person_id"),
)

mapper.map_imperatively(
    Invitation, invitations, version_id_col=invitations.c.version, exclude_properties={"updated_at", "waiting"}
)
