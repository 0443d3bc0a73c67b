"""Where enrolments are kept, and the mandates that are their grounds.

A ground is a mandate because of which its holder is on a path. The grounds are this service's own and no projection of
mandates: a rebuild, during which mandates are missing for a while, must not make anybody's enrolment end.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    Table,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from services.learning.enrolments.rules import Enrolment, State
from services.learning.paths.rules import Admission
from services.learning.store import mapper, words


class Done(TypeDecorator[dict[UUID, datetime]]):
    """`{unit: instant}`."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return {str(unit): at.isoformat() for unit, at in (value or {}).items()}

    def process_result_value(self, value: Any, dialect: Dialect) -> dict[UUID, datetime]:  # noqa: ARG002
        return {UUID(unit): datetime.fromisoformat(at) for unit, at in (value or {}).items()}


enrolments = Table(
    "enrolments",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("path_id", Uuid, ForeignKey("paths.id"), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("person_id", Uuid, comment="null: erased, the figures stay"),
    Column("mandate_id", Uuid, comment="the one that opened it"),
    Column("how", words(Admission), nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("due", Date),
    Column("state", words(State), nullable=False),
    Column("done", Done, nullable=False, server_default=text("'{}'")),
    Column("completed_at", DateTime(timezone=True)),
    Column("completed_units", Integer),
    Column("ended_on", Date),
    Column("left", Boolean, nullable=False, server_default=false(), comment="ended because the person left"),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state = 'completed') = (completed_at is not null)", name="completed"),
    CheckConstraint("(completed_at is null) = (completed_units is null)", name="completed_units"),
    CheckConstraint("(state = 'ended') = (ended_on is not null)", name="ended"),
    Index("enrolments_once", "path_id", "person_id", unique=True),
    Index("enrolments_network", "network_id", "id"),
    Index("enrolments_person", "person_id", "id"),
)

attempts = Table(
    "enrolment_attempts",
    mapper.metadata,
    Column("enrolment_id", Uuid, ForeignKey("enrolments.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("opened_on", Date, nullable=False),
    Column("due", Date),
    Column("completed_at", DateTime(timezone=True), nullable=False),
    Column("completed_units", Integer, nullable=False),
    Column("done", Done, nullable=False),
    comment="Completed before, and renewed since",
)

grounds = Table(
    "enrolment_grounds",
    mapper.metadata,
    Column("mandate_id", Uuid, primary_key=True),
    Column("path_id", Uuid, primary_key=True),
    Column("enrolment_id", Uuid, ForeignKey("enrolments.id"), nullable=False),
    Column("over", Boolean, nullable=False, server_default=false(), comment="the mandate has ended"),
    Index("enrolment_grounds_enrolment", "enrolment_id"),
)

mapper.map_imperatively(Enrolment, enrolments, version_id_col=enrolments.c.version, exclude_properties={"updated_at"})
