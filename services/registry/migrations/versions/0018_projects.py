"""Projects"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    projects()
    parts()
    money()
    outcomes()


def points(table: str, column: str, to: str, *, nullable: bool = False) -> sa.Column[object]:
    key = sa.ForeignKey(f"{to}.id", name=f"{table}_{column}_fkey")
    return sa.Column(column, sa.Uuid, key, nullable=nullable)


def projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("projects", "network_id", "networks"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("summary", sa.Text),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("cup", sa.Text),
        sa.Column("funder", sa.Text),
        sa.Column("notice", sa.Text),
        sa.Column("decree_number", sa.Text),
        sa.Column("decree_day", sa.Date),
        sa.Column("territories", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("extensions", postgresql.JSONB, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("closed_on", sa.Date),
        sa.Column("closing_note", sa.Text),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("last_day >= since", name="projects_days"),
        sa.CheckConstraint("(decree_number is null) = (decree_day is null)", name="projects_decree"),
        sa.CheckConstraint("(state = 'closed') = (closed_on is not null)", name="projects_closed"),
    )
    op.create_index("projects_network", "projects", ["network_id", "id"])
    op.create_index(
        "projects_cup", "projects", ["network_id", "cup"], unique=True, postgresql_where=sa.text("cup is not null")
    )


def parts() -> None:
    op.create_table(
        "project_partners",
        sa.Column(
            "project_id",
            sa.Uuid,
            sa.ForeignKey("projects.id", name="project_partners_project_id_fkey"),
            primary_key=True,
        ),
        sa.Column("organisation_id", sa.Uuid, primary_key=True),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("territories", sa.ARRAY(sa.Text), nullable=False),
    )
    op.create_index(
        "project_partners_lead",
        "project_partners",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("role = 'lead'"),
    )
    op.create_index("project_partners_organisation", "project_partners", ["organisation_id"])
    op.create_table(
        "project_actions",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("project_actions", "project_id", "projects"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("series_id", sa.Uuid),
        sa.CheckConstraint("last_day >= since", name="project_actions_days"),
    )
    op.create_index("project_actions_project", "project_actions", ["project_id", "id"])


def money() -> None:
    op.create_table(
        "project_lines",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("project_lines", "project_id", "projects"),
        points("project_lines", "action_id", "project_actions", nullable=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("cents", sa.BigInteger, nullable=False),
        sa.CheckConstraint("cents > 0", name="project_lines_cents"),
    )
    op.create_index("project_lines_project", "project_lines", ["project_id", "id"])
    op.create_table(
        "project_sources",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("project_sources", "project_id", "projects"),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("cents", sa.BigInteger, nullable=False),
        sa.CheckConstraint("cents >= 0", name="project_sources_cents"),
    )
    op.create_index("project_sources_project", "project_sources", ["project_id", "id"])
    op.create_table(
        "project_pledges",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("project_pledges", "project_id", "projects"),
        points("project_pledges", "source_id", "project_sources"),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("year", sa.SmallInteger, nullable=False),
        sa.Column("pledged", sa.BigInteger, nullable=False),
        sa.Column("signed", sa.BigInteger, nullable=False),
        sa.Column("paid", sa.BigInteger, nullable=False),
        sa.Column("signed_on", sa.Date),
        sa.Column("due", sa.Date),
        sa.Column("document", sa.Text),
        sa.CheckConstraint(
            "pledged > 0 and pledged >= signed and signed >= paid and paid >= 0", name="project_pledges_contained"
        ),
        sa.CheckConstraint("(signed > 0) = (signed_on is not null)", name="project_pledges_signed"),
    )
    op.create_index("project_pledges_project", "project_pledges", ["project_id", "id"])
    op.create_index("project_pledges_source", "project_pledges", ["source_id"])
    op.create_index(
        "project_pledges_organisation",
        "project_pledges",
        ["organisation_id"],
        postgresql_where=sa.text("organisation_id is not null"),
    )
    op.create_table(
        "project_payments",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("project_payments", "pledge_id", "project_pledges"),
        sa.Column("on", sa.Date, nullable=False),
        sa.Column("cents", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.Text),
        sa.CheckConstraint("cents > 0", name="project_payments_cents"),
    )
    op.create_index("project_payments_pledge", "project_payments", ["pledge_id", "id"])
    op.create_table(
        "project_entries",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("project_entries", "project_id", "projects"),
        points("project_entries", "source_id", "project_sources"),
        sa.Column("on", sa.Date, nullable=False),
        sa.Column("cents", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.CheckConstraint("cents > 0", name="project_entries_cents"),
    )
    op.create_index("project_entries_project", "project_entries", ["project_id", "id"])
    op.create_index("project_entries_source", "project_entries", ["source_id"])


def outcomes() -> None:
    op.create_table(
        "project_outcomes",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("project_outcomes", "project_id", "projects"),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("on", sa.Date, nullable=False),
        points("project_outcomes", "action_id", "project_actions", nullable=True),
        points("project_outcomes", "body_id", "bodies", nullable=True),
        sa.Column("territory", sa.Text),
        sa.Column("evidence", sa.Text),
        sa.Column("link", sa.Text),
        sa.Column("file_name", sa.Text),
        sa.Column("file_type", sa.Text),
        sa.Column("file_size", sa.Integer),
        sa.Column("file_sha256", sa.Text),
        sa.CheckConstraint("num_nonnulls(body_id, territory) > 0", name="project_outcomes_community"),
        sa.CheckConstraint("num_nonnulls(evidence, link) > 0", name="project_outcomes_evidence"),
        sa.CheckConstraint(
            "num_nonnulls(file_name, file_type, file_size, file_sha256) in (0, 4)", name="project_outcomes_file"
        ),
    )
    op.create_index("project_outcomes_project", "project_outcomes", ["project_id", "id"])
    op.create_index(
        "project_outcomes_body", "project_outcomes", ["body_id"], postgresql_where=sa.text("body_id is not null")
    )
    op.create_table(
        "project_files",
        sa.Column(
            "outcome_id",
            sa.Uuid,
            sa.ForeignKey("project_outcomes.id", name="project_files_outcome_id_fkey"),
            primary_key=True,
        ),
        sa.Column("content", sa.LargeBinary, nullable=False),
        comment="What shows an outcome; its name, kind, size and checksum are the outcome's",
    )
