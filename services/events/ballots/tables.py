"""Where ballots and their votes are kept. The key of a vote is its voice: none has two."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
)

from services.events.ballots.rules import Ballot, Basis, Outcome, Vote
from services.events.store import mapper, words

ballots = Table(
    "ballots",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("meeting_id", Uuid, ForeignKey("meetings.id"), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("body_id", Uuid),
    Column("question", Text, nullable=False),
    Column("numerator", Integer, nullable=False),
    Column("denominator", Integer, nullable=False),
    Column("exceeded", Boolean, nullable=False),
    Column("basis", words(Basis), nullable=False),
    Column("entitled", Integer, nullable=False),
    Column("in_favour", Integer, nullable=False),
    Column("against", Integer, nullable=False),
    Column("abstained", Integer, nullable=False),
    Column("outcome", words(Outcome)),
    Column("opened_by", Uuid),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_by", Uuid),
    Column("closed_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(outcome is null) = (closed_at is null)", name="closed"),
    CheckConstraint("outcome is null or in_favour + against + abstained <= entitled", name="counted"),
    Index("ballots_meeting", "meeting_id", "id"),
)

votes = Table(
    "votes",
    mapper.metadata,
    Column("ballot_id", Uuid, ForeignKey("ballots.id"), primary_key=True),
    Column("voice", Uuid, primary_key=True, comment="the seat, or in a body without seats the person"),
    Column("invitation_id", Uuid, ForeignKey("invitations.id"), nullable=False),
    Column("person_id", Uuid, nullable=False, comment="whose vote it is"),
    Column("cast_by", Uuid, nullable=False, comment="who cast it: themselves, or who stands for them"),
    Column("vote", words(Vote), nullable=False),
    Column("cast_at", DateTime(timezone=True), nullable=False),
    Index("votes_invitation", "invitation_id"),
)

mapper.map_imperatively(Ballot, ballots, version_id_col=ballots.c.version, exclude_properties={"updated_at"})
