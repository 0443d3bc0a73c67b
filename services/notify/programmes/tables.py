"""Programmes, what they say in the end, and the syntheses that are sent, as events tells it."""

from sqlalchemy import Column, Date, Integer, Table, Text, Uuid

from services.notify.store import mapper

series = Table(
    "series",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("title", Text, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("planned", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("extensions", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

syntheses = Table(
    "syntheses",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("body_id", Uuid),
    Column("title", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("contributions", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

reports = Table(
    "reports",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
