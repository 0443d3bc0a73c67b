"""Polls for a date and who is asked in them, as events tells it; what was answered is told to nobody."""

from sqlalchemy import Column, DateTime, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.store import mapper

polls = Table(
    "polls",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("body_id", Uuid),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("closes_at", DateTime(timezone=True), nullable=False),
    Column("options", JSONB, nullable=False, comment="starts_at and ends_at of each, in their order"),
    Column("chosen", Integer, comment="the number of an option, from 1"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

poll_requests = Table(
    "poll_requests",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("poll_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("poll_requests_poll", "poll_id"),
)
