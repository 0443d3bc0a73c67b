"""The lists that were sent, and whom each of them named: where what is kept of a person comes from."""

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, Integer, Table, Uuid

from services.registry.commitments.tables import commitments
from services.registry.store import mapper

representative_lists = Table(
    "representative_lists",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("commitment_id", Uuid, ForeignKey(commitments.c.id), nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=False),
    Column("sent_by", Uuid),  # none: by the link
    Column("rows", Integer, nullable=False),
    Column("created", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Index("representative_lists_commitment", "commitment_id", "id"),
)

listed_people = Table(
    "listed_people",
    mapper.metadata,
    Column("list_id", Uuid, ForeignKey("representative_lists.id"), primary_key=True),
    Column("person_id", Uuid, ForeignKey("people.id"), primary_key=True),
    Column("entered", Boolean, nullable=False),
    Index("listed_people_person", "person_id"),
    comment="Whom a list named; `entered`: it is the source of what is kept of them (art. 14 GDPR)",
)
