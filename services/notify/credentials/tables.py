"""What was attested to people, as learning tells it."""

from sqlalchemy import Column, Date, Integer, Table, Text, Uuid

from services.notify.store import mapper

credentials = Table(
    "credentials",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("person_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("expires_on", Date),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
