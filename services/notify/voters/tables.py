"""Who may vote in a ballot that is in no meeting, as events tells it: that they voted, never what."""

from sqlalchemy import Column, Index, Integer, Table, Text, Uuid

from services.notify.store import mapper

voters = Table(
    "voters",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("ballot_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("organisation_id", Uuid),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("voters_ballot", "ballot_id"),
)
