"""Where quizzes are kept, what each of their editions asks, and what was answered."""

from __future__ import annotations

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
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from services.learning.quizzes.rules import Attempt, Feedback, Question, Quiz, State, read, written
from services.learning.store import mapper, words


class Questions(TypeDecorator[tuple[Question, ...]]):
    """`[{"id", "kind", "text", "points", "feedback", "options": [{"id", "text", "right"}], "value", "tolerance"}]`."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: tuple[Question, ...] | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return [written(question) for question in value or ()]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Question, ...]:  # noqa: ARG002
        return tuple(read(held) for held in value or ())


class ByQuestion(TypeDecorator[dict[UUID, Any]]):
    """`{question: …}`; null stays null."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else {str(question): said for question, said in value.items()}

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else {UUID(question): said for question, said in value.items()}


quizzes = Table(
    "quizzes",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("intro", Text, nullable=False),
    Column("questions", Questions, nullable=False),
    Column("pass_percent", SmallInteger, nullable=False),
    Column("attempts", SmallInteger, comment="null: as many as one likes"),
    Column("shuffled", Boolean, nullable=False),
    Column("feedback", words(Feedback), nullable=False),
    Column("state", words(State), nullable=False),
    Column("edition", Integer, nullable=False, comment="0: not published yet"),
    Column("published_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    Index("quizzes_network", "network_id", "id"),
)

editions = Table(
    "quiz_editions",
    mapper.metadata,
    Column("quiz_id", Uuid, ForeignKey("quizzes.id"), primary_key=True),
    Column("edition", Integer, primary_key=True),
    Column("questions", Questions, nullable=False),
    Column("pass_percent", SmallInteger, nullable=False),
    comment="What was asked, as those who answered it saw it",
)

attempts = Table(
    "quiz_attempts",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("quiz_id", Uuid, ForeignKey("quizzes.id"), nullable=False),
    Column("edition", Integer, nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("enrolment_id", Uuid, ForeignKey("enrolments.id"), nullable=False),
    Column("round", Integer, nullable=False, comment="the attempt of the enrolment"),
    Column("unit_id", Uuid, nullable=False),
    Column("person_id", Uuid, comment="null: erased, the figures stay"),
    Column("number", Integer, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("submitted_at", DateTime(timezone=True)),
    Column("answers", ByQuestion, comment="null: open, or erased"),
    Column("marks", ByQuestion, comment="points of each question"),
    Column("points", Integer),
    Column("of", Integer),
    Column("passed", Boolean),
    Column("version", Integer, nullable=False),
    CheckConstraint("(submitted_at is null) = (passed is null)", name="submitted"),
    CheckConstraint("(submitted_at is null) = (marks is null)", name="marked"),
    CheckConstraint("answers is null or submitted_at is not null", name="answered"),
    Index("quiz_attempts_numbered", "enrolment_id", "quiz_id", "round", "number", unique=True),
    Index("quiz_attempts_quiz", "quiz_id", "id"),
    Index("quiz_attempts_person", "person_id"),
)

grants = Table(
    "quiz_grants",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("enrolment_id", Uuid, ForeignKey("enrolments.id"), nullable=False),
    Column("quiz_id", Uuid, ForeignKey("quizzes.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("granted_by", Uuid, comment="null: a partner's system"),
    Column("granted_at", DateTime(timezone=True), nullable=False),
    Index("quiz_grants_enrolment", "enrolment_id"),
    comment="Each is one attempt more than the quiz allows",
)

mapper.map_imperatively(Quiz, quizzes, version_id_col=quizzes.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Attempt, attempts, version_id_col=attempts.c.version)
