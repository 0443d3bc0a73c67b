"""Where decisions are kept, and what became of them. Once adopted or lapsed, the database lets nobody change them (see
the migration)."""

from sqlalchemy import (
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
from sqlalchemy.dialects.postgresql import TSVECTOR

from services.events.decisions.rules import Decision, Kind, State
from services.events.store import mapper, words

SEARCH = "to_tsvector('italian'::regconfig, unaccented(title))"

decisions = Table(
    "decisions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("meeting_id", Uuid, ForeignKey("meetings.id"), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("body_id", Uuid, comment="the body that decides"),
    Column("title", Text, nullable=False),
    Column("kind", words(Kind), nullable=False),
    Column("organisation_id", Uuid),
    Column("person_id", Uuid),
    Column("owner_body_id", Uuid),
    Column("due", Date),
    Column("ballot_id", Uuid, ForeignKey("ballots.id")),
    Column("state", words(State), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    Column("search", TSVECTOR, Computed(SEARCH, persisted=True), nullable=False),
    CheckConstraint(
        "num_nonnulls(organisation_id, person_id, owner_body_id) = num_nonnulls(due)", name="owner_with_a_day"
    ),
    Index("decisions_meeting", "meeting_id", "id"),
    Index("decisions_network", "network_id", "id"),
    Index("decisions_search", "search", postgresql_using="gin"),
)

commitments = Table(
    "decision_commitments",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("decision_id", Uuid, nullable=False),
    Column("due", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("fulfilled_on", Date),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("decision_commitments_decision", "decision_id"),
    comment="What became of decisions with an owner, as the registry tells it",
)

mapper.map_imperatively(
    Decision, decisions, version_id_col=decisions.c.version, exclude_properties={"updated_at", "search"}
)
