"""Where documents are kept: what is said of them, their editions, the words in them, and who has read them.

The files themselves are in the object store (`store.py`), each under the id of its edition. An object is written before
its row, and removed after the row says that it is erased: what a kill leaves behind is an object without a row, which
the sweep removes.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Uuid,
    func,
    text,
)
from sqlalchemy import Text as Words
from sqlalchemy.dialects.postgresql import TSVECTOR

from services.learning.documents.rules import Document, Edition, Kind, State, Text, Visibility
from services.learning.store import mapper, words

documents = Table(
    "documents",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Words, nullable=False),
    Column("kind", words(Kind), nullable=False),
    Column("description", Words, nullable=False),
    Column("territory", Words),
    Column("body_id", Uuid),
    Column("visibility", words(Visibility), nullable=False),
    Column("since", Date),
    Column("until", Date),
    Column("retained_until", Date, comment="the last day on which its files are kept; null: for good"),
    Column("edition", Integer, nullable=False, comment="the number of the newest"),
    Column("state", words(State), nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("added_by", Uuid),
    Column("withdrawn_on", Date),
    Column("erased_on", Date, comment="the files are gone"),
    Column("search", TSVECTOR, comment="title, description, and the text of the newest edition as it becomes known"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("until > since", name="period"),
    CheckConstraint("visibility <> 'body' or body_id is not null", name="body"),
    CheckConstraint("(state = 'withdrawn') = (withdrawn_on is not null)", name="withdrawn"),
    CheckConstraint("erased_on is null or state = 'withdrawn'", name="erased"),
    Index("documents_network", "network_id", "id"),
    Index("documents_search", "search", postgresql_using="gin"),
)

editions = Table(
    "document_editions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="and the name of the object in the store"),
    Column("document_id", Uuid, ForeignKey(documents.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("file_name", Words, nullable=False),
    Column("media_type", Words, nullable=False),
    Column("size", BigInteger, nullable=False, comment="bytes"),
    Column("sha256", Words, nullable=False),
    Column("pages", Integer),
    Column("note", Words, nullable=False, comment="what is new"),
    Column("text", words(Text), nullable=False, comment="how far its words are known"),
    Column("text_tries", SmallInteger, nullable=False, server_default=text("0")),
    Column("text_indexed", Integer, nullable=False, server_default=text("0"), comment="characters that are found by"),
    Column("text_lease", DateTime(timezone=True), comment="until when a worker has it"),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("added_by", Uuid),
    Column("erased_on", Date, comment="the file may not be read any more"),
    Column("removed_at", DateTime(timezone=True), comment="it is not in the store any more"),
    CheckConstraint("removed_at is null or erased_on is not null", name="removed"),
    Index("document_editions_number", "document_id", "number", unique=True),
    Index("document_editions_waiting", "id", postgresql_where=text("text = 'waiting'")),
    Index("document_editions_erased", "id", postgresql_where=text("erased_on is not null and removed_at is null")),
)

pages = Table(
    "document_pages",
    mapper.metadata,
    Column("edition_id", Uuid, ForeignKey(editions.c.id), primary_key=True),
    Column("page", Integer, primary_key=True, autoincrement=False),
    Column("text", Words, nullable=False),
    Column("search", TSVECTOR, Computed("to_tsvector('italian_plain'::regconfig, text)", persisted=True)),
    comment="The words of each page (of a file without pages: of each few thousand characters)",
)

readers = Table(
    "document_readers",
    mapper.metadata,
    Column("document_id", Uuid, ForeignKey(documents.c.id), primary_key=True),
    Column("person_id", Uuid, primary_key=True),
    Column("following", Boolean, nullable=False, comment="false: wants to hear of no new edition"),
    Column("edition", Integer, comment="the newest that they downloaded"),
    Column("read_at", DateTime(timezone=True)),
    Index("document_readers_person", "person_id"),
    comment="Who downloaded a document signed in, or asked to follow it: they are told of a new edition",
)

link_keys = Table(
    "document_link_keys",
    mapper.metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("secret", LargeBinary, nullable=False),
    CheckConstraint("one", name="one"),
    comment="With which the short-lived links to files are signed: the same in every process",
)

mapper.map_imperatively(
    Document, documents, version_id_col=documents.c.version, exclude_properties={"updated_at", "search"}
)
mapper.map_imperatively(
    Edition, editions, exclude_properties={"text_tries", "text_indexed", "text_lease", "removed_at"}
)
