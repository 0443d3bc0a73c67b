"""Pacts as the registry tells them: codes and figures, nothing of the person."""

from sqlalchemy import Column, Date, Index, Integer, Table, Text, Uuid

from services.notify.store import mapper

pacts = Table(
    "pacts",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("code", Text, nullable=False),
    Column("body_id", Uuid),
    Column("organisation_id", Uuid),
    Column("maker_id", Uuid),
    Column("territory", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
Index("pacts_of_body", pacts.c.body_id)
Index("pacts_of_organisation", pacts.c.organisation_id)

pact_steps = Table(
    "pact_steps",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="made of the pact and the number"),
    Column("pact_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("due", Date, comment="none of a step that has its outcome"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
