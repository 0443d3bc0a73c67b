"""People's names, as the registry tells them; emptied when a person is erased."""

from sqlalchemy import Column, Integer, Table, Text, Uuid, text

from services.events.store import mapper

people = Table(
    "people",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("given_name", Text, nullable=False, server_default=text("''")),
    Column("family_name", Text, nullable=False, server_default=text("''")),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    comment="How people are called, for those who meet them; how they are reached, notify knows",
)
