"""What learning knows of organisations: names, kinds and seats, so that lists can be read and found by place; and which
networks they are in. A duplicate keeps its name."""

from sqlalchemy import ARRAY, Column, Date, Index, Integer, Table, Text, Uuid

from services.learning.store import mapper

organisations = Table(
    "organisations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("municipality", Text, comment="of its seat"),
    Column("territories", ARRAY(Text), nullable=False, comment="where it works"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

memberships = Table(
    "memberships",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("organisation_id", Uuid, comment="null: it was a duplicate"),
    Column("state", Text, nullable=False, comment="candidate, active, suspended, withdrawn or merged"),
    Column("since", Date),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("memberships_network", "network_id", "organisation_id"),
)
