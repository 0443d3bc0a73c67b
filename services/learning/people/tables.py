"""The people whom the registry knows, by name: so that a list of enrolments can be read. Emptied when erased."""

from sqlalchemy import Column, DateTime, Integer, Table, Text, Uuid, text

from services.learning.store import mapper

people = Table(
    "people",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, comment="the network that entered the person first"),
    Column("given_name", Text, nullable=False, server_default=text("''")),
    Column("family_name", Text, nullable=False, server_default=text("''")),
    Column("erased_at", DateTime(timezone=True)),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
