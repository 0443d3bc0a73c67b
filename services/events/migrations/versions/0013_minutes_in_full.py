"""Approval of minutes by the body's rule, their PDFs, sections written by hand; a register of decisions that is
searched and says what was kept; tickets for the streams of a quorum."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.runtime import progress

revision = "0013"
down_revision = "0012"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    rules()
    approvals()
    files()
    register()
    progress.install_v1(op)  # type: ignore[arg-type]  # the module stands for the Operations


def rules() -> None:
    op.create_table(
        "minutes_rules",
        sa.Column("body_id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("approval", sa.String(32), nullable=False),
        sa.Column("numerator", sa.Integer, nullable=False),
        sa.Column("denominator", sa.Integer, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("silence", sa.Boolean, nullable=False, comment="who does not answer in time agrees"),
        sa.Column("set_by", sa.Uuid),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        comment="How a body approves its minutes; without a row, by its coordination",
    )
    for column in (
        sa.Column("approval", sa.String(32), nullable=False, server_default="coordination"),
        sa.Column("round", sa.Integer, nullable=False, server_default="0", comment="how often they were submitted"),
        sa.Column("asked", sa.Integer, nullable=False, server_default="0"),
        sa.Column("needed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("silence", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("answers_until", INSTANT, comment="the first instant at which no answer counts any more"),
        sa.Column(
            "approved_in",
            sa.Uuid,
            sa.ForeignKey("ballots.id", name="minutes_approved_in_fkey"),
            comment="the ballot of a later meeting by which they were approved",
        ),
        sa.Column(
            "edits",
            postgresql.JSONB,
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="by section: what its writer added, or wrote instead",
        ),
    ):
        op.add_column("minutes", column)


def approvals() -> None:
    op.create_table(
        "minutes_approvals",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "minutes_id",
            sa.Uuid,
            sa.ForeignKey("minutes.id", name="minutes_approvals_minutes_id_fkey"),
            nullable=False,
        ),
        sa.Column(
            "meeting_id",
            sa.Uuid,
            sa.ForeignKey("meetings.id", name="minutes_approvals_meeting_id_fkey"),
            nullable=False,
        ),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text, comment="why somebody objects: for those who write the minutes"),
        sa.Column("answered_at", INSTANT),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(state = 'objected') = (reason is not null)", name="minutes_approvals_reason"),
    )
    op.create_index("minutes_approvals_once", "minutes_approvals", ["minutes_id", "round", "person_id"], unique=True)
    op.create_index("minutes_approvals_person", "minutes_approvals", ["person_id"])


def files() -> None:
    op.create_table(
        "minutes_files",
        sa.Column(
            "minutes_id", sa.Uuid, sa.ForeignKey("minutes.id", name="minutes_files_minutes_id_fkey"), primary_key=True
        ),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False, comment="PDF/UA, made when they were approved"),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.CheckConstraint("sha256 = encode(sha256(content), 'hex')", name="minutes_files_whole"),
    )
    op.execute(
        "CREATE TRIGGER minutes_files_final BEFORE UPDATE OR DELETE ON minutes_files FOR EACH ROW"
        " EXECUTE FUNCTION refuse_change()"
    )
    # those that were approved before there were files get theirs when the service runs
    op.execute(
        "INSERT INTO due (kind, subject_id, at) SELECT 'minutes-file', id, approved_at FROM minutes"
        " WHERE state = 'approved'"
    )


def register() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    # A stored column needs an immutable function; unaccent is only stable because its dictionary could be replaced.
    op.execute(
        "CREATE FUNCTION unaccented(words text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE"
        " AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, words)) $$"
    )
    search = "to_tsvector('italian'::regconfig, unaccented(title))"
    op.add_column(
        "decisions", sa.Column("search", postgresql.TSVECTOR, sa.Computed(search, persisted=True), nullable=False)
    )
    op.create_index("decisions_search", "decisions", ["search"], postgresql_using="gin")
    op.create_table(
        "decision_commitments",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("decision_id", sa.Uuid, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("fulfilled_on", sa.Date),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        comment="What became of decisions with an owner, as the registry tells it",
    )
    op.create_index("decision_commitments_decision", "decision_commitments", ["decision_id"])
