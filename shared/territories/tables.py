"""What has happened to municipalities since the built data, as every service knows it: filled from mapping's facts,
written by mapping itself. A row per municipality that has changed: a few a year."""

from sqlalchemy import Column, Date, Index, Integer, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

municipality_updates = Table(
    "municipality_updates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("istat", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("italian_name", Text, nullable=False),
    Column("other_name", Text, nullable=False),
    Column("province", Text, nullable=False),
    Column("nuts3", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date, comment="The first day without it"),
    Column("successors", ARRAY(Text), nullable=False),
    Column("past", JSONB, nullable=False, comment="Names and provinces that it has had since the built data"),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("version", Integer, nullable=False),
    Index("municipality_updates_code", "code", unique=True),
)
