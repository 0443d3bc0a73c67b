"""Where networks' rules are kept: as they are now, each version that they ever had, and what they have put off."""

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, Table, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.store import mapper

rules = Table(
    "rules",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("fact_type", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("version", Integer, nullable=False),
    Index("rules_network", "network_id", "id"),
    comment="A line for each rule: its newest version says what it is",
)

rule_versions = Table(
    "rule_versions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("rule_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False, comment="domain clock: it decides on facts from then on"),
    Column("changed_by", Uuid, comment="none: a partner's key"),
    Column("active", Boolean, nullable=False),
    Column("definition", JSONB, nullable=False),
    Index("rule_versions_rule", "rule_id", "version", unique=True),
)

rule_plans = Table(
    "rule_plans",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="made of the rule and what it is about"),
    Column("rule_id", Uuid, nullable=False),
    Column("version_id", Uuid, nullable=False, comment="the version that put it off"),
    Column("network_id", Uuid, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("before", DateTime(timezone=True), comment="of no use any more from then on"),
    Column("state", Text, nullable=False),
    Column("told", Integer, nullable=False, server_default=text("0"), comment="people for whom it was intended"),
    Column("because_of", Uuid, nullable=False, comment="the fact by which it was last planned"),
    Column("correlation", Uuid),
    Column("generation", Integer, nullable=False),
    Column("aggregate_version", Integer, nullable=False, comment="with the generation: the rank of that fact"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("rule_plans_rule", "rule_id", "id"),
    Index("rule_plans_aggregate", "aggregate_id"),
)
