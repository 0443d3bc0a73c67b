"""Where paths are kept. The units are a document: they are read and changed together, and their order is theirs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    Date,
    DateTime,
    Dialect,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.types import TypeDecorator

from services.learning.courses.tables import Units
from services.learning.paths.rules import Admission, Audience, Path, State
from services.learning.store import mapper, words
from shared.access.roles import Role


class Roles(TypeDecorator[tuple[Role, ...]]):
    impl = ARRAY(Text)
    cache_ok = True

    def process_bind_param(self, value: tuple[Role, ...] | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return [str(role) for role in value or ()]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Role, ...]:  # noqa: ARG002
        return tuple(Role(role) for role in value or ())


paths = Table(
    "paths",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("audience", words(Audience), nullable=False),
    Column("enrolment", words(Admission), nullable=False),
    Column("roles", Roles, nullable=False),
    Column("territories", ARRAY(Text, as_tuple=True), nullable=False, server_default=text("'{}'")),
    Column("bodies", ARRAY(Uuid, as_tuple=True), nullable=False, server_default=text("'{}'")),
    Column("due_days", SmallInteger),
    Column("renewed_after_months", SmallInteger),
    Column("units", Units, nullable=False),
    Column("state", words(State), nullable=False),
    Column("published_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    Index("paths_network", "network_id", "id"),
)

mapper.map_imperatively(Path, paths, version_id_col=paths.c.version, exclude_properties={"updated_at"})
