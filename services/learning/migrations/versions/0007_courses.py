"""Courses, quizzes, meetings that count, renewals; where a mandate is held (a rebuild reads it for those of before)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"

NONE = sa.text("'{}'")


def upgrade() -> None:
    mandates()
    courses()
    enrolments()
    quizzes()
    attempts()


def mandates() -> None:
    op.add_column("mandates", sa.Column("territory", sa.Text))
    op.add_column(
        "mandates",
        sa.Column(
            "within",
            sa.ARRAY(sa.Text),
            nullable=False,
            server_default=NONE,
            comment="the territory and those in which it lies",
        ),
    )
    op.add_column("mandates", sa.Column("body_id", sa.Uuid))
    op.create_index("mandates_of_body", "mandates", ["body_id"])


def courses() -> None:
    op.create_table(
        "courses",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("units", JSONB, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("published_on", sa.Date),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("courses_network", "courses", ["network_id", "id"])
    op.add_column("paths", sa.Column("territories", sa.ARRAY(sa.Text), nullable=False, server_default=NONE))
    op.add_column("paths", sa.Column("bodies", sa.ARRAY(sa.Uuid), nullable=False, server_default=NONE))
    op.add_column("paths", sa.Column("renewed_after_months", sa.SmallInteger))


def enrolments() -> None:
    op.add_column(
        "enrolments",
        sa.Column(
            "left", sa.Boolean, nullable=False, server_default=sa.false(), comment="ended because the person left"
        ),
    )
    op.add_column("enrolments", sa.Column("attempt", sa.Integer, nullable=False, server_default=sa.text("1")))
    op.create_table(
        "enrolment_attempts",
        sa.Column("enrolment_id", sa.Uuid, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("due", sa.Date),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_units", sa.Integer, nullable=False),
        sa.Column("done", JSONB, nullable=False),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolments.id"], name="enrolment_attempts_enrolment_id_fkey"),
        comment="Completed before, and renewed since",
    )
    op.create_table(
        "attended",
        sa.Column("meeting_id", sa.Uuid, primary_key=True),
        sa.Column("person_id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("series_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date, nullable=False, comment="in Italy"),
    )
    op.create_index("attended_person", "attended", ["person_id", "network_id"])


def quizzes() -> None:
    op.create_table(
        "quizzes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("intro", sa.Text, nullable=False),
        sa.Column("questions", JSONB, nullable=False),
        sa.Column("pass_percent", sa.SmallInteger, nullable=False),
        sa.Column("attempts", sa.SmallInteger, comment="null: as many as one likes"),
        sa.Column("shuffled", sa.Boolean, nullable=False),
        sa.Column("feedback", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("edition", sa.Integer, nullable=False, comment="0: not published yet"),
        sa.Column("published_on", sa.Date),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("quizzes_network", "quizzes", ["network_id", "id"])
    op.create_table(
        "quiz_editions",
        sa.Column("quiz_id", sa.Uuid, primary_key=True),
        sa.Column("edition", sa.Integer, primary_key=True),
        sa.Column("questions", JSONB, nullable=False),
        sa.Column("pass_percent", sa.SmallInteger, nullable=False),
        sa.ForeignKeyConstraint(["quiz_id"], ["quizzes.id"], name="quiz_editions_quiz_id_fkey"),
        comment="What was asked, as those who answered it saw it",
    )


def attempts() -> None:
    op.create_table(
        "quiz_attempts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("quiz_id", sa.Uuid, nullable=False),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("enrolment_id", sa.Uuid, nullable=False),
        sa.Column("round", sa.Integer, nullable=False, comment="the attempt of the enrolment"),
        sa.Column("unit_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, comment="null: erased, the figures stay"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True)),
        sa.Column("answers", JSONB, comment="null: open, or erased"),
        sa.Column("marks", JSONB, comment="points of each question"),
        sa.Column("points", sa.Integer),
        sa.Column("of", sa.Integer),
        sa.Column("passed", sa.Boolean),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["quiz_id"], ["quizzes.id"], name="quiz_attempts_quiz_id_fkey"),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolments.id"], name="quiz_attempts_enrolment_id_fkey"),
        sa.CheckConstraint("(submitted_at is null) = (passed is null)", name="quiz_attempts_submitted"),
        sa.CheckConstraint("(submitted_at is null) = (marks is null)", name="quiz_attempts_marked"),
        sa.CheckConstraint("answers is null or submitted_at is not null", name="quiz_attempts_answered"),
    )
    op.create_index(
        "quiz_attempts_numbered", "quiz_attempts", ["enrolment_id", "quiz_id", "round", "number"], unique=True
    )
    op.create_index("quiz_attempts_quiz", "quiz_attempts", ["quiz_id", "id"])
    op.create_index("quiz_attempts_person", "quiz_attempts", ["person_id"])
    op.create_table(
        "quiz_grants",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("enrolment_id", sa.Uuid, nullable=False),
        sa.Column("quiz_id", sa.Uuid, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("granted_by", sa.Uuid, comment="null: a partner's system"),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolments.id"], name="quiz_grants_enrolment_id_fkey"),
        sa.ForeignKeyConstraint(["quiz_id"], ["quizzes.id"], name="quiz_grants_quiz_id_fkey"),
        comment="Each is one attempt more than the quiz allows",
    )
    op.create_index("quiz_grants_enrolment", "quiz_grants", ["enrolment_id"])
