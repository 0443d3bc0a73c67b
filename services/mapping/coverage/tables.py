"""The counters: a row per network, territory and kind that has anybody, so 20 regions are at most 20 rows per kind."""

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text, Uuid

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
