"""Erasures and access requests"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    erasures()
    quarantine()
    access_requests()
    access_parts()


def reference(column: str, table: str, to: str, *, primary_key: bool = False) -> sa.Column[object]:
    key = sa.ForeignKey(f"{to}.id", name=f"{table}_{column}_fkey")
    return sa.Column(column, sa.Uuid, key, nullable=False, primary_key=primary_key)


def kept() -> list[sa.Column[object]]:
    return [
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
    ]


def erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid, primary_key=True),
        reference("person_id", "erasures", "people"),
        reference("network_id", "erasures", "networks"),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("opened_by", sa.Uuid),
        sa.Column("correlation", sa.Uuid),
        sa.Column("phase", sa.String(32), nullable=False),
        sa.Column("erase_on", sa.Date),
        sa.Column("mandate_id", sa.Uuid),
        sa.Column("mandate_ends", sa.Date),
        sa.Column("person_version", sa.Integer, nullable=False),
        sa.Column("closed_on", sa.Date),
        *kept(),
        sa.CheckConstraint(
            "phase not in ('waiting', 'quarantine', 'erase') or erase_on is not null", name="erasures_day"
        ),
    )
    op.create_index(
        "erasures_open", "erasures", ["person_id"], unique=True, postgresql_where=sa.text("closed_on is null")
    )
    op.create_index("erasures_person", "erasures", ["person_id", "id"])
    op.create_table(
        "erasure_answers",
        reference("erasure_id", "erasure_answers", "erasures", primary_key=True),
        sa.Column(
            "asked",
            sa.Integer,
            primary_key=True,
            autoincrement=False,
            comment="the version of the erasure that asks",
        ),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("phase", sa.String(32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("holdings", JSONB, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("mentions", JSONB, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("mentioned", sa.Integer, nullable=False, server_default=sa.text("0")),
        comment="A row for each service and phase, made when it is asked: who has not answered is a row too",
    )


def quarantine() -> None:
    op.create_table(
        "quarantined_people",
        reference("person_id", "quarantined_people", "people", primary_key=True),
        sa.Column("given_name", sa.Text, nullable=False),
        sa.Column("family_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("email_verified_at", sa.DateTime(timezone=True)),
        sa.Column("phone", sa.Text),
        comment="What `people` said of those in quarantine: no list, no search and no fact reads it here",
    )
    op.create_table(
        "stream_erasures",
        reference("person_id", "stream_erasures", "people", primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("messages", sa.Integer),
        comment="Erased people whose facts the stream has until they are deleted there, one by one",
    )
    op.create_index("stream_erasures_due", "stream_erasures", ["since"], postgresql_where=sa.text("done_at is null"))


def access_requests() -> None:
    op.create_table(
        "access_requests",
        sa.Column("id", sa.Uuid, primary_key=True),
        reference("person_id", "access_requests", "people"),
        reference("network_id", "access_requests", "networks"),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Uuid),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("correlation", sa.Uuid),
        sa.Column("private_key", sa.Text, comment="one JWK, as long as the archive is kept"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True)),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("closed_on", sa.Date),
        *kept(),
        sa.CheckConstraint("(state = 'closed') = (private_key is null)", name="access_requests_key"),
        sa.CheckConstraint("(state = 'closed') = (closed_on is not null)", name="access_requests_closed"),
    )
    op.create_index(
        "access_requests_gathering",
        "access_requests",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("state = 'gathering'"),
    )
    op.create_index("access_requests_person", "access_requests", ["person_id", "id"])


def access_parts() -> None:
    op.create_table(
        "access_answers",
        reference("access_id", "access_answers", "access_requests", primary_key=True),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        comment="A row for each service, made when it is asked: who has not answered is a row too",
    )
    op.create_table(
        "access_parts",
        reference("access_id", "access_parts", "access_requests", primary_key=True),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("parts", sa.Integer, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        comment="Sealed, until all are here and the archive is made",
    )
    op.create_table(
        "access_archives",
        reference("access_id", "access_archives", "access_requests", primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
    )
    op.create_table(
        "access_readings",
        sa.Column("id", sa.Uuid, primary_key=True),
        reference("access_id", "access_readings", "access_requests"),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_by", sa.Uuid),
        sa.Column("level", sa.Text, nullable=False),
        comment="Who took the archive, and how they had proved who they are",
    )
    op.create_index("access_readings_request", "access_readings", ["access_id", "id"])
