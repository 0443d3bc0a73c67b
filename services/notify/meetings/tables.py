"""Meetings, who is invited to them, what is put to the vote (also in none) and what was minuted, as events tells it."""

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.store import mapper

meetings = Table(
    "meetings",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("body_id", Uuid),
    Column("title", Text, nullable=False),
    Column("founding", Boolean, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("mode", Text, nullable=False),
    Column("place", Text),
    Column("call", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("agenda", JSONB, nullable=False, comment="titles in their order"),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

invitations = Table(
    "invitations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("meeting_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("mandate_id", Uuid),
    Column("organisation_id", Uuid),
    Column("state", Text, nullable=False),
    Column("answer", Text),
    Column("delegate_id", Uuid),
    Column(
        "waiting",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="they said yes, and there is no place yet",
    ),
    Column("told_at", DateTime(timezone=True), nullable=False, comment="domain clock: when this became so"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
Index("invitations_of_meeting", invitations.c.meeting_id)

ballots = Table(
    "ballots",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("meeting_id", Uuid),
    Column("body_id", Uuid),
    Column("question", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default=text("'motion'")),
    Column("secret", Boolean, nullable=False, server_default=text("false")),
    Column("closes_at", DateTime(timezone=True)),
    Column("outcome", Text, comment="none while it is open"),
    *(
        Column(name, Integer, nullable=False, server_default=text("0"))
        for name in ("entitled", "cast", "in_favour", "against", "abstained")
    ),
    Column("options", JSONB, nullable=False, server_default=text("'[]'"), comment="title and votes of each"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

minutes = Table(
    "minutes",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("meeting_id", Uuid, nullable=False),
    Column("number", Text),
    Column("state", Text, nullable=False),
    Column("quorate", Boolean, nullable=False),
    Column("present", Integer, nullable=False),
    Column("entitled", Integer, nullable=False),
    Column("held_on", Date, nullable=False),
    Column("drafted_by", Uuid, comment="who writes them"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

minutes_approvals = Table(
    "minutes_approvals",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("minutes_id", Uuid, nullable=False),
    Column("meeting_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
