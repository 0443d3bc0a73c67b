"""What reports are made of, and reports. A report's document and its PDF stay as they were made: a trigger holds it.

What was told before this release is known once `rebuild` has read the facts again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

INSTANT = sa.DateTime(timezone=True)
NEWEST = (("generation", sa.Integer), ("version", sa.Integer))


def upgrade() -> None:
    reports()
    told()


def reports() -> None:
    words = postgresql.ARRAY(sa.Text)
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("series_id", sa.Uuid),
        sa.Column("project_id", sa.Uuid),
        sa.Column("subject_id", sa.Uuid, sa.Computed("coalesce(series_id, project_id)", persisted=True)),
        sa.Column("number", sa.Integer, nullable=False, comment="of its subject's reports, from 1"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("chapters", words, nullable=False),
        sa.Column("empty", words, nullable=False, comment="chapters that have nothing to say"),
        sa.Column("document_sha256", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False, comment="of the PDF"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.Uuid),
        sa.Column("released_at", INSTANT),
        sa.Column("released_by", sa.Uuid),
        sa.Column("withdrawn_at", INSTANT),
        sa.Column("withdrawn_by", sa.Uuid),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("num_nonnulls(series_id, project_id) = 1", name="reports_subject"),
        sa.CheckConstraint("(state = 'made') = (released_at is null)", name="reports_released"),
        sa.CheckConstraint("(state = 'withdrawn') = (withdrawn_at is not null)", name="reports_withdrawn"),
    )
    op.create_index("reports_network", "reports", ["network_id", "id"])
    op.create_index("reports_number", "reports", ["subject_id", "number"], unique=True)
    op.create_table(
        "report_files",
        sa.Column(
            "report_id", sa.Uuid, sa.ForeignKey("reports.id", name="report_files_report_id_fkey"), primary_key=True
        ),
        sa.Column("document", sa.LargeBinary, nullable=False, comment="JSON, byte for byte what the checksum is of"),
        sa.Column("pdf", sa.LargeBinary, nullable=False),
    )
    op.execute(
        "CREATE TRIGGER report_files_final BEFORE UPDATE OR DELETE ON report_files FOR EACH ROW"
        " EXECUTE FUNCTION refuse_change()"
    )


def told() -> None:
    projection(
        "projects",
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
    )
    projection(
        "outcomes",
        sa.Column("network_id", sa.Uuid),
        sa.Column("project_id", sa.Uuid, comment="null: it was removed"),
        sa.Column("action_id", sa.Uuid),
        sa.Column("kind", sa.Text),
        sa.Column("title", sa.Text),
        sa.Column("body_id", sa.Uuid),
        sa.Column("territory", sa.Text),
        sa.Column("day", sa.Date),
        sa.Column("evidenced", sa.Boolean, nullable=False),
    )
    op.create_index("outcomes_project", "outcomes", ["project_id"])
    projection(
        "crossings",
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("ballot_id", sa.Uuid),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("cells", sa.Integer, nullable=False),
        sa.Column("scores", sa.Integer, nullable=False),
        sa.Column("respondents", sa.Integer, nullable=False),
        sa.Column("entitled", sa.Integer),
        sa.Column(
            "cohorts", postgresql.JSONB, nullable=False, comment="a list of {code, title, respondents, entitled}"
        ),
        sa.Column(
            "best",
            postgresql.JSONB,
            nullable=False,
            comment="the best crossings by field and cohort, once it is closed",
        ),
        sa.Column("best_left_out", sa.Integer, nullable=False),
    )
    op.create_index("crossings_ballot", "crossings", ["ballot_id"])
    projection(
        "gaps",
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("assessment_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("competence", sa.Text, nullable=False),
        sa.Column("body_id", sa.Uuid),
        sa.Column("territory", sa.Text),
        sa.Column("cohort", sa.Text),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("before", sa.Float, nullable=False, comment="percent"),
        sa.Column("after", sa.Float, nullable=False, comment="percent"),
        sa.Column("gain", sa.Float, comment="of what was missing; null: nothing was"),
    )
    op.create_index("gaps_network", "gaps", ["network_id", "assessment_id"])
    op.create_index("gaps_body", "gaps", ["body_id"])


def projection(name: str, *columns: sa.Column[object]) -> None:
    newest = [sa.Column(column, kind, nullable=False) for column, kind in NEWEST]
    op.create_table(name, sa.Column("id", sa.Uuid, primary_key=True), *columns, *newest)
