"""The register of erasures: what was asked of whom, what they answered, and the names that are out of sight."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.registry.erasures.rules import Erasure, Phase
from services.registry.people.tables import people
from services.registry.store import mapper, words

erasures = Table(
    "erasures",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey(people.c.id), nullable=False),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("opened_by", Uuid),
    Column("correlation", Uuid),
    Column("phase", words(Phase), nullable=False),
    Column("erase_on", Date),
    Column("mandate_id", Uuid),
    Column("mandate_ends", Date),
    Column("person_version", Integer, nullable=False),
    Column("closed_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("phase not in ('waiting', 'quarantine', 'erase') or erase_on is not null", name="day"),
    Index("erasures_open", "person_id", unique=True, postgresql_where=text("closed_on is null")),
    Index("erasures_person", "person_id", "id"),
)

answers = Table(
    "erasure_answers",
    mapper.metadata,
    Column("erasure_id", Uuid, ForeignKey("erasures.id"), primary_key=True),
    Column("asked", Integer, primary_key=True, autoincrement=False, comment="the version of the erasure that asks"),
    Column("service", Text, primary_key=True),
    Column("phase", words(Phase), nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("answered_at", DateTime(timezone=True)),
    Column("holdings", JSONB, nullable=False, server_default=text("'[]'")),
    Column("mentions", JSONB, nullable=False, server_default=text("'[]'")),
    Column("mentioned", Integer, nullable=False, server_default=text("0")),
    comment="A row for each service and phase, made when it is asked: who has not answered is a row too",
)

quarantined = Table(
    "quarantined_people",
    mapper.metadata,
    Column("person_id", Uuid, ForeignKey(people.c.id), primary_key=True),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("email", Text),
    Column("email_verified_at", DateTime(timezone=True)),
    Column("phone", Text),
    comment="What `people` said of those in quarantine: no list, no search and no fact reads it here",
)

stream_erasures = Table(
    "stream_erasures",
    mapper.metadata,
    Column("person_id", Uuid, ForeignKey(people.c.id), primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Column("messages", Integer),
    Index("stream_erasures_due", "since", postgresql_where=text("done_at is null")),
    comment="Erased people whose facts the stream has until they are deleted there, one by one",
)

mapper.map_imperatively(Erasure, erasures, version_id_col=erasures.c.version, exclude_properties={"updated_at"})
