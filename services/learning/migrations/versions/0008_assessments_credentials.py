"""Assessments before and after; what is attested."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    achievements()
    credentials()
    assessments()


def achievements() -> None:
    op.create_table(
        "achievements",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("criteria", sa.Text, nullable=False),
        sa.Column("months", sa.SmallInteger, comment="that a credential of it holds; null: for good"),
        sa.Column("path_id", sa.Uuid, comment="who completes it has earned it"),
        sa.Column("retired_on", sa.Date),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["path_id"], ["paths.id"], name="achievements_path_id_fkey"),
    )
    op.create_index("achievements_network", "achievements", ["network_id", "id"])
    op.create_index("achievements_path", "achievements", ["path_id"])


def credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("achievement_id", sa.Uuid, nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, comment="null: erased, its page says that it is no more"),
        sa.Column("path_id", sa.Uuid),
        sa.Column("enrolment_id", sa.Uuid, comment="by whose completion it was earned"),
        sa.Column("attempt", sa.SmallInteger),
        sa.Column("reason", sa.Text, comment="why it was given by hand"),
        sa.Column("given_by", sa.Uuid),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("expires_on", sa.Date, comment="the last day on which it is good"),
        sa.Column(
            "named", sa.Boolean, nullable=False, server_default=sa.false(), comment="the holder wants their name on it"
        ),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("revoked_on", sa.Date),
        sa.Column("revoked_for", sa.Text),
        sa.Column("revoked_by", sa.Uuid),
        sa.Column("code", sa.Text, nullable=False, comment="the address of its page"),
        sa.Column("salt", sa.Text, comment="of the hash of the name"),
        sa.Column(
            "place",
            sa.BigInteger,
            sa.Identity(start=0, minvalue=0),
            nullable=False,
            comment="its bit in the status lists",
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["achievement_id"], ["achievements.id"], name="credentials_achievement_id_fkey"),
        sa.CheckConstraint("(state = 'revoked') = (revoked_on is not null)", name="credentials_revoked"),
    )
    op.create_index("credentials_code", "credentials", ["code"], unique=True)
    op.create_index("credentials_once", "credentials", ["achievement_id", "enrolment_id", "attempt"], unique=True)
    op.create_index("credentials_network", "credentials", ["network_id", "id"])
    op.create_index("credentials_person", "credentials", ["person_id", "id"])
    op.create_index("credentials_place", "credentials", ["network_id", "place"])
    op.create_table(
        "badge_keys",
        sa.Column("kid", sa.Text, primary_key=True),
        sa.Column("jwk", JSONB, nullable=False, comment="public; what was signed with it must stay verifiable"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )


def assessments() -> None:
    op.create_table(
        "assessments",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("competences", JSONB, nullable=False),
        sa.Column("audience", JSONB, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("closes_on", sa.Date, comment="the last day of the phase that is open"),
        sa.Column("before_on", sa.Date),
        sa.Column("after_on", sa.Date),
        sa.Column("closed_on", sa.Date),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(state in ('before', 'after')) = (closes_on is not null)", name="assessments_open"),
        sa.CheckConstraint("(state = 'closed') = (closed_on is not null)", name="assessments_closed"),
    )
    op.create_index("assessments_network", "assessments", ["network_id", "id"])
    requests()
    gaps()


def requests() -> None:
    op.create_table(
        "assessment_requests",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("assessment_id", sa.Uuid, nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("phase", sa.String(32), nullable=False),
        sa.Column("person_id", sa.Uuid, comment="null: erased, and the answers with them"),
        sa.Column("bodies", sa.ARRAY(sa.Uuid), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("region", sa.Text),
        sa.Column("cohort", sa.Text),
        sa.Column("path_id", sa.Uuid, comment="because of which they are asked"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("answers", JSONB),
        sa.Column("draft", JSONB, comment="what was answered so far, and not sent"),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("entered_by", sa.Uuid, comment="who typed what was answered on paper; null: they themselves"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessments.id"], name="assessment_requests_assessment_id_fkey"),
        sa.CheckConstraint("(state = 'answered') = (answered_at is not null)", name="assessment_requests_answered"),
    )
    op.create_index(
        "assessment_requests_once", "assessment_requests", ["assessment_id", "phase", "person_id"], unique=True
    )
    op.create_index("assessment_requests_list", "assessment_requests", ["assessment_id", "id"])
    op.create_index("assessment_requests_person", "assessment_requests", ["person_id", "id"])


def gaps() -> None:
    op.create_table(
        "assessment_gaps",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("assessment_id", sa.Uuid, nullable=False),
        sa.Column("place", sa.Integer, nullable=False, comment="in the table of results"),
        sa.Column("competence", sa.Text, nullable=False, comment="its code"),
        sa.Column("of", sa.String(32), nullable=False),
        sa.Column("body_id", sa.Uuid),
        sa.Column("territory", sa.Text),
        sa.Column("cohort", sa.Text),
        sa.Column("n", sa.Integer, comment="null: not shown, and then no figure is kept"),
        sa.Column("before", sa.Float, comment="percent"),
        sa.Column("after", sa.Float, comment="percent"),
        sa.Column("gain", sa.Float, comment="of what was missing; null: nothing was"),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessments.id"], name="assessment_gaps_assessment_id_fkey"),
        sa.CheckConstraint("n >= 5", name="assessment_gaps_few"),
        sa.CheckConstraint(
            "(n is null) = (before is null) and (n is null) = (after is null)", name="assessment_gaps_shown"
        ),
    )
    op.create_index("assessment_gaps_list", "assessment_gaps", ["assessment_id", "place"], unique=True)
