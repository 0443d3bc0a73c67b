"""Bodies as the registry tells them: their names and where they act. Rows arrive in any order, so nothing is a foreign
key; a body that was dissolved stays as a row."""

from sqlalchemy import Column, Date, Index, Integer, Table, Text, Uuid

from services.learning.store import mapper

bodies = Table(
    "bodies",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, comment="forming, constituted or dissolved"),
    Column("territory", Text),
    Column("parent_id", Uuid),
    Column("dissolved_on", Date),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("bodies_network", "network_id"),
)
