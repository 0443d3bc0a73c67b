"""Plans and agreements"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    plans()
    objectives()
    plan_actions()
    agreements()
    parts_of_agreements()
    interests()
    approved_minutes()


def id_of(table: str, column: str, other: str, **more: Any) -> sa.Column[Any]:
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


def agreements() -> None:
    op.create_table(
        "agreements",
        sa.Column("id", sa.Uuid, primary_key=True),
        id_of("agreements", "network_id", "networks", nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text),
        sa.Column("authority_id", sa.Uuid),
        id_of("agreements", "body_id", "bodies"),
        id_of("agreements", "plan_id", "plans"),
        sa.Column("territories", ARRAY(sa.Text), nullable=False),
        sa.Column("act", JSONB),
        sa.Column("link", sa.Text),
        sa.Column("published_on", sa.Date),
        sa.Column("deadline", sa.Date),
        id_of("agreements", "officer_mandate_id", "mandates"),
        sa.Column("kinds", ARRAY(sa.Text), nullable=False),
        sa.Column("sections", ARRAY(sa.Text), nullable=False),
        sa.Column("places", ARRAY(sa.Text), nullable=False),
        sa.Column("criteria", JSONB, nullable=False),
        sa.Column("threshold", sa.Double),
        sa.Column("cents", sa.BigInteger),
        sa.Column("since", sa.Date),
        sa.Column("until", sa.Date),
        sa.Column("outcome", sa.Text),
        id_of("agreements", "outcome_id", "agreements"),
        sa.Column("closed_on", sa.Date),
        sa.Column("reason", sa.Text),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("until > since", name="agreements_days"),
        sa.CheckConstraint("cents >= 0", name="agreements_cents"),
        sa.CheckConstraint("state <> 'open' or deadline is not null", name="agreements_deadline"),
        sa.CheckConstraint("state <> 'in_force' or since is not null", name="agreements_in_force"),
        sa.CheckConstraint(
            "(state in ('ended', 'concluded', 'withdrawn')) = (closed_on is not null)", name="agreements_closed"
        ),
    )
    op.create_index("agreements_network", "agreements", ["network_id", "id"])
    there = sa.text("deadline is not null")
    op.create_index("agreements_deadline", "agreements", ["network_id", "deadline", "id"], postgresql_where=there)
    op.create_index("agreements_territories", "agreements", ["territories"], postgresql_using="gin")


def parts_of_agreements() -> None:
    op.create_table(
        "agreement_signatories",
        id_of("agreement_signatories", "agreement_id", "agreements", primary_key=True),
        sa.Column("organisation_id", sa.Uuid, primary_key=True),
        sa.Column("signed_on", sa.Date),
        id_of("agreement_signatories", "mandate_id", "mandates"),
        sa.CheckConstraint("(signed_on is null) = (mandate_id is null)", name="agreement_signatories_signed"),
    )
    op.create_index("agreement_signatories_organisation", "agreement_signatories", ["organisation_id"])
    op.create_table(
        "agreement_tables",
        sa.Column("id", sa.Uuid, primary_key=True),
        id_of("agreement_tables", "agreement_id", "agreements", nullable=False),
        sa.Column("held_on", sa.Date, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("minutes_id", sa.Uuid),
        sa.Column("record", sa.Text),
        sa.Column("link", sa.Text),
        sa.CheckConstraint("minutes_id is not null or record is not null", name="agreement_tables_minuted"),
    )
    op.create_index("agreement_tables_agreement", "agreement_tables", ["agreement_id", "held_on", "id"])
    op.create_table(
        "agreement_obligations",
        sa.Column("id", sa.Uuid, primary_key=True, comment="the source_id of the commitment, once it is one"),
        id_of("agreement_obligations", "agreement_id", "agreements", nullable=False),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
    )
    op.create_index("agreement_obligations_agreement", "agreement_obligations", ["agreement_id", "id"])


def interests() -> None:
    op.create_table(
        "agreement_interests",
        sa.Column("id", sa.Uuid, primary_key=True),
        id_of("agreement_interests", "agreement_id", "agreements", nullable=False),
        id_of("agreement_interests", "network_id", "networks", nullable=False),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("expressed_on", sa.Date, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("on_behalf", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("scores", JSONB, nullable=False),
        sa.Column("points", sa.Double),
        sa.Column("reason", sa.Text),
        sa.Column("decided_on", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "(state in ('admitted', 'excluded')) = (decided_on is not null)", name="agreement_interests_decided"
        ),
        sa.CheckConstraint("state <> 'excluded' or reason is not null", name="agreement_interests_excluded"),
        sa.UniqueConstraint("agreement_id", "organisation_id", name="agreement_interests_once"),
    )
    op.create_index("agreement_interests_organisation", "agreement_interests", ["organisation_id"])


def approved_minutes() -> None:
    op.create_table(
        "approved_minutes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid),
        sa.Column("held_on", sa.Date, nullable=False),
        sa.Column("number", sa.Text),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        comment="Projected from events: minutes that a table may refer to",
    )
