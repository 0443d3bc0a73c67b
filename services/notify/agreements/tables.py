"""Procedures and calls, whom they concern and who came forward, as the registry tells it."""

from sqlalchemy import ARRAY, Column, Date, Index, Integer, Table, Text, Uuid

from services.notify.store import mapper

agreements = Table(
    "agreements",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("authority_id", Uuid),
    Column("deadline", Date),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

agreement_audiences = Table(
    "agreement_audiences",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("agreement_id", Uuid, nullable=False),
    Column("organisations", ARRAY(Uuid), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("agreement_audiences_agreement", "agreement_id"),
    comment="The members whom a call concerned when it opened, up to 1,000 in a row",
)

agreement_interests = Table(
    "agreement_interests",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("agreement_id", Uuid, nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("agreement_interests_agreement", "agreement_id"),
)
