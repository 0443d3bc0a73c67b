"""Where access requests are kept, the sealed parts until the archive is made, and the archive while it is kept."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from services.registry.access_requests.rules import AccessRequest, State
from services.registry.store import mapper, words

access_requests = Table(
    "access_requests",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("requested_by", Uuid),
    Column("language", Text, nullable=False),
    Column("correlation", Uuid),
    Column("private_key", Text, comment="one JWK, as long as the archive is kept"),
    Column("state", words(State), nullable=False),
    Column("ready_at", DateTime(timezone=True)),
    Column("until", DateTime(timezone=True)),
    Column("closed_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state = 'closed') = (private_key is null)", name="key"),
    CheckConstraint("(state = 'closed') = (closed_on is not null)", name="closed"),
    Index("access_requests_gathering", "person_id", unique=True, postgresql_where=text("state = 'gathering'")),
    Index("access_requests_person", "person_id", "id"),
)

access_answers = Table(
    "access_answers",
    mapper.metadata,
    Column("access_id", Uuid, ForeignKey("access_requests.id"), primary_key=True),
    Column("service", Text, primary_key=True),
    Column("answered_at", DateTime(timezone=True)),
    comment="A row for each service, made when it is asked: who has not answered is a row too",
)

access_parts = Table(
    "access_parts",
    mapper.metadata,
    Column("access_id", Uuid, ForeignKey("access_requests.id"), primary_key=True),
    Column("service", Text, primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("parts", Integer, nullable=False),
    Column("sealed", Text, nullable=False),
    comment="Sealed, until all are here and the archive is made",
)

access_archives = Table(
    "access_archives",
    mapper.metadata,
    Column("access_id", Uuid, ForeignKey("access_requests.id"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("sha256", Text, nullable=False),
)

access_readings = Table(
    "access_readings",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("access_id", Uuid, ForeignKey("access_requests.id"), nullable=False),
    Column("read_at", DateTime(timezone=True), nullable=False),
    Column("read_by", Uuid),
    Column("level", Text, nullable=False),
    Index("access_readings_request", "access_id", "id"),
    comment="Who took the archive, and how they had proved who they are",
)

mapper.map_imperatively(
    AccessRequest, access_requests, version_id_col=access_requests.c.version, exclude_properties={"updated_at"}
)
