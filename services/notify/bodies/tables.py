"""The organs of networks, as the registry tells them: what messages call them, and whose territory they are."""

from sqlalchemy import Column, Date, Integer, Table, Text, Uuid

from services.notify.store import mapper

bodies = Table(
    "bodies",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("territory", Text),
    Column("parent_id", Uuid),
    Column("uncovered_since", Date, comment="nobody is in office in the role that a group needs"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
