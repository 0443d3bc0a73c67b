"""What events knows of organisations: names, for lists and pages that say whom somebody represents, and the kinds,
sections and places by which invitations, cohorts and reports part them; and which networks they are in."""

from sqlalchemy import ARRAY, Column, Date, Index, Integer, Table, Text, Uuid, text

from services.events.store import mapper

NONE = text("'{}'")

organisations = Table(
    "organisations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default=text("''")),
    Column("sections", ARRAY(Text), nullable=False, server_default=NONE, comment="of the RUNTS, in force when told"),
    Column("municipality", Text, comment="of its seat"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

memberships = Table(
    "memberships",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("organisation_id", Uuid, comment="null: it was a duplicate"),
    Column("state", Text, nullable=False, comment="candidate, active, suspended, withdrawn or merged"),
    Column("since", Date),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("memberships_network", "network_id", "organisation_id"),
)
