"""News that learning tells, for the atlas: of what is not public nothing but that it is known."""

from sqlalchemy import Column, DateTime, Index, Integer, Table, Text, Uuid

from services.mapping.store import mapper

news = Table(
    "news",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("region", Text, comment="in which its territory lies; null: everywhere"),
    Column("state", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("news_newest", "published_at", "network_id"),
)
