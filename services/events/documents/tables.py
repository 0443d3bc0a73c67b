"""Where the documents of meetings are kept, files and links."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from services.events.documents.rules import Document
from services.events.meetings.tables import meetings
from services.events.store import mapper

documents = Table(
    "meeting_documents",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("meeting_id", Uuid, ForeignKey(meetings.c.id), nullable=False),
    Column("item", SmallInteger, comment="the number on the agenda, from 1; null: of the whole meeting"),
    Column("title", Text, nullable=False),
    Column("url", Text),
    Column("file_name", Text),
    Column("media_type", Text),
    Column("size", Integer, comment="bytes"),
    Column("sha256", Text),
    Column("content", LargeBinary),
    Column("public", Boolean, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("added_by", Uuid),
    CheckConstraint("(url is null) <> (content is null)", name="link_or_file"),
    CheckConstraint(
        "(content is null) = (file_name is null) and (content is null) = (media_type is null)"
        " and (content is null) = (size is null) and (content is null) = (sha256 is null)",
        name="file",
    ),
    Index("meeting_documents_meeting", "meeting_id", "id"),
)

# a file is read by who downloads it, not with every list
mapper.map_imperatively(Document, documents, exclude_properties={"content"})
