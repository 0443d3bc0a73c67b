"""What its person has read of the messages that the deliveries are; there is no second copy of any message."""

from sqlalchemy import Column, DateTime, ForeignKey, Table, Uuid

from services.notify.store import mapper

read_marks = Table(
    "read_marks",
    mapper.metadata,
    Column("delivery_id", Uuid, ForeignKey("deliveries.id"), primary_key=True),
    Column("read_at", DateTime(timezone=True), nullable=False),
    comment="What its person has read in the inbox",
)
