"""Where assessments, who is asked, their answers and the figures of groups are kept.

Answers are in the row of the request alone: when its person is erased they go, and the figures stay.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
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
from sqlalchemy.types import TypeDecorator

from services.learning.assessments.measuring import Of
from services.learning.assessments.rules import Assessment, Competence, Part, Phase, RequestState, State, item_like
from services.learning.store import mapper, words


class Competences(TypeDecorator[tuple[Competence, ...]]):
    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        kept = [asdict(competence) for competence in value or ()]
        for competence in kept:
            for item in competence["items"]:
                item["id"] = str(item["id"])
        return kept

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Competence, ...]:  # noqa: ARG002
        return tuple(
            Competence(one["code"], one["title"], tuple(item_like(item) for item in one["items"]))
            for one in value or ()
        )


class Audience(TypeDecorator[tuple[Part, ...]]):
    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return [
            {
                name: [str(one) for one in found] if isinstance(found, tuple) else found
                for name, found in asdict(part).items()
            }
            for part in value or ()
        ]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Part, ...]:  # noqa: ARG002
        return tuple(
            Part(
                part["cohort"],
                tuple(part["roles"]),
                tuple(UUID(one) for one in part["bodies"]),
                tuple(part["territories"]),
                tuple(UUID(one) for one in part["paths"]),
                tuple(UUID(one) for one in part["people"]),
            )
            for part in value or ()
        )


class Answers(TypeDecorator[dict[UUID, int]]):
    """`{item: answer}`."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else {str(item): answer for item, answer in value.items()}

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else {UUID(item): answer for item, answer in value.items()}


assessments = Table(
    "assessments",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("competences", Competences, nullable=False),
    Column("audience", Audience, nullable=False),
    Column("state", words(State), nullable=False),
    Column("closes_on", Date, comment="the last day of the phase that is open"),
    Column("before_on", Date),
    Column("after_on", Date),
    Column("closed_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state in ('before', 'after')) = (closes_on is not null)", name="open"),
    CheckConstraint("(state = 'closed') = (closed_on is not null)", name="closed"),
    Index("assessments_network", "network_id", "id"),
)

requests = Table(
    "assessment_requests",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("assessment_id", Uuid, ForeignKey("assessments.id"), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("phase", words(Phase), nullable=False),
    Column("person_id", Uuid, comment="null: erased, and the answers with them"),
    Column("bodies", ARRAY(Uuid, as_tuple=True), nullable=False, server_default=text("'{}'")),
    Column("region", Text),
    Column("cohort", Text),
    Column("path_id", Uuid, comment="because of which they are asked"),
    Column("state", words(RequestState), nullable=False),
    Column("answers", Answers),
    Column("draft", Answers, comment="what was answered so far, and not sent"),
    Column("answered_at", DateTime(timezone=True)),
    Column("entered_by", Uuid, comment="who typed what was answered on paper; null: they themselves"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state = 'answered') = (answered_at is not null)", name="answered"),
    Index("assessment_requests_once", "assessment_id", "phase", "person_id", unique=True),
    Index("assessment_requests_list", "assessment_id", "id"),
    Index("assessment_requests_person", "person_id", "id"),
)

gaps = Table(
    "assessment_gaps",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("assessment_id", Uuid, ForeignKey("assessments.id"), nullable=False),
    Column("place", Integer, nullable=False, comment="in the table of results"),
    Column("competence", Text, nullable=False, comment="its code"),
    Column("of", words(Of), nullable=False),
    Column("body_id", Uuid),
    Column("territory", Text),
    Column("cohort", Text),
    Column("n", Integer, comment="null: not shown, and then no figure is kept"),
    Column("before", Float, comment="percent"),
    Column("after", Float, comment="percent"),
    Column("gain", Float, comment="of what was missing; null: nothing was"),
    CheckConstraint("n >= 5", name="few"),
    CheckConstraint("(n is null) = (before is null) and (n is null) = (after is null)", name="shown"),
    Index("assessment_gaps_list", "assessment_id", "place", unique=True),
)

mapper.map_imperatively(
    Assessment, assessments, version_id_col=assessments.c.version, exclude_properties={"updated_at"}
)
