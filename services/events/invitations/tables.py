"""Where invitations are kept: one of each mandate to each meeting."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Table, Uuid, func

from services.events.invitations.rules import Invitation, Reply, State
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
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(answer is null) = (answered_at is null)", name="answered"),
    CheckConstraint("(answer is not distinct from 'delegated') = (delegate_id is not null)", name="delegate"),
    Index("invitations_once", "meeting_id", "mandate_id", unique=True),
    Index("invitations_person", "person_id"),
)

mapper.map_imperatively(
    Invitation, invitations, version_id_col=invitations.c.version, exclude_properties={"updated_at"}
)
