"""Where an import is kept: the job, the bytes that came, and what became of each row.

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

from services.registry.store import mapper

STATUSES = ("running", "mapping", "previewed", "done", "failed", "undoing", "undone")

imports = Table(
    "imports",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("of", Text, nullable=False, server_default=text("'organisations'")),
    Column("parent_id", Uuid, ForeignKey("organisations.id")),  # of whom the rows are affiliates
    Column("requested_by", Uuid),
    Column("correlation", Uuid),  # of the request: all that follows from it is one journey
    Column("language", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("applying", Boolean, nullable=False),  # False: a preview, which writes rows of the report only
    Column(
        "staged", Boolean, nullable=False, server_default=text("false")
    ),  # the rows are here already, from a preview
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("total", Integer),
    Column("created", Integer, nullable=False, server_default=text("0")),
    Column("updated", Integer, nullable=False, server_default=text("0")),
    Column("unchanged", Integer, nullable=False, server_default=text("0")),
    Column("rejected", Integer, nullable=False, server_default=text("0")),
    Column("line", Integer, nullable=False, server_default=text("0")),  # the last one that was committed
    Column("found", JSONB),  # what the file turned out to be: kind, encoding, delimiter, columns
    # What somebody has corrected: the position of a field's column, what stands in every row, where the header is.
    Column("chosen", JSONB, nullable=False, server_default=text("'{}'")),
    Column("constants", JSONB, nullable=False, server_default=text("'{}'")),
    Column("header_line", Integer),
    Column("reason", Text),  # why it failed, in the requester's language
    Column("undone", Integer, nullable=False, server_default=text("0")),
    Column("kept", Integer, nullable=False, server_default=text("0")),
    Column("undo_until", DateTime(timezone=True)),  # set when it is done
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("worker", Uuid),
    Column("lease_until", DateTime(timezone=True)),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint(f"status in ({', '.join(map(repr, STATUSES))})", name="status"),
    CheckConstraint("of in ('organisations', 'affiliates', 'representatives')", name="of"),
    CheckConstraint("(of = 'affiliates') = (parent_id is not null)", name="parent"),
    Index("imports_network", "network_id", "id"),
    Index("imports_running", "requested_at", postgresql_where=text("status in ('running', 'undoing')")),
)

import_files = Table(
    "import_files",
    mapper.metadata,
    Column("import_id", Uuid, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

import_rows = Table(
    "import_rows",
    mapper.metadata,
    Column("import_id", Uuid, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("identity", Text, nullable=False),  # by which an earlier row about the same organisation is found
    Column("tax_code", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("organisation_id", Uuid),
    Column("person_id", Uuid),
    Column("mandate_id", Uuid),
    Column("entered", Boolean),  # this row is why the person is in the register
    Column("municipality", Text),
    Column("problem", Text),
    Column("code", Text),  # of the first problem, `field.code`: what a fact may say
    Column("content", JSONB),  # the row as read; none when it could not be read, or names people and has been taken
    Column("changes", JSONB),  # by field, what it was and what it became
    Column("undone", Boolean),  # taken back; False: not all of it, and `kept` says why
    Column("kept", Text),
    CheckConstraint("outcome in ('created', 'updated', 'unchanged', 'rejected')", name="outcome"),
    Index("import_rows_identity", "import_id", "identity"),
    Index("import_rows_undone", "organisation_id", postgresql_where=text("undone")),
    Index("import_rows_person", "person_id", postgresql_where=text("person_id is not null")),
)
