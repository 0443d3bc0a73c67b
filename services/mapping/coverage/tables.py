"""The counters: a row per network, territory and kind that has anybody, so 20 regions are at most 20 rows per kind."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from services.mapping.store import mapper

coverage = Table(
    "coverage",
    mapper.metadata,
    Column("network_id", Uuid, primary_key=True),
    Column("level", Text, primary_key=True),
    Column("area", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("organisations", Integer, nullable=False),
    Column("organised", Integer, nullable=False),
    CheckConstraint("organised between 0 and organisations", name="organised_among_organisations"),
)

item_coverage = Table(
    "item_coverage",
    mapper.metadata,
    Column("network_id", Uuid, primary_key=True),
    Column("level", Text, primary_key=True),
    Column("area", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("facet", Text, primary_key=True, comment="`` for all of them, `kind:…` or `theme:…`"),
    Column("items", Integer, nullable=False),
    CheckConstraint("items >= 0", name="no_fewer_than_none"),
    Index("item_coverage_facet", "network_id", "level", "item", "facet", "area"),
)

counted_items = Table(
    "counted_items",
    mapper.metadata,
    Column("item", Text, primary_key=True),
    Column("item_id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("places", ARRAY(Text), nullable=False, comment="`level code` of each territory where it counts"),
    Column("facets", ARRAY(Text), nullable=False),
    Index("counted_items_network", "network_id"),
    comment="What each item counts for, so that it can be taken away again",
)
