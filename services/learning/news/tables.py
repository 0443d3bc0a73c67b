"""Where news are kept."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid, func

from services.learning.news.rules import Item, State, Visibility
from services.learning.paths.rules import Audience
from services.learning.practices.tables import Codes
from services.learning.store import mapper, words

INSTANT = DateTime(timezone=True)

news = Table(
    "news",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("text", Text, nullable=False, comment="Markdown"),
    Column("link", Text),
    Column("audience", words(Audience)),
    Column("territory", Text),
    Column("within", Codes, nullable=False, comment="the territory and those in which it lies"),
    Column("body_id", Uuid),
    Column("visibility", words(Visibility), nullable=False),
    Column("state", words(State), nullable=False),
    Column("publish_at", INSTANT),
    Column("expires_at", INSTANT),
    Column("published_at", INSTANT),
    Column("changed_at", INSTANT, nullable=False, comment="by the domain clock, what readers see"),
    Column("written_by", Uuid),
    Column("updated_at", INSTANT, nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(published_at is not null) = (state in ('published', 'withdrawn', 'expired'))", name="published"),
    CheckConstraint("state <> 'scheduled' or publish_at is not null", name="scheduled"),
    Index("news_network", "network_id", "id"),
    Index("news_out", "network_id", "published_at"),
)

mapper.map_imperatively(Item, news, version_id_col=news.c.version, exclude_properties={"updated_at"})
