"""Commitments and the rules that make them; the lists of representatives that were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    rules()
    commitments()
    lists()


def rules() -> None:
    op.create_table(
        "commitment_rules",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "network_id",
            sa.Uuid,
            sa.ForeignKey("networks.id", name="commitment_rules_network_id_fkey"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("made_on", sa.Date, nullable=False),
        sa.Column("due", sa.Date),
        sa.Column("days", sa.Integer),
        sa.Column("stopped_on", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(due is null) <> (days is null)", name="commitment_rules_term"),
    )
    op.create_index("commitment_rules_network", "commitment_rules", ["network_id", "id"])


def commitments() -> None:
    op.create_table(
        "commitments",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "network_id", sa.Uuid, sa.ForeignKey("networks.id", name="commitments_network_id_fkey"), nullable=False
        ),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("made_on", sa.Date, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", name="commitments_person_id_fkey")),
        sa.Column("body_id", sa.Uuid, sa.ForeignKey("bodies.id", name="commitments_body_id_fkey")),
        sa.Column("creditor_body_id", sa.Uuid, sa.ForeignKey("bodies.id", name="commitments_creditor_body_id_fkey")),
        sa.Column("note", sa.Text),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("source_id", sa.Uuid),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("fulfilled_on", sa.Date),
        sa.Column("evidence", sa.Text),
        sa.Column("link", sa.Text),
        sa.Column("waived_on", sa.Date),
        sa.Column("waiver_code", sa.String(32)),
        sa.Column("waiver_reason", sa.Text),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("num_nonnulls(organisation_id, person_id, body_id) = 1", name="commitments_one_debtor"),
        sa.CheckConstraint("(source = 'hand') = (source_id is null)", name="commitments_source"),
        sa.CheckConstraint(
            "(state = 'fulfilled') = (fulfilled_on is not null)"
            " and (state = 'fulfilled') = (evidence is not null or link is not null)",
            name="commitments_fulfilled",
        ),
        sa.CheckConstraint(
            "(state = 'waived') = (waived_on is not null) and (state = 'waived') = (waiver_code is not null)"
            " and (waiver_code = 'decided') = (waiver_reason is not null)",
            name="commitments_waived",
        ),
    )
    for name, columns, where in (
        (
            "rule",
            ["source_id", "organisation_id"],
            "source = 'rule' and waiver_code is distinct from 'organisation_left'",
        ),
        ("decision", ["source_id"], "source = 'decision'"),
    ):
        op.create_index(f"commitments_of_{name}", "commitments", columns, unique=True, postgresql_where=sa.text(where))
    op.create_index("commitments_network", "commitments", ["network_id", "id"])
    op.create_index("commitments_due", "commitments", ["network_id", "due", "id"])
    for debtor in ("organisation", "person", "body"):
        column = f"{debtor}_id"
        there = sa.text(f"{column} is not null")
        op.create_index(f"commitments_{debtor}", "commitments", [column], postgresql_where=there)


def lists() -> None:
    op.create_table(
        "representative_lists",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "commitment_id",
            sa.Uuid,
            sa.ForeignKey("commitments.id", name="representative_lists_commitment_id_fkey"),
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_by", sa.Uuid),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("created", sa.Integer, nullable=False),
        sa.Column("unchanged", sa.Integer, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
    )
    op.create_index("representative_lists_commitment", "representative_lists", ["commitment_id", "id"])
    op.create_table(
        "listed_people",
        sa.Column(
            "list_id",
            sa.Uuid,
            sa.ForeignKey("representative_lists.id", name="listed_people_list_id_fkey"),
            primary_key=True,
        ),
        sa.Column(
            "person_id", sa.Uuid, sa.ForeignKey("people.id", name="listed_people_person_id_fkey"), primary_key=True
        ),
        sa.Column("entered", sa.Boolean, nullable=False),
        comment="Whom a list named; `entered`: it is the source of what is kept of them (art. 14 GDPR)",
    )
    op.create_index("listed_people_person", "listed_people", ["person_id"])
