"""Where courses are kept. The units are a document: they are read and changed together, and their order is theirs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Date, DateTime, Dialect, Index, Integer, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from services.learning.courses.rules import Course, Kind, State, Unit
from services.learning.store import mapper, words

IDS = ("id", "document_id", "quiz_id", "meeting_id", "series_id", "body_id", "course_id")


class Units(TypeDecorator[tuple[Unit, ...]]):
    """`[{"id", "title", "kind", …}]` in the database (what a unit has not is left out), units in the code."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: tuple[Unit, ...] | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return [written(unit) for unit in value or ()]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Unit, ...]:  # noqa: ARG002
        return tuple(_read(held) for held in value or ())


def written(unit: Unit) -> dict[str, Any]:
    held = {name: value for name, value in asdict(unit).items() if value not in (None, "", False)}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in held.items()}


def _read(held: dict[str, Any]) -> Unit:
    values: dict[str, Any] = {name: UUID(value) if name in IDS and value else value for name, value in held.items()}
    if values.get("kind"):
        values["kind"] = Kind(values["kind"])
    return Unit(**values)


courses = Table(
    "courses",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("units", Units, nullable=False),
    Column("state", words(State), nullable=False),
    Column("published_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    Index("courses_network", "network_id", "id"),
)

mapper.map_imperatively(Course, courses, version_id_col=courses.c.version, exclude_properties={"updated_at"})
