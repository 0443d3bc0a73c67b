"""Bodies, people and mandates as the registry tells them; meetings and invitations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

Columns = tuple[sa.Column[int], sa.Column[int]]


def upgrade() -> None:
    names()
    bodies_and_seats()
    mandates()
    meetings()
    invitations()


def received() -> Columns:
    return (
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )


def names() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("given_name", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("family_name", sa.Text, nullable=False, server_default=sa.text("''")),
        *received(),
        comment="How people are called, for those who meet them; how they are reached, notify knows",
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        *received(),
    )


def bodies_and_seats() -> None:
    op.create_table(
        "bodies",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("composition", sa.Text, nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("territory", sa.Text),
        sa.Column("parent_id", sa.Uuid),
        sa.Column("first_call", JSONB, nullable=False, comment="numerator, denominator, exceeded, at_least"),
        sa.Column("second_call", JSONB, comment="null: a meeting has one call only"),
        sa.Column("proxies", sa.Integer, nullable=False, comment="for how many absent members one member may stand"),
        sa.Column("constituted_on", sa.Date),
        sa.Column("dissolved_on", sa.Date),
        *received(),
    )
    op.create_index("bodies_network", "bodies", ["network_id"])
    op.create_table(
        "seats",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("body_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date),
        *received(),
    )
    op.create_index("seats_body", "seats", ["body_id"])


def mandates() -> None:
    op.create_table(
        "mandates",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("territory", sa.Text),
        sa.Column("within", sa.ARRAY(sa.Text), nullable=False, comment="the territory and those in which it lies"),
        sa.Column("body_id", sa.Uuid),
        sa.Column("seat_id", sa.Uuid),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column(
            "ends", sa.Date, comment="the first day on which it is no longer held, as decided so far; null: open"
        ),
        sa.Column("state", sa.Text, nullable=False),
        *received(),
    )
    op.create_index("mandates_network", "mandates", ["network_id", "role"])
    op.create_index("mandates_person", "mandates", ["person_id"])
    op.create_index("mandates_body", "mandates", ["body_id"])
    op.create_index("mandates_seat", "mandates", ["seat_id"])


def meetings() -> None:
    day = "(starts_at at time zone 'Europe/Rome')::date"
    op.create_table(
        "meetings",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("body_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("founding", sa.Boolean, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date, sa.Computed(day, persisted=True), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("place", sa.Text),
        sa.Column(
            "join_url", sa.Text, comment="lets in whoever has it: in no fact, shown only to those who are invited"
        ),
        sa.Column("call", sa.SmallInteger, nullable=False),
        sa.Column("first_call_id", sa.Uuid, sa.ForeignKey("meetings.id", name="meetings_first_call_id_fkey")),
        sa.Column("agenda", JSONB, nullable=False, comment="a list of {title, minutes}"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("quorate", sa.Boolean, comment="with a quorum or without, once it has been held"),
        sa.Column("convened_at", sa.DateTime(timezone=True)),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name="meetings_times"),
        sa.CheckConstraint("(call = 2) = (first_call_id is not null)", name="meetings_call"),
        sa.CheckConstraint("(state = 'held') = (quorate is not null)", name="meetings_quorate"),
    )
    op.create_index("meetings_network", "meetings", ["network_id", "starts_at", "id"])
    op.create_index("meetings_body", "meetings", ["body_id", "starts_at"])
    op.create_index(
        "meetings_second_call",
        "meetings",
        ["first_call_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'cancelled'"),
    )


def invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "meeting_id",
            sa.Uuid,
            sa.ForeignKey("meetings.id", name="invitations_meeting_id_fkey"),
            nullable=False,
        ),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("mandate_id", sa.Uuid),
        sa.Column(
            "seat_id", sa.Uuid, comment="a seat of the meeting's body; null where people belong to it themselves"
        ),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("answer", sa.String(32)),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("answered_by", sa.Uuid, comment="who entered the answer, when it was not the person"),
        sa.Column("delegate_id", sa.Uuid, comment="the person who will stand for this one"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(answer is null) = (answered_at is null)", name="invitations_answered"),
        sa.CheckConstraint(
            "(answer is not distinct from 'delegated') = (delegate_id is not null)", name="invitations_delegate"
        ),
    )
    op.create_index("invitations_once", "invitations", ["meeting_id", "mandate_id"], unique=True)
    op.create_index("invitations_person", "invitations", ["person_id"])
