"""The address of each invitation that was mailed, and what was last heard from its calendar.

A token is kept as it is: a mail that is tried again carries the same one. It lets nobody in; who has it may answer in
the invited person's name, as who has a mailed link may.
"""

from sqlalchemy import Column, DateTime, Integer, Table, Text, Uuid, func, text

from services.notify.store import mapper

calendar_replies = Table(
    "calendar_replies",
    mapper.metadata,
    Column("invitation_id", Uuid, primary_key=True),
    Column("token", Text, nullable=False, unique=True),
    Column("minted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("answers", Integer, nullable=False, server_default=text("0")),
    Column("answer", Text),
    Column("sequence", Integer),
    Column("stamped_at", DateTime(timezone=True)),
    comment="rsvp+<token>@<reply domain> is an invitation's organizer; not a projection",
)
