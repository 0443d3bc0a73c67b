"""Plans and agreements"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    plans()
    objectives()
    plan_actions()


def id_of(table: str, column: str, other: str, **more: object) -> sa.Column[object]:
    return sa.Column(column, sa.Uuid, sa.ForeignKey(f"{other}.id", name=f"{table}_{column}_fkey"), **more)


def plans() -> None:
    op.create_table(
        "plans",
        sa.Column("id", sa.Uuid, primary_key=True),
        id_of("plans", "network_id", "networks", nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("guideline", sa.Text),
        sa.Column("territories", ARRAY(sa.Text), nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("adopted", JSONB),
        sa.Column("extensions", JSONB, nullable=False),
        sa.Column("funds", JSONB, nullable=False),
        sa.Column("documents", JSONB, nullable=False),
        id_of("plans", "follows_id", "plans"),
        sa.Column("closed_on", sa.Date),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("since <= last_day", name="plans_days"),
        sa.CheckConstraint("(state = 'draft') = (adopted is null)", name="plans_adopted"),
        sa.CheckConstraint("(state = 'closed') = (closed_on is not null)", name="plans_closed"),
    )
    op.create_index("plans_network", "plans", ["network_id", "id"])
    op.create_index("plans_territories", "plans", ["territories"], postgresql_using="gin")
    there = sa.text("follows_id is not null")
    op.create_index("plans_follows", "plans", ["follows_id"], postgresql_where=there)


def objectives() -> None:
    op.create_table(
        "plan_objectives",
        sa.Column("id", sa.Uuid, primary_key=True),
        id_of("plan_objectives", "plan_id", "plans", nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("indicator", sa.Text),
        sa.Column("unit", sa.Text),
        sa.Column("target", sa.Double),
        sa.Column("actual", sa.Double),
        sa.Column("organisation_id", sa.Uuid),
        id_of("plan_objectives", "body_id", "bodies"),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("decided_on", sa.Date),
        id_of("plan_objectives", "carried_from_id", "plan_objectives"),
        sa.CheckConstraint("num_nonnulls(organisation_id, body_id) <= 1", name="plan_objectives_one_owner"),
        sa.CheckConstraint("(outcome = 'open') = (decided_on is null)", name="plan_objectives_decided"),
        sa.CheckConstraint("outcome <> 'lapsed' or reason is not null", name="plan_objectives_lapsed"),
    )
    op.create_index("plan_objectives_plan", "plan_objectives", ["plan_id", "position", "id"])
    there = sa.text("organisation_id is not null")
    op.create_index("plan_objectives_organisation", "plan_objectives", ["organisation_id"], postgresql_where=there)


def plan_actions() -> None:
    op.create_table(
        "plan_actions",
        sa.Column("id", sa.Uuid, primary_key=True, comment="the source_id of the commitment"),
        id_of("plan_actions", "plan_id", "plans", nullable=False),
        id_of("plan_actions", "objective_id", "plan_objectives"),
        comment="What a plan, or one of its objectives, asks somebody to do: each is one commitment",
    )
    op.create_index("plan_actions_plan", "plan_actions", ["plan_id", "id"])
    op.create_index("plan_actions_objective", "plan_actions", ["objective_id"])
