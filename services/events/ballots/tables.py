"""Where ballots and their papers are kept. The key of a vote is its voice: none has two. Of a secret ballot the votes
say who, and the urn what (`rules.py` says why so)."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    false,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.events.ballots.rules import Ballot, Basis, Identity, Kind, Outcome, Per, Vote, VoterState
from services.events.store import mapper, words

ZERO, ONE = text("0"), text("1")
ballots = Table(
    "ballots",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("meeting_id", Uuid, ForeignKey("meetings.id")),
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
    Column("kind", words(Kind), nullable=False, server_default=text("'motion'")),
    Column("secret", Boolean, nullable=False, server_default=false()),
    Column("level", words(Identity), nullable=False, server_default=text("'link'")),
    Column("closes_at", DateTime(timezone=True)),
    Column("options", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("most", SmallInteger, nullable=False, server_default=ONE),
    Column("winners", SmallInteger, nullable=False, server_default=ONE),
    Column("grid", JSONB(none_as_null=True)),
    Column("cohorts", JSONB, nullable=False, server_default=text("'[]'")),
    Column("weighted", Boolean, nullable=False, server_default=false()),
    Column("ground", Text, comment="of the weights, as the statute says it"),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("per", words(Per), nullable=False, server_default=text("'person'")),
    Column("only_cohorts", Boolean, nullable=False, server_default=false()),
    Column("quorum", JSONB(none_as_null=True)),
    Column("needed", Integer, nullable=False, server_default=ZERO, comment="papers, without a meeting"),
    Column("cast", Integer, nullable=False, server_default=ZERO, comment="papers, once it is closed"),
    Column("entitled_votes", Integer, nullable=False, server_default=ZERO),
    Column("counts", ARRAY(Integer), comment="of each option, once it is closed"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(outcome is null) = (closed_at is null)", name="closed"),
    CheckConstraint("outcome is null or in_favour + against + abstained <= entitled_votes", name="counted"),
    CheckConstraint("(kind = 'grid') = (grid is not null)", name="grid"),
    CheckConstraint("meeting_id is not null or closes_at is not null", name="ends"),
    Index("ballots_meeting", "meeting_id", "id"),
    Index("ballots_network", "network_id", "id"),
    Index("ballots_called", "network_id", postgresql_where=text("meeting_id is null and outcome is null")),
)

ballot_organisations = Table(
    "ballot_organisations",
    mapper.metadata,
    Column("ballot_id", Uuid, ForeignKey("ballots.id"), primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    Column("cohort", Text),
    Column("votes", SmallInteger),
    CheckConstraint("votes between 1 and 5", name="votes"),
    comment="Those that a ballot names: for a cohort, or for more votes than one",
)

voters = Table(
    "voters",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("ballot_id", Uuid, ForeignKey("ballots.id"), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("voice", Uuid, nullable=False, comment="the seat, the organisation or the person"),
    Column("person_id", Uuid, nullable=False),
    Column("mandate_id", Uuid, nullable=False),
    Column("organisation_id", Uuid),
    Column("cohort", Text),
    Column("weight", SmallInteger, nullable=False),
    Column("state", words(VoterState), nullable=False),
    Column("version", Integer, nullable=False),
    Index("voters_once", "ballot_id", "mandate_id", unique=True),
    Index("voters_voice", "ballot_id", "voice"),
    Index("voters_person", "person_id"),
    comment="Called to a ballot that is in no meeting",
)

votes = Table(
    "votes",
    mapper.metadata,
    Column("ballot_id", Uuid, ForeignKey("ballots.id"), primary_key=True),
    Column("voice", Uuid, primary_key=True, comment="the seat, or in a body without seats the person"),
    Column("invitation_id", Uuid, ForeignKey("invitations.id")),
    Column("voter_id", Uuid, ForeignKey("voters.id")),
    Column("person_id", Uuid, nullable=False, comment="whose vote it is"),
    Column("cast_by", Uuid, nullable=False, comment="who cast it: themselves, or who stands for them"),
    Column("entered_by", Uuid, comment="who typed in what they wrote on paper; null: nobody"),
    Column("vote", words(Vote), comment="of an open motion"),
    Column("marks", LargeBinary, comment="of an open choice or grid, a byte for each option or cell"),
    Column("cohort", Text),
    Column("weight", SmallInteger, nullable=False, server_default=ONE),
    Column("cast_at", DateTime(timezone=True), comment="null in a secret ballot: it would tell the order"),
    Column("counted", Boolean, nullable=False, server_default=true(), comment="false: its voice was gone by the count"),
    Column("version", Integer, nullable=False, server_default=ONE),
    CheckConstraint("num_nonnulls(invitation_id, voter_id) = 1", name="voter"),
    Index("votes_invitation", "invitation_id"),
    Index("votes_voter", "voter_id"),
)

paper_drafts = Table(
    "paper_drafts",
    mapper.metadata,
    Column("ballot_id", Uuid, ForeignKey("ballots.id"), primary_key=True),
    Column("voice", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("marks", LargeBinary, comment="null: it was cast"),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("version", Integer, nullable=False),
    comment="Papers that are not cast yet, of open ballots",
)

urns = Table(
    "urns",
    mapper.metadata,
    Column("ballot_id", Uuid, ForeignKey("ballots.id"), primary_key=True),
    Column("papers", LargeBinary, nullable=False, comment="one after the other, in an order drawn by lot"),
    Column("voices", Integer, nullable=False, comment="how many have voted"),
    comment="The papers of secret ballots",
)

mapper.map_imperatively(Ballot, ballots, version_id_col=ballots.c.version, exclude_properties={"updated_at"})
