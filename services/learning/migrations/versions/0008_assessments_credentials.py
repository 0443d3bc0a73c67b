"""Assessments before and after; what is attested."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    achievements()
    credentials()


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
