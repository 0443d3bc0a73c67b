"""Where goals are kept."""

from sqlalchemy import CheckConstraint, Column, Date, DateTime, ForeignKey, Index, Integer, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY

from services.registry.bodies.rules import Kind
from services.registry.goals.rules import Goal, State
from services.registry.store import mapper, words

goals = Table(
    "goals",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("body_kind", words(Kind), nullable=False),
    Column("since", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("minimum", Integer, nullable=False),
    Column("full", Integer, nullable=False),
    Column("reached", Integer, nullable=False),
    Column("state", words(State), nullable=False),
    Column("counted", ARRAY(Uuid)),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("since <= last_day", name="days"),
    CheckConstraint('minimum between 1 and "full"', name="figures"),
    CheckConstraint("(state = 'running') = (counted is null)", name="decided"),
    Index("goals_network", "network_id", "id"),
)

mapper.map_imperatively(Goal, goals, version_id_col=goals.c.version, exclude_properties={"updated_at"})
