"""What the map asks and who is to answer needs, as mapping tells it: enough to say nothing that is over."""

from sqlalchemy import Column, Date, Index, Integer, Table, Text, Uuid

from services.notify.store import mapper

map_questions = Table(
    "map_questions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("item", Text, nullable=False),
    Column("item_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("organisation_id", Uuid),
    Column("asked_on", Date, nullable=False),
    Column("answer_by", Date, nullable=False),
    Column("answer", Text),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("map_questions_organisation", "organisation_id"),
)

map_needs = Table(
    "map_needs",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("municipality", Text),
    Column("theme", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("organisation_id", Uuid),
    Column("person_id", Uuid),
    Column("collected_on", Date, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
