"""Bodies and their seats, as the registry tells them: rows arrive in any order, so nothing is a foreign key."""

from sqlalchemy import ARRAY, Column, Date, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.events.store import mapper

bodies = Table(
    "bodies",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("composition", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("territory", Text),
    Column("parent_id", Uuid),
    Column("first_call", JSONB, nullable=False, comment="numerator, denominator, exceeded, at_least"),
    Column("second_call", JSONB(none_as_null=True), comment="null: a meeting has one call only"),
    Column("proxies", Integer, nullable=False, comment="for how many absent members one member may stand"),
    Column("constituted_on", Date),
    Column("dissolved_on", Date),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("bodies_network", "network_id"),
)

seats = Table(
    "seats",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("body_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("organisation_id", Uuid),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("seats_body", "body_id"),
)
