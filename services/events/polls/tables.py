"""Where polls are kept, their options, those who are asked, and what they answered."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from services.events.meetings.tables import meetings
from services.events.polls.rules import Answer, Option, Poll, Request, RequestState, State
from services.events.store import mapper, words

polls = Table(
    "polls",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("body_id", Uuid, comment="its people are asked; null: people named"),
    Column("title", Text, nullable=False),
    Column("note", Text),
    Column("closes_at", DateTime(timezone=True), nullable=False),
    Column("day", Date, nullable=False, comment="of the earliest option, in Italy: who belongs to the body then"),
    Column("opened_by", Uuid),
    Column("state", words(State), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("chosen_id", Uuid, comment="the option of which the meeting came"),
    Column("meeting_id", Uuid, ForeignKey(meetings.c.id)),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state = 'open') = (closed_at is null)", name="closed"),
    CheckConstraint("(chosen_id is null) = (meeting_id is null)", name="chosen"),
    CheckConstraint("chosen_id is null or state = 'closed'", name="chosen_closed"),
    Index("polls_network", "network_id", "id"),
)

poll_options = Table(
    "poll_options",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("poll_id", Uuid, ForeignKey(polls.c.id), nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("ends_at > starts_at", name="times"),
    UniqueConstraint("poll_id", "starts_at", "ends_at"),
)

poll_requests = Table(
    "poll_requests",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("poll_id", Uuid, ForeignKey(polls.c.id), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("mandate_id", Uuid, comment="by which the person is asked; null: by name"),
    Column("seat_id", Uuid, comment="of that mandate, where the body has seats"),
    Column("organisation_id", Uuid),
    Column("state", words(RequestState), nullable=False),
    Column("answered_at", DateTime(timezone=True)),
    Column("answered_by", Uuid, comment="who entered the answer, when it was not the person"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    UniqueConstraint("poll_id", "person_id"),
    Index("poll_requests_person", "person_id"),
)

poll_answers = Table(
    "poll_answers",
    mapper.metadata,
    Column("request_id", Uuid, ForeignKey(poll_requests.c.id, ondelete="CASCADE"), primary_key=True),
    Column("option_id", Uuid, ForeignKey(poll_options.c.id, ondelete="CASCADE"), primary_key=True),
    Column("answer", words(Answer), nullable=False),
    Index("poll_answers_option", "option_id", "answer"),
    comment="The last ones of each who is asked",
)

mapper.map_imperatively(Poll, polls, version_id_col=polls.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Option, poll_options)
mapper.map_imperatively(
    Request, poll_requests, version_id_col=poll_requests.c.version, exclude_properties={"updated_at"}
)
