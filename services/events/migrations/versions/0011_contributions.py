"""Contributions and their syntheses. An issued version stands: a trigger holds it.

`italian_plain` reads Italian whatever accents were typed or left out: it takes them away
before the stem is found. Named outright it is immutable, so that a column and its index can be made of it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

INSTANT = sa.DateTime(timezone=True)
WORDS = postgresql.ARRAY(sa.Text)


def upgrade() -> None:
    op.execute("CREATE TEXT SEARCH CONFIGURATION italian_plain (COPY = pg_catalog.italian)")
    op.execute(
        "ALTER TEXT SEARCH CONFIGURATION italian_plain ALTER MAPPING FOR hword, hword_part, word"
        " WITH unaccent, italian_stem"
    )
    collections()
    contributions()
    syntheses()
    op.execute(
        "CREATE TRIGGER synthesis_versions_final BEFORE UPDATE OR DELETE ON synthesis_versions FOR EACH ROW"
        " EXECUTE FUNCTION refuse_change()"
    )


def changed() -> list[sa.Column[object]]:
    return [
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
    ]


def collections() -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("series_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("closes_at", INSTANT),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("opened_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.Column("created_by", sa.Uuid),
        *changed(),
        sa.CheckConstraint("num_nonnulls(series_id, body_id) <= 1", name="collections_of_one"),
        sa.CheckConstraint("(state = 'closed') = (closed_at is not null)", name="collections_closed"),
        sa.CheckConstraint("(state = 'draft') = (opened_at is null)", name="collections_opened"),
    )
    op.create_index("collections_network", "collections", ["network_id", "id"])
    op.create_index("collections_series", "collections", ["series_id"])
    op.create_table(
        "collection_themes",
        sa.Column(
            "collection_id",
            sa.Uuid,
            sa.ForeignKey("collections.id", name="collection_themes_collection_id_fkey"),
            primary_key=True,
        ),
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("it", sa.Text, nullable=False),
        sa.Column("en", sa.Text, nullable=False),
    )


def contributions() -> None:
    op.create_table(
        "contributions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("collection_id", sa.Uuid, nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("theme", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("person_id", sa.Uuid, comment="null: the registry has erased who wrote it"),
        sa.Column("mandate_id", sa.Uuid),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("territory", sa.Text, comment="of the mandate, or else of the organisation's seat"),
        sa.Column("region", sa.Text, comment="in which the territory lies"),
        sa.Column("entered_by", sa.Uuid, comment="who entered it, when it was not the person"),
        sa.Column("tags", WORDS, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("tagged_by", sa.Uuid),
        sa.Column("tagged_at", INSTANT),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR,
            sa.Computed("to_tsvector('italian_plain'::regconfig, text)", persisted=True),
        ),
        *changed(),
        sa.ForeignKeyConstraint(
            ["collection_id", "theme"],
            ["collection_themes.collection_id", "collection_themes.code"],
            name="contributions_theme_fkey",
        ),
        sa.CheckConstraint("tags <@ array['strength', 'weakness', 'development']", name="contributions_tags"),
    )
    op.create_index("contributions_collection", "contributions", ["collection_id", "id"])
    op.create_index("contributions_person", "contributions", ["person_id"])
    op.create_index("contributions_search", "contributions", ["search"], postgresql_using="gin")


def syntheses() -> None:
    op.create_table(
        "syntheses",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "collection_id",
            sa.Uuid,
            sa.ForeignKey("collections.id", name="syntheses_collection_id_fkey"),
            nullable=False,
        ),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False, comment="on which somebody is working"),
        sa.Column("number", sa.Integer, nullable=False, comment="versions issued so far"),
        sa.Column("drafted_by", sa.Uuid),
        *changed(),
    )
    op.create_index("syntheses_collection", "syntheses", ["collection_id"], unique=True)
    op.create_table(
        "synthesis_versions",
        sa.Column(
            "synthesis_id",
            sa.Uuid,
            sa.ForeignKey("syntheses.id", name="synthesis_versions_synthesis_id_fkey"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("counts", postgresql.JSONB, nullable=False, comment="theme by tag, at that moment"),
        sa.Column("contributions", sa.Integer, nullable=False),
        sa.Column("audience", postgresql.JSONB, nullable=False, comment="the rule by which it was sent"),
        sa.Column("recipients", sa.Integer, nullable=False),
        sa.Column("issued_by", sa.Uuid),
        sa.Column("issued_at", INSTANT, nullable=False),
    )
    op.create_table(
        "synthesis_recipients",
        sa.Column("synthesis_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("person_id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("territory", sa.Text),
        sa.ForeignKeyConstraint(
            ["synthesis_id", "number"],
            ["synthesis_versions.synthesis_id", "synthesis_versions.number"],
            name="synthesis_recipients_synthesis_id_fkey",
        ),
    )
    op.create_index("synthesis_recipients_person", "synthesis_recipients", ["person_id"])
