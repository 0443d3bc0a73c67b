"""Practices and who does as they say, as learning tells it."""

from sqlalchemy import Column, Date, Integer, Table, Text, Uuid

from services.notify.store import mapper

practices = Table(
    "practices",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("revision", Text, comment="of a further text of what is published: draft or in_review"),
    Column("author_id", Uuid, comment="who answers for it"),
    Column("adoptions", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

adoptions = Table(
    "adoptions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, comment="whose organisation or body does as the practice says"),
    Column("practice_id", Uuid, nullable=False),
    Column("organisation_id", Uuid),
    Column("body_id", Uuid),
    Column("territory", Text),
    Column("since", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
