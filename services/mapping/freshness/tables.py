"""What was asked and what was said, and how often each network asks."""

from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, Table, Text, Uuid, text

from services.mapping.freshness.rules import Answer, Question
from services.mapping.items.rules import Subject
from services.mapping.store import mapper, words

freshness = Table(
    "freshness",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("item", words(Subject), nullable=False),
    Column("item_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("organisation_id", Uuid),
    Column("asked_on", Date, nullable=False),
    Column("answer_by", Date, nullable=False),
    Column("answer", words(Answer)),
    Column("answered_on", Date),
    Column("answered_by", Uuid),
    Column("version", Integer, nullable=False),
    CheckConstraint("(answer is null) = (answered_on is null)", name="answered"),
    Index("freshness_network", "network_id", "id"),
    Index("freshness_open", "item_id", unique=True, postgresql_where=text("answer is null")),
)

freshness_rules = Table(
    "freshness_rules",
    mapper.metadata,
    Column("network_id", Uuid, primary_key=True),
    Column("every", Integer, nullable=False),
    Column("days", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("every between 1 and 60", name="every"),
    CheckConstraint("days between 1 and 365", name="days"),
)

mapper.map_imperatively(Question, freshness, version_id_col=freshness.c.version)
