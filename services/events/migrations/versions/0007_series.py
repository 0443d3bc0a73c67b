"""Programmes of meetings, with their extensions; rooms, and when people are away."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    programmes()
    rooms()
    absences()


def moment(name: str, *, null: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def updated() -> sa.Column[Any]:
    return sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def programmes() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("level", sa.String(32)),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False, comment="belongs to the programme"),
        sa.Column("bodies", sa.ARRAY(sa.Uuid), nullable=False, comment="none: any body, and the network as a whole"),
        sa.Column(
            "shares",
            sa.ARRAY(sa.Integer),
            comment="how many meetings each of the bodies may hold; null: the quotas bind",
        ),
        sa.Column("quotas", JSONB, nullable=False, comment="a list of {count, each, mode, exact}"),
        sa.Column("modes", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("min_days", sa.SmallInteger, comment="between two meetings of one body"),
        sa.Column("per_month", sa.SmallInteger, comment="meetings of one body in a calendar month"),
        sa.Column("project_id", sa.Uuid, comment="of the registry"),
        sa.Column("action_id", sa.Uuid, comment="of the registry's project"),
        sa.Column("extensions", sa.SmallInteger, nullable=False),
        moment("adopted_at"),
        moment("closed_at"),
        sa.Column("closing_reason", sa.Text, comment="why fewer meetings were held than it asked for exactly"),
        updated(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("last_day >= since", name="series_span"),
        sa.CheckConstraint("shares is null or cardinality(shares) = cardinality(bodies)", name="series_shares"),
    )
    op.create_index("series_network", "series", ["network_id", "id"])
    op.create_index("series_project", "series", ["project_id"])
    op.create_table(
        "series_extensions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("series_id", sa.Uuid, sa.ForeignKey("series.id"), nullable=False),
        sa.Column("number", sa.SmallInteger, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("before", JSONB, nullable=False, comment="the fields that it widened, as they were"),
        sa.Column("after", JSONB, nullable=False),
        sa.Column("recorded_by", sa.Uuid),
        moment("recorded_at", null=False),
    )
    op.create_index("series_extensions_number", "series_extensions", ["series_id", "number"], unique=True)


def rooms() -> None:
    op.create_table(
        "rooms",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("territory", sa.Text, comment="a region, province or municipality; null: wherever"),
        sa.Column("state", sa.String(32), nullable=False),
        updated(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("capacity > 0", name="rooms_capacity"),
    )
    op.create_index("rooms_network", "rooms", ["network_id", "id"])
    op.create_table(
        "room_bookings",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("room_id", sa.Uuid, sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column(
            "meeting_id", sa.Uuid, sa.ForeignKey("meetings.id"), comment="its times, as long as it is to be held there"
        ),
        sa.Column("place", sa.Text, comment="what the meeting said of its place then"),
        moment("starts_at"),
        moment("ends_at"),
        sa.CheckConstraint("(meeting_id is null) = (starts_at is not null)", name="room_bookings_times"),
        sa.CheckConstraint(
            "(starts_at is null) = (ends_at is null) and ends_at > starts_at", name="room_bookings_order"
        ),
    )
    op.create_index("room_bookings_room", "room_bookings", ["room_id", "id"])
    op.create_index("room_bookings_meeting", "room_bookings", ["meeting_id"], unique=True)


def absences() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, comment="null: declared by the person, for all networks"),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date, nullable=False, comment="the first day that they are back"),
        sa.Column("recorded_by", sa.Uuid),
        sa.CheckConstraint("until > since", name="absences_span"),
    )
    op.create_index("absences_person", "absences", ["person_id", "until"])
    op.create_index("absences_network", "absences", ["network_id", "id"])
