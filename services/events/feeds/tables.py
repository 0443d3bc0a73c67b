"""Where feeds are kept: of a secret its hash only."""

from sqlalchemy import CheckConstraint, Column, Date, DateTime, Index, Integer, Table, Text, Uuid

from services.events.feeds.rules import Feed, Kind
from services.events.store import mapper, words

calendar_feeds = Table(
    "calendar_feeds",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", words(Kind), nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("network_id", Uuid),
    Column("body_id", Uuid),
    Column("language", Text, nullable=False),
    Column("secret_sha256", Text, nullable=False, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("read_on", Date, comment="the last day on which it was read"),
    Column("version", Integer, nullable=False),
    CheckConstraint("(kind = 'person') = (network_id is null)", name="network"),
    CheckConstraint("(kind = 'body') = (body_id is not null)", name="body"),
    Index("calendar_feeds_person", "person_id"),
)

mapper.map_imperatively(Feed, calendar_feeds, version_id_col=calendar_feeds.c.version, exclude_properties={"read_on"})
