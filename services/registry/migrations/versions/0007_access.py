"""Signing in: requested links, identities at other providers; who issued a key."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "sign_in_requests",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "person_id", sa.Uuid, sa.ForeignKey("people.id", name="sign_in_requests_person_id_fkey"), nullable=False
        ),
        sa.Column("email_sha256", sa.Text, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
    )
    op.create_index("sign_in_requests_person", "sign_in_requests", ["person_id", "requested_at"])
    op.create_table(
        "identities",
        sa.Column("issuer", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", name="identities_person_id_fkey"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("identities_person", "identities", ["person_id"])
    op.add_column("api_keys", sa.Column("issued_by", sa.Uuid))
    op.add_column(
        "api_keys", sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    )
