"""Where collections, their themes, what was contributed and its syntheses are kept. Issued versions the database lets
nobody change (see the migration)."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from services.events.contributions.rules import Collection, Contribution, State, Synthesis
from services.events.store import mapper, words

INSTANT = DateTime(timezone=True)

collections = Table(
    "collections",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("series_id", Uuid),
    Column("body_id", Uuid),
    Column("title", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("closes_at", INSTANT),
    Column("state", words(State), nullable=False),
    Column("opened_at", INSTANT),
    Column("closed_at", INSTANT),
    Column("created_by", Uuid),
    Column("updated_at", INSTANT, nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("num_nonnulls(series_id, body_id) <= 1", name="of_one"),
    CheckConstraint("(state = 'closed') = (closed_at is not null)", name="closed"),
    CheckConstraint("(state = 'draft') = (opened_at is null)", name="opened"),
    Index("collections_network", "network_id", "id"),
    Index("collections_series", "series_id"),
)

themes = Table(
    "collection_themes",
    mapper.metadata,
    Column("collection_id", Uuid, ForeignKey(collections.c.id), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("it", Text, nullable=False),
    Column("en", Text, nullable=False),
)

contributions = Table(
    "contributions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("collection_id", Uuid, nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("theme", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("person_id", Uuid, comment="null: the registry has erased who wrote it"),
    Column("mandate_id", Uuid),
    Column("organisation_id", Uuid),
    Column("territory", Text, comment="of the mandate, or else of the organisation's seat"),
    Column("region", Text, comment="in which the territory lies"),
    Column("entered_by", Uuid, comment="who entered it, when it was not the person"),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("tagged_by", Uuid),
    Column("tagged_at", INSTANT),
    Column("written_at", INSTANT, nullable=False),
    Column("search", TSVECTOR, Computed("to_tsvector('italian_plain'::regconfig, text)", persisted=True)),
    Column("updated_at", INSTANT, nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(
        ["collection_id", "theme"], [themes.c.collection_id, themes.c.code], name="contributions_theme_fkey"
    ),
    CheckConstraint("tags <@ array['strength', 'weakness', 'development']", name="tags"),
    Index("contributions_collection", "collection_id", "id"),
    Index("contributions_person", "person_id"),
    Index("contributions_search", "search", postgresql_using="gin"),
)

syntheses = Table(
    "syntheses",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("collection_id", Uuid, ForeignKey(collections.c.id), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False, comment="on which somebody is working"),
    Column("number", Integer, nullable=False, comment="versions issued so far"),
    Column("drafted_by", Uuid),
    Column("updated_at", INSTANT, nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    Index("syntheses_collection", "collection_id", unique=True),
)

versions = Table(
    "synthesis_versions",
    mapper.metadata,
    Column("synthesis_id", Uuid, ForeignKey(syntheses.c.id), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("counts", JSONB, nullable=False, comment="theme by tag, at that moment"),
    Column("contributions", Integer, nullable=False),
    Column("audience", JSONB, nullable=False, comment="the rule by which it was sent"),
    Column("recipients", Integer, nullable=False),
    Column("issued_by", Uuid),
    Column("issued_at", INSTANT, nullable=False),
)

recipients = Table(
    "synthesis_recipients",
    mapper.metadata,
    Column("synthesis_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("person_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid),
    Column("role", Text, nullable=False),
    Column("territory", Text),
    ForeignKeyConstraint(
        ["synthesis_id", "number"],
        [versions.c.synthesis_id, versions.c.number],
        name="synthesis_recipients_synthesis_id_fkey",
    ),
    Index("synthesis_recipients_person", "person_id"),
)

mapper.map_imperatively(
    Collection, collections, version_id_col=collections.c.version, exclude_properties={"updated_at"}
)
mapper.map_imperatively(
    Contribution,
    contributions,
    version_id_col=contributions.c.version,
    exclude_properties={"updated_at", "search"},
)
mapper.map_imperatively(Synthesis, syntheses, version_id_col=syntheses.c.version, exclude_properties={"updated_at"})
