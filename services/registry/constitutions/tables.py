"""Where constitution paths are kept, with the founding minutes that were approved and the looks still to be taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    TypeDecorator,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.registry.constitutions.rules import Code, Constitution, Requirement
from services.registry.store import mapper


class RequirementsColumn(TypeDecorator[tuple[Requirement, ...]]):
    """Requirements as a document of their row: they are read and written with it, and never by themselves."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: Sequence[Requirement] | None, dialect: Any) -> list[dict[str, Any]]:  # noqa: ARG002
        return [{"code": each.code, "need": each.need, "have": each.have} for each in value or ()]

    def process_result_value(self, value: Any, dialect: Any) -> tuple[Requirement, ...]:  # noqa: ARG002
        return tuple(Requirement(Code(each["code"]), each["need"], each["have"]) for each in value)


constitutions = Table(
    "constitutions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("body_id", Uuid, ForeignKey("bodies.id"), nullable=False, unique=True),
    Column("territory", Text, nullable=False),
    Column("requirements", RequirementsColumn, nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("assessed_on", Date, nullable=False),
    Column("completed_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("completed_on >= opened_on", name="days"),
    Index("constitutions_network", "network_id", "id"),
    Index("constitutions_open", "network_id", "territory", postgresql_where=text("completed_on is null")),
)

founding_minutes = Table(
    "founding_minutes",
    mapper.metadata,
    Column("body_id", Uuid, primary_key=True),
    Column("minutes_id", Uuid, nullable=False),
    Column("approved_on", Date, nullable=False),
    comment="The first approved and quorate minutes that found a body: told once, by a reaction, and never rebuilt",
)

looks = Table(
    "constitution_looks",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("constitution_id", Uuid, ForeignKey("constitutions.id"), nullable=False),
    Column("on_day", Date, nullable=False),
    Index("constitution_looks_constitution", "constitution_id"),
    comment="What the due table waits for: a path may have come further on that day. A row for each cause, so that "
    "two commands never wait for each other here",
)

mapper.map_imperatively(
    Constitution, constitutions, version_id_col=constitutions.c.version, exclude_properties={"updated_at"}
)
