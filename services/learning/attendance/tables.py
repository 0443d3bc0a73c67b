"""Who came to which meeting, as events told when it was closed: the service's own record, and no projection, so that
what somebody was erased from does not come back with a rebuild."""

from sqlalchemy import Column, Date, DateTime, Index, Table, Uuid

from services.learning.store import mapper

attended = Table(
    "attended",
    mapper.metadata,
    Column("meeting_id", Uuid, primary_key=True),
    Column("person_id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("series_id", Uuid),
    Column("body_id", Uuid),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("day", Date, nullable=False, comment="in Italy"),
    Index("attended_person", "person_id", "network_id"),
)
