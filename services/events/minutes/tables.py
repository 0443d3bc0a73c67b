"""Where minutes are kept, the numbers that they were given, who was asked to approve them, and their PDFs. Approved
ones and their PDFs the database lets nobody change (see the migrations)."""

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
    LargeBinary,
    Table,
    Text,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.events.minutes.rules import AnswerState, Approval, Approver, Minutes, Rule, State
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
    Column("approval", words(Approval), nullable=False, server_default="coordination"),
    Column("round", Integer, nullable=False, server_default="0", comment="how often they were submitted"),
    Column("asked", Integer, nullable=False, server_default="0"),
    Column("needed", Integer, nullable=False, server_default="0"),
    Column("silence", Boolean, nullable=False, server_default=false()),
    Column("answers_until", DateTime(timezone=True), comment="the first instant at which no answer counts any more"),
    Column(
        "approved_in",
        Uuid,
        ForeignKey("ballots.id"),
        comment="the ballot of a later meeting by which they were approved",
    ),
    Column(
        "edits",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="by section: what its writer added, or wrote instead",
    ),
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

rules = Table(
    "minutes_rules",
    mapper.metadata,
    Column("body_id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("approval", words(Approval), nullable=False),
    Column("numerator", Integer, nullable=False),
    Column("denominator", Integer, nullable=False),
    Column("days", Integer, nullable=False),
    Column("silence", Boolean, nullable=False, comment="who does not answer in time agrees"),
    Column("set_by", Uuid),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    comment="How a body approves its minutes; without a row, by its coordination",
)

approvals = Table(
    "minutes_approvals",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("minutes_id", Uuid, ForeignKey("minutes.id"), nullable=False),
    Column("meeting_id", Uuid, ForeignKey("meetings.id"), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("round", Integer, nullable=False),
    Column("state", words(AnswerState), nullable=False),
    Column("reason", Text, comment="why somebody objects: for those who write the minutes"),
    Column("answered_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state = 'objected') = (reason is not null)", name="reason"),
    Index("minutes_approvals_once", "minutes_id", "round", "person_id", unique=True),
    Index("minutes_approvals_person", "person_id"),
)

files = Table(
    "minutes_files",
    mapper.metadata,
    Column("minutes_id", Uuid, ForeignKey("minutes.id"), primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("content", LargeBinary, nullable=False, comment="PDF/UA, made when they were approved"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("sha256 = encode(sha256(content), 'hex')", name="whole"),
)

mapper.map_imperatively(
    Minutes, minutes, version_id_col=minutes.c.version, exclude_properties={"series_id", "year", "updated_at"}
)
mapper.map_imperatively(Rule, rules, version_id_col=rules.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Approver, approvals, version_id_col=approvals.c.version, exclude_properties={"updated_at"})
