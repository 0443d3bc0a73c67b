"""The names of organisations, for lists and pages that say whom somebody represents."""

from sqlalchemy import Column, Integer, Table, Text, Uuid

from services.events.store import mapper

organisations = Table(
    "organisations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
