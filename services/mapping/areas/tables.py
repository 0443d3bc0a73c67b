"""Where areas are kept: each with its municipalities, and with the provinces and regions of which it has all."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, Table, Text, Uuid, func

from services.mapping.areas.rules import Kind, NetworkArea
from services.mapping.store import mapper, words

areas = Table(
    "areas",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", words(Kind), nullable=False),
    Column("search", Text, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    Index("areas_code", "network_id", "code", unique=True),
)

area_territories = Table(
    "area_territories",
    mapper.metadata,
    Column("area_id", Uuid, ForeignKey(areas.c.id, ondelete="CASCADE"), primary_key=True),
    Column("territory", Text, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("level", Text, nullable=False),
    Index("area_territories_of", "network_id", "territory"),
    comment="The municipalities of an area, and the provinces and regions of which it has all municipalities",
)

mapper.map_imperatively(NetworkArea, areas, version_id_col=areas.c.version, exclude_properties={"updated_at"})
