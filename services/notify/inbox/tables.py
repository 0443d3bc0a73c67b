"""What its person has read of the messages that the deliveries are; there is no second copy of any message."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Table, Uuid, text

from services.notify.store import mapper
from shared.messaging.tables import Xid8

read_marks = Table(
    "read_marks",
    mapper.metadata,
    Column("delivery_id", Uuid, ForeignKey("deliveries.id"), primary_key=True),
    Column("read_at", DateTime(timezone=True), comment="null: unread again"),
    Column("tx", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Index("read_marks_tx", "tx"),
    comment="What its person has read in the inbox",
)
