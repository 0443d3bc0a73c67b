"""Who is asked to be assessed, as learning tells it; what they answer is told to nobody."""

from sqlalchemy import Column, Date, Integer, Table, Text, Uuid

from services.notify.store import mapper

assessment_requests = Table(
    "assessment_requests",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("person_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("closes_on", Date),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
