"""Who is on which learning path, as learning tells it."""

from sqlalchemy import Column, Date, Integer, Table, Text, Uuid, text

from services.notify.store import mapper

enrolments = Table(
    "enrolments",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("person_id", Uuid, nullable=False),
    Column("path_id", Uuid, nullable=False),
    Column("path_title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("units", Integer, nullable=False),
    Column("units_done", Integer, nullable=False),
    Column("due", Date),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
