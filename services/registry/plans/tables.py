"""Where plans and their objectives are kept. What a plan asks of somebody is a commitment; here is which.

An owner that is an organisation has no foreign key, as a commitment's debtor has none: it is taken from a membership.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.registry.bodies.tables import bodies
from services.registry.plans.rules import Objective, Outcome, Plan, State
from services.registry.store import mapper, words

plans = Table(
    "plans",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("guideline", Text),
    Column("territories", ARRAY(Text), nullable=False),
    Column("since", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("state", words(State), nullable=False),
    Column("adopted", JSONB(none_as_null=True)),
    Column("extensions", JSONB, nullable=False),
    Column("funds", JSONB, nullable=False),
    Column("documents", JSONB, nullable=False),
    Column("follows_id", Uuid, ForeignKey("plans.id")),
    Column("closed_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("since <= last_day", name="days"),
    CheckConstraint("(state = 'draft') = (adopted is null)", name="adopted"),
    CheckConstraint("(state = 'closed') = (closed_on is not null)", name="closed"),
    Index("plans_network", "network_id", "id"),
    Index("plans_territories", "territories", postgresql_using="gin"),
    Index("plans_follows", "follows_id", postgresql_where=text("follows_id is not null")),
)

objectives = Table(
    "plan_objectives",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("plan_id", Uuid, ForeignKey(plans.c.id), nullable=False),
    Column("position", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("indicator", Text),
    Column("unit", Text),
    Column("target", Double),
    Column("actual", Double),
    Column("organisation_id", Uuid),
    Column("body_id", Uuid, ForeignKey(bodies.c.id)),
    Column("outcome", words(Outcome), nullable=False),
    Column("reason", Text),
    Column("decided_on", Date),
    Column("carried_from_id", Uuid, ForeignKey("plan_objectives.id")),
    CheckConstraint("num_nonnulls(organisation_id, body_id) <= 1", name="one_owner"),
    CheckConstraint("(outcome = 'open') = (decided_on is null)", name="decided"),
    CheckConstraint("outcome <> 'lapsed' or reason is not null", name="lapsed"),
    Index("plan_objectives_plan", "plan_id", "position", "id"),
    Index("plan_objectives_organisation", "organisation_id", postgresql_where=text("organisation_id is not null")),
)

plan_actions = Table(
    "plan_actions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="the source_id of the commitment"),
    Column("plan_id", Uuid, ForeignKey(plans.c.id), nullable=False),
    Column("objective_id", Uuid, ForeignKey(objectives.c.id)),
    Index("plan_actions_plan", "plan_id", "id"),
    Index("plan_actions_objective", "objective_id"),
    comment="What a plan, or one of its objectives, asks somebody to do: each is one commitment",
)

mapper.map_imperatively(Plan, plans, version_id_col=plans.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Objective, objectives)
