"""Meetings and invitations: audiences, places, waiting lists, notice, documents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    meetings()
    guests()
    documents()
    notice()
    invitations()
    # whom the kind of an organisation concerns, when it is told
    op.create_index("mandates_organisation", "mandates", ["organisation_id"])


def meetings() -> None:
    for column in (
        sa.Column("series_id", sa.Uuid, comment="the programme that it is a meeting of"),
        sa.Column("level", sa.String(32)),
        sa.Column("open_to_public", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("description", sa.Text),
        sa.Column("capacity", sa.Integer, comment="places; who says yes beyond them waits"),
        sa.Column(
            "audience",
            JSONB(none_as_null=True),
            comment="{territories, kinds, bodies}; null: the body, or whoever holds a mandate in the network",
        ),
        sa.Column("notice_days", sa.SmallInteger, comment="asked by the meeting itself, beyond what the rules ask"),
        sa.Column("urgency", sa.Text, comment="why it was convened with less notice than the rules ask"),
        sa.Column("waived_by", sa.Uuid, comment="who convened it so"),
        sa.Column("moved_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("meetings", column)
    op.create_check_constraint("meetings_capacity", "meetings", "capacity > 0")
    op.create_index(
        "meetings_series", "meetings", ["series_id", "starts_at"], postgresql_where=sa.text("series_id is not null")
    )
    op.create_index("meetings_public", "meetings", ["starts_at"], postgresql_where=sa.text("open_to_public"))


def guests() -> None:
    op.create_table(
        "meeting_guests",
        sa.Column(
            "meeting_id",
            sa.Uuid,
            sa.ForeignKey("meetings.id", name="meeting_guests_meeting_id_fkey"),
            primary_key=True,
        ),
        sa.Column("person_id", sa.Uuid, primary_key=True),
        comment="Who is invited by name, mandate or not",
    )
    op.create_index("meeting_guests_person", "meeting_guests", ["person_id"])


def documents() -> None:
    op.create_table(
        "meeting_documents",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "meeting_id",
            sa.Uuid,
            sa.ForeignKey("meetings.id", name="meeting_documents_meeting_id_fkey"),
            nullable=False,
        ),
        sa.Column("item", sa.SmallInteger, comment="the number on the agenda, from 1; null: of the whole meeting"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("file_name", sa.Text),
        sa.Column("media_type", sa.Text),
        sa.Column("size", sa.Integer, comment="bytes"),
        sa.Column("sha256", sa.Text),
        sa.Column("content", sa.LargeBinary),
        sa.Column("public", sa.Boolean, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Uuid),
        sa.CheckConstraint("(url is null) <> (content is null)", name="meeting_documents_link_or_file"),
        sa.CheckConstraint(
            "(content is null) = (file_name is null) and (content is null) = (media_type is null)"
            " and (content is null) = (size is null) and (content is null) = (sha256 is null)",
            name="meeting_documents_file",
        ),
    )
    op.create_index("meeting_documents_meeting", "meeting_documents", ["meeting_id", "id"])


def notice() -> None:
    op.create_table(
        "notice_rules",
        sa.Column("id", sa.Uuid, primary_key=True, comment="of a body, or of the network itself"),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("days", sa.SmallInteger, nullable=False),
        sa.Column("assembly_days", sa.SmallInteger, comment="of assemblies, where a network asks for another number"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
    )


def invitations() -> None:
    op.add_column(
        "invitations", sa.Column("turn", sa.Integer, comment="whose turn it is when a place falls free; null: no wait")
    )
    op.add_column(
        "invitations",
        sa.Column("waiting", sa.Boolean, sa.Computed("turn is not null", persisted=True), nullable=False),
    )
    op.add_column("invitations", sa.Column("answered_via", sa.String(32), comment="how the answer came"))
    op.add_column(
        "invitations",
        sa.Column("link_asked_at", sa.DateTime(timezone=True), comment="when a fresh link was asked for last"),
    )
    op.create_check_constraint(
        "invitations_waiting", "invitations", "turn is null or (answer = 'yes' and state = 'issued')"
    )
    op.drop_index("invitations_once", "invitations")
    op.create_index(
        "invitations_once", "invitations", ["meeting_id", sa.text("coalesce(mandate_id, person_id)")], unique=True
    )
    op.create_index(
        "invitations_turns", "invitations", ["meeting_id", "turn"], postgresql_where=sa.text("turn is not null")
    )
