"""Polls for dates, and those who register for a public meeting."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    polls()
    options()
    requests()
    answers()
    public_places()
    registrations()


def updated_at() -> sa.Column[object]:
    return sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def of(table: str, column: str, other: str, key: str = "id", ondelete: str | None = None) -> sa.ForeignKey:
    return sa.ForeignKey(f"{other}.{key}", name=f"{table}_{column}_fkey", ondelete=ondelete)


def polls() -> None:
    op.create_table(
        "polls",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("body_id", sa.Uuid, comment="its people are asked; null: people named"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "day", sa.Date, nullable=False, comment="of the earliest option, in Italy: who belongs to the body then"
        ),
        sa.Column("opened_by", sa.Uuid),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("chosen_id", sa.Uuid, comment="the option of which the meeting came"),
        sa.Column("meeting_id", sa.Uuid, of("polls", "meeting_id", "meetings")),
        updated_at(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(state = 'open') = (closed_at is null)", name="polls_closed"),
        sa.CheckConstraint("(chosen_id is null) = (meeting_id is null)", name="polls_chosen"),
        sa.CheckConstraint("chosen_id is null or state = 'closed'", name="polls_chosen_closed"),
    )
    op.create_index("polls_network", "polls", ["network_id", "id"])


def options() -> None:
    op.create_table(
        "poll_options",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("poll_id", sa.Uuid, of("poll_options", "poll_id", "polls"), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name="poll_options_times"),
        sa.UniqueConstraint("poll_id", "starts_at", "ends_at", name="poll_options_poll_id_starts_at_ends_at_key"),
    )


def requests() -> None:
    op.create_table(
        "poll_requests",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("poll_id", sa.Uuid, of("poll_requests", "poll_id", "polls"), nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("mandate_id", sa.Uuid, comment="by which the person is asked; null: by name"),
        sa.Column("seat_id", sa.Uuid, comment="of that mandate, where the body has seats"),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("answered_by", sa.Uuid, comment="who entered the answer, when it was not the person"),
        updated_at(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("poll_id", "person_id", name="poll_requests_poll_id_person_id_key"),
    )
    op.create_index("poll_requests_person", "poll_requests", ["person_id"])


def answers() -> None:
    op.create_table(
        "poll_answers",
        sa.Column(
            "request_id",
            sa.Uuid,
            of("poll_answers", "request_id", "poll_requests", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column(
            "option_id", sa.Uuid, of("poll_answers", "option_id", "poll_options", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("answer", sa.String(32), nullable=False),
        comment="The last ones of each who is asked",
    )
    op.create_index("poll_answers_option", "poll_answers", ["option_id", "answer"])


def public_places() -> None:
    op.create_table(
        "public_places",
        sa.Column("meeting_id", sa.Uuid, of("public_places", "meeting_id", "meetings"), primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("places", sa.Integer, comment="null: as many as come"),
        sa.Column("next_number", sa.Integer, nullable=False, server_default=sa.text("1")),
        updated_at(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("places >= 0", name="public_places_places"),
        comment="Of meetings for which somebody registered or whose places were bounded; its row is the lock on them",
    )


def registrations() -> None:
    op.create_table(
        "registrations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "meeting_id", sa.Uuid, of("registrations", "meeting_id", "public_places", "meeting_id"), nullable=False
        ),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("organisation", sa.Text),
        sa.Column(
            "secret_sha256",
            sa.LargeBinary,
            comment="of the code in the address of their page; null: forgotten, too",
        ),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("entered_by", sa.Uuid, comment="who wrote it down for the person"),
        sa.Column("attended", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("checked_in_at", sa.DateTime(timezone=True)),
        sa.Column("checked_in_by", sa.Uuid),
        sa.Column("cancelled_at", sa.DateTime(timezone=True)),
        sa.Column("erased_at", sa.DateTime(timezone=True), comment="since when nothing in the row names the person"),
        updated_at(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("attended = (checked_in_at is not null)", name="registrations_checked_in"),
        sa.CheckConstraint("(state = 'cancelled') = (cancelled_at is not null)", name="registrations_cancelled"),
        sa.CheckConstraint(
            "erased_at is null or (name = '' and email is null and organisation is null)", name="registrations_erased"
        ),
        sa.UniqueConstraint("meeting_id", "number", name="registrations_meeting_id_number_key"),
        sa.UniqueConstraint("secret_sha256", name="registrations_secret_sha256_key"),
    )
    op.create_index("registrations_state", "registrations", ["meeting_id", "state", "number"])
