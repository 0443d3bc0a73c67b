"""What is known of learning, to be told: documents, news, assessments, credentials and practices.

Until `rebuild` has read the facts again, enrolments that were told before are in their first attempt, as they all were.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("enrolments", sa.Column("attempt", sa.Integer, nullable=False, server_default=sa.text("1")))
    told(
        "documents",
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    told(
        "news",
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("link", sa.Text),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("state", sa.Text, nullable=False),
    )
    told(
        "assessment_requests",
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("closes_on", sa.Date),
        sa.Column("state", sa.Text, nullable=False),
    )
    told(
        "credentials",
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("expires_on", sa.Date),
        sa.Column("state", sa.Text, nullable=False),
    )
    told(
        "practices",
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, comment="of a further text of what is published: draft or in_review"),
        sa.Column("author_id", sa.Uuid, comment="who answers for it"),
        sa.Column("adoptions", sa.Integer, nullable=False),
    )
    told(
        "adoptions",
        sa.Column("practice_id", sa.Uuid, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("territory", sa.Text),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        network="whose organisation or body does as the practice says",
    )


def told(name: str, *columns: sa.Column[object], network: str | None = None) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, comment=network),
        *columns,
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
