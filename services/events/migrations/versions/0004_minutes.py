"""Attendance, ballots, minutes, decisions. What was fixed, counted, approved or adopted stands: triggers hold it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

INSTANT = sa.DateTime(timezone=True)
FINAL = {
    "quorums": "true",
    "ballots": "old.outcome is not null",
    "decisions": "old.state <> 'proposed'",
    "minutes": "old.state = 'approved'",
}
"""Since when a row of a table is final."""


def upgrade() -> None:
    attendance()
    ballots()
    decisions()
    minutes()
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'this row of % is final', tg_table_name USING ERRCODE = 'restrict_violation',"
        " CONSTRAINT = tg_name, TABLE = tg_table_name; END $$"
    )
    for table, since in FINAL.items():
        op.execute(
            f"CREATE TRIGGER {table}_final BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW WHEN ({since})"
            " EXECUTE FUNCTION refuse_change()"
        )


def points(table: str, column: str, to: str, *, nullable: bool = True, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(
        column, sa.Uuid, sa.ForeignKey(f"{to}.id", name=f"{table}_{column}_fkey"), nullable=nullable, comment=comment
    )


def attendance() -> None:
    op.create_table(
        "attendances",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("attendances", "meeting_id", "meetings", nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        points("attendances", "invitation_id", "invitations", comment="null: a guest, who does not count"),
        sa.Column("organisation_id", sa.Uuid, comment="whom they came for"),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("recorded_by", sa.Uuid, comment="null: by a link, or by a partner's system"),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "invitation_id is not null or mode in ('present', 'remote')", name="attendances_guest_is_there"
        ),
    )
    op.create_index("attendances_invitation", "attendances", ["invitation_id"], unique=True)
    op.create_index(
        "attendances_guest",
        "attendances",
        ["meeting_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("invitation_id is null"),
    )
    op.create_index("attendances_meeting", "attendances", ["meeting_id", "id"])
    op.create_table(
        "proxies",
        sa.Column(
            "invitation_id",
            sa.Uuid,
            sa.ForeignKey("invitations.id", name="proxies_invitation_id_fkey"),
            primary_key=True,
            comment="of who is away",
        ),
        points("proxies", "holder_id", "invitations", nullable=False, comment="of who stands for them"),
        points("proxies", "meeting_id", "meetings", nullable=False),
        sa.Column("recorded_by", sa.Uuid),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("invitation_id <> holder_id", name="proxies_of_another"),
        comment="Recorded by hand; when the meeting is closed, those from answers too",
    )
    op.create_index("proxies_meeting", "proxies", ["meeting_id"])
    op.create_table(
        "quorums",
        sa.Column(
            "meeting_id", sa.Uuid, sa.ForeignKey("meetings.id", name="quorums_meeting_id_fkey"), primary_key=True
        ),
        sa.Column("call", sa.Integer, nullable=False),
        sa.Column("entitled", sa.Integer, nullable=False),
        sa.Column("present", sa.Integer, nullable=False),
        sa.Column("by_proxy", sa.Integer, nullable=False),
        sa.Column("needed", sa.Integer, nullable=False),
        sa.Column("reached", sa.Boolean, nullable=False),
        sa.Column("fixed_by", sa.Uuid),
        sa.Column("fixed_at", INSTANT, nullable=False),
        sa.CheckConstraint("reached = (present + by_proxy >= needed)", name="quorums_reached"),
        sa.CheckConstraint("present + by_proxy <= entitled", name="quorums_counted"),
        comment="As it was when the meeting was closed; before that it is counted",
    )


def ballots() -> None:
    op.create_table(
        "ballots",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("ballots", "meeting_id", "meetings", nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("body_id", sa.Uuid),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("numerator", sa.Integer, nullable=False),
        sa.Column("denominator", sa.Integer, nullable=False),
        sa.Column("exceeded", sa.Boolean, nullable=False),
        sa.Column("basis", sa.String(32), nullable=False),
        sa.Column("entitled", sa.Integer, nullable=False),
        sa.Column("in_favour", sa.Integer, nullable=False),
        sa.Column("against", sa.Integer, nullable=False),
        sa.Column("abstained", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(32)),
        sa.Column("opened_by", sa.Uuid),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closed_by", sa.Uuid),
        sa.Column("closed_at", INSTANT),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(outcome is null) = (closed_at is null)", name="ballots_closed"),
        sa.CheckConstraint("outcome is null or in_favour + against + abstained <= entitled", name="ballots_counted"),
    )
    op.create_index("ballots_meeting", "ballots", ["meeting_id", "id"])
    op.create_table(
        "votes",
        sa.Column("ballot_id", sa.Uuid, sa.ForeignKey("ballots.id", name="votes_ballot_id_fkey"), primary_key=True),
        sa.Column("voice", sa.Uuid, primary_key=True, comment="the seat, or in a body without seats the person"),
        points("votes", "invitation_id", "invitations", nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False, comment="whose vote it is"),
        sa.Column("cast_by", sa.Uuid, nullable=False, comment="who cast it: themselves, or who stands for them"),
        sa.Column("vote", sa.String(32), nullable=False),
        sa.Column("cast_at", INSTANT, nullable=False),
    )
    op.create_index("votes_invitation", "votes", ["invitation_id"])


def decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("decisions", "meeting_id", "meetings", nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("body_id", sa.Uuid, comment="the body that decides"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("person_id", sa.Uuid),
        sa.Column("owner_body_id", sa.Uuid),
        sa.Column("due", sa.Date),
        points("decisions", "ballot_id", "ballots"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(organisation_id, person_id, owner_body_id) = num_nonnulls(due)",
            name="decisions_owner_with_a_day",
        ),
    )
    op.create_index("decisions_meeting", "decisions", ["meeting_id", "id"])
    op.create_index("decisions_network", "decisions", ["network_id", "id"])


def minutes() -> None:
    op.create_table(
        "minutes",
        sa.Column("id", sa.Uuid, primary_key=True),
        points("minutes", "meeting_id", "meetings", nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("body_id", sa.Uuid),
        sa.Column("founding", sa.Boolean, nullable=False),
        sa.Column("held_on", sa.Date, nullable=False),
        sa.Column("quorate", sa.Boolean, nullable=False),
        sa.Column("present", sa.Integer, nullable=False, comment="in person, remote or by proxy"),
        sa.Column("entitled", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False, comment="what the writer adds to what was composed"),
        sa.Column("remarks", sa.Text, comment="why they were returned"),
        sa.Column("document", postgresql.JSONB, nullable=False, comment="what was composed, as it is read"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("series_id", sa.Uuid, sa.Computed("coalesce(body_id, network_id)", persisted=True)),
        sa.Column("year", sa.Integer, sa.Computed("extract(year from held_on)::integer", persisted=True)),
        sa.Column("number", sa.Integer),
        sa.Column("drafted_by", sa.Uuid),
        sa.Column("submitted_by", sa.Uuid),
        sa.Column("approved_by", sa.Uuid),
        sa.Column("approved_at", INSTANT),
        sa.Column("approved_on", sa.Date),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(state = 'approved') = (number is not null)", name="minutes_numbered"),
        sa.CheckConstraint("(state = 'approved') = (approved_on is not null)", name="minutes_approved"),
    )
    op.create_index("minutes_meeting", "minutes", ["meeting_id"], unique=True)
    op.create_index("minutes_network", "minutes", ["network_id", "id"])
    op.create_index("minutes_number", "minutes", ["series_id", "year", "number"], unique=True)
    op.create_table(
        "minutes_numbers",
        sa.Column("series_id", sa.Uuid, primary_key=True, comment="the body; the network for meetings of no body"),
        sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.Integer, nullable=False),
    )
