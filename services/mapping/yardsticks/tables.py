"""Where yardsticks are kept: those of the law, which everybody has, and each network's own."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, Uuid, text

from services.mapping.store import mapper
from services.mapping.yardsticks.rules import Yardstick

NETWORK = "coalesce(network_id, '00000000-0000-0000-0000-000000000000'::uuid)"

yardsticks = Table(
    "yardsticks",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, comment="None: everybody's"),
    Column("code", Text, nullable=False),
    Column("title_it", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("facet", Text, nullable=False),
    Column("fewest", Integer, nullable=False, comment="One is needed for as few inhabitants as this"),
    Column("most", Integer, nullable=False, comment="… and at least for as many as this"),
    Column("source", Text, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("fewest > 0 and most >= fewest", name="inhabitants"),
    Index("yardsticks_code", text(NETWORK), "code", unique=True),
)

mapper.map_imperatively(Yardstick, yardsticks, version_id_col=yardsticks.c.version)
