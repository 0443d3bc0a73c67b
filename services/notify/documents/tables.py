"""The networks' documents as learning tells them: what messages call them, and which edition is the newest."""

from sqlalchemy import Column, Integer, Table, Text, Uuid

from services.notify.store import mapper

documents = Table(
    "documents",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("title", Text, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
