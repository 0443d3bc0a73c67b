"""Where an import of places is kept: the job, the bytes that came, and what became of each row.

The bytes are in the database, not in a folder: they survive a kill, and any process of the service can go on with them.
"""

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
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.mapping.store import mapper

STATUSES = ("running", "mapping", "previewed", "done", "failed", "undoing", "undone")

place_imports = Table(
    "place_imports",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("requested_by", Uuid),
    Column("correlation", Uuid, comment="Of the request: all that follows from it is one journey"),
    Column("language", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("options", JSONB, nullable=False, comment="What all rows have: kind, visibility, organisation, validated"),
    Column("status", Text, nullable=False),
    Column("applying", Boolean, nullable=False, comment="False: a preview, which writes rows of the report only"),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("total", Integer),
    Column("created", Integer, nullable=False, server_default=text("0")),
    Column("updated", Integer, nullable=False, server_default=text("0")),
    Column("unchanged", Integer, nullable=False, server_default=text("0")),
    Column("rejected", Integer, nullable=False, server_default=text("0")),
    Column("line", Integer, nullable=False, server_default=text("0"), comment="The last one that was committed"),
    Column("found", JSONB, comment="What the file turned out to be: kind, encoding, delimiter, columns"),
    Column("chosen", JSONB, nullable=False, server_default=text("'{}'")),  # as corrected: the column of each field
    Column("constants", JSONB, nullable=False, server_default=text("'{}'")),  # what stands in every row
    Column("header_line", Integer),
    Column("undone", Integer, nullable=False, server_default=text("0")),
    Column("kept", Integer, nullable=False, server_default=text("0")),
    Column("undo_until", DateTime(timezone=True)),  # set when it is done
    Column("reason", Text, comment="Why it failed, in the requester's language"),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("worker", Uuid),
    Column("lease_until", DateTime(timezone=True)),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint(f"status in ({', '.join(map(repr, STATUSES))})", name="status"),
    Index("place_imports_network", "network_id", "id"),
    Index("place_imports_running", "requested_at", postgresql_where=text("status in ('running', 'undoing')")),
)

place_import_files = Table(
    "place_import_files",
    mapper.metadata,
    Column("import_id", Uuid, ForeignKey("place_imports.id", ondelete="CASCADE"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

place_import_rows = Table(
    "place_import_rows",
    mapper.metadata,
    Column("import_id", Uuid, ForeignKey("place_imports.id", ondelete="CASCADE"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("place_id", Uuid),
    Column("municipality", Text),
    Column("phone", Text),
    Column("problem", Text, comment="Why it was refused, and what was healed, in the requester's language"),
    Column("code", Text, comment="Of the first problem, `field.code`: what a fact may say"),
    Column("content", JSONB, comment="The row as read; none when it could not be read"),
    Column("changes", JSONB),  # by field, what it was and what it became
    Column("made", JSONB),  # of a place that this row made: how it was then
    Column("undone", Boolean),  # taken back; False: not all of it, and `kept` says why
    Column("kept", Text),
    CheckConstraint("outcome in ('created', 'updated', 'unchanged', 'rejected')", name="outcome"),
    Index("place_import_rows_identity", "import_id", "identity"),
    Index("place_import_rows_place", "import_id", "place_id"),
)
