"""Who attended, who stood for whom, and the quorum as it was fixed when the meeting was closed."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Uuid,
    text,
)

from services.events.attendance.rules import Attendance, Mode
from services.events.store import mapper, words

attendances = Table(
    "attendances",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("meeting_id", Uuid, ForeignKey("meetings.id"), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("invitation_id", Uuid, ForeignKey("invitations.id"), comment="null: a guest, who does not count"),
    Column("organisation_id", Uuid, comment="whom they came for"),
    Column("mode", words(Mode), nullable=False),
    Column("recorded_by", Uuid, comment="null: by a link, or by a partner's system"),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("invitation_id is not null or mode in ('present', 'remote')", name="guest_is_there"),
    # An invitation is attended once, and a guest is there once.
    Index("attendances_invitation", "invitation_id", unique=True),
    Index("attendances_guest", "meeting_id", "person_id", unique=True, postgresql_where=text("invitation_id is null")),
    Index("attendances_meeting", "meeting_id", "id"),
)

proxies = Table(
    "proxies",
    mapper.metadata,
    Column("invitation_id", Uuid, ForeignKey("invitations.id"), primary_key=True, comment="of who is away"),
    Column("holder_id", Uuid, ForeignKey("invitations.id"), nullable=False, comment="of who stands for them"),
    Column("meeting_id", Uuid, ForeignKey("meetings.id"), nullable=False),
    Column("recorded_by", Uuid),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("invitation_id <> holder_id", name="of_another"),
    Index("proxies_meeting", "meeting_id"),
    comment="Recorded by hand; when the meeting is closed, those from answers too",
)

quorums = Table(
    "quorums",
    mapper.metadata,
    Column("meeting_id", Uuid, ForeignKey("meetings.id"), primary_key=True),
    Column("call", Integer, nullable=False),
    Column("entitled", Integer, nullable=False),
    Column("present", Integer, nullable=False),
    Column("by_proxy", Integer, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("reached", Boolean, nullable=False),
    Column("fixed_by", Uuid),
    Column("fixed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("reached = (present + by_proxy >= needed)", name="reached"),
    CheckConstraint("present + by_proxy <= entitled", name="counted"),
    comment="As it was when the meeting was closed; before that it is counted",
)

mapper.map_imperatively(Attendance, attendances)
