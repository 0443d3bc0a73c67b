"""Documents, their editions, the words in them, and who has read them.

`italian_plain` reads Italian whatever accents were typed or left out: it takes them away before the stem is found.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("CREATE TEXT SEARCH CONFIGURATION italian_plain (COPY = pg_catalog.italian)")
    op.execute(
        "ALTER TEXT SEARCH CONFIGURATION italian_plain ALTER MAPPING FOR hword, hword_part, word"
        " WITH unaccent, italian_stem"
    )
    documents()
    editions()
    pages()
    readers()
    link_keys()


def documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("territory", sa.Text),
        sa.Column("body_id", sa.Uuid),
        sa.Column("visibility", sa.String(32), nullable=False),
        sa.Column("since", sa.Date),
        sa.Column("until", sa.Date),
        sa.Column("retained_until", sa.Date, comment="the last day on which its files are kept; null: for good"),
        sa.Column("edition", sa.Integer, nullable=False, comment="the number of the newest"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("added_by", sa.Uuid),
        sa.Column("withdrawn_on", sa.Date),
        sa.Column("erased_on", sa.Date, comment="the files are gone"),
        sa.Column(
            "search",
            postgresql.TSVECTOR,
            comment="title, description, and the text of the newest edition as it becomes known",
        ),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("until > since", name="documents_period"),
        sa.CheckConstraint("visibility <> 'body' or body_id is not null", name="documents_body"),
        sa.CheckConstraint("(state = 'withdrawn') = (withdrawn_on is not null)", name="documents_withdrawn"),
        sa.CheckConstraint("erased_on is null or state = 'withdrawn'", name="documents_erased"),
    )
    op.create_index("documents_network", "documents", ["network_id", "id"])
    op.create_index("documents_search", "documents", ["search"], postgresql_using="gin")


def editions() -> None:
    op.create_table(
        "document_editions",
        sa.Column("id", sa.Uuid, primary_key=True, comment="and the name of the object in the store"),
        sa.Column("document_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False, comment="bytes"),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("pages", sa.Integer),
        sa.Column("note", sa.Text, nullable=False, comment="what is new"),
        sa.Column("text", sa.String(32), nullable=False, comment="how far its words are known"),
        sa.Column("text_tries", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column(
            "text_indexed",
            sa.Integer,
            nullable=False,
            server_default=sa.text("0"),
            comment="characters that are found by",
        ),
        sa.Column("text_lease", INSTANT, comment="until when a worker has it"),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("added_by", sa.Uuid),
        sa.Column("erased_on", sa.Date, comment="the file may not be read any more"),
        sa.Column("removed_at", INSTANT, comment="it is not in the store any more"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="document_editions_document_id_fkey"),
        sa.CheckConstraint("removed_at is null or erased_on is not null", name="document_editions_removed"),
    )
    op.create_index("document_editions_number", "document_editions", ["document_id", "number"], unique=True)
    op.create_index(
        "document_editions_waiting", "document_editions", ["id"], postgresql_where=sa.text("text = 'waiting'")
    )
    op.create_index(
        "document_editions_erased",
        "document_editions",
        ["id"],
        postgresql_where=sa.text("erased_on is not null and removed_at is null"),
    )


def pages() -> None:
    op.create_table(
        "document_pages",
        sa.Column(
            "edition_id",
            sa.Uuid,
            sa.ForeignKey("document_editions.id", name="document_pages_edition_id_fkey"),
            primary_key=True,
        ),
        sa.Column("page", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR,
            sa.Computed("to_tsvector('italian_plain'::regconfig, text)", persisted=True),
        ),
        comment="The words of each page (of a file without pages: of each few thousand characters)",
    )


def readers() -> None:
    op.create_table(
        "document_readers",
        sa.Column(
            "document_id",
            sa.Uuid,
            sa.ForeignKey("documents.id", name="document_readers_document_id_fkey"),
            primary_key=True,
        ),
        sa.Column("person_id", sa.Uuid, primary_key=True),
        sa.Column("following", sa.Boolean, nullable=False, comment="false: wants to hear of no new edition"),
        sa.Column("edition", sa.Integer, comment="the newest that they downloaded"),
        sa.Column("read_at", INSTANT),
        comment="Who downloaded a document signed in, or asked to follow it: they are told of a new edition",
    )
    op.create_index("document_readers_person", "document_readers", ["person_id"])


def link_keys() -> None:
    """With a key made here: two random UUIDs are 244 bits that nobody else knows."""
    op.create_table(
        "document_link_keys",
        sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.text("true")),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("one", name="document_link_keys_one"),
        comment="With which the short-lived links to files are signed: the same in every process",
    )
    op.execute(
        "INSERT INTO document_link_keys (secret) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))"
    )
