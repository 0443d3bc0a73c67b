"""News as learning tells it."""

from sqlalchemy import Column, DateTime, Integer, Table, Text, Uuid

from services.notify.store import mapper

news = Table(
    "news",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("link", Text),
    Column("expires_at", DateTime(timezone=True)),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
