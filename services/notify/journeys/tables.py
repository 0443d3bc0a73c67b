"""Everything that the other services told, and the acts that it followed from. Filled from facts alone: it can be
emptied and read again. No name, no address; a confidential fact is there without its content."""

from sqlalchemy import ARRAY, Column, DateTime, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.store import mapper

told = Table(
    "told",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="the fact's"),
    Column("service", Text, nullable=False),
    Column("type", Text, nullable=False, comment="service.aggregate.fact"),
    Column("subject", Text, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("network_id", Uuid),
    Column("correlation", Uuid, nullable=False, comment="the same for all that follows from one act"),
    Column("causation", Uuid, comment="the fact that led to this one"),
    Column("occurred_at", DateTime(timezone=True), nullable=False, comment="domain clock"),
    Column("recorded_at", DateTime(timezone=True), nullable=False, comment="wall time"),
    Column("bodies", ARRAY(Uuid), nullable=False, server_default=text("'{}'"), comment="whose matter it is"),
    Column("territories", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="where it is"),
    Column("body", JSONB, comment="none of what is confidential"),
    Index("told_correlation", "correlation", "id"),
    Index("told_aggregate", "aggregate_id", "generation", "version"),
    Index("told_network", "network_id", "type", "occurred_at"),
)

acts = Table(
    "acts",
    mapper.metadata,
    Column("correlation", Uuid, primary_key=True),
    Column("network_id", Uuid, primary_key=True),
    Column("first_id", Uuid, nullable=False, comment="the first fact of this network"),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("facts", Integer, nullable=False),
    Index("acts_network", "network_id", "first_id", unique=True),
    comment="One line for each act and network in which it showed",
)
