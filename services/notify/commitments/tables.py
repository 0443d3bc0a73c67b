"""Who owes what by which day, as the registry tells it."""

from sqlalchemy import Column, Date, Index, Integer, Table, Text, Uuid

from services.notify.store import mapper

commitments = Table(
    "commitments",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("debtor_organisation_id", Uuid),
    Column("debtor_person_id", Uuid),
    Column("debtor_body_id", Uuid),
    Column("creditor_body_id", Uuid),
    Column("due", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_id", Uuid),
    Column("fulfilled_on", Date),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
Index("commitments_of_network", commitments.c.network_id, commitments.c.due)
Index("commitments_of_organisation", commitments.c.debtor_organisation_id)
