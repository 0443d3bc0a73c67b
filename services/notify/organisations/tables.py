"""The names of organisations, for messages that speak of them."""

from sqlalchemy import Column, Integer, Table, Text, Uuid

from services.notify.store import mapper

organisations = Table(
    "organisations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
